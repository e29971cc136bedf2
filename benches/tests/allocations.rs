//! How often memory is allocated for a task. One test, in a program of its own: the count is the process's.

use benches::counting::{self, Counting};
use benches::{Nothing, two_threads};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// More than are kept for the next, wherever they are kept.
const TASKS: u64 = 10_000;
/// What now and then grows: queues, and the timers of those who sleep.
const BESIDES: u64 = TASKS / 20;

#[test]
fn a_task_is_one_allocation_at_most_and_none_where_another_has_just_ended() {
    let pool = tasker_thread::Pool::<Nothing>::builder(()).workers(2).build().expect("two threads start");
    let submit = |number| pool.submit(move |_, _| Ok(number));
    let all_at_once = count(|| {
        pool.pause();
        let handles: Vec<_> = (0..TASKS).map(submit).collect();
        pool.resume();
        handles.into_iter().map(|handle| handle.wait().expect("an empty task succeeds")).sum()
    });
    assert_one_each(all_at_once);
    let in_turn =
        count(|| (0..TASKS).map(|number| submit(number).wait().expect("an empty task succeeds")).sum());
    assert_none(in_turn);

    let runtime = two_threads();
    let pool = runtime
        .block_on(async { tasker_tokio::Pool::<Nothing>::builder(()).workers(2).build().await })
        .expect("two workers start");
    let submit = |number| pool.submit(async move |_, _| Ok(number));
    let all_at_once = count(|| {
        runtime.block_on(async {
            pool.pause();
            let handles: Vec<_> = (0..TASKS).map(submit).collect();
            pool.resume();
            let mut sum = 0;
            for handle in handles {
                sum += handle.await.expect("an empty task succeeds");
            }
            sum
        })
    });
    assert_one_each(all_at_once);
    let in_turn = count(|| {
        runtime.block_on(async {
            let mut sum = 0;
            for number in 0..TASKS {
                sum += submit(number).await.expect("an empty task succeeds");
            }
            sum
        })
    });
    assert_none(in_turn);
}

/// The allocations of `run`, which does all tasks and adds up what they return.
fn count(run: impl Fn() -> u64) -> u64 {
    // Whatever grows has grown once.
    assert_eq!(run(), TASKS * (TASKS - 1) / 2);
    counting::begin();
    run();
    counting::end()
}

/// Some take the memory of those that ended before.
fn assert_one_each(count: u64) {
    assert!((TASKS / 2..=TASKS + BESIDES).contains(&count), "{count} allocations for {TASKS} tasks");
}

fn assert_none(count: u64) {
    assert!(count <= BESIDES, "{count} allocations for {TASKS} tasks in turn");
}
