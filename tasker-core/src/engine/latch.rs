//! A value that is set once and that any number of callers wait for.

use std::fmt;
use std::task::{Poll, Waker};

use crate::sync::Lock;

/// A value that is set once and that any number of callers wait for, awaiting or blocking.
pub struct Latch<T> {
    state: Lock<State<T>>,
}

struct State<T> {
    value: Option<T>,
    waiting: Vec<Waker>,
}

impl<T> Default for Latch<T> {
    fn default() -> Self {
        Self { state: Lock::new(State { value: None, waiting: Vec::new() }) }
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
        for waker in waiting {
            super::quietly(|| waker.wake());
        }
    }

    /// The value, if it is set; otherwise `waker` will be called.
    pub fn poll(&self, waker: &Waker) -> Poll<T> {
        let mut state = self.state.lock();
        if let Some(value) = &state.value {
            return Poll::Ready(value.clone());
        }
        if !state.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
            state.waiting.push(waker.clone());
        }
        Poll::Pending
    }

    /// The value, if it is set.
    pub fn get(&self) -> Option<T> {
        self.state.lock().value.clone()
    }

    /// Waits for the value.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub async fn wait(&self) -> T {
        std::future::poll_fn(|cx| self.poll(cx.waker())).await
    }
}

impl<T> fmt::Debug for Latch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latch").field("set", &self.state.lock().value.is_some()).finish_non_exhaustive()
    }
}
