//! What it takes to look at a pool, and to decide on its size.

use std::hint::black_box;
use std::time::Duration;

use benches::work::Task;
use tasker_core::Timestamp;
use tasker_core::metrics::AtomicRateWindow;
use tasker_core::scaling::{Sample, ScalingPolicy, Utilization};

use crate::{Path, on_threads};

pub(crate) const PATHS: [Path; 4] =
    [("stats", stats), ("metrics", metrics), ("policy-utilization", policy), ("rate-record", rate)];

fn stats(count: u64) {
    let pool = used();
    let active: usize = (0..count).map(|_| black_box(pool.stats()).active).sum();
    assert_eq!(active as u64, count);
}

fn metrics(count: u64) {
    let pool = used();
    let completed: u64 = (0..count).map(|_| black_box(pool.metrics()).completed).sum();
    assert_eq!(completed, 100 * count);
}

/// A pool of one thread that has done a hundred tasks.
fn used() -> tasker_thread::Pool<benches::Nothing> {
    let pool = on_threads();
    for task in (1..=100).map(Task::empty) {
        let done = pool.submit(move |_, _| Ok(task.run())).wait().expect("the task succeeds");
        assert_eq!(done, task.run());
    }
    pool
}

/// Asked every 100 ms about eight workers, of which half are busy.
fn policy(count: u64) {
    let mut policy = Utilization::new();
    let mut sample = Sample::default();
    (sample.workers, sample.max_workers, sample.live, sample.busy) = (8, 16, 8, 4);
    for turn in 1..=count {
        let now = Timestamp::ZERO.saturating_add(Duration::from_millis(100) * number(turn));
        sample.busy_time = Duration::from_millis(400) * number(turn);
        (sample.completed, sample.arrived) = (400 * turn, 400 * turn + 4);
        assert!((4..=16).contains(&policy.desired(now, &sample)));
    }
}

fn rate(count: u64) {
    let window = AtomicRateWindow::new(Timestamp::ZERO);
    (1..=count).for_each(|turn| window.record(black_box(Timestamp::from_nanos(turn)), 1));
    assert_eq!(window.count(Timestamp::from_nanos(count)), count);
}

fn number(turn: u64) -> u32 {
    u32::try_from(turn).expect("some thousands")
}
