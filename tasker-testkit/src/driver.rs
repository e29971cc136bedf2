//! What a backend has to say for itself to be taken through the suite.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tasker_core::builder::{Backend, Builder};
use tasker_core::metrics::{Metrics, Stats};
use tasker_core::parker::block_on;
use tasker_core::sync::Arc;
use tasker_core::{
    BuildError, Events, InvalidConfig, Refused, RunError, StopError, StopReport, TaskError, TaskHandle,
};

use crate::{Answer, FakeClock, Fault, Script, Task};

/// A [`Task`] on its way into a queue.
pub type Waiting = Pin<Box<dyn Future<Output = Result<Handle, Refused<Task>>> + Send>>;

/// The handle of a [`Task`].
pub type Handle = TaskHandle<Answer, Fault>;

/// What a backend can do that another cannot. Selects cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Running tasks are dropped at an await point; otherwise they are told, and a worker that does not come back is
    /// abandoned.
    pub interrupts_tasks: bool,
    /// A resource stays on one thread for all its life.
    pub pins_resources: bool,
    /// The runtime can end before the pool has, see [`Driver::end_runtime`].
    pub runtime_ends: bool,
    /// A test can have workers not be started, see [`Driver::fail_starts`].
    pub starts_can_fail: bool,
}

/// A backend, driven through its public API from plain threads: what is async there is blocked on here.
///
/// Async backends implement [`AsyncRuntime`](crate::AsyncRuntime) and use [`OnRuntime`](crate::OnRuntime).
pub trait Driver: Send + Sync + Sized + 'static {
    /// What it can do.
    const CAPABILITIES: Capabilities;
    /// The backend of its builder.
    type Backend: Backend;
    /// Its pool.
    type Pool: Clone + Send + Sync + 'static;

    /// What pools need to run, such as a runtime.
    fn start() -> Self;

    /// A builder with the script and the clock set.
    fn builder(&self, script: Script, clock: FakeClock) -> Builder<Self::Backend>;

    /// Builds.
    ///
    /// # Errors
    ///
    /// Those of `build`.
    fn build(&self, builder: Builder<Self::Backend>) -> Result<Self::Pool, BuildError<Fault>>;

    /// Makes the next so many starts of workers fail, in a backend with [`Capabilities::starts_can_fail`].
    fn fail_starts(&self, builder: Builder<Self::Backend>, starts: usize) -> Option<Builder<Self::Backend>> {
        let _ = (builder, starts);
        None
    }

    /// Ends what pools run on, in a backend with [`Capabilities::runtime_ends`].
    fn end_runtime(&self) {}

    /// `submit`.
    fn submit(pool: &Self::Pool, task: Task) -> Handle;
    /// `task().once().submit`.
    fn submit_once(pool: &Self::Pool, task: Task) -> Handle;
    /// `try_submit`.
    ///
    /// # Errors
    ///
    /// Those of `try_submit`.
    fn try_submit(pool: &Self::Pool, task: Task) -> Result<Handle, Refused<Task>>;
    /// `submit_wait`.
    ///
    /// # Errors
    ///
    /// Those of `submit_wait`.
    fn submit_wait(pool: &Self::Pool, task: Task) -> Result<Handle, Refused<Task>> {
        block_on(Self::submit_wait_inside(pool.clone(), task))
    }
    /// `submit_wait` as tasks do it: awaited where that can be done, blocked on with the first poll where not.
    fn submit_wait_inside(pool: Self::Pool, task: Task) -> Waiting;
    /// `submit_timeout`.
    ///
    /// # Errors
    ///
    /// Those of `submit_timeout`.
    fn submit_timeout(pool: &Self::Pool, timeout: Duration, task: Task) -> Result<Handle, Refused<Task>>;
    /// `submit_then`.
    fn submit_then(
        pool: &Self::Pool,
        task: Task,
        callback: impl FnOnce(Result<Answer, TaskError<Fault>>) + Send + 'static,
    );
    /// `submit_all`.
    fn submit_all(pool: &Self::Pool, tasks: Vec<Task>) -> Vec<Handle>;
    /// `run`.
    ///
    /// # Errors
    ///
    /// Those of `run`.
    fn run(pool: &Self::Pool, task: Task) -> Result<Answer, RunError<Fault>>;
    /// `stop`.
    ///
    /// # Errors
    ///
    /// Those of `stop`.
    fn stop(pool: &Self::Pool) -> Result<Arc<StopReport>, StopError>;
    /// `stop_within`.
    ///
    /// # Errors
    ///
    /// Those of `stop_within`.
    fn stop_within(pool: &Self::Pool, timeout: Duration) -> Result<Arc<StopReport>, StopError>;
    /// `kill`.
    ///
    /// # Errors
    ///
    /// Those of `kill`.
    fn kill(pool: &Self::Pool) -> Result<Arc<StopReport>, StopError>;
    /// `ended`.
    fn ended(pool: &Self::Pool) -> Arc<StopReport>;
    /// `pause`.
    fn pause(pool: &Self::Pool);
    /// `resume`.
    fn resume(pool: &Self::Pool);
    /// `resize`.
    ///
    /// # Errors
    ///
    /// Those of `resize`.
    fn resize(pool: &Self::Pool, workers: usize, max_workers: usize) -> Result<(), InvalidConfig>;
    /// `warm_up`.
    fn warm_up(pool: &Self::Pool, workers: usize);
    /// `stats`.
    fn stats(pool: &Self::Pool) -> Stats;
    /// `metrics`.
    fn metrics(pool: &Self::Pool) -> Metrics;
    /// `events`.
    fn events(pool: &Self::Pool) -> Events;
}

/// What steers and shows a pool, for a trait over the pools of all backends: each function calls the method of its name.
/// `$wait` waits for what is async, as `block_on` does, or is the identity where nothing is.
#[macro_export]
macro_rules! steer {
    ($wait:path) => {
        fn stop(
            pool: &Self::Pool,
        ) -> Result<::std::sync::Arc<::tasker_core::StopReport>, ::tasker_core::StopError> {
            $wait(pool.stop())
        }

        fn stop_within(
            pool: &Self::Pool,
            timeout: ::std::time::Duration,
        ) -> Result<::std::sync::Arc<::tasker_core::StopReport>, ::tasker_core::StopError> {
            $wait(pool.stop_within(timeout))
        }

        fn kill(
            pool: &Self::Pool,
        ) -> Result<::std::sync::Arc<::tasker_core::StopReport>, ::tasker_core::StopError> {
            $wait(pool.kill())
        }

        fn ended(pool: &Self::Pool) -> ::std::sync::Arc<::tasker_core::StopReport> {
            $wait(pool.ended())
        }

        fn pause(pool: &Self::Pool) {
            pool.pause();
        }

        fn resume(pool: &Self::Pool) {
            pool.resume();
        }

        fn resize(
            pool: &Self::Pool,
            workers: usize,
            max_workers: usize,
        ) -> Result<(), ::tasker_core::InvalidConfig> {
            pool.resize(workers, max_workers)
        }

        fn warm_up(pool: &Self::Pool, workers: usize) {
            $wait(pool.warm_up(workers));
        }

        fn stats(pool: &Self::Pool) -> ::tasker_core::metrics::Stats {
            pool.stats()
        }

        fn metrics(pool: &Self::Pool) -> ::tasker_core::metrics::Metrics {
            pool.metrics()
        }

        fn events(pool: &Self::Pool) -> ::tasker_core::Events {
            pool.events()
        }
    };
}

/// Asks on a request, of any backend, for what is asked in a [`Task`]'s options.
#[macro_export]
macro_rules! ask {
    ($request:expr, $options:expr) => {{
        let options = $options.clone();
        let mut request = $request.priority(options.priority);
        if let Some(timeout) = options.timeout {
            request = request.timeout(timeout);
        }
        if let Some(deadline) = options.deadline {
            request = request.deadline(deadline);
        }
        if let Some(delay) = options.delay {
            request = request.delay(delay);
        }
        if let Some(name) = options.name {
            request = request.name(name);
        }
        if let Some(retries) = options.retries {
            request = request.retries(retries);
        }
        if options.cancel_safe {
            request = request.cancel_safe();
        }
        if options.retry_on_timeout {
            request = request.retry_on_timeout();
        }
        request
    }};
}
