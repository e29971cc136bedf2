//! T4, A4 and S4: one task at a time, from submit to result; and the same after a pause in which the pool went to rest.

use std::hint::spin_loop;
use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::figures::median;
use benches::work::Task;

use super::{Limit, Scale, Work};
use crate::asynchronous::{self, ASYNC_STD_FLOOR, AsyncWork, Flavour, Tasks};
use crate::rounds::nanos_each;
use crate::threads::{self, ThreadWork, Threads};

/// How long a pool is left alone before a cold round trip. Its submitter is busy elsewhere meanwhile.
const PAUSE: Duration = Duration::from_micros(200);

pub(super) fn on_threads() -> Vec<Work> {
    let what = "threads, 2 workers: submit and wait, one at a time, p50";
    let warm = Work::timed("T4", what, threads::FLOOR, |scale| threads::all(2, RoundTrip::warm(scale)));
    let what = "threads, 2 workers: submit and wait after 200 us of idleness, p50";
    let cold = Work::timed("T4 cold", what, threads::FLOOR, |scale| threads::all(2, RoundTrip::cold(scale)));
    vec![warm.bar(Limit::ratio(0.4)).bar(Limit::Leads), cold.bar(Limit::ratio(0.9)).bar(Limit::Leads)]
}

pub(super) fn on_tokio() -> Vec<Work> {
    let work = |flavour: Flavour| {
        let what = format!("tokio, {}: submit and await, one at a time, p50", flavour.name());
        let entrants = move |scale| asynchronous::all(flavour, RoundTrip::warm(scale));
        let limit = (flavour == Flavour::MultiThread).then(|| Limit::ratio(0.95));
        Work::timed(format!("A4 {}", flavour.short()), what, asynchronous::FLOOR, entrants).bars(limit)
    };
    Flavour::ALL.map(work).into()
}

pub(super) fn on_async_std() -> Work {
    let entrants = |scale| asynchronous::on_async_std(RoundTrip::warm(scale));
    Work::timed("S4", "async-std: submit and await, one at a time, p50", ASYNC_STD_FLOOR, entrants)
}

#[derive(Clone, Copy)]
struct RoundTrip {
    trips: u64,
    pause: Option<Duration>,
}

impl RoundTrip {
    const fn warm(scale: Scale) -> Self {
        Self { trips: scale.pick(1_000, 5_000), pause: None }
    }

    const fn cold(scale: Scale) -> Self {
        Self { trips: scale.pick(50, 250), pause: Some(PAUSE) }
    }
}

impl ThreadWork for RoundTrip {
    fn measure<P: Threads>(self, pool: &P) -> f64 {
        let trip = |number| {
            self.pause.into_iter().for_each(pass);
            let began = Instant::now();
            let result = pool.submit(Task::empty(number))();
            let time = began.elapsed();
            assert_eq!(result, number, "{}: wrong result", P::NAME);
            nanos_each(time, 1)
        };
        median(&(1..=self.trips).map(trip).collect::<Vec<_>>())
    }
}

impl AsyncWork for RoundTrip {
    async fn measure<P: Tasks>(self, pool: &Arc<P>) -> f64 {
        let mut times = Vec::new();
        for number in 1..=self.trips {
            let began = Instant::now();
            let result = pool.submit(Task::empty(number)).await.await;
            times.push(nanos_each(began.elapsed(), 1));
            assert_eq!(result, number, "{}: wrong result", P::NAME);
        }
        median(&times)
    }
}

fn pass(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        spin_loop();
    }
}
