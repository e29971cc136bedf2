//! `run`: a task past the queue, on a free resource of the reserve.

use std::hint::black_box;

use benches::Nothing;
use criterion::{Criterion, criterion_group, criterion_main};

fn run(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    let pool = tasker_thread::Pool::<Nothing>::builder(()).workers(1).build().expect("a thread starts");
    group.bench_function("thread", |bencher| bencher.iter(|| pool.run(|_, _| Ok(black_box(1)))));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let builder = tasker_tokio::Pool::<Nothing>::builder(()).workers(1);
    let pool = runtime.block_on(async { builder.build().await }).expect("a worker starts");
    group.bench_function("tokio", |bencher| {
        bencher.iter_custom(|calls| {
            runtime.block_on(async {
                let began = std::time::Instant::now();
                for _ in 0..calls {
                    black_box(pool.run(async |_, _| Ok(black_box(1))).await).expect("the task succeeds");
                }
                began.elapsed()
            })
        });
    });
    group.finish();
}

criterion_group!(benches, run);
criterion_main!(benches);
