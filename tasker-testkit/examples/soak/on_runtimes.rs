//! Pools on async runtimes: one for all, since the async pool is.

use std::sync::Arc;
use std::time::Duration;

use tasker_async_std::AsyncStd;
use tasker_core::asynchronous::{AsyncBackend, AsyncTask, Pool, Runtime, WeakPool};
use tasker_core::builder::Builder;
use tasker_core::parker::{block_on, block_on_until};
use tasker_core::{AsyncClock, BuildError, Refusal, RunError, TaskContext};
use tasker_tokio::Tokio;

use crate::ground::{Ground, Handle, Room, note};
use crate::resource::{Fault, Faulty};
use crate::submitted;
use crate::task::{Act, Task};
use crate::world::World;

/// A runtime with threads of its own.
pub(crate) trait Threads: Sized + 'static {
    type Runtime: Runtime;
    fn start() -> Result<Self, String>;
    fn enter<T>(&self, f: impl FnOnce() -> T) -> T;
}

/// Two threads of tokio, which end with the round.
pub(crate) struct TokioThreads(tokio::runtime::Runtime);

impl Threads for TokioThreads {
    type Runtime = Tokio;

    fn start() -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
        runtime.map(Self).map_err(|error| error.to_string())
    }

    fn enter<T>(&self, f: impl FnOnce() -> T) -> T {
        let _inside = self.0.enter();
        f()
    }
}

/// async-std's global threads.
pub(crate) struct AsyncStdThreads;

impl Threads for AsyncStdThreads {
    type Runtime = AsyncStd;

    fn start() -> Result<Self, String> {
        Ok(Self)
    }

    fn enter<T>(&self, f: impl FnOnce() -> T) -> T {
        f()
    }
}

pub(crate) struct OnRuntime<T>(T);

impl<T: Threads> Ground for OnRuntime<T> {
    type Backend = AsyncBackend<Faulty, T::Runtime>;
    type Pool = Pool<Faulty, T::Runtime>;

    fn start() -> Result<Self, String> {
        T::start().map(Self)
    }

    fn clock(&self) -> Option<Arc<dyn AsyncClock>> {
        Some(self.0.enter(T::Runtime::clock))
    }

    fn builder(world: Arc<World>) -> Builder<Self::Backend> {
        Pool::builder(world)
    }

    fn build(&self, builder: Builder<Self::Backend>) -> Result<Self::Pool, BuildError<Fault>> {
        self.0.enter(|| block_on(builder.build()))
    }

    fn submit(pool: &Self::Pool, task: Task) -> Handle {
        submitted!(pool, task, submit(), played(pool, task))
    }

    fn submit_with(pool: &Self::Pool, room: Room, task: Task) -> Result<Handle, Refusal> {
        block_on(async {
            match room {
                Room::Try => submitted!(pool, task, try_submit(), played(pool, task)).map_err(|r| r.reason),
                Room::Wait => waited!(pool, task, submit_wait()),
                Room::Within(time) => waited!(pool, task, submit_timeout(time)),
            }
        })
    }

    fn submit_all(pool: &Self::Pool, tasks: Vec<Task>) -> Vec<Handle> {
        pool.submit_all(tasks.into_iter().map(|task| played(pool, task)))
    }

    fn run(pool: &Self::Pool, task: Task, limit: Option<Duration>) -> Option<Result<(), RunError<Fault>>> {
        let run = pool.run(async |_: &mut Faulty, cx: &TaskContext| task.play(cx).await);
        let Some(limit) = limit else { return Some(block_on(run)) };
        let clock = tasker_core::SystemClock::new();
        block_on_until(&clock, tasker_core::Timestamp::ZERO.saturating_add(limit), run)
    }

    tasker_testkit::steer!(block_on);
}

/// As `submitted`, awaited.
macro_rules! waited {
    ($pool:expr, $task:expr, $verb:ident ( $($argument:expr),* )) => {{
        let request = tasker_testkit::ask!($pool.task(), $task.options);
        if $task.once {
            request.once().$verb($($argument,)* played($pool, $task)).await.map_err(|refused| refused.reason)
        } else {
            request.$verb($($argument,)* played($pool, $task)).await.map_err(|refused| refused.reason)
        }
    }};
}
use waited;

/// The closure that plays `task`.
fn played<Rt: Runtime>(
    pool: &Pool<Faulty, Rt>,
    task: Task,
) -> impl AsyncFnOnce(&mut Faulty, &TaskContext) -> Result<(), Fault>
+ for<'a> AsyncTask<'a, Faulty, Result<(), Fault>>
+ Clone
+ Send
+ 'static {
    let pool = pool.downgrade();
    async move |_: &mut Faulty, cx: &TaskContext| {
        task.begin();
        match task.act {
            Act::Nest => nest(pool, &task.world).await,
            Act::Stop => stop(pool).await,
            Act::Succeed | Act::Fail | Act::Sicken | Act::SickenOnce | Act::Panic | Act::PanicLater => {
                task.play(cx).await
            }
            Act::Nap(_) | Act::UntilCancelled => task.play(cx).await,
        }
    }
}

async fn nest<Rt: Runtime>(pool: WeakPool<Faulty, Rt>, world: &Arc<World>) -> Result<(), Fault> {
    let Some(pool) = pool.upgrade() else { return Ok(()) };
    let handle = pool.submit(leaf(Task::of(world, Act::Succeed)));
    let id = handle.id();
    let result = handle.await;
    note(world, id, &result);
    Ok(())
}

/// The closure of a task that needs no pool.
fn leaf(
    task: Task,
) -> impl AsyncFnOnce(&mut Faulty, &TaskContext) -> Result<(), Fault>
+ for<'a> AsyncTask<'a, Faulty, Result<(), Fault>>
+ Clone
+ Send
+ 'static {
    async move |_: &mut Faulty, cx: &TaskContext| {
        task.begin();
        task.play(cx).await
    }
}

async fn stop<Rt: Runtime>(pool: WeakPool<Faulty, Rt>) -> Result<(), Fault> {
    let Some(pool) = pool.upgrade() else { return Ok(()) };
    match pool.stop().await {
        Ok(_) => Err(Fault::Sick),
        Err(_) => Ok(()),
    }
}
