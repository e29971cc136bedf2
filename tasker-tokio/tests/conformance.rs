//! tokio, taken through the conformance suite.

use std::sync::Mutex;

use tasker_testkit::{AsyncRuntime, OnRuntime};
use tasker_tokio::Tokio;
use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime with two threads.
struct Threads {
    handle: Handle,
    runtime: Mutex<Option<Runtime>>,
}

impl AsyncRuntime for Threads {
    type Runtime = Tokio;
    const ENDS: bool = true;

    fn start() -> Self {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime starts");
        Self { handle: runtime.handle().clone(), runtime: Mutex::new(Some(runtime)) }
    }

    fn enter<T>(&self, f: impl FnOnce() -> T) -> T {
        let _inside = self.handle.enter();
        f()
    }

    fn end(&self) {
        drop(self.runtime.lock().expect("nothing panics under the lock").take());
    }
}

type OnTokio = OnRuntime<Threads>;

tasker_testkit::conformance!(OnTokio);
