//! A stream of typed results of which every tenth task is cancelled as soon as it was submitted.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use benches::work::{Task, sum_of};
use futures::executor::block_on;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::results::IN_FLIGHT;
use super::{Scale, Work};
use crate::OURS;
use crate::asynchronous::{self, Cronoq, Flavour, OnTokio, Order, Spawn, Tasks};
use crate::rounds::{Entrant, nanos_each};
use crate::threads::{self, Affinitypool, Floor, Ours, SpawnBlocking, Threads};

pub(super) fn works() -> Vec<Work> {
    let what = "threads, 2 workers: typed results, 1,024 in flight, every tenth cancelled";
    let entrants = |scale| vec![floor(scale), ours(scale), affinitypool(scale), spawn_blocking(scale)];
    let on_threads = Work::timed("cancel threads", what, threads::FLOOR, entrants);
    let what = "tokio, two threads: typed results, 1,024 in flight, every tenth cancelled";
    let tokio = Work::timed("cancel tokio", what, asynchronous::FLOOR, |scale| {
        let runtime = Arc::new(Flavour::MultiThread.runtime());
        vec![
            on_tokio::<Spawn>(scale, &runtime),
            on_tokio::<OnTokio>(scale, &runtime),
            on_tokio::<Cronoq>(scale, &runtime),
        ]
    });
    vec![on_threads, tokio]
}

/// A flag for each task, looked at when it is taken.
fn floor(scale: Scale) -> Entrant {
    Entrant::new(Floor::NAME, move || {
        let pool = Floor::start(2);
        let submit = move |task: Task| {
            let (sender, receiver) = oneshot::channel();
            let cancelled = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&cancelled);
            pool.push(Box::new(move || {
                if !seen.load(Ordering::Acquire) {
                    // Nobody listens if it was cancelled since.
                    let _ = sender.send(task.run());
                }
            }));
            (receiver, cancelled)
        };
        Box::new(move || {
            let cancel = |(_, flag): (_, Arc<AtomicBool>)| flag.store(true, Ordering::Release);
            stream(scale, &submit, cancel, |(receiver, _)| receiver.recv().expect("the task succeeds"))
        })
    })
}

fn ours(scale: Scale) -> Entrant {
    Entrant::new(OURS, move || {
        let Ours(pool) = Ours::start(2);
        Box::new(move || {
            let submit = |task: Task| pool.submit(move |_, _| Ok(task.run()));
            let cancel = |handle: tasker_thread::TaskHandle<_, _>| {
                handle.cancel();
            };
            stream(scale, submit, cancel, |handle| handle.wait().expect("the task succeeds"))
        })
    })
}

fn affinitypool(scale: Scale) -> Entrant {
    Entrant::new(Affinitypool::NAME, move || {
        let Affinitypool(pool) = Affinitypool::start(2);
        Box::new(move || stream(scale, |task: Task| pool.spawn(move || task.run()), drop, block_on))
    })
}

fn spawn_blocking(scale: Scale) -> Entrant {
    Entrant::new(SpawnBlocking::NAME, move || {
        let SpawnBlocking(runtime) = SpawnBlocking::start(2);
        Box::new(move || {
            let submit = |task: Task| runtime.spawn_blocking(move || task.run());
            let cancel = |handle: JoinHandle<_>| handle.abort();
            stream(scale, submit, cancel, |handle| block_on(handle).expect("the task succeeds"))
        })
    })
}

/// What runs tasks on tokio that can be cancelled.
trait Cancels: Sized + Send + Sync + 'static {
    const NAME: &'static str;
    type Handle: Send;

    fn start(workers: usize) -> impl Future<Output = Self> + Send;
    fn submit(&self, task: Task) -> impl Future<Output = Self::Handle> + Send;
    fn cancel(handle: Self::Handle);
    fn wait(handle: Self::Handle) -> impl Future<Output = u64> + Send;
}

impl Cancels for Spawn {
    const NAME: &'static str = <Self as Tasks>::NAME;
    type Handle = JoinHandle<u64>;

    async fn start(_: usize) -> Self {
        Self
    }

    async fn submit(&self, task: Task) -> Self::Handle {
        tokio::spawn(async move { task.run() })
    }

    fn cancel(handle: Self::Handle) {
        handle.abort();
    }

    async fn wait(handle: Self::Handle) -> u64 {
        handle.await.expect("the task succeeds")
    }
}

impl Cancels for OnTokio {
    const NAME: &'static str = OURS;
    type Handle = tasker_tokio::TaskHandle<u64, Infallible>;

    async fn start(workers: usize) -> Self {
        <Self as Tasks>::start(workers).await
    }

    async fn submit(&self, task: Task) -> Self::Handle {
        self.0.submit(async move |_, _| Ok(task.run()))
    }

    fn cancel(handle: Self::Handle) {
        handle.cancel();
    }

    async fn wait(handle: Self::Handle) -> u64 {
        handle.await.expect("the task succeeds")
    }
}

impl Cancels for Cronoq {
    const NAME: &'static str = <Self as Tasks>::NAME;
    type Handle = cronoq::TaskHandle<u64>;

    async fn start(workers: usize) -> Self {
        <Self as Tasks>::start(workers).await
    }

    async fn submit(&self, task: Task) -> Self::Handle {
        self.0.submit(cronoq::Task::new(Order::Answer(task))).await.expect("the scheduler takes it")
    }

    fn cancel(handle: Self::Handle) {
        handle.cancel();
    }

    async fn wait(handle: Self::Handle) -> u64 {
        *handle.await.expect("the task succeeds")
    }
}

const fn tasks(scale: Scale) -> u64 {
    scale.pick(20_000, 100_000)
}

/// Every tenth.
const fn is_cancelled(number: u64) -> bool {
    number.is_multiple_of(10)
}

/// What the others add up to.
const fn expected(count: u64) -> u64 {
    sum_of(count) - 10 * sum_of(count / 10)
}

fn stream<H>(scale: Scale, submit: impl Fn(Task) -> H, cancel: impl Fn(H), wait: impl Fn(H) -> u64) -> f64 {
    let count = tasks(scale);
    let mut waiting = VecDeque::with_capacity(IN_FLIGHT);
    let mut sum = 0;
    let began = Instant::now();
    for number in 1..=count {
        let handle = submit(Task::empty(number));
        if is_cancelled(number) {
            cancel(handle);
            continue;
        }
        waiting.push_back(handle);
        if waiting.len() == IN_FLIGHT {
            sum += waiting.pop_front().map_or(0, &wait);
        }
    }
    sum += waiting.into_iter().map(&wait).sum::<u64>();
    let time = began.elapsed();
    assert_eq!(sum, expected(count), "wrong results");
    nanos_each(time, count)
}

/// The work itself is a task of the runtime, as where users submit.
fn on_tokio<P: Cancels>(scale: Scale, runtime: &Arc<Runtime>) -> Entrant {
    let runtime = Arc::clone(runtime);
    Entrant::new(P::NAME, move || {
        let pool = Arc::new(runtime.block_on(P::start(2)));
        Box::new(move || {
            let pool = Arc::clone(&pool);
            let work = runtime.spawn(async move { stream_async(scale, &*pool).await });
            runtime.block_on(work).expect("the work is done")
        })
    })
}

async fn stream_async<P: Cancels>(scale: Scale, pool: &P) -> f64 {
    let count = tasks(scale);
    let mut waiting = VecDeque::with_capacity(IN_FLIGHT);
    let mut sum = 0;
    let began = Instant::now();
    for number in 1..=count {
        let handle = pool.submit(Task::empty(number)).await;
        if is_cancelled(number) {
            P::cancel(handle);
            continue;
        }
        waiting.push_back(handle);
        let oldest = if waiting.len() == IN_FLIGHT { waiting.pop_front() } else { None };
        if let Some(handle) = oldest {
            sum += P::wait(handle).await;
        }
    }
    for handle in waiting {
        sum += P::wait(handle).await;
    }
    let time = began.elapsed();
    assert_eq!(sum, expected(count), "{}: wrong results", P::NAME);
    nanos_each(time, count)
}
