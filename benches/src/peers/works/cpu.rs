//! T5 and A5: tasks that compute for a while, against the same work without a pool.

use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::work::{Task, sum_of};

use super::results::{IN_FLIGHT, produce, produce_async};
use super::{Limit, Scale, Work};
use crate::asynchronous::{self, AsyncWork, Flavour, Tasks};
use crate::rounds::nanos_each;
use crate::threads::{self, INLINE, ThreadWork, Threads, inline};

pub(super) fn on_threads() -> Vec<Work> {
    let work = |(micros, most)| {
        let what = format!("threads, 2 workers: {micros} us of arithmetic a task, typed results");
        let entrants = move |scale| {
            let work = Compute::new(scale, micros);
            let mut entrants = vec![inline(2, work.tasks, work.task())];
            entrants.extend(threads::all(2, work));
            entrants
        };
        Work::timed(format!("T5 {micros}us"), what, INLINE, entrants)
            .bar(Limit::ratio(most))
            .bar(Limit::Leads)
    };
    [(1, 1.5), (10, 1.08)].map(work).into()
}

pub(super) fn on_tokio() -> Vec<Work> {
    let work = |flavour: Flavour| {
        let what = format!("tokio, {}: 1 us of arithmetic a task, typed results", flavour.name());
        let entrants = move |scale| {
            let work = Compute::new(scale, 1);
            let mut entrants = vec![inline(flavour.threads(), work.tasks, work.task())];
            entrants.extend(asynchronous::all(flavour, work));
            entrants
        };
        let limit = (flavour == Flavour::MultiThread).then(|| Limit::ratio(1.25));
        Work::timed(format!("A5 {}", flavour.short()), what, INLINE, entrants).bars(limit)
    };
    Flavour::ALL.map(work).into()
}

#[derive(Clone, Copy)]
struct Compute {
    tasks: u64,
    time: Duration,
}

impl Compute {
    const fn new(scale: Scale, micros: u64) -> Self {
        Self { tasks: scale.pick(10_000, 50_000) / micros, time: Duration::from_micros(micros) }
    }

    fn task(self) -> impl Fn(u64) -> Task + Copy + Send + Sync + 'static {
        move |number| Task::busy(number, self.time)
    }
}

impl ThreadWork for Compute {
    fn measure<P: Threads>(self, pool: &P) -> f64 {
        let began = Instant::now();
        let sum = produce(pool, self.tasks, IN_FLIGHT, self.task());
        let time = began.elapsed();
        assert_eq!(sum, sum_of(self.tasks), "{}: wrong results", P::NAME);
        nanos_each(time, self.tasks)
    }
}

impl AsyncWork for Compute {
    async fn measure<P: Tasks>(self, pool: &Arc<P>) -> f64 {
        let began = Instant::now();
        let sum = produce_async(&**pool, self.tasks, IN_FLIGHT, self.task()).await;
        let time = began.elapsed();
        assert_eq!(sum, sum_of(self.tasks), "{}: wrong results", P::NAME);
        nanos_each(time, self.tasks)
    }
}
