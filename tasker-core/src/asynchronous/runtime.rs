//! What an async runtime has to offer.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use crate::asynchronous::Pool;
use crate::builder::{Backend, Builder};
use crate::clock::{AsyncClock, Clock};
use crate::error::BuildError;
use crate::parker::Parker;
use crate::resource::Resource;
use crate::sync::Arc;
use crate::time::Timestamp;

/// Starts tasks on a runtime.
pub trait Spawner: fmt::Debug + Send + Sync + 'static {
    /// Starts a task that runs `future`; `name` is for runtimes that name their tasks.
    ///
    /// # Errors
    ///
    /// Why the task could not be started.
    fn spawn(&self, name: &str, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Result<(), Arc<str>>;
}

/// An async runtime: how a pool that was given none of its own finds one.
pub trait Runtime: 'static {
    /// What starts tasks on the runtime the caller is in.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn spawner() -> Result<Arc<dyn Spawner>, Arc<str>>;

    /// A clock of this runtime that begins now.
    fn clock() -> Arc<dyn AsyncClock>;
}

/// The backend's own part of an async pool's builder.
pub struct AsyncBackend<R: Resource, Rt: Runtime> {
    pub(super) config: R::Config,
    pub(super) spawner: Option<Arc<dyn Spawner>>,
    runtime: PhantomData<fn() -> Rt>,
}

impl<R: Resource, Rt: Runtime> AsyncBackend<R, Rt> {
    pub(super) const fn new(config: R::Config) -> Self {
        Self { config, spawner: None, runtime: PhantomData }
    }
}

impl<R: Resource, Rt: Runtime> Backend for AsyncBackend<R, Rt> {
    type Build = Pin<Box<dyn Future<Output = Result<Pool<R, Rt>, BuildError<R::Error>>> + Send>>;
    type Clock = dyn AsyncClock;

    fn build(builder: Builder<Self>) -> Self::Build {
        Box::pin(Pool::build(builder))
    }
}

impl<R: Resource, Rt: Runtime> Builder<AsyncBackend<R, Rt>> {
    /// Uses this clock instead of the runtime's own.
    pub fn clock(mut self, clock: Arc<dyn AsyncClock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Runs workers with this spawner instead of on the runtime that `build` is awaited in.
    pub fn spawner(mut self, spawner: Arc<dyn Spawner>) -> Self {
        self.backend.spawner = Some(spawner);
        self
    }
}

impl<R: Resource, Rt: Runtime> fmt::Debug for AsyncBackend<R, Rt> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncBackend").field("spawner", &self.spawner).finish_non_exhaustive()
    }
}

/// An async clock seen as a plain one.
#[derive(Debug)]
pub(super) struct Plain(pub(super) Arc<dyn AsyncClock>);

impl Clock for Plain {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn park_until(&self, parker: &Parker, deadline: Timestamp) {
        self.0.park_until(parker, deadline);
    }

    fn activity(&self) -> Option<Arc<crate::activity::Activity>> {
        self.0.activity()
    }
}
