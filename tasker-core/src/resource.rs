//! What a pool's workers own.

use std::fmt;
use std::future::Future;

use crate::ids::{SpawnReason, WorkerId};

/// What a [`Resource`] says about itself after a task has failed on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Health {
    /// The resource is fine; the error goes to whoever submitted the task.
    Healthy,
    /// The resource is broken: it is destroyed and replaced, and the task is retried on another one.
    Unhealthy,
}

/// Who asks for a resource, and for what.
///
/// A resource that needs something of its own for each worker (a port, a GPU, a file) finds a number here.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CreateContext {
    /// The worker that will own the resource; `None` for those that serve `run`.
    pub worker: Option<WorkerId>,
    /// Which attempt this is at filling the worker's place, from 1; more than 1 after failures in a row. Always 1 for
    /// `run`.
    pub attempt: u32,
    /// What the resource is for.
    pub reason: SpawnReason,
}

impl CreateContext {
    /// A context as a pool makes it. For backends, and for testing a `create` by itself.
    #[must_use]
    pub const fn new(worker: Option<WorkerId>, attempt: u32, reason: SpawnReason) -> Self {
        Self { worker, attempt, reason }
    }
}

/// Something that is costly to make and lives long: a database connection, a browser, a child process.
///
/// Each worker of a pool creates one, runs tasks on it, and destroys it when it leaves. Only [`create`](Self::create)
/// has to be written. On async backends these futures run on the runtime; `tasker-thread` runs them to completion on
/// the worker's own thread, where they may block.
///
/// ```
/// use tasker_core::{CreateContext, Health, Resource};
///
/// struct Connection { open: bool }
///
/// impl Resource for Connection {
///     type Config = String;
///     type Error = std::io::Error;
///
///     async fn create(_url: &String, _cx: &CreateContext) -> Result<Self, Self::Error> {
///         Ok(Self { open: true })
///     }
///
///     fn check_health(&self, _error: &Self::Error) -> Health {
///         if self.open { Health::Healthy } else { Health::Unhealthy }
///     }
/// }
/// ```
pub trait Resource: Sized + Send + 'static {
    /// What `create` needs to know: a URL, a path, options.
    type Config: Send + Sync + 'static;
    /// The error of `create`, `destroy`, `probe`, and of tasks.
    type Error: fmt::Debug + fmt::Display + Send + 'static;

    /// Makes a resource.
    ///
    /// For a worker, a failure, a panic, or taking longer than `create_timeout` is retried with backoff, and disturbs no
    /// other worker. For `run` it is an error to that caller. The future is dropped when its time is up or the pool is
    /// killed; what it has begun by then has to end with it. On threads a call that blocks is not cut short.
    ///
    /// # Errors
    ///
    /// Whatever keeps the resource from being made.
    fn create(
        config: &Self::Config,
        cx: &CreateContext,
    ) -> impl Future<Output = Result<Self, Self::Error>> + Send;

    /// Ends the resource. The default drops it.
    ///
    /// Called exactly once for each resource that was created, unless its runtime is gone by then: the resource is
    /// dropped, and counted in the stop report as skipped. After `destroy_timeout` the future is dropped and the time
    /// reported as an error.
    ///
    /// # Errors
    ///
    /// Reported as an event and in the stop report; the resource is gone either way.
    fn destroy(self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        async move {
            drop(self);
            Ok(())
        }
    }

    /// Looks whether an idle resource still works; called every `probe_interval`, if one is set, on idle workers.
    /// Resources of the reserve are not probed.
    ///
    /// # Errors
    ///
    /// Any error, a panic, or taking longer than `create_timeout` replaces the resource before a task meets it.
    fn probe(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        async { Ok(()) }
    }

    /// Judges the resource by the error of a task that just ran on it. The default finds every resource healthy, so
    /// that no error replaces a worker or retries a task.
    ///
    /// Called on the worker, or in `run` by its caller; it must not block. A panic counts as
    /// [`Health::Unhealthy`] and is reported as an event.
    fn check_health(&self, error: &Self::Error) -> Health {
        let _ = error;
        Health::Healthy
    }
}

/// [`Resource`] without `Send`: for values that must stay on the thread that made them.
///
/// `tasker-thread` takes these. Every `Resource` is one. Implement this trait only for a type that cannot be `Send`,
/// and import only one of the two traits: their methods have the same names.
pub trait LocalResource: Sized + 'static {
    /// What `create` needs to know: a URL, a path, options.
    type Config: Send + Sync + 'static;
    /// The error of `create`, `destroy`, `probe`, and of tasks.
    type Error: fmt::Debug + fmt::Display + Send + 'static;

    /// Makes a resource, on the thread that will own it. See [`Resource::create`].
    ///
    /// # Errors
    ///
    /// Whatever keeps the resource from being made.
    fn create(config: &Self::Config, cx: &CreateContext) -> impl Future<Output = Result<Self, Self::Error>>;

    /// Ends the resource, on its thread. See [`Resource::destroy`].
    ///
    /// # Errors
    ///
    /// Reported as an event and in the stop report; the resource is gone either way.
    fn destroy(self) -> impl Future<Output = Result<(), Self::Error>> {
        async move {
            drop(self);
            Ok(())
        }
    }

    /// Looks whether an idle resource still works. See [`Resource::probe`].
    ///
    /// # Errors
    ///
    /// Any error replaces the resource before a task meets it.
    fn probe(&mut self) -> impl Future<Output = Result<(), Self::Error>> {
        async { Ok(()) }
    }

    /// Judges the resource by a task's error. See [`Resource::check_health`].
    fn check_health(&self, error: &Self::Error) -> Health {
        let _ = error;
        Health::Healthy
    }
}

impl<R: Resource> LocalResource for R {
    type Config = R::Config;
    type Error = R::Error;

    fn create(config: &Self::Config, cx: &CreateContext) -> impl Future<Output = Result<Self, Self::Error>> {
        <R as Resource>::create(config, cx)
    }

    fn destroy(self) -> impl Future<Output = Result<(), Self::Error>> {
        <R as Resource>::destroy(self)
    }

    fn probe(&mut self) -> impl Future<Output = Result<(), Self::Error>> {
        <R as Resource>::probe(self)
    }

    fn check_health(&self, error: &Self::Error) -> Health {
        <R as Resource>::check_health(self, error)
    }
}

#[cfg(all(test, not(any(tasker_loom, tasker_shuttle))))]
mod tests {
    use super::*;
    use crate::parker::block_on;
    use crate::sync::Arc;

    /// Says what it has to, and no more.
    struct Plain(#[expect(dead_code, reason = "held, to see when it is dropped")] Arc<()>);

    impl Resource for Plain {
        type Config = Arc<()>;
        type Error = &'static str;

        async fn create(held: &Arc<()>, _cx: &CreateContext) -> Result<Self, &'static str> {
            Ok(Self(Arc::clone(held)))
        }
    }

    /// The same, on its own thread.
    struct Pinned(#[expect(dead_code, reason = "held, to see when it is dropped")] Arc<()>);

    impl LocalResource for Pinned {
        type Config = Arc<()>;
        type Error = &'static str;

        async fn create(held: &Arc<()>, _cx: &CreateContext) -> Result<Self, &'static str> {
            Ok(Self(Arc::clone(held)))
        }
    }

    fn live<R: LocalResource<Config = Arc<()>, Error = &'static str>>() {
        let held = Arc::new(());
        let context = CreateContext::new(None, 1, SpawnReason::Temporary);
        let mut resource = block_on(R::create(&held, &context)).expect("it is made");
        assert_eq!(block_on(resource.probe()), Ok(()), "an idle resource works");
        assert_eq!(resource.check_health(&"odd"), Health::Healthy, "an error is the task's");
        assert_eq!(Arc::strong_count(&held), 2);
        assert_eq!(block_on(resource.destroy()), Ok(()));
        assert_eq!(Arc::strong_count(&held), 1, "it is dropped");
    }

    #[test]
    fn a_resource_that_says_only_how_it_is_made_is_healthy_and_dropped_at_its_end() {
        live::<Plain>();
        live::<Pinned>();
    }
}
