//! The backend's own part of a builder.

use std::fmt;
use std::sync::Arc;

use tasker_core::builder::Backend;
use tasker_core::engine::{Hub, Limits};
use tasker_core::reserve::{Reserve, ReserveLimits};
use tasker_core::{BuildError, Clock, LocalResource, Resource};

use crate::Pool;
use crate::control::{Around, Starter};
use crate::reserve::{AnyReserve, ThreadReserve};
use crate::sealed::Sealed;

/// Sets up a pool on threads.
pub(crate) type Builder<R> = tasker_core::Builder<Threads<R>>;

/// The backend's own part of a builder.
pub struct Threads<R: LocalResource> {
    pub(crate) config: R::Config,
    pub(crate) reserve: Option<MakeReserve>,
    pub(crate) stack_size: Option<usize>,
    pub(crate) around: Option<Around>,
}

pub(crate) type MakeReserve = fn(ReserveLimits, Limits, Arc<Hub>, Starter) -> Arc<dyn AnyReserve>;

impl<R: LocalResource> Threads<R> {
    pub(crate) const fn new(config: R::Config, reserve: Option<MakeReserve>) -> Self {
        Self { config, reserve, stack_size: None, around: None }
    }
}

pub(crate) fn make_reserve<R: Resource>(
    limits: ReserveLimits,
    worker_limits: Limits,
    hub: Arc<Hub>,
    starter: Starter,
) -> Arc<dyn AnyReserve> {
    Arc::new(ThreadReserve::<R> {
        shared: Arc::new(Reserve::new(limits, hub)),
        starter,
        limits: worker_limits,
    })
}

impl<R: LocalResource> Backend for Threads<R> {
    type Build = Result<Pool<R>, BuildError<R::Error>>;
    type Clock = dyn Clock;

    fn build(builder: Builder<R>) -> Self::Build {
        Pool::build(builder)
    }
}

/// What only a builder of thread pools can set. No other type can have it, so it may grow.
pub trait ThreadBuilder: Sealed + Sized {
    /// Uses this clock instead of the system's.
    #[must_use]
    fn clock(self, clock: Arc<dyn Clock>) -> Self;

    /// The stack size of the pool's threads, in bytes. Default: the system's.
    #[must_use]
    fn stack_size(self, bytes: usize) -> Self;

    /// Runs each worker's whole life inside of `around`, on the worker's thread: it must call its argument once.
    /// For what a thread has to be inside of, such as an async runtime whose I/O `create` uses:
    ///
    /// ```
    /// # use tasker_thread::{Builder, CreateContext, Resource, ThreadBuilder, Threads};
    /// # struct Db;
    /// # impl Resource for Db {
    /// #     type Config = ();
    /// #     type Error = std::io::Error;
    /// #     async fn create(_: &(), _: &CreateContext) -> Result<Self, Self::Error> { Ok(Self) }
    /// # }
    /// # struct Handle;
    /// # impl Handle { fn enter(&self) {} }
    /// # fn f(builder: Builder<Threads<Db>>, handle: Handle) -> Builder<Threads<Db>> {
    /// builder.around_worker(move |work| {
    ///     let _inside = handle.enter();
    ///     work();
    /// })
    /// # }
    /// ```
    #[must_use]
    fn around_worker(self, around: impl Fn(&mut dyn FnMut()) + Send + Sync + 'static) -> Self;
}

impl<R: LocalResource> Sealed for Builder<R> {}

impl<R: LocalResource> ThreadBuilder for Builder<R> {
    fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    fn stack_size(mut self, bytes: usize) -> Self {
        self.backend.stack_size = Some(bytes);
        self
    }

    fn around_worker(mut self, around: impl Fn(&mut dyn FnMut()) + Send + Sync + 'static) -> Self {
        self.backend.around = Some(Arc::new(around));
        self
    }
}

impl<R: LocalResource> fmt::Debug for Threads<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").field("stack_size", &self.stack_size).finish_non_exhaustive()
    }
}
