//! What it costs to record something, and to look at what was recorded.

use std::hint::black_box;
use std::time::Duration;

use benches::Nothing;
use criterion::{Criterion, criterion_group, criterion_main};
use tasker_core::Timestamp;
use tasker_core::metrics::{AtomicHistogram, AtomicRateWindow, Histogram};
use tasker_thread::Pool;

fn histogram(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("histogram");
    let durations: Vec<Duration> =
        (0..1_000).map(|number| Duration::from_nanos(37 * number * number)).collect();
    let mut all = durations.iter().copied().cycle();
    let shared = AtomicHistogram::new();
    group.bench_function("record, one writer", |bencher| {
        bencher.iter(|| shared.record(black_box(all.next().unwrap_or_default())));
    });
    let mut plain = Histogram::new();
    group.bench_function("record, plain", |bencher| {
        bencher.iter(|| plain.record(black_box(all.next().unwrap_or_default())));
    });
    group.bench_function("snapshot", |bencher| bencher.iter(|| black_box(shared.snapshot())));
    group.bench_function("quantile", |bencher| bencher.iter(|| black_box(plain.quantile(black_box(0.99)))));
    group.bench_function("merge", |bencher| {
        let other = plain.clone();
        bencher.iter(|| plain.merge(black_box(&other)));
    });
    group.finish();
}

fn rate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rate");
    let window = AtomicRateWindow::new(Timestamp::ZERO);
    let mut now = Timestamp::ZERO;
    group.bench_function("record, one writer", |bencher| {
        bencher.iter(|| {
            now = now.saturating_add(Duration::from_micros(1));
            window.record(black_box(now), 1);
        });
    });
    group.finish();
}

fn pool(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pool");
    for workers in [2, 64] {
        let pool = Pool::<Nothing>::builder(()).workers(workers).build().expect("threads start");
        for _ in 0..1_000 {
            pool.submit(|_, _| Ok(())).wait().expect("the task succeeds");
        }
        group.bench_function(format!("stats, {workers} workers"), |bencher| {
            bencher.iter(|| black_box(pool.stats()));
        });
        group.bench_function(format!("metrics, {workers} workers"), |bencher| {
            bencher.iter(|| black_box(pool.metrics()));
        });
    }
    group.finish();
}

criterion_group!(benches, histogram, rate, pool);
criterion_main!(benches);
