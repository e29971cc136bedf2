//! Users' code that is called between two tasks or at the end, and takes its time.

use std::convert::Infallible;
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use tasker_thread::{CancelOutcome, CreateContext, Pool, Resource, TaskHandle};

/// How long something may take that takes no time, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

struct Nothing;

impl Resource for Nothing {
    type Config = ();
    type Error = Infallible;

    async fn create(_: &(), _: &CreateContext) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

fn pool(workers: usize) -> Pool<Nothing> {
    Pool::<Nothing>::builder(()).workers(workers).build().expect("threads can be started")
}

/// Says when it is dropped, and waits for a task then.
struct Waits(mpsc::Sender<()>, Option<TaskHandle<(), Infallible>>);

impl Drop for Waits {
    fn drop(&mut self) {
        let _ = self.0.send(());
        drop(self.1.take().map(TaskHandle::wait));
    }
}

/// A task that was cancelled before its start, and a wait inside of its drop that lasts until the sender is dropped.
fn leave_one_that_waits(
    pool: &Pool<Nothing>,
    other: &Pool<Nothing>,
) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (open, gate) = mpsc::channel::<()>();
    let (entered, has_entered) = mpsc::channel();
    let awaited = other.submit_once(move |_, _| {
        let _ = gate.recv();
        Ok(())
    });
    let waits = Waits(entered, Some(awaited));
    let cancelled = pool.submit_once(move |_, _| {
        let _held = &waits;
        Ok(())
    });
    assert_eq!(cancelled.cancel(), CancelOutcome::BeforeStart);
    (has_entered, open)
}

#[test]
fn a_wait_inside_of_a_drop_takes_no_wake_up_from_its_worker() {
    let (pool, other) = (pool(1), pool(1));
    pool.pause();
    let (has_entered, open) = leave_one_that_waits(&pool, &other);
    pool.resume();
    has_entered.recv_timeout(PATIENCE).expect("the worker throws it away");
    let mut next = pool.submit(|_, _| Ok(2));
    drop(open);
    assert_eq!(next.wait_timeout(PATIENCE), Some(Ok(2)));
    assert!(pool.stop().expect("this is no task").is_clean());
}

#[test]
fn while_a_drop_takes_its_time_the_other_worker_runs_what_comes() {
    let (pool, other) = (pool(2), pool(1));
    pool.pause();
    let (has_entered, open) = leave_one_that_waits(&pool, &other);
    pool.resume();
    has_entered.recv_timeout(PATIENCE).expect("a worker throws it away");
    for number in 0..100 {
        assert_eq!(pool.submit(move |_, _| Ok(number)).wait_timeout(PATIENCE), Some(Ok(number)));
    }
    drop(open);
}

/// Meets others at a barrier when it is destroyed, if it is of the reserve.
struct Meets(Option<Arc<Barrier>>);

impl Resource for Meets {
    type Config = Arc<Barrier>;
    type Error = Infallible;

    async fn create(barrier: &Arc<Barrier>, cx: &CreateContext) -> Result<Self, Infallible> {
        Ok(Self(cx.worker.is_none().then(|| Arc::clone(barrier))))
    }

    async fn destroy(self) -> Result<(), Infallible> {
        if let Some(barrier) = self.0 {
            barrier.wait();
        }
        Ok(())
    }
}

/// Lets so many `run`s meet, so that the reserve has made as many resources.
fn fill_the_reserve(pool: &Pool<Meets>, runs: usize) {
    let together = Barrier::new(runs);
    std::thread::scope(|scope| {
        for _ in 0..runs {
            scope.spawn(|| {
                pool.run(|_, _| Ok(together.wait())).expect("there is room for it");
            });
        }
    });
    assert_eq!(pool.stats().reserve_free, runs);
}

#[test]
fn resources_of_the_reserve_are_destroyed_side_by_side() {
    let all = Arc::new(Barrier::new(3));
    let pool = Pool::<Meets>::builder(all).workers(1).reserve(3).build().expect("threads can be started");
    fill_the_reserve(&pool, 3);
    assert!(pool.stop().expect("this is no task").is_clean());
}

#[test]
fn a_stop_waits_no_longer_than_it_may_for_a_reserve_that_blocks() {
    let never = Arc::new(Barrier::new(2));
    let soon = Duration::from_millis(1);
    let pool = Pool::<Meets>::builder(Arc::clone(&never)).workers(1).reserve(1);
    let pool = pool.destroy_timeout(soon).grace(soon).build().expect("threads can be started");
    fill_the_reserve(&pool, 1);
    let report = pool.stop().expect("this is no task");
    assert_eq!((report.reserve_left, report.is_clean()), (1, false));
    // It ends with the test.
    never.wait();
}
