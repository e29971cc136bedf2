//! The runtime of the async works.

use tokio::runtime::{Builder, Runtime};

/// A tokio runtime of two threads.
///
/// # Panics
///
/// If it does not start.
#[must_use]
pub fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime starts")
}
