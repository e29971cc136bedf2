//! T1 and A1: empty tasks, fire and forget, from the first submit until all are done.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use benches::work::{Task, done, sum_of};

use super::{Limit, Scale, Unit, Work};
use crate::asynchronous::{self, AsyncWork, Flavour, Tasks};
use crate::rounds::nanos_each;
use crate::threads::{self, ThreadWork, Threads};

pub(super) fn works() -> Vec<Work> {
    let on_threads = [1, 2, 8].map(|workers| Work {
        id: format!("T1 w{workers}"),
        what: format!("threads, {workers} workers: empty tasks, fire and forget"),
        floor: threads::FLOOR,
        unit: Unit::Nanos,
        bars: if workers == 2 { vec![Limit::ratio(0.95)] } else { vec![] },
        entrants: Box::new(move |scale| threads::all(workers, Fire::new(scale))),
    });
    let on_tokio = Flavour::ALL.map(|flavour| Work {
        id: format!("A1 {}", flavour.short()),
        what: format!("tokio, {}: empty tasks, fire and forget", flavour.name()),
        floor: asynchronous::FLOOR,
        unit: Unit::Nanos,
        bars: if flavour == Flavour::MultiThread { vec![Limit::ratio(0.30)] } else { vec![] },
        entrants: Box::new(move |scale| asynchronous::all(flavour, Fire::new(scale))),
    });
    on_threads.into_iter().chain(on_tokio).collect()
}

#[derive(Clone, Copy)]
struct Fire {
    tasks: u64,
}

impl Fire {
    const fn new(scale: Scale) -> Self {
        Self { tasks: scale.pick(20_000, 200_000) }
    }
}

impl ThreadWork for Fire {
    const FIRES: bool = true;

    fn measure<P: Threads>(self, pool: &P) -> f64 {
        let goal = done() + sum_of(self.tasks);
        let began = Instant::now();
        (1..=self.tasks).for_each(|number| pool.fire(Task::empty(number)));
        while done() < goal {
            // Leaves the cores to the workers. The system makes some 80 us of it, little against the whole.
            thread::sleep(Duration::from_micros(20));
        }
        let time = began.elapsed();
        assert_eq!(done(), goal, "{}: a task was done twice", P::NAME);
        nanos_each(time, self.tasks)
    }
}

impl AsyncWork for Fire {
    const FIRES: bool = true;

    async fn measure<P: Tasks>(self, pool: &Arc<P>) -> f64 {
        let goal = done() + sum_of(self.tasks);
        let began = Instant::now();
        for number in 1..=self.tasks {
            pool.fire(Task::empty(number)).await;
        }
        while done() < goal {
            tokio::task::yield_now().await;
        }
        let time = began.elapsed();
        assert_eq!(done(), goal, "{}: a task was done twice", P::NAME);
        nanos_each(time, self.tasks)
    }
}
