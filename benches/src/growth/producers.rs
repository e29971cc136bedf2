//! A task's cost against the number of producers.

use benches::regime::Probe;
use benches::two_threads;

use crate::lines::{Chart, Line, measure as measure_lines};
use crate::pools::{Floor, on_threads, on_tokio, stream_on_threads, stream_on_tokio};

const WORKERS: usize = 2;

pub(crate) fn measure(quick: bool, probe: &Probe) -> Vec<Chart> {
    let (tasks, rounds) = if quick { (12_800, 3) } else { (128_000, 9) };
    let (pool, floor) = (on_threads(WORKERS), Floor::start(WORKERS));
    let runtime = two_threads();
    let tokio = runtime.block_on(on_tokio(WORKERS));
    let lines = [
        Line::new("tasker-thread", move |producers| stream_on_threads(&pool, count(producers), tasks)),
        Line::new("floor on threads", move |producers| floor.stream(count(producers), tasks)),
        Line::new("tasker-tokio", move |producers| {
            stream_on_tokio(&runtime, &tokio, count(producers), tasks)
        }),
    ];
    vec![Chart {
        file: "producers",
        title: "Typed results, 1,024 in flight, 2 workers".into(),
        axes: ["producers", "ns a task"],
        curves: measure_lines(&lines, &[1, 2, 4, 8, 16, 32, 64], rounds, probe),
    }]
}

fn count(producers: u64) -> usize {
    usize::try_from(producers).expect("some dozens")
}
