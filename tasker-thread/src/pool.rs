//! The pool as users hold it.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tasker_core::engine::{Controller, Engine, Events, StopReport};
use tasker_core::metrics::{Metrics, Stats};
use tasker_core::parker::block_on;
use tasker_core::{
    BuildError, Clock, InvalidConfig, LocalResource, Refused, Resource, RunError, StopError, SystemClock,
    TaskContext, TaskError, TaskHandle, life,
};

use crate::builder::{Builder, Threads, make_reserve};
use crate::control::{Starter, ThreadLaunch, control};
use crate::job::SyncJob;
use crate::mail::mailbox;
use crate::request::Request;
use crate::reserve::{AnyReserve, ThreadReserve};

/// A pool whose workers are threads that each own a resource and run tasks on it.
///
/// Cloning it gives another handle to the same pool. When the last handle is dropped the pool stops gracefully in the
/// background: what was submitted still runs. To wait for that, call [`stop`](Self::stop), or hold a
/// [`StopGuard`](Self::stop_on_drop).
pub struct Pool<R: LocalResource> {
    inner: Arc<Inner<R>>,
}

struct Inner<R: LocalResource> {
    engine: Arc<Engine<SyncJob<R>>>,
    reserve: Option<Arc<dyn AnyReserve>>,
    config: Arc<R::Config>,
}

impl<R: Resource> Pool<R> {
    /// Sets up a pool whose resources are created from `config`.
    pub fn builder(config: R::Config) -> Builder<R> {
        Builder::new(Threads::new(config, Some(make_reserve::<R>)))
    }

    /// Runs a task here and now, past the queue, on a resource of the reserve or a temporary one.
    ///
    /// The task runs on the calling thread and is never retried; nothing can cut it short, not even a kill. An
    /// unhealthy resource is destroyed and not put back. When the reserve and the temporary resources are all in use,
    /// this blocks until one is free; those who wait are served in the order they came. A pause does not hold it up, and
    /// while the pool drains it is served until the last worker has left. The task may borrow from its caller. It should not
    /// wait for another `run` of the same pool: where every resource serves one that does, none would end.
    ///
    /// # Errors
    ///
    /// The task's own error, or why it was not run. Nothing else in the pool changes.
    pub fn run<T>(
        &self,
        task: impl FnOnce(&mut R, &TaskContext) -> Result<T, R::Error>,
    ) -> Result<T, RunError<R::Error>> {
        let reserve = self.inner.reserve.as_ref().and_then(|reserve| reserve.as_any().downcast_ref());
        let reserve: &ThreadReserve<R> = reserve.ok_or_else(|| RunError::Start(NO_RESERVE.into()))?;
        reserve.run(&self.inner.config, task)
    }
}

const NO_RESERVE: &str = "the pool was set up with `local_builder`, which has no reserve; use `builder`";

impl<R: LocalResource> Pool<R> {
    /// Sets up a pool of resources that need not be `Send`. It has no reserve, and so no `run`.
    pub fn local_builder(config: R::Config) -> Builder<R> {
        Builder::new(Threads::new(config, None))
    }

    pub(crate) fn build(mut builder: Builder<R>) -> Result<Self, BuildError<R::Error>> {
        let clock: Arc<dyn Clock> = builder.clock.take().unwrap_or_else(|| Arc::new(SystemClock::new()));
        let (postbox, mailbox) = mailbox();
        let postbox = Arc::new(postbox);
        let (backend, parts) = builder.into_parts(Arc::clone(&clock), Arc::clone(&postbox) as _)?;
        let starter = Starter { clock, stack_size: backend.stack_size, around: backend.around };
        let config = Arc::new(backend.config);
        let limits = parts.reserve_limits();
        let mut reserve = None;
        let (engine, controller) = Controller::new(parts, |engine| {
            let make = |make: crate::builder::MakeReserve| {
                make(limits, engine.limits.clone(), Arc::clone(&engine.hub), starter.clone())
            };
            reserve = backend.reserve.map(make);
            let (starter, config) = (starter.clone(), Arc::clone(&config));
            Box::new(ThreadLaunch { starter, config, reserve: reserve.clone() })
        });
        let name = engine.hub.name().to_string();
        let clock = Arc::clone(&starter.clock);
        starter
            .start(name, move || control(controller, &postbox, &mailbox, &*clock))
            .map_err(BuildError::Runtime)?;
        let inner = Arc::new(Inner { engine, reserve, config });
        let started = block_on(inner.engine.started.wait());
        block_on(life::built(&inner.engine, started))?;
        Ok(Self { inner })
    }

    /// Prepares a task with options: priority, retries, timeout, deadline, delay, name.
    pub fn task(&self) -> Request<'_, R> {
        Request::new(&self.inner.engine)
    }

    /// Submits a task and never waits: a refusal arrives in the handle. A retry calls the same closure again.
    pub fn submit<F, T>(&self, task: F) -> TaskHandle<T, R::Error>
    where
        F: FnMut(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
        T: Send + 'static,
    {
        self.task().submit(task)
    }

    /// Submits a task, or hands it back as it was if the pool does not take it. Never waits.
    ///
    /// # Errors
    ///
    /// The task, and why it was not taken. Nothing has changed.
    pub fn try_submit<F, T>(&self, task: F) -> Result<TaskHandle<T, R::Error>, Refused<F>>
    where
        F: FnMut(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
        T: Send + 'static,
    {
        self.task().try_submit(task)
    }

    /// Submits a task, blocking until there is room in the queue: backpressure.
    ///
    /// # Errors
    ///
    /// The task, if the pool stops meanwhile, or if the wait is made inside a task of this pool and would never end
    /// ([`Refusal::WouldDeadlock`](tasker_core::Refusal::WouldDeadlock)).
    pub fn submit_wait<F, T>(&self, task: F) -> Result<TaskHandle<T, R::Error>, Refused<F>>
    where
        F: FnMut(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
        T: Send + 'static,
    {
        self.task().submit_wait(task)
    }

    /// Submits a task, blocking until there is room for at most `timeout`.
    ///
    /// # Errors
    ///
    /// The task, if there was no room in time or the pool stops meanwhile.
    pub fn submit_timeout<F, T>(
        &self,
        timeout: Duration,
        task: F,
    ) -> Result<TaskHandle<T, R::Error>, Refused<F>>
    where
        F: FnMut(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
        T: Send + 'static,
    {
        self.task().submit_timeout(timeout, task)
    }

    /// Submits a task that is started at most once, whatever happens. Its closure may be `FnOnce`.
    ///
    /// ```
    /// # use tasker_thread::{CreateContext, Pool, Resource};
    /// # struct Db;
    /// # impl Resource for Db {
    /// #     type Config = ();
    /// #     type Error = std::io::Error;
    /// #     async fn create(_: &(), _: &CreateContext) -> Result<Self, Self::Error> { Ok(Self) }
    /// # }
    /// # let pool = Pool::<Db>::builder(()).workers(1).build()?;
    /// let ticket = String::from("only one");
    /// assert_eq!(pool.submit_once(move |_, _| Ok(ticket)).wait()?, "only one");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Where a task may be retried, such a closure is refused by the compiler:
    ///
    /// ```compile_fail
    /// # use tasker_thread::{CreateContext, Pool, Resource};
    /// # struct Db;
    /// # impl Resource for Db {
    /// #     type Config = ();
    /// #     type Error = std::io::Error;
    /// #     async fn create(_: &(), _: &CreateContext) -> Result<Self, Self::Error> { Ok(Self) }
    /// # }
    /// # let pool = Pool::<Db>::builder(()).workers(1).build()?;
    /// let ticket = String::from("only one");
    /// pool.submit(move |_, _| Ok(ticket)).wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn submit_once<F, T>(&self, task: F) -> TaskHandle<T, R::Error>
    where
        F: FnOnce(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
        T: Send + 'static,
    {
        self.task().once().submit(task)
    }

    /// Submits a task, and calls `callback` with its result.
    pub fn submit_then<F, T>(
        &self,
        task: F,
        callback: impl FnOnce(Result<T, TaskError<R::Error>>) + Send + 'static,
    ) where
        F: FnMut(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
        T: Send + 'static,
    {
        self.task().submit_then(task, callback);
    }

    /// Submits many tasks as one, in their order: no other task comes in between.
    pub fn submit_all<F, T>(&self, tasks: impl IntoIterator<Item = F>) -> Vec<TaskHandle<T, R::Error>>
    where
        F: FnMut(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
        T: Send + 'static,
    {
        self.task().submit_all(tasks)
    }

    /// Stops gracefully: takes no more tasks, runs all that were taken, destroys the resources, and says how it went.
    ///
    /// Blocks as long as that takes; [`stop_within`](Self::stop_within) does not. Called again, it waits for the same
    /// end.
    ///
    /// # Errors
    ///
    /// [`StopError::InsideTask`] inside a task of this pool: the stop has begun, but cannot be waited for there.
    pub fn stop(&self) -> Result<Arc<StopReport>, StopError> {
        life::stop(&self.inner.engine, None)?;
        Ok(self.ended())
    }

    /// Stops gracefully, but kills the pool when `timeout` has passed.
    ///
    /// # Errors
    ///
    /// [`StopError::InsideTask`] inside a task of this pool: the stop has begun, but cannot be waited for there.
    pub fn stop_within(&self, timeout: Duration) -> Result<Arc<StopReport>, StopError> {
        life::stop(&self.inner.engine, Some(timeout))?;
        Ok(self.ended())
    }

    /// Ends the pool now: tasks that wait are resolved as killed, running ones are told through their context and
    /// their handles resolved, and resources are destroyed. Waits for workers for no longer than the grace and
    /// destroy timeouts, and the grace once more where a `destroy` blocks; a thread that does not come back by then is
    /// named in the report and left behind.
    ///
    /// # Errors
    ///
    /// [`StopError::InsideTask`] inside a task of this pool: the kill has begun, but cannot be waited for there.
    pub fn kill(&self) -> Result<Arc<StopReport>, StopError> {
        life::kill(&self.inner.engine)?;
        Ok(self.ended())
    }

    /// Blocks until the pool has ended, without bringing that about.
    pub fn ended(&self) -> Arc<StopReport> {
        block_on(self.inner.engine.ended.wait())
    }

    /// Stops the pool and waits for its end when the guard is dropped, however the scope is left.
    ///
    /// ```
    /// # use tasker_thread::{CreateContext, Pool, Resource};
    /// # struct Counter(u32);
    /// # impl Resource for Counter {
    /// #     type Config = ();
    /// #     type Error = std::io::Error;
    /// #     async fn create(_: &(), _: &CreateContext) -> Result<Self, Self::Error> { Ok(Self(0)) }
    /// # }
    /// let pool = Pool::<Counter>::builder(()).workers(1).build()?;
    /// {
    ///     let _stop = pool.stop_on_drop();
    ///     pool.submit(|counter, _| { counter.0 += 1; Ok(()) }).detach();
    /// }
    /// assert_eq!(pool.metrics().completed, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stop_on_drop(&self) -> StopGuard<R> {
        StopGuard { pool: self.clone() }
    }

    /// Nothing starts until [`resume`](Self::resume). Tasks are still taken, and running ones go on. A stop resumes.
    pub fn pause(&self) {
        life::pause(&self.inner.engine, true);
    }

    /// Lets tasks start again.
    pub fn resume(&self) {
        life::pause(&self.inner.engine, false);
    }

    /// Changes the bounds. Workers beyond `max_workers` leave after the task they run; until they have, no other is
    /// started. Between the new bounds the scaling policy decides. Does nothing once the pool stops.
    ///
    /// # Errors
    ///
    /// The bound that makes no sense. Nothing has changed.
    pub fn resize(&self, workers: usize, max_workers: usize) -> Result<(), InvalidConfig> {
        life::resize(&self.inner.engine, workers, max_workers)
    }

    /// Brings at least `workers` workers up, within the bounds, and blocks until they are ready or the pool stops.
    /// The scaling policy may let them go again.
    pub fn warm_up(&self, workers: usize) {
        let asked = life::begin_warm_up(&self.inner.engine, workers);
        block_on(std::future::poll_fn(|cx| life::poll_warm(&self.inner.engine, asked, cx.waker())));
    }

    /// How many workers, tasks and resources there are, at one moment. Answers after the end, too.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let reserve = self.inner.reserve.as_ref().map(|reserve| reserve.levels());
        life::stats(&self.inner.engine, reserve.unwrap_or_default())
    }

    /// What the pool has done since it began. Answers after the end, too.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.inner.engine.metrics()
    }

    /// Subscribes to what happens from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        life::events(&self.inner.engine)
    }

    /// A handle that does not keep the pool from stopping, for use inside its own tasks.
    #[must_use]
    pub fn downgrade(&self) -> WeakPool<R> {
        WeakPool { inner: Arc::downgrade(&self.inner) }
    }
}

/// The last handle is gone: what was submitted still runs, and then the pool ends.
impl<R: LocalResource> Drop for Inner<R> {
    fn drop(&mut self) {
        life::last_drop(&self.engine);
    }
}

impl<R: LocalResource> Clone for Pool<R> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<R: LocalResource> fmt::Debug for Pool<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("name", self.inner.engine.hub.name()).finish_non_exhaustive()
    }
}

/// A handle that does not keep its pool from stopping.
pub struct WeakPool<R: LocalResource> {
    inner: Weak<Inner<R>>,
}

impl<R: LocalResource> WeakPool<R> {
    /// The pool, if a handle to it is still held.
    #[must_use]
    pub fn upgrade(&self) -> Option<Pool<R>> {
        self.inner.upgrade().map(|inner| Pool { inner })
    }
}

impl<R: LocalResource> Clone for WeakPool<R> {
    fn clone(&self) -> Self {
        Self { inner: Weak::clone(&self.inner) }
    }
}

impl<R: LocalResource> fmt::Debug for WeakPool<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakPool").finish_non_exhaustive()
    }
}

/// Stops its pool and waits for the end when dropped. Made by [`Pool::stop_on_drop`].
#[must_use = "the pool is stopped when this is dropped"]
pub struct StopGuard<R: LocalResource> {
    pool: Pool<R>,
}

impl<R: LocalResource> Drop for StopGuard<R> {
    fn drop(&mut self) {
        // Inside a task of the pool the stop begins and is not waited for.
        let _ = self.pool.stop();
    }
}

impl<R: LocalResource> fmt::Debug for StopGuard<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopGuard").field("pool", &self.pool).finish_non_exhaustive()
    }
}
