//! A task's cost against the number of workers.

use benches::regime::Probe;
use benches::two_threads;

use crate::lines::{Chart, Line, measure as measure_lines};
use crate::pools::{Floor, on_threads, on_tokio, stream_on_threads, stream_on_tokio};

pub(crate) fn measure(quick: bool, probe: &Probe) -> Vec<Chart> {
    let (tasks, rounds) = if quick { (10_000, 3) } else { (100_000, 9) };
    let lines = [
        Line::new("tasker-thread", move |workers| {
            let pool = on_threads(count(workers));
            stream_on_threads(&pool, 1, tasks / 10);
            stream_on_threads(&pool, 1, tasks)
        }),
        Line::new("floor on threads", move |workers| {
            let floor = Floor::start(count(workers));
            floor.stream(1, tasks / 10);
            floor.stream(1, tasks)
        }),
        Line::new("tasker-tokio", move |workers| {
            let runtime = two_threads();
            let pool = runtime.block_on(on_tokio(count(workers)));
            stream_on_tokio(&runtime, &pool, 1, tasks / 10);
            stream_on_tokio(&runtime, &pool, 1, tasks)
        }),
    ];
    vec![Chart {
        file: "workers",
        title: "Typed results, 1,024 in flight, one producer".into(),
        axes: ["workers", "ns a task"],
        curves: measure_lines(&lines, &[1, 2, 4, 8, 16, 32, 64], rounds, probe),
    }]
}

fn count(workers: u64) -> usize {
    usize::try_from(workers).expect("some dozens")
}
