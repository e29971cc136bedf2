//! T1, A1 and S1: empty tasks, fire and forget, from the first submit until all are done.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use benches::work::{Task, done, sum_of};

use super::{Limit, Scale, Work};
use crate::ability::Ability;
use crate::asynchronous::{self, ASYNC_STD_FLOOR, AsyncWork, Flavour, Tasks};
use crate::rounds::nanos_each;
use crate::threads::{self, ThreadWork, Threads};

pub(super) fn on_threads() -> Vec<Work> {
    let work = |workers| {
        let what = format!("threads, {workers} workers: empty tasks, fire and forget");
        let entrants = move |scale| threads::all(workers, Fire::new(scale));
        let limit = (workers == 2).then(|| Limit::ratio(0.95));
        Work::timed(format!("T1 w{workers}"), what, threads::FLOOR, entrants).bars(limit)
    };
    [1, 2, 8].map(work).into()
}

pub(super) fn on_tokio() -> Vec<Work> {
    let work = |flavour: Flavour| {
        let what = format!("tokio, {}: empty tasks, fire and forget", flavour.name());
        let entrants = move |scale| asynchronous::all(flavour, Fire::new(scale));
        let limit = (flavour == Flavour::MultiThread).then(|| Limit::ratio(0.30));
        Work::timed(format!("A1 {}", flavour.short()), what, asynchronous::FLOOR, entrants).bars(limit)
    };
    Flavour::ALL.map(work).into()
}

pub(super) fn on_async_std() -> Work {
    let entrants = |scale| asynchronous::on_async_std(Fire::new(scale));
    Work::timed("S1", "async-std: empty tasks, fire and forget", ASYNC_STD_FLOOR, entrants)
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
    const NEEDS: Ability = Ability::Fire;

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
    const NEEDS: Ability = Ability::Fire;

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
