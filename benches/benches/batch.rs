//! A thousand typed results at once: submitted as a batch, and one by one.

use std::hint::black_box;

use benches::Nothing;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tasker_thread::Pool;

const BATCH: u64 = 1_000;

fn batch(criterion: &mut Criterion) {
    let pool = Pool::<Nothing>::builder(()).workers(2).build().expect("two threads start");
    let task = |number: u64| move |_: &mut Nothing, _: &_| Ok(black_box(number));
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("submit_all", |bencher| {
        bencher.iter(|| {
            for handle in pool.submit_all((0..BATCH).map(task)) {
                black_box(handle.wait()).expect("the task succeeds");
            }
        });
    });
    group.bench_function("one by one", |bencher| {
        bencher.iter(|| {
            let handles: Vec<_> = (0..BATCH).map(|number| pool.submit(task(number))).collect();
            for handle in handles {
                black_box(handle.wait()).expect("the task succeeds");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, batch);
criterion_main!(benches);
