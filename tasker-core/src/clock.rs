//! Where time comes from.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::activity::Activity;
use crate::parker::Parker;
use crate::sync::Arc;
use crate::time::Timestamp;

/// Tells a pool the time, and lets a thread wait for a moment.
///
/// Every pool takes a clock. Use the backend's own; a test gives the testkit's `FakeClock`.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time since this clock began. Never goes back.
    fn now(&self) -> Timestamp;

    /// Waits on the calling thread until `parker` is woken or `deadline` has come. May return early.
    fn park_until(&self, parker: &Parker, deadline: Timestamp);

    /// What counts active workers, for a clock that has to know when nothing moves. Real clocks have none.
    #[doc(hidden)]
    fn activity(&self) -> Option<Arc<Activity>> {
        None
    }
}

/// A future that completes when its moment has come.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A clock that a future can wait for too, as the async backends need it.
pub trait AsyncClock: Clock {
    /// Completes once `now() >= deadline`.
    fn sleep_until(&self, deadline: Timestamp) -> Sleep;
}

/// The real, monotonic clock of the system.
#[derive(Clone, Debug)]
pub struct SystemClock {
    #[expect(clippy::disallowed_types, reason = "the one real clock")]
    origin: std::time::Instant,
}

impl SystemClock {
    /// A clock that begins now.
    #[must_use]
    pub fn new() -> Self {
        #[expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "the one real clock")]
        Self { origin: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> Timestamp {
        Timestamp::ZERO.saturating_add(self.origin.elapsed())
    }

    fn park_until(&self, parker: &Parker, deadline: Timestamp) {
        park_for(parker, deadline, self.now());
    }
}

/// Waits on `parker` for as long as `deadline` is away, for clocks that run at the system's pace.
pub fn park_for(parker: &Parker, deadline: Timestamp, now: Timestamp) {
    /// Longer waits are cut: some systems refuse them, and a wait may always end early.
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let left = deadline.saturating_since(now);
    if !left.is_zero() {
        parker.park_timeout(left.min(LONGEST));
    }
}

#[cfg(all(test, not(any(tasker_loom, tasker_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_rests_until_its_moment_has_come_or_it_is_woken() {
        let (clock, parker) = (SystemClock::new(), Parker::new());
        let moment = clock.now().saturating_add(Duration::from_millis(2));
        let mut waits = 0;
        while clock.now() < moment {
            clock.park_until(&parker, moment);
            waits += 1;
        }
        assert!(waits < 50, "waits may end early, but not {waits} times");
        clock.park_until(&parker, moment);
        parker.waker().wake();
        clock.park_until(&parker, Timestamp::MAX);
    }
}
