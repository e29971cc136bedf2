//! async-std, taken through the conformance suite.

use tasker_async_std::AsyncStd;
use tasker_testkit::{AsyncRuntime, OnRuntime};

/// The global executor, which starts by itself and never ends.
struct Global;

impl AsyncRuntime for Global {
    type Runtime = AsyncStd;
    const ENDS: bool = false;

    fn start() -> Self {
        Self
    }

    fn enter<T>(&self, f: impl FnOnce() -> T) -> T {
        f()
    }
}

type OnAsyncStd = OnRuntime<Global>;

tasker_testkit::conformance!(OnAsyncStd);
