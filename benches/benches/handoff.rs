//! What it costs to hand a task to a worker and to get its result back, with default settings.

use std::collections::VecDeque;
use std::hint::black_box;

use benches::{Nothing, two_threads};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Tasks a round, and how many are in flight at once.
const TASKS: u64 = 10_000;
const IN_FLIGHT: usize = 1_024;

fn threads(criterion: &mut Criterion) {
    let pool = tasker_thread::Pool::<Nothing>::builder(()).workers(2).build().expect("two threads start");
    let mut group = criterion.benchmark_group("thread");
    group.bench_function("submit and wait", |bencher| {
        bencher.iter(|| pool.submit(|_, _| Ok(black_box(1))).wait());
    });
    group.throughput(Throughput::Elements(TASKS));
    group.bench_function("typed results, 1,024 in flight", |bencher| {
        bencher.iter(|| {
            let mut handles = VecDeque::with_capacity(IN_FLIGHT);
            for number in 0..TASKS {
                if handles.len() == IN_FLIGHT {
                    black_box(handles.pop_front().map(tasker_thread::TaskHandle::wait));
                }
                handles.push_back(pool.submit(move |_, _| Ok(number)));
            }
            handles.into_iter().for_each(|handle| {
                black_box(handle.wait()).expect("an empty task succeeds");
            });
        });
    });
    group.finish();
}

fn tokio(criterion: &mut Criterion) {
    let runtime = two_threads();
    let pool = runtime
        .block_on(async { tasker_tokio::Pool::<Nothing>::builder(()).workers(2).build().await })
        .expect("two workers start");
    let mut group = criterion.benchmark_group("tokio");
    group.bench_function("submit and await", |bencher| {
        bencher.iter(|| runtime.block_on(pool.submit(async |_, _| Ok(black_box(1)))));
    });
    group.throughput(Throughput::Elements(TASKS));
    group.bench_function("typed results, 1,024 in flight", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let mut handles: VecDeque<tasker_tokio::TaskHandle<u64, _>> =
                    VecDeque::with_capacity(IN_FLIGHT);
                for number in 0..TASKS {
                    let full = handles.len() == IN_FLIGHT;
                    if let Some(handle) = full.then(|| handles.pop_front()).flatten() {
                        black_box(handle.await).expect("an empty task succeeds");
                    }
                    handles.push_back(pool.submit(async move |_, _| Ok(number)));
                }
                for handle in handles {
                    black_box(handle.await).expect("an empty task succeeds");
                }
            });
        });
    });
    group.finish();
}

criterion_group!(benches, threads, tokio);
criterion_main!(benches);
