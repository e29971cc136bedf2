//! The two colours of pools, driven alike.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tasker_core::asynchronous::{self, AsyncBackend, Runtime, Spawner};
use tasker_core::builder::{Backend, Builder};
use tasker_core::sync::thread;
use tasker_core::{
    AsyncClock, Events, InvalidConfig, Refused, RunError, StopError, StopReport, TaskContext, TaskHandle,
};
use tasker_thread::{ThreadBuilder, Threads};

use crate::book::{Book, Fault, Part, Task};
use crate::clock::Hands;

pub(crate) type Handle = TaskHandle<(), Fault>;
pub(crate) type Stop = Result<Arc<StopReport>, StopError>;

/// A kind of pool, driven from the threads of a schedule: what is async there is blocked on here.
pub(crate) trait Colour: 'static {
    type Backend: Backend;
    type Pool: Clone + Send + Sync + 'static;

    fn builder(book: Book, clock: Hands) -> Builder<Self::Backend>;
    fn build(builder: Builder<Self::Backend>) -> Self::Pool;
    fn submit(pool: &Self::Pool, task: Task) -> Handle;
    fn submit_once(pool: &Self::Pool, task: Task) -> Handle;
    fn submit_wait(pool: &Self::Pool, task: Task) -> Option<Handle>;
    fn run(pool: &Self::Pool, task: Task) -> Result<(), RunError<Fault>>;
    fn stop(pool: &Self::Pool) -> Stop;
    fn stop_within(pool: &Self::Pool, timeout: Duration) -> Stop;
    fn kill(pool: &Self::Pool) -> Stop;
    fn events(pool: &Self::Pool) -> Events;
    fn pause(pool: &Self::Pool);
    fn resume(pool: &Self::Pool);
    fn resize(pool: &Self::Pool, workers: usize, max_workers: usize) -> Result<(), InvalidConfig>;
}

/// What is the same for both, but that `$wait` waits for what is async in one.
macro_rules! steer {
    ($wait:path) => {
        fn stop(pool: &Self::Pool) -> Stop {
            $wait(pool.stop())
        }

        fn stop_within(pool: &Self::Pool, timeout: Duration) -> Stop {
            $wait(pool.stop_within(timeout))
        }

        fn kill(pool: &Self::Pool) -> Stop {
            $wait(pool.kill())
        }

        fn events(pool: &Self::Pool) -> Events {
            pool.events()
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
    };
}

/// `tasker-thread`, its mailbox over the door's locks instead of crossbeam.
pub(crate) struct OnThreads;

fn act(task: Task) -> impl FnMut(&mut Part, &TaskContext) -> Result<(), Fault> + Send + 'static {
    move |part, _| task.act(part)
}

fn taken<F>(tried: Result<Handle, Refused<F>>) -> Option<Handle> {
    tried.ok()
}

impl Colour for OnThreads {
    type Backend = Threads<Part>;
    type Pool = tasker_thread::Pool<Part>;

    fn builder(book: Book, clock: Hands) -> Builder<Self::Backend> {
        tasker_thread::Pool::builder(book).clock(Arc::new(clock))
    }

    fn build(builder: Builder<Self::Backend>) -> Self::Pool {
        builder.build().expect("every creation succeeds")
    }

    fn submit(pool: &Self::Pool, task: Task) -> Handle {
        pool.submit(act(task))
    }

    fn submit_once(pool: &Self::Pool, task: Task) -> Handle {
        pool.submit_once(act(task))
    }

    fn submit_wait(pool: &Self::Pool, task: Task) -> Option<Handle> {
        taken(pool.submit_wait(act(task)))
    }

    fn run(pool: &Self::Pool, task: Task) -> Result<(), RunError<Fault>> {
        pool.run(act(task))
    }

    steer!(std::convert::identity);
}

/// The async pool, on a runtime whose tasks are shuttle's.
pub(crate) struct OnFutures;

/// Polls each future on a thread of its own, which waits as shuttle's executor does.
pub(crate) struct ShuttleRuntime;

#[derive(Debug)]
struct ShuttleSpawner;

impl Spawner for ShuttleSpawner {
    fn spawn(&self, name: &str, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Result<(), Arc<str>> {
        // As a thread and not as one of shuttle's tasks, so that one that never ends is a deadlock and not forgotten.
        let started = thread::Builder::new().name(name.into()).spawn(|| block_on(future));
        started.map(drop).map_err(|error| error.to_string().into())
    }
}

impl Runtime for ShuttleRuntime {
    fn spawner() -> Result<Arc<dyn Spawner>, Arc<str>> {
        Ok(Arc::new(ShuttleSpawner))
    }

    fn clock() -> Arc<dyn AsyncClock> {
        Arc::new(Hands::default())
    }
}

impl fmt::Debug for ShuttleRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShuttleRuntime")
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    shuttle::future::block_on(future)
}

fn act_async(
    task: Task,
) -> impl AsyncFnOnce(&mut Part, &TaskContext) -> Result<(), Fault>
+ for<'a> asynchronous::AsyncTask<'a, Part, Result<(), Fault>>
+ Clone
+ Send
+ 'static {
    async move |part: &mut Part, _: &TaskContext| task.act_async(part).await
}

impl Colour for OnFutures {
    type Backend = AsyncBackend<Part, ShuttleRuntime>;
    type Pool = asynchronous::Pool<Part, ShuttleRuntime>;

    fn builder(book: Book, clock: Hands) -> Builder<Self::Backend> {
        asynchronous::Pool::builder(book).clock(Arc::new(clock))
    }

    fn build(builder: Builder<Self::Backend>) -> Self::Pool {
        block_on(builder.build()).expect("every creation succeeds")
    }

    fn submit(pool: &Self::Pool, task: Task) -> Handle {
        pool.submit(act_async(task))
    }

    fn submit_once(pool: &Self::Pool, task: Task) -> Handle {
        pool.submit_once(act_async(task))
    }

    fn submit_wait(pool: &Self::Pool, task: Task) -> Option<Handle> {
        taken(block_on(pool.submit_wait(act_async(task))))
    }

    fn run(pool: &Self::Pool, task: Task) -> Result<(), RunError<Fault>> {
        block_on(pool.run(act_async(task)))
    }

    steer!(block_on);
}
