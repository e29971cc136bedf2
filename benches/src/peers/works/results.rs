//! T2, T3, A2, A3 and S2: a typed result of each task, so many in flight; from one producer and from four.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use benches::together;
use benches::work::{Task, sum_of};

use super::{Limit, Scale, Work};
use crate::asynchronous::{self, ASYNC_STD_FLOOR, AsyncWork, Flavour, Tasks};
use crate::rounds::nanos_each;
use crate::threads::{self, ThreadWork, Threads};

/// Tasks that are in flight at most, over all producers.
pub(super) const IN_FLIGHT: usize = 1_024;
const PRODUCERS: usize = 4;

pub(super) fn on_threads() -> Vec<Work> {
    let one = |workers| {
        let what = format!("threads, {workers} workers: typed results, 1,024 in flight, one producer");
        let entrants = move |scale| threads::all(workers, Results::new(scale));
        Work::timed(format!("T2 w{workers}"), what, threads::FLOOR, entrants)
            .bar(Limit::Ratio { far: 0.50, near: 1.0 })
    };
    let what = "threads, 2 workers: typed results, 1,024 in flight, four producers";
    let entrants = |scale| threads::all(2, Produced(Results::new(scale)));
    let four = Work::timed("T3", what, threads::FLOOR, entrants).bar(Limit::ratio(0.60));
    [1, 2, 8].map(one).into_iter().chain([four]).collect()
}

pub(super) fn on_tokio() -> Vec<Work> {
    Flavour::ALL.into_iter().flat_map(|flavour| [one_async(flavour), four_async(flavour)]).collect()
}

fn one_async(flavour: Flavour) -> Work {
    let most = match flavour {
        Flavour::MultiThread => 0.25,
        Flavour::CurrentThread => 0.40,
    };
    let what = format!("tokio, {}: typed results, 1,024 in flight, one producer", flavour.name());
    let entrants = move |scale| asynchronous::all(flavour, Results::new(scale));
    Work::timed(format!("A2 {}", flavour.short()), what, asynchronous::FLOOR, entrants)
        .bar(Limit::ratio(most))
}

fn four_async(flavour: Flavour) -> Work {
    let what = format!("tokio, {}: typed results, 1,024 in flight, four producers", flavour.name());
    let entrants = move |scale| asynchronous::all(flavour, Produced(Results::new(scale)));
    Work::timed(format!("A3 {}", flavour.short()), what, asynchronous::FLOOR, entrants)
}

pub(super) fn on_async_std() -> Work {
    let entrants = |scale| asynchronous::on_async_std(Results::new(scale));
    Work::timed("S2", "async-std: typed results, 1,024 in flight, one producer", ASYNC_STD_FLOOR, entrants)
}

#[derive(Clone, Copy)]
pub(super) struct Results {
    tasks: u64,
}

impl Results {
    pub(super) const fn new(scale: Scale) -> Self {
        Self { tasks: scale.pick(20_000, 100_000) }
    }
}

impl ThreadWork for Results {
    fn measure<P: Threads>(self, pool: &P) -> f64 {
        let began = Instant::now();
        let sum = produce(pool, self.tasks, IN_FLIGHT, Task::empty);
        let time = began.elapsed();
        assert_eq!(sum, sum_of(self.tasks), "{}: wrong results", P::NAME);
        nanos_each(time, self.tasks)
    }
}

impl AsyncWork for Results {
    async fn measure<P: Tasks>(self, pool: &Arc<P>) -> f64 {
        let began = Instant::now();
        let sum = produce_async(&**pool, self.tasks, IN_FLIGHT, Task::empty).await;
        let time = began.elapsed();
        assert_eq!(sum, sum_of(self.tasks), "{}: wrong results", P::NAME);
        nanos_each(time, self.tasks)
    }
}

/// The same, shared out between producers.
#[derive(Clone, Copy)]
struct Produced(Results);

impl Produced {
    /// Of each producer.
    const fn tasks(self) -> u64 {
        self.0.tasks / PRODUCERS as u64
    }

    const fn all_tasks(self) -> u64 {
        self.tasks() * PRODUCERS as u64
    }
}

impl ThreadWork for Produced {
    fn measure<P: Threads>(self, pool: &P) -> f64 {
        let (sums, time) =
            together(PRODUCERS, |_| produce(pool, self.tasks(), IN_FLIGHT / PRODUCERS, Task::empty));
        let sum: u64 = sums.iter().sum();
        assert_eq!(sum, sum_of(self.tasks()) * PRODUCERS as u64, "{}: wrong results", P::NAME);
        nanos_each(time, self.all_tasks())
    }
}

impl AsyncWork for Produced {
    async fn measure<P: Tasks>(self, pool: &Arc<P>) -> f64 {
        let began = Instant::now();
        let producers = [(); PRODUCERS].map(|()| {
            let pool = Arc::clone(pool);
            tokio::spawn(async move {
                produce_async(&*pool, self.tasks(), IN_FLIGHT / PRODUCERS, Task::empty).await
            })
        });
        let mut sum = 0;
        for producer in producers {
            sum += producer.await.expect("no producer panics");
        }
        let time = began.elapsed();
        assert_eq!(sum, sum_of(self.tasks()) * PRODUCERS as u64, "{}: wrong results", P::NAME);
        nanos_each(time, self.all_tasks())
    }
}

/// Submits `count` tasks, taking the oldest result whenever `in_flight` are on their way; the sum of all results.
pub(super) fn produce<P: Threads>(pool: &P, count: u64, in_flight: usize, task: impl Fn(u64) -> Task) -> u64 {
    let mut waiting = VecDeque::with_capacity(in_flight);
    let mut sum = 0;
    for number in 1..=count {
        let oldest = if waiting.len() == in_flight { waiting.pop_front() } else { None };
        waiting.push_back(pool.submit(task(number)));
        sum += oldest.map_or(0, |wait| wait());
    }
    waiting.into_iter().fold(sum, |sum, wait| sum + wait())
}

/// The same.
pub(super) async fn produce_async<P: Tasks>(
    pool: &P,
    count: u64,
    in_flight: usize,
    task: impl Fn(u64) -> Task + Send,
) -> u64 {
    let mut waiting = VecDeque::with_capacity(in_flight);
    let mut sum = 0;
    for number in 1..=count {
        let oldest = if waiting.len() == in_flight { waiting.pop_front() } else { None };
        waiting.push_back(pool.submit(task(number)).await);
        if let Some(result) = oldest {
            sum += result.await;
        }
    }
    for result in waiting {
        sum += result.await;
    }
    sum
}
