//! The work itself, without any pool: as quick as it gets.

use benches::together;
use benches::work::{Task, sum_of};

use crate::rounds::{Entrant, nanos_each};

pub(crate) const NAME: &str = "inline, no pool";

/// `count` tasks, shared out beforehand between `threads`; the nanoseconds of each.
pub(crate) fn inline(
    threads: usize,
    count: u64,
    task: impl Fn(u64) -> Task + Copy + Sync + 'static,
) -> Entrant {
    Entrant::new(NAME, move || Box::new(move || measure(threads, count, task)))
}

fn measure(threads: usize, count: u64, task: impl Fn(u64) -> Task + Sync) -> f64 {
    let share =
        |thread: usize| (thread as u64 + 1..=count).step_by(threads).map(|number| task(number).run()).sum();
    let (sums, time) = together::<u64>(threads, share);
    assert_eq!(sums.iter().sum::<u64>(), sum_of(count), "{NAME}: wrong results");
    nanos_each(time, count)
}
