//! How tokio spawns and sleeps.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tasker_core::asynchronous::{Runtime, Spawner};
use tasker_core::parker::Parker;
use tasker_core::{AsyncClock, Clock, Sleep, Timestamp, park_for};
use tokio::runtime::Handle;
use tokio::time::Instant;

/// tokio, as the runtime of a pool.
#[derive(Clone, Copy, Debug)]
pub struct Tokio;

impl Runtime for Tokio {
    fn spawner() -> Result<Arc<dyn Spawner>, Arc<str>> {
        let handle = Handle::try_current().map_err(|error| Arc::from(error.to_string()))?;
        Ok(Arc::new(TokioSpawner::new(handle)))
    }

    fn clock() -> Arc<dyn AsyncClock> {
        Arc::new(TokioClock::new())
    }
}

/// Starts workers as tasks of a tokio runtime.
#[derive(Clone, Debug)]
pub struct TokioSpawner {
    handle: Handle,
}

impl TokioSpawner {
    /// Workers run on the runtime of `handle`.
    #[must_use]
    pub const fn new(handle: Handle) -> Self {
        Self { handle }
    }
}

impl Spawner for TokioSpawner {
    fn spawn(&self, _name: &str, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Result<(), Arc<str>> {
        // The task is detached: it ends by itself, and a runtime that is shut down drops it.
        drop(self.handle.spawn(future));
        Ok(())
    }
}

/// tokio's clock: real time, or the virtual time of a paused test runtime.
#[derive(Clone, Debug)]
pub struct TokioClock {
    origin: Instant,
    /// The runtime whose timers it uses, wherever it is waited for.
    handle: Option<Handle>,
}

impl TokioClock {
    /// A clock that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { origin: Instant::now(), handle: Handle::try_current().ok() }
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::ZERO.saturating_add(self.origin.elapsed())
    }

    fn park_until(&self, parker: &Parker, deadline: Timestamp) {
        park_for(parker, deadline, self.now());
    }
}

impl AsyncClock for TokioClock {
    fn sleep_until(&self, deadline: Timestamp) -> Sleep {
        let after = deadline.saturating_since(Timestamp::ZERO);
        // `run` and `submit_timeout` may be awaited outside of the runtime.
        let _inside = self.handle.as_ref().map(Handle::enter);
        match self.origin.checked_add(after) {
            Some(deadline) => Box::pin(tokio::time::sleep_until(deadline)),
            // Beyond what an instant can hold: never.
            None => Box::pin(std::future::pending()),
        }
    }
}
