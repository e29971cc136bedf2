//! The work itself, without any pool: as quick as it gets.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use benches::work::{Task, sum_of};

use crate::rounds::Entrant;

pub(crate) const NAME: &str = "inline, no pool";

/// `count` tasks, shared out beforehand between `threads`; the nanoseconds of each.
pub(crate) fn inline(
    threads: u64,
    count: u64,
    task: impl Fn(u64) -> Task + Copy + Send + 'static,
) -> Entrant {
    Entrant::new(NAME, move || Box::new(move || measure(threads, count, task)))
}

fn measure(threads: u64, count: u64, task: impl Fn(u64) -> Task + Copy + Send) -> f64 {
    let barrier = &Barrier::new(usize::try_from(threads).expect("a few") + 1);
    thread::scope(|scope| {
        let share = |first| {
            scope.spawn(move || {
                barrier.wait();
                (first..=count)
                    .step_by(usize::try_from(threads).expect("a few"))
                    .map(|n| task(n).run())
                    .sum::<u64>()
            })
        };
        let shares: Vec<_> = (1..=threads).map(share).collect();
        barrier.wait();
        let began = Instant::now();
        let sum: u64 = shares.into_iter().map(|share| share.join().expect("no task panics")).sum();
        let time = began.elapsed();
        assert_eq!(sum, sum_of(count), "{NAME}: wrong results");
        crate::rounds::nanos_each(time, count)
    })
}
