//! The one door to atomics, locks and threads: std's, or loom's while interleavings are explored.
//!
//! loom has no `Weak`, and its `Arc` neither downgrades nor unsizes: what needs either takes std's by name and is not
//! explored.

#[cfg(tasker_loom)]
pub(crate) use loom::sync::atomic;
#[cfg(tasker_loom)]
#[expect(unused_imports, reason = "the door is open before all of its users have moved in")]
pub(crate) use loom::{
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
};
#[cfg(not(tasker_loom))]
pub(crate) use std::sync::atomic;
#[cfg(not(tasker_loom))]
#[expect(unused_imports, reason = "the door is open before all of its users have moved in")]
pub(crate) use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, Weak},
    thread,
};
