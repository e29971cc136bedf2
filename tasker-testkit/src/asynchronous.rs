//! The driver of async backends: the async pool is the same for all of them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tasker_core::asynchronous::{AsyncBackend, Pool, Runtime, Spawner};
use tasker_core::builder::Builder;
use tasker_core::parker::block_on;
use tasker_core::sync::Arc;
use tasker_core::sync::atomic::{AtomicUsize, Ordering};
use tasker_core::{BuildError, Refused, RunError, TaskContext, TaskError};

use crate::{
    Answer, Capabilities, Driver, FakeClock, Fault, Handle, Script, Scripted, Task, Waiting, ask, steer,
};

/// What is particular to an async backend.
pub trait AsyncRuntime: Send + Sync + 'static {
    /// The runtime of its pools.
    type Runtime: Runtime;
    /// Whether [`end`](Self::end) ends it.
    const ENDS: bool;

    /// Starts a runtime with threads of its own.
    fn start() -> Self;

    /// Calls `f` where the runtime is found.
    fn enter<T>(&self, f: impl FnOnce() -> T) -> T;

    /// Shuts the runtime down.
    fn end(&self) {}
}

/// The [`Driver`] of an async backend.
#[derive(Debug)]
pub struct OnRuntime<T>(T);

type PoolOf<T> = Pool<Scripted, <T as AsyncRuntime>::Runtime>;

impl<T: AsyncRuntime> Driver for OnRuntime<T> {
    const CAPABILITIES: Capabilities = Capabilities {
        interrupts_tasks: true,
        pins_resources: false,
        runtime_ends: T::ENDS,
        starts_can_fail: true,
    };
    type Backend = AsyncBackend<Scripted, T::Runtime>;
    type Pool = PoolOf<T>;

    fn start() -> Self {
        Self(T::start())
    }

    fn builder(&self, script: Script, clock: FakeClock) -> Builder<Self::Backend> {
        Pool::builder(script).clock(Arc::new(clock))
    }

    fn build(&self, builder: Builder<Self::Backend>) -> Result<Self::Pool, BuildError<Fault>> {
        self.0.enter(|| block_on(builder.build()))
    }

    fn fail_starts(&self, builder: Builder<Self::Backend>, starts: usize) -> Option<Builder<Self::Backend>> {
        // The control loop is started first, and is let through.
        let spawner = self.0.enter(T::Runtime::spawner).ok()?;
        Some(builder.spawner(Arc::new(Unwilling { spawner, calls: AtomicUsize::new(0), starts })))
    }

    fn end_runtime(&self) {
        self.0.end();
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
            let tried = ask!(pool.task(), task.options).submit_wait(played(task)).await;
            tried.map_err(|refused| Refused { task: back, reason: refused.reason })
        })
    }

    fn submit_timeout(pool: &Self::Pool, timeout: Duration, task: Task) -> Result<Handle, Refused<Task>> {
        let back = task.clone();
        let tried = block_on(ask!(pool.task(), task.options).submit_timeout(timeout, played(task)));
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
        block_on(pool.run(played(task)))
    }

    steer!(block_on);
}

/// The closure that plays `task`.
fn played(
    task: Task,
) -> impl AsyncFnOnce(&mut Scripted, &TaskContext) -> Result<Answer, Fault>
+ for<'a> tasker_core::asynchronous::AsyncTask<'a, Scripted, Result<Answer, Fault>>
+ Clone
+ Send
+ 'static {
    async move |resource: &mut Scripted, cx: &TaskContext| task.play(resource, cx).await
}

/// Refuses to start so many workers.
struct Unwilling {
    spawner: Arc<dyn Spawner>,
    calls: AtomicUsize,
    starts: usize,
}

impl Spawner for Unwilling {
    fn spawn(&self, name: &str, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Result<(), Arc<str>> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if (1..=self.starts).contains(&call) {
            return Err("no thread could be started".into());
        }
        self.spawner.spawn(name, future)
    }
}

impl fmt::Debug for Unwilling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unwilling").field("starts", &self.starts).finish_non_exhaustive()
    }
}
