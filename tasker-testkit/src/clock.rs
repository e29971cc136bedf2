//! Time that moves only when told.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tasker_core::activity::Activity;
use tasker_core::parker::Parker;
use tasker_core::sync::{Arc, Lock};
use tasker_core::{AsyncClock, Clock, Sleep, Timestamp};

/// A clock that moves only when told, and that knows when the pools on it have come to rest.
///
/// Clones are the same clock. Give one to a pool with `builder.clock(..)`; then [`advance`](Self::advance) drives all
/// of the pool's timers in their order, and lets the pool come to rest after each, so that what is decided does not
/// depend on the machine.
///
/// ```
/// use std::time::Duration;
/// use tasker_core::{Clock, Timestamp};
/// use tasker_testkit::FakeClock;
///
/// let clock = FakeClock::new();
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(clock.now().saturating_since(Timestamp::ZERO), Duration::from_secs(3600));
/// ```
#[derive(Clone, Default)]
pub struct FakeClock {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Lock<State>,
    activity: Arc<Activity>,
}

#[derive(Default)]
struct State {
    now: Timestamp,
    next: u64,
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
}

impl FakeClock {
    /// A clock at its beginning.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves time on by `by`, stopping at each moment somebody sleeps to and waiting there until nothing moves.
    ///
    /// Blocks while workers are active, so it must not be called by one, nor inside a current-thread runtime that
    /// has the workers to run: there, await [`advance_async`](Self::advance_async).
    pub fn advance(&self, by: Duration) {
        let target = self.now().saturating_add(by);
        self.settle();
        while self.step(target) {
            self.settle();
        }
    }

    /// [`advance`](Self::advance) for async code.
    pub async fn advance_async(&self, by: Duration) {
        let target = self.now().saturating_add(by);
        self.settle_async().await;
        while self.step(target) {
            self.settle_async().await;
        }
    }

    /// Waits until nothing moves: every worker and control loop waits for a task, a gate or the clock.
    pub fn settle(&self) {
        self.shared.activity.wait_quiet();
    }

    /// [`settle`](Self::settle) for async code.
    pub async fn settle_async(&self) {
        poll_fn(|cx| self.shared.activity.poll_quiet(cx)).await;
    }

    /// Moves time on in one leap, as a machine does that was suspended: nobody runs at the moments in between.
    pub fn jump(&self, by: Duration) {
        let mut state = self.shared.state.lock();
        state.now = state.now.saturating_add(by);
        let woken = state.wake_due();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        self.settle();
    }

    /// The next moment somebody sleeps to.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.shared.state.lock().sleepers.first_key_value().map(|((due, _), _)| *due)
    }

    /// Moves to the next moment somebody sleeps to, or to `target` if that comes first: then there is no more to do.
    fn step(&self, target: Timestamp) -> bool {
        let mut state = self.shared.state.lock();
        let due = state.sleepers.first_key_value().map(|((due, _), _)| *due).filter(|&due| due <= target);
        state.now = state.now.max(due.unwrap_or(target));
        let woken = state.wake_due();
        drop(state);
        let any = !woken.is_empty();
        woken.into_iter().for_each(Waker::wake);
        any
    }
}

impl State {
    fn wake_due(&mut self) -> Vec<Waker> {
        let mut woken = Vec::new();
        while let Some(entry) = self.sleepers.first_entry().filter(|entry| entry.key().0 <= self.now) {
            woken.push(entry.remove());
        }
        woken
    }
}

impl Shared {
    /// Wakes `waker` at `due`; `None` if that has come.
    fn enlist(&self, due: Timestamp, waker: &Waker) -> Option<u64> {
        let mut state = self.state.lock();
        if state.now >= due {
            return None;
        }
        state.next += 1;
        let id = state.next;
        state.sleepers.insert((due, id), waker.clone());
        Some(id)
    }

    fn strike(&self, due: Timestamp, id: u64) {
        self.state.lock().sleepers.remove(&(due, id));
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        self.shared.state.lock().now
    }

    fn park_until(&self, parker: &Parker, deadline: Timestamp) {
        if let Some(id) = self.shared.enlist(deadline, &parker.waker()) {
            parker.park();
            self.shared.strike(deadline, id);
        }
    }

    fn activity(&self) -> Option<Arc<Activity>> {
        Some(Arc::clone(&self.shared.activity))
    }
}

impl AsyncClock for FakeClock {
    fn sleep_until(&self, deadline: Timestamp) -> Sleep {
        Box::pin(FakeSleep { shared: Arc::clone(&self.shared), deadline, id: None })
    }
}

struct FakeSleep {
    shared: Arc<Shared>,
    deadline: Timestamp,
    id: Option<u64>,
}

impl FakeSleep {
    fn strike(&mut self) {
        if let Some(id) = self.id.take() {
            self.shared.strike(self.deadline, id);
        }
    }
}

impl Future for FakeSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.strike();
        self.id = self.shared.enlist(self.deadline, cx.waker());
        if self.id.is_some() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for FakeSleep {
    fn drop(&mut self) {
        self.strike();
    }
}

impl fmt::Debug for FakeClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state.lock();
        f.debug_struct("FakeClock")
            .field("now", &state.now)
            .field("sleepers", &state.sleepers.keys().map(|(due, _)| *due).collect::<Vec<_>>())
            .field("activity", &self.shared.activity)
            .finish_non_exhaustive()
    }
}
