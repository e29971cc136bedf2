//! Callbacks for a task's result.

use std::task::{Wake, Waker};

use crate::error::TaskError;
use crate::sync::{Arc, Lock};
use crate::task::TaskHandle;

/// Calls `callback` with the result, now or when it comes.
pub(super) fn call<T, E, F>(mut handle: TaskHandle<T, E>, callback: F)
where
    T: Send + 'static,
    E: Send + 'static,
    F: FnOnce(Result<T, TaskError<E>>) + Send + 'static,
{
    handle.unlisten();
    let waiting = Arc::new(OnComplete { state: Lock::new(None) });
    let waker = Waker::from(Arc::clone(&waiting));
    let mut state = waiting.state.lock();
    // Under the lock: whoever is told of the result before it is here waits for it.
    let listens = state.insert((handle, callback)).0.listen(&waker);
    drop(state);
    if !listens {
        waker.wake();
    }
}

/// Waits in the place of a waker.
struct OnComplete<T, E, F> {
    state: Lock<Option<(TaskHandle<T, E>, F)>>,
}

impl<T, E, F> Wake for OnComplete<T, E, F>
where
    T: Send + 'static,
    E: Send + 'static,
    F: FnOnce(Result<T, TaskError<E>>) + Send + 'static,
{
    fn wake(self: Arc<Self>) {
        let waiting = self.state.lock().take();
        let Some((mut handle, callback)) = waiting else { return };
        let hub = handle.hub().clone();
        hub.guard("on_complete", || {
            // It may have been taken before.
            let result = if handle.is_finished() { handle.take_ready() } else { None };
            if let Some(result) = result {
                callback(result);
            }
        });
    }
}
