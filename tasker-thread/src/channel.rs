//! What stands in for crossbeam's channel where shuttle has to see it: the same names, over core's lock.

use std::collections::VecDeque;
use std::sync::Arc;

use tasker_core::sync::Lock;

/// Where messages are sent.
pub(crate) struct Sender<T>(Arc<Lock<State<T>>>);

/// Where they are received.
pub(crate) struct Receiver<T>(Arc<Lock<State<T>>>);

struct State<T> {
    messages: VecDeque<T>,
    closed: bool,
}

/// A channel that holds any number of messages.
pub(crate) fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    let state = Arc::new(Lock::new(State { messages: VecDeque::new(), closed: false }));
    (Sender(Arc::clone(&state)), Receiver(state))
}

impl<T> Sender<T> {
    /// Leaves `message`, or hands it back if nobody receives any more.
    pub(crate) fn send(&self, message: T) -> Result<(), T> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(message);
        }
        state.messages.push_back(message);
        Ok(())
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().messages.len()
    }
}

impl<T> Receiver<T> {
    /// The next message, if there is one.
    pub(crate) fn try_recv(&self) -> Result<T, Empty> {
        self.0.lock().messages.pop_front().ok_or(Empty)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.messages);
        drop(state);
        drop(waiting);
    }
}

/// No message waits.
pub(crate) struct Empty;
