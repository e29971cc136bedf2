//! Which pool's user code the current thread is inside of.

use std::cell::Cell;

use crate::ids::WorkerId;

#[cfg(not(any(tasker_loom, tasker_shuttle)))]
thread_local! {
    static CURRENT: Current = const { Current::none() };
}
#[cfg(any(tasker_loom, tasker_shuttle))]
crate::sync::thread_local! {
    static CURRENT: Current = Current::none();
}

/// An [`Inside`], if any, in two words: it is set twice a task, and a struct that is written word by word and then copied as
/// a whole makes the processor wait.
struct Current {
    pool: Cell<u64>,
    worker: Cell<u64>,
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
#[inline]
pub fn enter<T>(inside: Inside, f: impl FnOnce() -> T) -> T {
    let worker = inside.worker.map_or(Current::NOBODY, WorkerId::get);
    // A thread-local that is gone has nothing to restore.
    let _restore = CURRENT.try_with(|current| current.set(inside.pool, worker)).ok();
    f()
}

/// The task this thread is inside of, if it is one of `pool`.
pub(crate) fn inside_of(pool: u64) -> Option<Inside> {
    CURRENT.try_with(Current::get).ok().flatten().filter(|inside| inside.pool == pool)
}

impl Current {
    /// The number of no pool and no worker: they count from 1.
    const NOBODY: u64 = u64::MAX;

    const fn none() -> Self {
        Self { pool: Cell::new(Self::NOBODY), worker: Cell::new(Self::NOBODY) }
    }

    #[inline]
    fn set(&self, pool: u64, worker: u64) -> Restore {
        Restore { pool: self.pool.replace(pool), worker: self.worker.replace(worker) }
    }

    fn get(&self) -> Option<Inside> {
        let [pool, worker] = [&self.pool, &self.worker]
            .map(|number| Some(number.get()).filter(|&number| number != Self::NOBODY));
        Some(Inside { pool: pool?, worker: worker.map(WorkerId::new) })
    }
}

/// What it was before.
struct Restore {
    pool: u64,
    worker: u64,
}

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|current| {
            current.pool.set(self.pool);
            current.worker.set(self.worker);
        });
    }
}
