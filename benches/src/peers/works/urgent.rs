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
use crate::asynchronous::{AsyncTwoLanes, Cronoq, Flavour, OnTokio, Order, Spawn, Tasks};
use crate::rounds::{Entrant, nanos_each};
use crate::threads::{Floor, Ours, Threads, TwoLanes};

pub(super) fn works() -> Vec<Work> {
    let what = "threads, 2 workers: submit and wait, urgent, while thousands of 5 us wait, p50";
    let entrants = |scale| vec![two_lanes(scale), ours(scale), no_priorities(scale)];
    let on_threads = Work::timed("urgent threads", what, TwoLanes::NAME, entrants);
    let what = "tokio, two threads: submit and await, urgent, while thousands of 5 us wait, p50";
    let tokio = Work::timed("urgent tokio", what, AsyncTwoLanes::NAME, |scale| {
        let runtime = Arc::new(Flavour::MultiThread.runtime());
        vec![
            on_tokio::<AsyncTwoLanes>(scale, &runtime),
            on_tokio::<OnTokio>(scale, &runtime),
            on_tokio::<Cronoq>(scale, &runtime),
            on_tokio::<Spawn>(scale, &runtime),
        ]
    });
    vec![on_threads, tokio]
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

/// What runs tasks on tokio in an order.
trait Ordered: Sized + Send + Sync + 'static {
    const NAME: &'static str;

    fn start(workers: usize) -> impl Future<Output = Self> + Send;
    fn low(&self, task: Task) -> impl Future<Output = ()> + Send;
    fn urgent(&self, task: Task) -> impl Future<Output = u64> + Send;
}

impl Ordered for AsyncTwoLanes {
    const NAME: &'static str = Self::NAME;

    async fn start(workers: usize) -> Self {
        Self::start(workers)
    }

    async fn low(&self, task: Task) {
        self.fire(task);
    }

    async fn urgent(&self, task: Task) -> u64 {
        self.urgent(task).await
    }
}

impl Ordered for OnTokio {
    const NAME: &'static str = OURS;

    async fn start(workers: usize) -> Self {
        <Self as Tasks>::start(workers).await
    }

    async fn low(&self, task: Task) {
        let task = async move |_: &mut Nothing, _: &TaskContext| {
            task.report();
            Ok(())
        };
        self.0.task().priority(Priority::Low).submit(task).detach();
    }

    async fn urgent(&self, task: Task) -> u64 {
        let handle = self.0.task().priority(Priority::High).submit(async move |_, _| Ok(task.run()));
        handle.await.expect("the task succeeds")
    }
}

impl Ordered for Cronoq {
    const NAME: &'static str = <Self as Tasks>::NAME;

    async fn start(workers: usize) -> Self {
        <Self as Tasks>::start(workers).await
    }

    async fn low(&self, task: Task) {
        let task = cronoq::Task::new(Order::Report(task)).priority(Rank::Low);
        self.0.enqueue(task).await.expect("the scheduler takes it");
    }

    async fn urgent(&self, task: Task) -> u64 {
        let task = cronoq::Task::new(Order::Answer(task)).priority(Rank::High);
        let handle = self.0.submit(task).await.expect("the scheduler takes it");
        *handle.await.expect("the task succeeds")
    }
}

/// What it means to have none.
impl Ordered for Spawn {
    const NAME: &'static str = "tokio::spawn, no priorities";

    async fn start(_: usize) -> Self {
        Self
    }

    async fn low(&self, task: Task) {
        self.fire(task).await;
    }

    async fn urgent(&self, task: Task) -> u64 {
        self.submit(task).await.await
    }
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

/// The work itself is a task of the runtime, as where users submit.
fn on_tokio<P: Ordered>(scale: Scale, runtime: &Arc<Runtime>) -> Entrant {
    let runtime = Arc::clone(runtime);
    Entrant::new(P::NAME, move || {
        let pool = Arc::new(runtime.block_on(P::start(2)));
        Box::new(move || {
            let pool = Arc::clone(&pool);
            let work = runtime.spawn(async move { measure_async(scale, &*pool).await });
            runtime.block_on(work).expect("the work is done")
        })
    })
}

async fn measure_async<P: Ordered>(scale: Scale, pool: &P) -> f64 {
    let [waiting, trips] = counts(scale);
    let goal = done() + sum_of(waiting);
    for number in 1..=waiting {
        pool.low(Task::busy(number, LOAD)).await;
    }
    let mut times = Vec::new();
    for number in 1..=trips {
        let began = Instant::now();
        assert_eq!(pool.urgent(Task::empty(number)).await, number, "{}: wrong result", P::NAME);
        times.push(nanos_each(began.elapsed(), 1));
    }
    while done() < goal {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    median(&times)
}
