//! The one door to atomics, locks and threads, so that loom and shuttle can stand in for std.
//!
//! Shared by the backends, and no part of the public promise.

// Loom's `Arc` neither downgrades nor unsizes, so counting references is left to std: what loom explores is what the
// code does with the contents.
pub use std::sync::{Arc, Weak};

#[cfg(tasker_loom)]
pub use loom::{
    sync::{Condvar, MutexGuard, atomic},
    thread,
};
#[cfg(tasker_shuttle)]
pub use shuttle::{
    sync::{Condvar, MutexGuard, atomic},
    thread,
};
#[cfg(not(any(tasker_loom, tasker_shuttle)))]
pub use std::{
    sync::{Condvar, MutexGuard, atomic},
    thread,
};

/// Atomics of the many cells of histograms and rates, each with one writer. Shuttle does not look at them: with a turn
/// at every bucket little else would be explored.
#[cfg(not(tasker_shuttle))]
pub(crate) use atomic as cells;
#[cfg(tasker_shuttle)]
pub(crate) use std::sync::atomic as cells;

#[cfg(tasker_loom)]
pub(crate) use loom::thread_local;
#[cfg(tasker_shuttle)]
pub(crate) use shuttle::thread_local;

#[cfg(tasker_loom)]
use loom::sync::Mutex;
#[cfg(tasker_shuttle)]
use shuttle::sync::Mutex;
#[cfg(not(any(tasker_loom, tasker_shuttle)))]
use std::sync::Mutex;
use std::sync::PoisonError;

/// A mutex whose lock never fails: no user code runs under one, so a poisoned lock holds nothing half-done.
#[derive(Debug, Default)]
pub struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    /// A lock around `value`.
    pub fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// What is behind the lock, for whoever has it alone.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A load in the one order of all that is `SeqCst`. Loom takes it for a mere `Acquire`, as it says of itself, but knows
/// fences.
#[inline]
pub(crate) fn load_in_order<T>(load: impl FnOnce(atomic::Ordering) -> T) -> T {
    #[cfg(tasker_loom)]
    atomic::fence(atomic::Ordering::SeqCst);
    load(atomic::Ordering::SeqCst)
}

/// A place that threads take turns at, each after the one before; loom sees to that.
#[derive(Debug)]
pub(crate) struct TurnCell<T>(
    #[cfg(tasker_loom)] loom::cell::UnsafeCell<T>,
    #[cfg(not(tasker_loom))] std::cell::UnsafeCell<T>,
);

impl<T> TurnCell<T> {
    #[cfg(tasker_loom)]
    pub(crate) fn new(value: T) -> Self {
        Self(loom::cell::UnsafeCell::new(value))
    }

    #[cfg(not(tasker_loom))]
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// A turn.
    #[cfg(tasker_loom)]
    pub(crate) fn get(&self) -> *mut T {
        self.0.with_mut(|value| value)
    }

    /// A turn.
    #[cfg(not(tasker_loom))]
    #[inline]
    pub(crate) const fn get(&self) -> *mut T {
        self.0.get()
    }
}

/// On cache lines of its own, so that whoever writes what lies beside it disturbs nobody here.
#[repr(align(128))]
pub(crate) struct OwnLine<T>(pub(crate) T);

/// Waits on `condvar`, giving up the lock meanwhile.
pub fn wait_on<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Waits on `condvar` for at most `timeout`.
#[cfg(not(any(tasker_loom, tasker_shuttle)))]
pub fn wait_on_for<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    timeout: std::time::Duration,
) -> MutexGuard<'a, T> {
    condvar.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner).0
}

/// Loom and shuttle know no time: a timed wait there is an untimed one.
#[cfg(any(tasker_loom, tasker_shuttle))]
pub fn wait_on_for<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    _timeout: std::time::Duration,
) -> MutexGuard<'a, T> {
    wait_on(condvar, guard)
}
