//! Time that moves when a test says so, and at no other moment.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tasker_core::parker::Parker;
use tasker_core::{AsyncClock, Clock, Sleep, Timestamp};

/// A clock that stands still until it leaps. Clones are the same clock.
///
/// Unlike the testkit's it does not wait until nothing moves: a timer may fire at any moment of a schedule. Its lock is
/// std's, and never held where shuttle may turn to another thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hands(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    now: Timestamp,
    next: u64,
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
}

impl Hands {
    /// Moves time on, and wakes whoever slept to a moment up to then.
    pub(crate) fn leap(&self, by: Duration) {
        let mut state = self.state();
        let now = state.now.saturating_add(by);
        state.now = now;
        let later = state.sleepers.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut state.sleepers, later);
        drop(state);
        due.into_values().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes `waker` at `due`; `None` if that has come.
    fn enlist(&self, due: Timestamp, waker: &Waker) -> Option<u64> {
        let mut state = self.state();
        if state.now >= due {
            return None;
        }
        state.next += 1;
        let id = state.next;
        state.sleepers.insert((due, id), waker.clone());
        Some(id)
    }

    fn strike(&self, due: Timestamp, id: u64) {
        let struck = self.state().sleepers.remove(&(due, id));
        drop(struck);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn park_until(&self, parker: &Parker, deadline: Timestamp) {
        if let Some(id) = self.enlist(deadline, &parker.waker()) {
            parker.park();
            self.strike(deadline, id);
        }
    }
}

impl AsyncClock for Hands {
    fn sleep_until(&self, deadline: Timestamp) -> Sleep {
        Box::pin(Sleeper { hands: self.clone(), deadline, id: None })
    }
}

struct Sleeper {
    hands: Hands,
    deadline: Timestamp,
    id: Option<u64>,
}

impl Sleeper {
    fn strike(&mut self) {
        if let Some(id) = self.id.take() {
            self.hands.strike(self.deadline, id);
        }
    }
}

impl Future for Sleeper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.strike();
        self.id = self.hands.enlist(self.deadline, cx.waker());
        if self.id.is_some() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.strike();
    }
}
