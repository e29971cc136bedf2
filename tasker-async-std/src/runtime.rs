//! How async-std spawns and sleeps.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_std::task;
use tasker_core::asynchronous::{Runtime, Spawner};
use tasker_core::parker::Parker;
use tasker_core::{AsyncClock, Clock, Sleep, SystemClock, Timestamp, park_for};

/// async-std, as the runtime of a pool.
#[derive(Clone, Copy, Debug)]
pub struct AsyncStd;

impl Runtime for AsyncStd {
    fn spawner() -> Result<Arc<dyn Spawner>, Arc<str>> {
        Ok(Arc::new(AsyncStdSpawner))
    }

    fn clock() -> Arc<dyn AsyncClock> {
        Arc::new(AsyncStdClock::new())
    }
}

/// Starts workers as tasks of async-std's global executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStdSpawner;

impl Spawner for AsyncStdSpawner {
    fn spawn(&self, name: &str, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Result<(), Arc<str>> {
        // The task is detached: it ends by itself.
        let started = task::Builder::new().name(name.into()).spawn(future);
        started.map(drop).map_err(|error| error.to_string().into())
    }
}

/// The system's clock, with async-std's timers.
#[derive(Clone, Debug, Default)]
pub struct AsyncStdClock {
    system: SystemClock,
}

impl AsyncStdClock {
    /// A clock that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Clock for AsyncStdClock {
    fn now(&self) -> Timestamp {
        self.system.now()
    }

    fn park_until(&self, parker: &Parker, deadline: Timestamp) {
        park_for(parker, deadline, self.now());
    }
}

impl AsyncClock for AsyncStdClock {
    fn sleep_until(&self, deadline: Timestamp) -> Sleep {
        Box::pin(task::sleep(deadline.saturating_since(self.now())))
    }
}
