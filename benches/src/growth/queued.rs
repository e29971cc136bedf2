//! A task's cost against how many wait: submitting them while the pool is paused, and running them off.

use std::time::Instant;

use benches::Nothing;
use benches::regime::Probe;
use benches::work::{Task, done, sum_of};
use tasker_thread::TaskContext;

use crate::lines::{Chart, Line, measure as measure_lines};
use crate::pools::{nanos_each, on_threads};

pub(crate) fn measure(quick: bool, probe: &Probe) -> Vec<Chart> {
    let places: &[u64] = if quick {
        &[1, 10, 100, 1_000, 10_000, 100_000]
    } else {
        &[1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000]
    };
    let lines = [
        Line::new("submit, paused", |tasks| sample(tasks)[0]),
        Line::new("run off, 2 workers", |tasks| sample(tasks)[1]),
    ];
    vec![Chart {
        file: "queued",
        title: "Fire and forget, so many waiting at once".into(),
        axes: ["queued tasks", "ns a task"],
        curves: measure_lines(&lines, places, if quick { 3 } else { 5 }, probe),
    }]
}

/// What a task costs to submit and to run, of so many; small numbers are repeated so that there is something to time.
fn sample(tasks: u64) -> [f64; 2] {
    let pool = on_threads(2);
    let repeats = (1_000 / tasks).max(1);
    let (mut submitting, mut running) = (0.0, 0.0);
    for _ in 0..repeats {
        pool.pause();
        let goal = done() + sum_of(tasks);
        let began = Instant::now();
        for task in (1..=tasks).map(Task::empty) {
            let report = move |_: &mut Nothing, _: &TaskContext| {
                task.report();
                Ok(())
            };
            pool.submit(report).detach();
        }
        submitting += nanos_each(began.elapsed(), tasks);
        let began = Instant::now();
        pool.resume();
        while done() < goal {
            std::thread::yield_now();
        }
        running += nanos_each(began.elapsed(), tasks);
    }
    [submitting, running].map(|sum| sum / float(repeats))
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn float(count: u64) -> f64 {
    count as f64
}
