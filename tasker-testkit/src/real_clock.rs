//! The one place that looks at real time: a watchdog, so that a hang fails instead of hanging.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use tasker_core::sync::thread;

/// Runs `body` on a thread of its own and returns what it returned. If it is not done after `limit`, panics with what
/// `dump` says, and leaves it behind.
///
/// # Panics
///
/// With the panic of `body`, or when time is up.
pub fn within<T: Send + 'static>(
    limit: Duration,
    dump: impl FnOnce() -> String,
    body: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        // The receiver is gone only when time was up.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(body)));
    });
    match receiver.recv_timeout(limit) {
        Ok(Ok(value)) => value,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(RecvTimeoutError::Timeout) => panic!("not done after {limit:?}:\n{}", dump()),
        Err(RecvTimeoutError::Disconnected) => panic!("the thread of the case is gone:\n{}", dump()),
    }
}
