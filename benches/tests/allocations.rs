//! How often memory is allocated for a task. One test, in a program of its own: the count is the process's.

use benches::counting::{self, Counting};
use benches::{Nothing, two_threads};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const TASKS: u64 = 2_000;
/// What now and then grows: queues, and the timers of those who sleep.
const BESIDES: u64 = TASKS / 20;

#[test]
fn a_task_is_one_allocation_on_threads_and_on_an_async_backend() {
    let pool = tasker_thread::Pool::<Nothing>::builder(()).workers(2).build().expect("two threads start");
    let on_threads = || {
        let handles = (0..TASKS).map(|number| pool.submit(move |_, _| Ok(number)));
        handles.map(|handle| handle.wait().expect("an empty task succeeds")).sum::<u64>()
    };
    assert_allocations(1, on_threads);

    let runtime = two_threads();
    let pool = runtime
        .block_on(async { tasker_tokio::Pool::<Nothing>::builder(()).workers(2).build().await })
        .expect("two workers start");
    let on_tokio = || {
        runtime.block_on(async {
            let mut sum = 0;
            for number in 0..TASKS {
                sum += pool.submit(async move |_, _| Ok(number)).await.expect("an empty task succeeds");
            }
            sum
        })
    };
    assert_allocations(1, on_tokio);
}

fn assert_allocations(a_task: u64, run: impl Fn() -> u64) {
    // Whatever grows has grown once.
    assert_eq!(run(), TASKS * (TASKS - 1) / 2);
    counting::begin();
    run();
    let count = counting::end();
    let most = TASKS * a_task + BESIDES;
    assert!((TASKS * a_task..=most).contains(&count), "{count} allocations for {TASKS} tasks, {a_task} each");
}
