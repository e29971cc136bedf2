//! A stream of typed results of which every tenth task is cancelled as soon as it was submitted.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use benches::work::{Task, sum_of};
use futures::executor::block_on;
use tokio::runtime::Runtime;

use super::results::IN_FLIGHT;
use super::{Scale, Work};
use crate::OURS;
use crate::asynchronous::{self, Cronoq, Flavour, OnTokio, Order, Spawn, Tasks};
use crate::rounds::{Entrant, Measure, nanos_each};
use crate::threads::{self, Affinitypool, Floor, Ours, SpawnBlocking, Threads};

pub(super) fn works() -> Vec<Work> {
    let what = "threads, 2 workers: typed results, 1,024 in flight, every tenth cancelled";
    let entrants = |scale| vec![floor(scale), ours(scale), affinitypool(scale), spawn_blocking(scale)];
    let on_threads = Work::timed("cancel threads", what, threads::FLOOR, entrants);
    let what = "tokio, two threads: typed results, 1,024 in flight, every tenth cancelled";
    let on_tokio = Work::timed("cancel tokio", what, asynchronous::FLOOR, |scale| {
        let runtime = Arc::new(Flavour::MultiThread.runtime());
        vec![spawn(scale, &runtime), on_tokio(scale, &runtime), cronoq(scale, &runtime)]
    });
    vec![on_threads, on_tokio]
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
            let cancel = |handle: tokio::task::JoinHandle<_>| handle.abort();
            stream(scale, submit, cancel, |handle| block_on(handle).expect("the task succeeds"))
        })
    })
}

fn spawn(scale: Scale, runtime: &Arc<Runtime>) -> Entrant {
    let runtime = Arc::clone(runtime);
    Entrant::new(Spawn::NAME, move || {
        let submit = async |task: Task| tokio::spawn(async move { task.run() });
        let cancel = |handle: tokio::task::JoinHandle<_>| handle.abort();
        let wait = async |handle: tokio::task::JoinHandle<_>| handle.await.expect("the task succeeds");
        stream_async(scale, runtime, submit, cancel, wait)
    })
}

fn on_tokio(scale: Scale, runtime: &Arc<Runtime>) -> Entrant {
    let runtime = Arc::clone(runtime);
    Entrant::new(OURS, move || {
        let OnTokio(pool) = runtime.block_on(OnTokio::start(2));
        let submit = async move |task: Task| pool.submit(async move |_, _| Ok(task.run()));
        let cancel = |handle: tasker_tokio::TaskHandle<_, _>| {
            handle.cancel();
        };
        let wait = async |handle: tasker_tokio::TaskHandle<_, _>| handle.await.expect("the task succeeds");
        stream_async(scale, runtime, submit, cancel, wait)
    })
}

#[expect(clippy::async_yields_async, reason = "submitting is one wait, the result another")]
fn cronoq(scale: Scale, runtime: &Arc<Runtime>) -> Entrant {
    let runtime = Arc::clone(runtime);
    Entrant::new(Cronoq::NAME, move || {
        let Cronoq(scheduler) = runtime.block_on(Cronoq::start(2));
        let submit = async move |task: Task| {
            let task = cronoq::Task::new(Order::Answer(task));
            scheduler.submit(task).await.expect("the scheduler takes it")
        };
        let cancel = |handle: cronoq::TaskHandle<u64>| handle.cancel();
        let wait = async |handle: cronoq::TaskHandle<u64>| *handle.await.expect("the task succeeds");
        stream_async(scale, runtime, submit, cancel, wait)
    })
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

fn stream_async<H: 'static>(
    scale: Scale,
    runtime: Arc<Runtime>,
    submit: impl AsyncFn(Task) -> H + 'static,
    cancel: impl Fn(H) + 'static,
    wait: impl AsyncFn(H) -> u64 + 'static,
) -> Measure {
    let count = tasks(scale);
    Box::new(move || {
        runtime.block_on(async {
            let mut waiting = VecDeque::with_capacity(IN_FLIGHT);
            let mut sum = 0;
            let began = Instant::now();
            for number in 1..=count {
                let handle = submit(Task::empty(number)).await;
                if is_cancelled(number) {
                    cancel(handle);
                    continue;
                }
                waiting.push_back(handle);
                let oldest = if waiting.len() == IN_FLIGHT { waiting.pop_front() } else { None };
                if let Some(handle) = oldest {
                    sum += wait(handle).await;
                }
            }
            for handle in waiting {
                sum += wait(handle).await;
            }
            let time = began.elapsed();
            assert_eq!(sum, expected(count), "wrong results");
            nanos_each(time, count)
        })
    })
}
