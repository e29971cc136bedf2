//! A value that is set once and that any number of callers wait for.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::sync::Lock;

/// A value that is set once and that any number of callers wait for, awaiting or blocking.
pub struct Latch<T> {
    state: Lock<State<T>>,
}

struct State<T> {
    value: Option<T>,
    waiting: BTreeMap<u64, Waker>,
    next: u64,
}

impl<T> Default for Latch<T> {
    fn default() -> Self {
        Self { state: Lock::new(State { value: None, waiting: BTreeMap::new(), next: 0 }) }
    }
}

impl<T: Clone> Latch<T> {
    /// Sets the value, if none is set yet.
    pub fn set(&self, value: T) {
        let mut state = self.state.lock();
        if state.value.is_some() {
            return;
        }
        state.value = Some(value);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        for waker in waiting.into_values() {
            super::quietly(|| waker.wake());
        }
    }

    /// The value, if it is set.
    pub fn get(&self) -> Option<T> {
        self.state.lock().value.clone()
    }

    /// Waits for the value. May be dropped and called again; nothing is left of a wait that was given up.
    pub const fn wait(&self) -> LatchWait<'_, T> {
        LatchWait { latch: self, id: None }
    }
}

/// Waits for the value of a [`Latch`].
#[must_use]
pub struct LatchWait<'a, T> {
    latch: &'a Latch<T>,
    id: Option<u64>,
}

impl<T: Clone> Future for LatchWait<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let waker = cx.waker().clone();
        let mut state = self.latch.state.lock();
        if let Some(value) = &state.value {
            return Poll::Ready(value.clone());
        }
        let id = self.id.unwrap_or(state.next);
        state.next = state.next.max(id + 1);
        let before = state.waiting.insert(id, waker);
        drop(state);
        drop(before);
        self.id = Some(id);
        Poll::Pending
    }
}

impl<T> Drop for LatchWait<'_, T> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let waker = self.latch.state.lock().waiting.remove(&id);
            drop(waker);
        }
    }
}

impl<T> fmt::Debug for LatchWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LatchWait").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Latch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latch").field("set", &self.state.lock().value.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll<T: Clone>(wait: &mut LatchWait<'_, T>) -> Poll<T> {
        Pin::new(wait).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn nothing_is_left_of_waits_that_were_given_up() {
        let latch = Latch::default();
        for _ in 0..3 {
            assert!(poll(&mut latch.wait()).is_pending());
        }
        let mut wait = latch.wait();
        assert!(poll(&mut wait).is_pending());
        assert!(poll(&mut wait).is_pending());
        assert_eq!(latch.state.lock().waiting.len(), 1);
        latch.set(7);
        assert_eq!(poll(&mut wait), Poll::Ready(7));
    }
}
