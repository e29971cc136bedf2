//! T2, T3, A2 and A3: a typed result of each task, so many in flight; from one producer and from four.

use std::collections::VecDeque;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use benches::work::{Task, sum_of};

use super::{Limit, Scale, Unit, Work};
use crate::asynchronous::{self, AsyncWork, Flavour, Tasks};
use crate::rounds::nanos_each;
use crate::threads::{self, ThreadWork, Threads};

/// Tasks that are in flight at most, over all producers.
const IN_FLIGHT: usize = 1_024;
const PRODUCERS: usize = 4;

pub(super) fn works() -> Vec<Work> {
    let one = [1, 2, 8].map(|workers| Work {
        id: format!("T2 w{workers}"),
        what: format!("threads, {workers} workers: typed results, 1,024 in flight, one producer"),
        floor: threads::FLOOR,
        unit: Unit::Nanos,
        bars: vec![Limit::Ratio { far: 0.50, near: 1.0 }],
        entrants: Box::new(move |scale| threads::all(workers, Results::new(scale))),
    });
    let four = Work {
        id: "T3".into(),
        what: "threads, 2 workers: typed results, 1,024 in flight, four producers".into(),
        floor: threads::FLOOR,
        unit: Unit::Nanos,
        bars: vec![Limit::ratio(0.60)],
        entrants: Box::new(move |scale| threads::all(2, Produced(Results::new(scale)))),
    };
    let on_tokio = Flavour::ALL.into_iter().flat_map(|flavour| [one_async(flavour), four_async(flavour)]);
    one.into_iter().chain([four]).chain(on_tokio).collect()
}

fn one_async(flavour: Flavour) -> Work {
    let most = match flavour {
        Flavour::MultiThread => 0.25,
        Flavour::CurrentThread => 0.40,
    };
    Work {
        id: format!("A2 {}", flavour.short()),
        what: format!("tokio, {}: typed results, 1,024 in flight, one producer", flavour.name()),
        floor: asynchronous::FLOOR,
        unit: Unit::Nanos,
        bars: vec![Limit::ratio(most)],
        entrants: Box::new(move |scale| asynchronous::all(flavour, Results::new(scale))),
    }
}

fn four_async(flavour: Flavour) -> Work {
    Work {
        id: format!("A3 {}", flavour.short()),
        what: format!("tokio, {}: typed results, 1,024 in flight, four producers", flavour.name()),
        floor: asynchronous::FLOOR,
        unit: Unit::Nanos,
        bars: vec![],
        entrants: Box::new(move |scale| asynchronous::all(flavour, Produced(Results::new(scale)))),
    }
}

#[derive(Clone, Copy)]
struct Results {
    tasks: u64,
}

impl Results {
    const fn new(scale: Scale) -> Self {
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
        let barrier = &Barrier::new(PRODUCERS + 1);
        let (sum, time) = thread::scope(|scope| {
            let producer = || {
                barrier.wait();
                produce(pool, self.tasks(), IN_FLIGHT / PRODUCERS, Task::empty)
            };
            let producers = [(); PRODUCERS].map(|()| scope.spawn(producer));
            barrier.wait();
            let began = Instant::now();
            let sum: u64 =
                producers.into_iter().map(|thread| thread.join().expect("no producer panics")).sum();
            (sum, began.elapsed())
        });
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
