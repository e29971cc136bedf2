//! How long an urgent task takes while thousands of others wait.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use benches::Nothing;
use benches::figures::median;
use benches::work::{Task, done, sum_of};
use cronoq::Priority as Rank;
use tasker_tokio::{Priority, TaskContext};
use tokio::runtime::Runtime;

use super::{Scale, Work};
use crate::OURS;
use crate::asynchronous::{self, Cronoq, Flavour, OnTokio, Order, Spawn, Tasks};
use crate::rounds::{Entrant, Measure, nanos_each};
use crate::threads::{Floor, Ours, Threads, TwoLanes};

pub(super) fn works() -> Vec<Work> {
    let what = "threads, 2 workers: submit and wait, urgent, while thousands of 5 us wait, p50";
    let entrants = |scale| vec![two_lanes(scale), ours(scale), no_priorities(scale)];
    let on_threads = Work::timed("urgent threads", what, TwoLanes::NAME, entrants);
    let what = "tokio, two threads: submit and await, urgent, while thousands of 5 us wait, p50";
    let on_tokio = Work::timed("urgent tokio", what, asynchronous::FLOOR, |scale| {
        let runtime = Arc::new(Flavour::MultiThread.runtime());
        vec![spawn(scale, &runtime), on_tokio(scale, &runtime), cronoq(scale, &runtime)]
    });
    vec![on_threads, on_tokio]
}

fn two_lanes(scale: Scale) -> Entrant {
    Entrant::new(TwoLanes::NAME, move || {
        let pool = TwoLanes::start(2);
        Box::new(move || measure(scale, |task| pool.fire(task), |task| pool.urgent(task)()))
    })
}

fn ours(scale: Scale) -> Entrant {
    Entrant::new(OURS, move || {
        let Ours(pool) = Ours::start(2);
        Box::new(move || {
            let low = |task: Task| {
                let task = move |_: &mut Nothing, _: &TaskContext| {
                    task.report();
                    Ok(())
                };
                pool.task().priority(Priority::Low).submit(task).detach();
            };
            let urgent = |task: Task| {
                let handle = pool.task().priority(Priority::High).submit(move |_, _| Ok(task.run()));
                handle.wait().expect("the task succeeds")
            };
            measure(scale, low, urgent)
        })
    })
}

/// What it means to have none.
fn no_priorities(scale: Scale) -> Entrant {
    Entrant::new("one channel, no priorities", move || {
        let pool = Floor::start(2);
        Box::new(move || measure(scale, |task| pool.fire(task), |task| pool.submit(task)()))
    })
}

/// No priorities, either.
fn spawn(scale: Scale, runtime: &Arc<Runtime>) -> Entrant {
    let runtime = Arc::clone(runtime);
    Entrant::new(Spawn::NAME, move || {
        let low = async |task: Task| Spawn.fire(task).await;
        let urgent = async |task: Task| Spawn.submit(task).await.await;
        measure_async(scale, runtime, low, urgent)
    })
}

fn on_tokio(scale: Scale, runtime: &Arc<Runtime>) -> Entrant {
    let runtime = Arc::clone(runtime);
    Entrant::new(OURS, move || {
        let OnTokio(pool) = runtime.block_on(OnTokio::start(2));
        let again = pool.clone();
        let low = async move |task: Task| {
            let task = async move |_: &mut Nothing, _: &TaskContext| {
                task.report();
                Ok(())
            };
            again.task().priority(Priority::Low).submit(task).detach();
        };
        let urgent = async move |task: Task| {
            let handle = pool.task().priority(Priority::High).submit(async move |_, _| Ok(task.run()));
            handle.await.expect("the task succeeds")
        };
        measure_async(scale, runtime, low, urgent)
    })
}

fn cronoq(scale: Scale, runtime: &Arc<Runtime>) -> Entrant {
    let runtime = Arc::clone(runtime);
    Entrant::new(Cronoq::NAME, move || {
        let Cronoq(scheduler) = runtime.block_on(Cronoq::start(2));
        let scheduler = Arc::new(scheduler);
        let again = Arc::clone(&scheduler);
        let low = async move |task: Task| {
            let task = cronoq::Task::new(Order::Report(task)).priority(Rank::Low);
            again.enqueue(task).await.expect("the scheduler takes it");
        };
        let urgent = async move |task: Task| {
            let task = cronoq::Task::new(Order::Answer(task)).priority(Rank::High);
            let handle = scheduler.submit(task).await.expect("the scheduler takes it");
            *handle.await.expect("the task succeeds")
        };
        measure_async(scale, runtime, low, urgent)
    })
}

/// Of each task that waits.
const LOAD: Duration = Duration::from_micros(5);

/// How many wait, and how many urgent ones come.
const fn counts(scale: Scale) -> [u64; 2] {
    [scale.pick(2_000, 8_000), scale.pick(40, 160)]
}

fn measure(scale: Scale, low: impl Fn(Task), urgent: impl Fn(Task) -> u64) -> f64 {
    let [waiting, trips] = counts(scale);
    let goal = done() + sum_of(waiting);
    (1..=waiting).for_each(|number| low(Task::busy(number, LOAD)));
    let trip = |number| {
        let began = Instant::now();
        assert_eq!(urgent(Task::empty(number)), number, "wrong result");
        nanos_each(began.elapsed(), 1)
    };
    let times: Vec<f64> = (1..=trips).map(trip).collect();
    while done() < goal {
        sleep(Duration::from_micros(100));
    }
    median(&times)
}

fn measure_async(
    scale: Scale,
    runtime: Arc<Runtime>,
    low: impl AsyncFn(Task) + 'static,
    urgent: impl AsyncFn(Task) -> u64 + 'static,
) -> Measure {
    let [waiting, trips] = counts(scale);
    Box::new(move || {
        runtime.block_on(async {
            let goal = done() + sum_of(waiting);
            for number in 1..=waiting {
                low(Task::busy(number, LOAD)).await;
            }
            let mut times = Vec::new();
            for number in 1..=trips {
                let began = Instant::now();
                assert_eq!(urgent(Task::empty(number)).await, number, "wrong result");
                times.push(nanos_each(began.elapsed(), 1));
            }
            while done() < goal {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            median(&times)
        })
    })
}
