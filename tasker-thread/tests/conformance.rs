//! Plain threads, taken through the conformance suite.

use std::sync::Arc;
use std::time::Duration;

use tasker_testkit::{
    Answer, Capabilities, Driver, FakeClock, Fault, Handle, Script, Scripted, Task, Waiting, ask,
};

use tasker_thread::{
    BuildError, Builder, Events, InvalidConfig, Metrics, Pool, Refused, RunError, Stats, StopError,
    StopReport, TaskContext, TaskError, ThreadBuilder, Threads,
};

/// Threads need nothing to run on.
struct OnThreads;

/// The closure that plays `task`.
fn played(task: Task) -> impl FnMut(&mut Scripted, &TaskContext) -> Result<Answer, Fault> + Send + 'static {
    move |resource, cx| task.play_blocking(resource, cx)
}

impl Driver for OnThreads {
    const CAPABILITIES: Capabilities =
        Capabilities { interrupts_tasks: false, pins_resources: true, runtime_ends: false };
    type Backend = Threads<Scripted>;
    type Pool = Pool<Scripted>;

    fn start() -> Self {
        Self
    }

    fn builder(&self, script: Script, clock: FakeClock) -> Builder<Self::Backend> {
        Pool::builder(script).clock(Arc::new(clock))
    }

    fn build(&self, builder: Builder<Self::Backend>) -> Result<Self::Pool, BuildError<Fault>> {
        builder.build()
    }

    fn submit(pool: &Self::Pool, task: Task) -> Handle {
        ask!(pool.task(), task.options).submit(played(task))
    }

    fn submit_once(pool: &Self::Pool, task: Task) -> Handle {
        ask!(pool.task(), task.options).once().submit(played(task))
    }

    fn try_submit(pool: &Self::Pool, task: Task) -> Result<Handle, Refused<Task>> {
        let back = task.clone();
        let tried = ask!(pool.task(), task.options).try_submit(played(task));
        tried.map_err(|refused| Refused { task: back, reason: refused.reason })
    }

    fn submit_wait_inside(pool: Self::Pool, task: Task) -> Waiting {
        Box::pin(async move {
            let back = task.clone();
            let tried = ask!(pool.task(), task.options).submit_wait(played(task));
            tried.map_err(|refused| Refused { task: back, reason: refused.reason })
        })
    }

    fn submit_timeout(pool: &Self::Pool, timeout: Duration, task: Task) -> Result<Handle, Refused<Task>> {
        let back = task.clone();
        let tried = ask!(pool.task(), task.options).submit_timeout(timeout, played(task));
        tried.map_err(|refused| Refused { task: back, reason: refused.reason })
    }

    fn submit_then(
        pool: &Self::Pool,
        task: Task,
        callback: impl FnOnce(Result<Answer, TaskError<Fault>>) + Send + 'static,
    ) {
        ask!(pool.task(), task.options).submit_then(played(task), callback);
    }

    fn submit_all(pool: &Self::Pool, tasks: Vec<Task>) -> Vec<Handle> {
        let options = tasks.first().map(|task| task.options.clone()).unwrap_or_default();
        ask!(pool.task(), options).submit_all(tasks.into_iter().map(played))
    }

    fn run(pool: &Self::Pool, task: Task) -> Result<Answer, RunError<Fault>> {
        pool.run(played(task))
    }

    fn stop(pool: &Self::Pool) -> Result<Arc<StopReport>, StopError> {
        pool.stop()
    }

    fn stop_within(pool: &Self::Pool, timeout: Duration) -> Result<Arc<StopReport>, StopError> {
        pool.stop_within(timeout)
    }

    fn kill(pool: &Self::Pool) -> Result<Arc<StopReport>, StopError> {
        pool.kill()
    }

    fn ended(pool: &Self::Pool) -> Arc<StopReport> {
        pool.ended()
    }

    fn pause(pool: &Self::Pool) {
        pool.pause();
    }

    fn resume(pool: &Self::Pool) {
        pool.resume();
    }

    fn resize(pool: &Self::Pool, workers: usize, max_workers: usize) -> Result<(), InvalidConfig> {
        pool.resize(workers, max_workers)
    }

    fn warm_up(pool: &Self::Pool, workers: usize) {
        pool.warm_up(workers);
    }

    fn stats(pool: &Self::Pool) -> Stats {
        pool.stats()
    }

    fn metrics(pool: &Self::Pool) -> Metrics {
        pool.metrics()
    }

    fn events(pool: &Self::Pool) -> Events {
        pool.events()
    }
}

tasker_testkit::conformance!(OnThreads);
