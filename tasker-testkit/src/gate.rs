//! Places where tasks and resources wait until a test lets them go on.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tasker_core::parker;
use tasker_core::sync::{Arc, Lock};

/// A place where tasks, and the calls of a resource, wait until a test lets them go on.
///
/// Clones are the same gate. Waiting there counts as resting, so a fake clock can move meanwhile.
#[derive(Clone, Default)]
pub struct Gate {
    state: Arc<Lock<State>>,
}

#[derive(Default)]
struct State {
    open: bool,
    permits: usize,
    waiting: BTreeMap<u64, Waker>,
    next: u64,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets through everybody who waits or comes, for good.
    pub fn open(&self) {
        let mut state = self.state.lock();
        state.open = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_values().for_each(Waker::wake);
    }

    /// Lets `count` through, those who wait or those who come.
    pub fn admit(&self, count: usize) {
        let mut state = self.state.lock();
        state.permits += count;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_values().for_each(Waker::wake);
    }

    /// How many wait here now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.state.lock().waiting.len()
    }

    /// Waits here, in async code.
    pub fn pass(&self) -> Pass {
        Pass { gate: self.clone(), id: None }
    }

    /// Waits here, blocking the thread.
    pub fn wait(&self) {
        parker::block_on(self.pass());
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Gate")
            .field("open", &state.open)
            .field("waiting", &state.waiting.len())
            .finish_non_exhaustive()
    }
}

/// Completes when its gate lets it through.
#[must_use]
#[derive(Debug)]
pub struct Pass {
    gate: Gate,
    id: Option<u64>,
}

impl Future for Pass {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let gate = self.gate.clone();
        let mut state = gate.state.lock();
        if let Some(id) = self.id.take() {
            state.waiting.remove(&id);
        }
        if state.open {
            return Poll::Ready(());
        }
        if state.permits > 0 {
            state.permits -= 1;
            return Poll::Ready(());
        }
        state.next += 1;
        self.id = Some(state.next);
        let id = state.next;
        state.waiting.insert(id, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.gate.state.lock().waiting.remove(&id);
        }
    }
}
