//! How long one task takes from submit to result: by priority, while thousands wait, and after a pause.

use std::hint::{black_box, spin_loop};
use std::time::{Duration, Instant};

use benches::Nothing;
use benches::work::{Task, done, sum_of};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tasker_thread::{Pool, Priority};

fn latency(criterion: &mut Criterion) {
    let pool = Pool::<Nothing>::builder(()).workers(2).unbounded().build().expect("two threads start");
    let mut group = criterion.benchmark_group("latency");
    for (name, priority) in [("high", Priority::High), ("normal", Priority::Normal), ("low", Priority::Low)] {
        group.bench_function(format!("empty pool, {name}"), |bencher| {
            bencher.iter(|| pool.task().priority(priority).submit(|_, _| Ok(black_box(1))).wait());
        });
    }
    group.bench_function("after 200 us of idleness", |bencher| {
        bencher.iter_batched(
            || pass(Duration::from_micros(200)),
            |()| pool.submit(|_, _| Ok(black_box(1))).wait(),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("high, 1,000 low ones wait", |bencher| {
        bencher.iter_custom(|trips| (0..trips).map(|_| urgent(&pool)).sum());
    });
    group.finish();
}

/// One urgent task while others wait; then these are run off.
fn urgent(pool: &Pool<Nothing>) -> Duration {
    const WAITING: u64 = 1_000;
    let goal = done() + sum_of(WAITING);
    for number in 1..=WAITING {
        let task = Task::busy(number, Duration::from_micros(2));
        let report = move |_: &mut Nothing, _: &_| {
            task.report();
            Ok(())
        };
        pool.task().priority(Priority::Low).submit(report).detach();
    }
    let began = Instant::now();
    let result = pool.task().priority(Priority::High).submit(|_, _| Ok(black_box(1))).wait();
    let time = began.elapsed();
    black_box(result).expect("the task succeeds");
    while done() < goal {
        std::thread::yield_now();
    }
    time
}

fn pass(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        spin_loop();
    }
}

criterion_group!(benches, latency);
criterion_main!(benches);
