//! The async pool as users hold it.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::time::Duration;

use crate::asynchronous::control::{AsyncLaunch, Starter, control};
use crate::asynchronous::job::AsyncJob;
use crate::asynchronous::mail::Mailbox;
use crate::asynchronous::reserve::Reserve;
use crate::asynchronous::runtime::{AsyncBackend, Plain, Runtime};
use crate::asynchronous::{AsyncTask, Request, RetryTask, run};
use crate::builder::Builder;
use crate::engine::{Controller, Engine, Events, StopReport};
use crate::error::{BuildError, Refused, RunError, StopError, TaskError};
use crate::life;
use crate::metrics::{Metrics, Stats};
use crate::resource::Resource;
use crate::sync::{Arc, Weak};
use crate::task::{TaskContext, TaskHandle};

/// A pool whose workers each own a resource and run tasks on it.
///
/// Cloning it gives another handle to the same pool. When the last handle is dropped the pool stops gracefully in the
/// background: what was submitted still runs, as long as its runtime lives.
pub struct Pool<R: Resource, Rt: Runtime> {
    inner: Arc<Inner<R>>,
    runtime: PhantomData<fn() -> Rt>,
}

pub(super) struct Inner<R: Resource> {
    pub(super) engine: Arc<Engine<AsyncJob<R>>>,
    pub(super) starter: Starter,
    reserve: Arc<Reserve<R>>,
    config: Arc<R::Config>,
}

impl<R: Resource, Rt: Runtime> Pool<R, Rt> {
    /// Sets up a pool whose resources are created from `config`.
    pub fn builder(config: R::Config) -> Builder<AsyncBackend<R, Rt>> {
        Builder::new(AsyncBackend::new(config))
    }

    pub(super) async fn build(
        mut builder: Builder<AsyncBackend<R, Rt>>,
    ) -> Result<Self, BuildError<R::Error>> {
        let clock = builder.clock.take().unwrap_or_else(Rt::clock);
        let spawner = match builder.backend.spawner.take() {
            Some(spawner) => spawner,
            None => Rt::spawner().map_err(BuildError::Runtime)?,
        };
        let mailbox = Arc::new(Mailbox::default());
        let plain = Arc::new(Plain(Arc::clone(&clock)));
        let (backend, parts) = builder.into_parts(plain, Arc::clone(&mailbox) as _)?;
        let (starter, config) = (Starter { spawner, clock }, Arc::new(backend.config));
        let limits = parts.reserve_limits();
        let mut reserve = None;
        let (engine, controller) = Controller::new(parts, |engine| {
            let kept = Reserve::new(limits, engine.limits.clone(), Arc::clone(&engine.hub), starter.clone());
            let kept = reserve.insert(Arc::new(kept));
            Box::new(AsyncLaunch {
                starter: starter.clone(),
                config: Arc::clone(&config),
                reserve: Arc::clone(kept),
            })
        });
        let reserve = reserve.ok_or_else(|| BuildError::Runtime("the pool's parts were not made".into()))?;
        let loop_ = control(controller, mailbox, Arc::clone(&starter.clock));
        starter.start(&engine.hub.name().clone(), loop_).map_err(BuildError::Runtime)?;
        // From here on, dropping this future stops the pool.
        let inner = Arc::new(Inner { engine, starter, reserve, config });
        let started = inner.engine.started.wait().await;
        life::built(&inner.engine, started).await?;
        Ok(Self { inner, runtime: PhantomData })
    }

    /// Prepares a task with options: priority, retries, timeout, deadline, delay, name.
    pub fn task(&self) -> Request<'_, R> {
        Request::new(&self.inner)
    }

    /// Submits a task and never waits: a refusal arrives in the handle. Each attempt runs a clone of the closure.
    pub fn submit<F, T>(&self, task: F) -> TaskHandle<T, R::Error>
    where
        F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
            + for<'a> AsyncTask<'a, R, Result<T, R::Error>>
            + RetryTask
            + Send
            + 'static,
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
        F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
            + for<'a> AsyncTask<'a, R, Result<T, R::Error>>
            + RetryTask
            + Send
            + 'static,
        T: Send + 'static,
    {
        self.task().try_submit(task)
    }

    /// Submits a task, waiting for room in the queue: backpressure.
    ///
    /// # Errors
    ///
    /// The task, if the pool stops meanwhile, or if the wait is made inside a task of this pool and might never end
    /// ([`Refusal::WouldDeadlock`](crate::Refusal::WouldDeadlock)).
    ///
    /// # Cancel safety
    ///
    /// A submitter that gives up loses its place in line and its task, which was not submitted.
    pub async fn submit_wait<F, T>(&self, task: F) -> Result<TaskHandle<T, R::Error>, Refused<F>>
    where
        F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
            + for<'a> AsyncTask<'a, R, Result<T, R::Error>>
            + RetryTask
            + Send
            + 'static,
        T: Send + 'static,
    {
        self.task().submit_wait(task).await
    }

    /// Submits a task, waiting for room for at most `timeout`.
    ///
    /// # Errors
    ///
    /// The task, if there was no room in time or the pool stops meanwhile.
    ///
    /// # Cancel safety
    ///
    /// As [`submit_wait`](Self::submit_wait).
    pub async fn submit_timeout<F, T>(
        &self,
        timeout: Duration,
        task: F,
    ) -> Result<TaskHandle<T, R::Error>, Refused<F>>
    where
        F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
            + for<'a> AsyncTask<'a, R, Result<T, R::Error>>
            + RetryTask
            + Send
            + 'static,
        T: Send + 'static,
    {
        self.task().submit_timeout(timeout, task).await
    }

    /// Submits a task that is started at most once, whatever happens. Its closure need not be `Clone`.
    ///
    /// ```
    /// # use tasker_core::Resource;
    /// # use tasker_core::asynchronous::{Pool, Runtime};
    /// # fn f<R: Resource, Rt: Runtime>(pool: &Pool<R, Rt>, notify: Box<dyn FnOnce() + Send>) {
    /// let handle = pool.submit_once(async move |_, _| {
    ///     notify(); // a boxed `FnOnce`: it can be called only once, and is not `Clone`
    ///     Ok(())
    /// });
    /// # handle.detach();
    /// # }
    /// ```
    ///
    /// Where a task may be retried, such a closure is refused by the compiler:
    ///
    /// ```compile_fail,E0277
    /// # use tasker_core::Resource;
    /// # use tasker_core::asynchronous::{Pool, Runtime};
    /// # fn f<R: Resource, Rt: Runtime>(pool: &Pool<R, Rt>, notify: Box<dyn FnOnce() + Send>) {
    /// let handle = pool.submit(async move |_, _| {
    ///     notify(); // a boxed `FnOnce`: it can be called only once, and is not `Clone`
    ///     Ok(())
    /// });
    /// # handle.detach();
    /// # }
    /// ```
    pub fn submit_once<F, T>(&self, task: F) -> TaskHandle<T, R::Error>
    where
        F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
            + for<'a> AsyncTask<'a, R, Result<T, R::Error>>
            + Send
            + 'static,
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
        F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
            + for<'a> AsyncTask<'a, R, Result<T, R::Error>>
            + RetryTask
            + Send
            + 'static,
        T: Send + 'static,
    {
        self.task().submit_then(task, callback);
    }

    /// Submits many tasks as one, in their order: no other task comes in between.
    pub fn submit_all<F, T>(&self, tasks: impl IntoIterator<Item = F>) -> Vec<TaskHandle<T, R::Error>>
    where
        F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
            + for<'a> AsyncTask<'a, R, Result<T, R::Error>>
            + RetryTask
            + Send
            + 'static,
        T: Send + 'static,
    {
        self.task().submit_all(tasks)
    }

    /// Runs a task here and now, past the queue, on a resource of the reserve or a temporary one.
    ///
    /// The task runs on the caller's own task, and is never retried; so it may borrow from its caller, mutably too. A
    /// pause does not hold it up. An unhealthy resource is destroyed and not put back. When the reserve and the temporary
    /// resources are all in use, this waits for one, in turn. While the pool drains it is served until the last worker has
    /// left. It should not wait for another `run` of the same pool: where every resource serves one that does, none would
    /// end.
    ///
    /// ```
    /// # use tasker_core::{Resource, RunError};
    /// # use tasker_core::asynchronous::{Pool, Runtime};
    /// # async fn f<R: Resource, Rt: Runtime>(pool: &Pool<R, Rt>) -> Result<(), RunError<R::Error>> {
    /// let mut calls = 0;
    /// pool.run(async |_, _| {
    ///     calls += 1;
    ///     Ok(())
    /// })
    /// .await?;
    /// assert_eq!(calls, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The task's own error, or why it was not run. Nothing else in the pool changes.
    ///
    /// # Cancel safety
    ///
    /// The task is dropped at its await point; its resource is destroyed and not put back.
    pub async fn run<F, T>(&self, task: F) -> Result<T, RunError<R::Error>>
    where
        F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
            + for<'a> AsyncTask<'a, R, Result<T, R::Error>>,
    {
        run::run(&self.inner.reserve, &self.inner.config, task).await
    }

    /// Stops gracefully: takes no more tasks, runs all that were taken, destroys the resources, and says how it went.
    ///
    /// Waits as long as that takes; [`stop_within`](Self::stop_within) does not. Called again, it waits for the same
    /// end.
    ///
    /// # Errors
    ///
    /// [`StopError::InsideTask`] inside a task of this pool: the stop has begun, but cannot be waited for there.
    ///
    /// # Cancel safety
    ///
    /// The stop goes on when the future is dropped; it begins with the first poll.
    pub async fn stop(&self) -> Result<Arc<StopReport>, StopError> {
        life::stop(&self.inner.engine, None)?;
        Ok(self.inner.engine.ended.wait().await)
    }

    /// Stops gracefully, but kills the pool when `timeout` has passed.
    ///
    /// # Errors
    ///
    /// [`StopError::InsideTask`] inside a task of this pool: the stop has begun, but cannot be waited for there.
    ///
    /// # Cancel safety
    ///
    /// As [`stop`](Self::stop).
    pub async fn stop_within(&self, timeout: Duration) -> Result<Arc<StopReport>, StopError> {
        life::stop(&self.inner.engine, Some(timeout))?;
        Ok(self.inner.engine.ended.wait().await)
    }

    /// Ends the pool now: tasks that wait are resolved as killed, running ones are dropped at their await point, and
    /// resources are destroyed. Waits for workers for no longer than the grace and destroy timeouts.
    ///
    /// # Errors
    ///
    /// [`StopError::InsideTask`] inside a task of this pool: the kill has begun, but cannot be waited for there.
    ///
    /// # Cancel safety
    ///
    /// As [`stop`](Self::stop).
    pub async fn kill(&self) -> Result<Arc<StopReport>, StopError> {
        life::kill(&self.inner.engine)?;
        Ok(self.inner.engine.ended.wait().await)
    }

    /// Waits for the pool's end, without bringing it about.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub async fn ended(&self) -> Arc<StopReport> {
        self.inner.engine.ended.wait().await
    }

    /// Runs `body` with the pool, then stops the pool and waits for its end: what `defer pool.stop()` is elsewhere.
    ///
    /// # Errors
    ///
    /// As [`stop`](Self::stop); the body's own output is lost then.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, or `body` panics, the stop begins once the last handle is gone, and nobody waits for it.
    pub async fn scope<T>(
        self,
        body: impl AsyncFnOnce(&Self) -> T,
    ) -> Result<(T, Arc<StopReport>), StopError> {
        let output = body(&self).await;
        Ok((output, self.stop().await?))
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
    pub fn resize(&self, workers: usize, max_workers: usize) -> Result<(), crate::InvalidConfig> {
        life::resize(&self.inner.engine, workers, max_workers)
    }

    /// Brings at least `workers` workers up, within the bounds, and waits until they are ready or the pool stops.
    /// The scaling policy may let them go again.
    ///
    /// # Cancel safety
    ///
    /// The workers come up even if nobody waits for them.
    pub async fn warm_up(&self, workers: usize) {
        let asked = life::begin_warm_up(&self.inner.engine, workers);
        poll_fn(|cx| life::poll_warm(&self.inner.engine, asked, cx.waker())).await;
    }

    /// How many workers, tasks and resources there are, at one moment. Answers after the end, too.
    #[must_use]
    pub fn stats(&self) -> Stats {
        life::stats(&self.inner.engine, self.inner.reserve.shared.levels())
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
    pub fn downgrade(&self) -> WeakPool<R, Rt> {
        WeakPool { inner: Arc::downgrade(&self.inner), runtime: PhantomData }
    }
}

/// The last handle is gone: what was submitted still runs, and then the pool ends.
impl<R: Resource> Drop for Inner<R> {
    fn drop(&mut self) {
        life::last_drop(&self.engine);
    }
}

impl<R: Resource, Rt: Runtime> Clone for Pool<R, Rt> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), runtime: PhantomData }
    }
}

impl<R: Resource, Rt: Runtime> fmt::Debug for Pool<R, Rt> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("name", self.inner.engine.hub.name()).finish_non_exhaustive()
    }
}

/// A handle that does not keep its pool from stopping.
pub struct WeakPool<R: Resource, Rt: Runtime> {
    inner: Weak<Inner<R>>,
    runtime: PhantomData<fn() -> Rt>,
}

impl<R: Resource, Rt: Runtime> WeakPool<R, Rt> {
    /// The pool, if a handle to it is still held.
    #[must_use]
    pub fn upgrade(&self) -> Option<Pool<R, Rt>> {
        self.inner.upgrade().map(|inner| Pool { inner, runtime: PhantomData })
    }
}

impl<R: Resource, Rt: Runtime> Clone for WeakPool<R, Rt> {
    fn clone(&self) -> Self {
        Self { inner: Weak::clone(&self.inner), runtime: PhantomData }
    }
}

impl<R: Resource, Rt: Runtime> fmt::Debug for WeakPool<R, Rt> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakPool").finish_non_exhaustive()
    }
}
