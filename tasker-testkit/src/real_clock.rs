//! The one place that looks at real time: a watchdog, so that a hang fails instead of hanging, and what real clocks have to
//! do.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use tasker_core::activity::Activity;
use tasker_core::parker::Parker;
use tasker_core::sync::thread;
use tasker_core::{Clock, Timestamp};

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

/// Checks that a clock lets a thread that waits rest until it is woken, and does not look at the time over and over.
///
/// # Panics
///
/// When the thread does not come to rest.
pub fn rests_until_woken(clock: impl Clock + 'static) {
    const LIMIT: Duration = Duration::from_secs(20);
    let (activity, woken) = (Arc::new(Activity::default()), Arc::new(AtomicBool::new(false)));
    activity.begin();
    let parker = Parker::counted(Some(Arc::clone(&activity)));
    let (waker, over) = (parker.waker(), Arc::clone(&woken));
    let waiting = thread::spawn(move || {
        while !over.load(Ordering::SeqCst) {
            clock.park_until(&parker, Timestamp::MAX);
        }
    });
    within(LIMIT, || "the thread works".into(), move || activity.wait_quiet());
    woken.store(true, Ordering::SeqCst);
    waker.wake();
    waiting.join().expect("it has only waited");
}
