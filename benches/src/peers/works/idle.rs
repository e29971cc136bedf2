//! What a pool costs that has nothing to do: processor time of all threads but the one that watches, in a process of its
//! own.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use benches::process::nanos_of_others;
use benches::work::{Task, sum_of};

use super::results::{produce, produce_async};
use super::{Limit, Unit, Work};
use crate::asynchronous::{self, AsyncWork, Flavour, Tasks};
use crate::child;
use crate::rounds::Entrant;
use crate::threads::{self, ThreadWork, Threads};

pub(super) const ON_THREADS: &str = "idle threads";
pub(super) const ON_TOKIO: &str = "idle tokio";

/// "None at all", and what the kernel may book on a thread that sleeps.
const LIMIT: Limit = Limit::Figure(20.0);

pub(super) fn works() -> Vec<Work> {
    let work = |id, what: &str, entrants: fn() -> Vec<Entrant>, floor| {
        let entrants = move |scale| child::each(id, scale, entrants());
        Work::steady(id, what, Unit::Micros, floor, entrants).once().bar(LIMIT)
    };
    let what = "threads, 8 workers: processor time of an idle pool";
    let on_threads = work(ON_THREADS, what, entrants_on_threads, threads::FLOOR);
    let what = "tokio, two threads: processor time of an idle pool";
    vec![on_threads, work(ON_TOKIO, what, entrants_on_tokio, asynchronous::FLOOR)]
}

pub(super) fn entrants_on_threads() -> Vec<Entrant> {
    threads::all(8, Idle)
}

pub(super) fn entrants_on_tokio() -> Vec<Entrant> {
    asynchronous::all(Flavour::MultiThread, Idle)
}

#[derive(Clone, Copy)]
struct Idle;

/// What a pool does before it may rest.
const TASKS: u64 = 1_000;
/// How long it may take until it rests: longer than the interval at which ours asks its scaling policy.
const SETTLE: Duration = Duration::from_millis(300);
const WATCH: Duration = Duration::from_millis(500);

impl ThreadWork for Idle {
    fn measure<P: Threads>(self, pool: &P) -> f64 {
        assert_eq!(produce(pool, TASKS, 64, Task::empty), sum_of(TASKS));
        watch()
    }
}

impl AsyncWork for Idle {
    /// Blocks one of the two threads; the other is there for whatever the contender has to do.
    async fn measure<P: Tasks>(self, pool: &Arc<P>) -> f64 {
        assert_eq!(produce_async(&**pool, TASKS, 64, Task::empty).await, sum_of(TASKS));
        watch()
    }
}

/// Microseconds in a second.
#[expect(clippy::cast_precision_loss, reason = "less than a second in nanoseconds")]
fn watch() -> f64 {
    sleep(SETTLE);
    let (began, before) = (Instant::now(), nanos_of_others());
    sleep(WATCH);
    let nanos = nanos_of_others().saturating_sub(before);
    nanos as f64 / 1e3 / began.elapsed().as_secs_f64()
}
