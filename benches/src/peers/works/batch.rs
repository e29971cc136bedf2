//! A thousand tasks at once, and then all their results: as a batch where there is such a thing, else one by one.

use std::sync::Arc;
use std::time::Instant;

use benches::work::{Task, sum_of};

use super::{Scale, Work};
use crate::OURS;
use crate::asynchronous::{self, AsyncWork, Flavour, OnTokio, Tasks};
use crate::rounds::{Entrant, nanos_each};
use crate::threads::{self, Ours, ThreadWork, Threads};

/// Tasks of a batch.
const BATCH: u64 = 1_000;
const ONE_BY_ONE: &str = "tasker, one by one";

pub(super) fn works() -> Vec<Work> {
    let what = "threads, 2 workers: 1,000 typed results at once";
    let on_threads = Work::timed("batch threads", what, threads::FLOOR, |scale| {
        let mut entrants = renamed(threads::all(2, Batches::new(scale)));
        entrants.push(on_threads(Batches::new(scale)));
        entrants
    });
    let what = "tokio, two threads: 1,000 typed results at once";
    let on_tokio = Work::timed("batch tokio", what, asynchronous::FLOOR, |scale| {
        let mut entrants = renamed(asynchronous::all(Flavour::MultiThread, Batches::new(scale)));
        entrants.push(on_tokio(Batches::new(scale)));
        entrants
    });
    vec![on_threads, on_tokio]
}

/// Ours among them is the one that does not use `submit_all`.
fn renamed(entrants: Vec<Entrant>) -> Vec<Entrant> {
    let rename = |entrant: Entrant| match entrant.name {
        OURS => entrant.renamed(ONE_BY_ONE),
        _ => entrant,
    };
    entrants.into_iter().map(rename).collect()
}

fn on_threads(work: Batches) -> Entrant {
    Entrant::new(OURS, move || {
        let Ours(pool) = Ours::start(2);
        Box::new(move || {
            work.measure_batches(|| {
                let tasks = (1..=BATCH).map(Task::empty).map(|task| move |_: &mut _, _: &_| Ok(task.run()));
                let handles = pool.submit_all(tasks);
                handles.into_iter().map(|handle| handle.wait().expect("the task succeeds")).sum()
            })
        })
    })
}

fn on_tokio(work: Batches) -> Entrant {
    Entrant::new(OURS, move || {
        let runtime = Flavour::MultiThread.runtime();
        let OnTokio(pool) = runtime.block_on(OnTokio::start(2));
        Box::new(move || {
            let pool = pool.clone();
            let batches = runtime.spawn(async move {
                let began = Instant::now();
                for _ in 0..work.batches {
                    let tasks =
                        (1..=BATCH).map(Task::empty).map(|task| async move |_: &mut _, _: &_| Ok(task.run()));
                    let mut sum = 0;
                    for handle in pool.submit_all(tasks) {
                        sum += handle.await.expect("the task succeeds");
                    }
                    assert_eq!(sum, sum_of(BATCH), "wrong results");
                }
                nanos_each(began.elapsed(), work.batches * BATCH)
            });
            runtime.block_on(batches).expect("nothing panics")
        })
    })
}

#[derive(Clone, Copy)]
struct Batches {
    batches: u64,
}

impl Batches {
    const fn new(scale: Scale) -> Self {
        Self { batches: scale.pick(10, 100) }
    }

    fn measure_batches(self, batch: impl Fn() -> u64) -> f64 {
        let began = Instant::now();
        for _ in 0..self.batches {
            assert_eq!(batch(), sum_of(BATCH), "wrong results");
        }
        nanos_each(began.elapsed(), self.batches * BATCH)
    }
}

impl ThreadWork for Batches {
    fn measure<P: Threads>(self, pool: &P) -> f64 {
        self.measure_batches(|| {
            let handles: Vec<_> = (1..=BATCH).map(|number| pool.submit(Task::empty(number))).collect();
            handles.into_iter().map(|wait| wait()).sum()
        })
    }
}

impl AsyncWork for Batches {
    async fn measure<P: Tasks>(self, pool: &Arc<P>) -> f64 {
        let began = Instant::now();
        for _ in 0..self.batches {
            let mut handles = Vec::new();
            for number in 1..=BATCH {
                handles.push(pool.submit(Task::empty(number)).await);
            }
            let mut sum = 0;
            for handle in handles {
                sum += handle.await;
            }
            assert_eq!(sum, sum_of(BATCH), "{}: wrong results", P::NAME);
        }
        nanos_each(began.elapsed(), self.batches * BATCH)
    }
}
