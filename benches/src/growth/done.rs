//! What costs when a pool has done so much: a task, a look at the pool, and memory.

use std::hint::black_box;
use std::time::Instant;

use benches::Nothing;
use benches::chart::Curve;
use benches::figures::median;
use benches::process::resident_bytes;
use benches::regime::{Probe, Regime};
use tasker_thread::Pool;

use crate::lines::{Chart, Tagged, prevalent, tagged};
use crate::pools::{nanos_each, on_threads, stream_on_threads};

pub(crate) fn measure(quick: bool, probe: &Probe) -> Vec<Chart> {
    let (windows, window) = if quick { (10, 20_000) } else { (20, 1_000_000) };
    let pool = on_threads(2);
    let looks: Vec<Look> = (1..=windows).map(|number| look(&pool, number * window, window, probe)).collect();
    let regime = prevalent(looks.iter().map(|look| &look.task));
    let task = |look: &Look| (look.task.1 == Some(regime)).then_some(look.task.0);
    vec![
        chart(
            "done",
            "A stream of typed results, 2 workers",
            "ns a task",
            &looks,
            &[(&name("tasker-thread", regime), &task)],
        ),
        chart(
            "seeing",
            "Looking at a pool that has done so much",
            "ns a call",
            &looks,
            &[("stats", &|look| Some(look.stats)), ("metrics", &|look| Some(look.metrics))],
        ),
        chart("memory", "Memory of the process", "MB", &looks, &[("resident", &|look| Some(look.memory))]),
    ]
}

/// What was seen after so many tasks.
struct Look {
    tasks: u64,
    /// Nanoseconds each, of the last window.
    task: Tagged,
    stats: f64,
    metrics: f64,
    /// In MB.
    memory: f64,
}

#[expect(clippy::cast_precision_loss, reason = "some megabytes")]
fn look(pool: &Pool<Nothing>, tasks: u64, window: u64, probe: &Probe) -> Look {
    Look {
        tasks,
        task: tagged(probe, || stream_on_threads(pool, 1, window)),
        stats: call(|| drop(black_box(pool.stats()))),
        metrics: call(|| {
            black_box(pool.metrics());
        }),
        memory: resident_bytes() as f64 / 1e6,
    }
}

fn call(act: impl Fn()) -> f64 {
    let times = (0..200).map(|_| {
        let began = Instant::now();
        act();
        nanos_each(began.elapsed(), 1)
    });
    median(&times.collect::<Vec<_>>())
}

type Value<'a> = &'a dyn Fn(&Look) -> Option<f64>;

#[expect(clippy::cast_precision_loss, reason = "some millions")]
fn chart(
    file: &'static str,
    title: &str,
    unit: &'static str,
    looks: &[Look],
    lines: &[(&str, Value<'_>)],
) -> Chart {
    let curve = |&(name, value): &(&str, Value<'_>)| Curve {
        name: name.to_owned(),
        points: looks.iter().filter_map(|look| Some((look.tasks as f64, value(look)?))).collect(),
    };
    Chart {
        file,
        title: title.to_owned(),
        axes: ["tasks done", unit],
        curves: lines.iter().map(curve).collect(),
    }
}

fn name(pool: &str, regime: Regime) -> String {
    format!("{pool} ({regime})")
}
