//! Plain threads, taken through the conformance suite.

use std::sync::Arc;
use std::time::Duration;

use tasker_testkit::{
    Answer, Capabilities, Driver, FakeClock, Fault, Handle, Script, Scripted, Task, Waiting, ask, steer,
};

use tasker_thread::{
    BuildError, Builder, Pool, Refused, RunError, TaskContext, TaskError, ThreadBuilder, Threads,
};

/// Threads need nothing to run on.
struct OnThreads;

/// The closure that plays `task`.
fn played(task: Task) -> impl FnMut(&mut Scripted, &TaskContext) -> Result<Answer, Fault> + Send + 'static {
    move |resource, cx| task.play_blocking(resource, cx)
}

impl Driver for OnThreads {
    const CAPABILITIES: Capabilities = Capabilities {
        interrupts_tasks: false,
        pins_resources: true,
        runtime_ends: false,
        starts_can_fail: false,
    };
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

    steer!(std::convert::identity);
}

tasker_testkit::conformance!(OnThreads);
