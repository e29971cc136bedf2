//! T5 and A5: tasks that compute for a while, against the same work without a pool.

use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::work::{Task, sum_of};

use super::results::{produce, produce_async};
use super::{Limit, Scale, Unit, Work};
use crate::asynchronous::{self, AsyncWork, Flavour, Tasks};
use crate::rounds::nanos_each;
use crate::threads::{self, INLINE, ThreadWork, Threads, inline};

const IN_FLIGHT: usize = 1_024;

pub(super) fn works() -> Vec<Work> {
    let on_threads = [(1, 1.5), (10, 1.08)].map(|(micros, most)| Work {
        id: format!("T5 {micros}us"),
        what: format!("threads, 2 workers: {micros} us of arithmetic a task, typed results"),
        floor: INLINE,
        unit: Unit::Nanos,
        bars: vec![Limit::ratio(most), Limit::Leads],
        entrants: Box::new(move |scale| {
            let work = Compute::new(scale, micros);
            let mut entrants = vec![inline(2, work.tasks, work.task())];
            entrants.extend(threads::all(2, work));
            entrants
        }),
    });
    let on_tokio = Flavour::ALL.map(|flavour| Work {
        id: format!("A5 {}", flavour.short()),
        what: format!("tokio, {}: 1 us of arithmetic a task, typed results", flavour.name()),
        floor: INLINE,
        unit: Unit::Nanos,
        bars: if flavour == Flavour::MultiThread { vec![Limit::ratio(1.25)] } else { vec![] },
        entrants: Box::new(move |scale| {
            let work = Compute::new(scale, 1);
            let mut entrants = vec![inline(flavour.threads(), work.tasks, work.task())];
            entrants.extend(asynchronous::all(flavour, work));
            entrants
        }),
    });
    on_threads.into_iter().chain(on_tokio).collect()
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

    fn task(self) -> impl Fn(u64) -> Task + Copy + Send + 'static {
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
