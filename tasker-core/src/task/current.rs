//! Which pool's user code the current thread is inside of.

use std::cell::Cell;

use crate::ids::WorkerId;

#[cfg(not(any(tasker_loom, tasker_shuttle)))]
thread_local! {
    static CURRENT: Cell<Option<Inside>> = const { Cell::new(None) };
}
#[cfg(any(tasker_loom, tasker_shuttle))]
crate::sync::thread_local! {
    static CURRENT: Cell<Option<Inside>> = Cell::new(None);
}

/// A call of user code that belongs to a pool: of a task, a callback, a `create`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inside {
    /// The pool's number, unique in the process.
    pub pool: u64,
    /// The worker; `None` on the control loop, and in a `run` outside of tasks.
    pub worker: Option<WorkerId>,
}

/// Runs `f`, which calls user code, as `inside`.
pub fn enter<T>(inside: Inside, f: impl FnOnce() -> T) -> T {
    struct Restore(Option<Inside>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let before = self.0;
            // A thread-local that is gone has nothing to restore.
            let _ = CURRENT.try_with(|current| current.set(before));
        }
    }
    let _restore = Restore(CURRENT.try_with(|current| current.replace(Some(inside))).ok().flatten());
    f()
}

/// The task this thread is inside of, if it is one of `pool`.
pub(crate) fn inside_of(pool: u64) -> Option<Inside> {
    CURRENT.try_with(Cell::get).ok().flatten().filter(|inside| inside.pool == pool)
}
