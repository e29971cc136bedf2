//! How often memory is allocated for a task with a typed result.

use std::sync::Arc;

use benches::counting;
use benches::work::{Task, sum_of};

use super::results::{produce, produce_async};
use super::{Limit, Unit, Work};
use crate::asynchronous::{self, AsyncWork, Flavour, Tasks};
use crate::threads::{self, ThreadWork, Threads};

/// One a task; the rest is for what now and then grows.
const LIMIT: Limit = Limit::Figure(1.01);

pub(super) fn works() -> Vec<Work> {
    let unit = Unit::Allocations;
    let what = "threads, 2 workers: allocations of a typed result";
    let on_threads =
        Work::steady("allocations threads", what, unit, threads::FLOOR, |_| threads::all(2, Allocations));
    let what = "tokio, two threads: allocations of a typed result";
    let entrants = |_| asynchronous::all(Flavour::MultiThread, Allocations);
    let on_tokio = Work::steady("allocations tokio", what, unit, asynchronous::FLOOR, entrants);
    vec![on_threads.bar(LIMIT), on_tokio.bar(LIMIT)]
}

#[derive(Clone, Copy)]
struct Allocations;

const TASKS: u64 = 10_000;
const IN_FLIGHT: usize = 256;

impl ThreadWork for Allocations {
    fn measure<P: Threads>(self, pool: &P) -> f64 {
        counting::begin();
        let sum = produce(pool, TASKS, IN_FLIGHT, Task::empty);
        let count = counting::end();
        assert_eq!(sum, sum_of(TASKS), "{}: wrong results", P::NAME);
        each(count)
    }
}

impl AsyncWork for Allocations {
    async fn measure<P: Tasks>(self, pool: &Arc<P>) -> f64 {
        counting::begin();
        let sum = produce_async(&**pool, TASKS, IN_FLIGHT, Task::empty).await;
        let count = counting::end();
        assert_eq!(sum, sum_of(TASKS), "{}: wrong results", P::NAME);
        each(count)
    }
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn each(count: u64) -> f64 {
    count as f64 / TASKS as f64
}
