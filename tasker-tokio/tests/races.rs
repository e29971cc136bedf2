//! Races and corners of the async pool.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tasker_tokio::*;
use tokio::sync::oneshot;

#[derive(Debug)]
struct Plain;

impl Resource for Plain {
    type Config = ();
    type Error = String;

    async fn create(_: &(), _: &CreateContext) -> Result<Self, String> {
        Ok(Self)
    }

    fn check_health(&self, error: &String) -> Health {
        if error.contains("sick") { Health::Unhealthy } else { Health::Healthy }
    }
}

const LONG: Duration = Duration::from_secs(600);

async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(LONG, future).await.unwrap_or_else(|_| panic!("{what} hangs"))
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test(start_paused = true)]
async fn a_stop_right_after_a_pause_resumes_and_drains() {
    let pool = Pool::<Plain>::builder(()).workers(1).build().await.unwrap();
    pool.pause();
    let handle = pool.submit(async |_, _| Ok(7));
    let report = soon("stop", pool.stop()).await.unwrap();
    assert_eq!(report.done, 1);
    assert_eq!(handle.await.unwrap(), 7);
}

/// Counts how often it is cloned.
#[derive(Default)]
struct Counted(Arc<AtomicU32>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_runs_a_clone_but_the_last_one_runs_the_closure_itself() {
    let pool = Pool::<Plain>::builder(()).workers(1).build().await.unwrap();
    for retries in 0..3 {
        let held = Counted::default();
        let clones = Arc::clone(&held.0);
        let sick = pool.task().retries(retries).submit(async move |_, _| {
            drop(held);
            Err::<(), _>("sick".to_string())
        });
        soon("task", sick).await.unwrap_err();
        assert_eq!(clones.load(Ordering::Relaxed), retries);
    }
}

/// On a runtime with one thread, tasks that never await, and take no time.
#[tokio::test(start_paused = true)]
async fn a_busy_worker_gives_way_to_the_rest_of_its_runtime_after_some_tasks_and_not_after_each() {
    const MANY: u32 = 2000;
    let pool = Pool::<Plain>::builder(()).workers(1).build().await.unwrap();
    pool.pause();
    let done = Arc::new(AtomicU32::new(0));
    let handles = pool.submit_all((0..MANY).map(|_| {
        let done = Arc::clone(&done);
        async move |_: &mut Plain, _: &TaskContext| {
            done.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }));
    // Has its turn again and again, and says how far the worker was when it first saw something done.
    let other = tokio::spawn(std::future::poll_fn(move |cx| match done.load(Ordering::Relaxed) {
        0 => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        done => Poll::Ready(done),
    }));
    pool.resume();
    let seen = other.await.unwrap();
    assert!(1 < seen && seen < MANY, "{seen}");
    for handle in handles {
        handle.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn one_task_may_wait_for_more_tasks_than_there_are_workers() {
    let pool = Pool::<Plain>::builder(()).workers(2).build().await.unwrap();
    let weak = pool.downgrade();
    let sum = pool.submit(async move |_, _| {
        let pool = weak.upgrade().unwrap();
        let handles = pool.submit_all((0..5).map(|n| async move |_: &mut Plain, _: &TaskContext| Ok(n)));
        drop(pool);
        let mut handles: Vec<_> = handles.into_iter().map(Box::pin).collect();
        let mut sum = 0;
        // All at once, as `join_all` does.
        std::future::poll_fn(|cx| {
            handles.retain_mut(|handle| match handle.as_mut().poll(cx) {
                Poll::Ready(n) => {
                    sum += n.unwrap();
                    false
                }
                Poll::Pending => true,
            });
            if handles.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        Ok(sum)
    });
    assert_eq!(soon("fan-out", sum).await.unwrap(), 10);
}

/// Two workers. One waits for `child`, which the other completes; before the first is polled again, the other goes
/// on to a task that waits too. The first is no longer blocked, so that is no deadlock.
#[tokio::test(start_paused = true)]
async fn a_wait_that_is_over_counts_no_longer_though_its_task_has_not_moved_yet() {
    let pool = Pool::<Plain>::builder(()).workers(2).build().await.unwrap();
    let weak = pool.downgrade();
    let (open, gate) = oneshot::channel::<()>();
    let first = pool.submit_once(async move |_, _| {
        let pool = weak.upgrade().unwrap();
        let child = pool.submit_once(async move |_: &mut Plain, _: &TaskContext| {
            let _ = gate.await;
            Ok(1)
        });
        drop(pool);
        Ok(child.await.unwrap())
    });
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    let weak = pool.downgrade();
    let second = pool.submit_once(async move |_, _| {
        let pool = weak.upgrade().unwrap();
        let child = pool.submit(async |_: &mut Plain, _: &TaskContext| Ok(2));
        drop(pool);
        child.await.map_err(|error| error.to_string())
    });
    open.send(()).unwrap();
    assert_eq!(soon("first", first).await.unwrap(), 1);
    assert_eq!(soon("second", second).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_pending_handle_that_leaves_its_task_blocks_nobody() {
    let pool = Pool::<Plain>::builder(()).workers(2).build().await.unwrap();
    let (open, gate) = oneshot::channel::<()>();
    let slow = pool.submit_once(async move |_, _| {
        let _ = gate.await;
        Ok(())
    });
    // Looks at the handle once, and hands it out again.
    let slow = pool.submit_once(async move |_, _| {
        let mut slow = slow;
        assert!(poll_once(pin!(&mut slow)).is_pending());
        Ok(slow)
    });
    let slow = soon("look", slow).await.unwrap();
    let weak = pool.downgrade();
    let nested = pool.submit_once(async move |_, _| {
        let pool = weak.upgrade().unwrap();
        let child = pool.submit(async |_: &mut Plain, _: &TaskContext| Ok(2));
        drop(pool);
        // The other worker is busy until the gate opens, and no worker is blocked but this one.
        let mut child = pin!(child);
        match poll_once(child.as_mut()) {
            Poll::Pending => {}
            Poll::Ready(result) => panic!("{result:?}"),
        }
        open.send(()).unwrap();
        Ok(child.await.unwrap())
    });
    assert_eq!(soon("nested", nested).await.unwrap(), 2);
    soon("slow", slow).await.unwrap();
}

/// Everybody waits, and what the last one waits for has started but waits itself.
#[tokio::test(start_paused = true)]
async fn a_circle_of_waits_through_a_running_task_is_found() {
    let pool = Pool::<Plain>::builder(()).workers(2).build().await.unwrap();
    let (go, may_go) = oneshot::channel::<()>();
    let (here, is_here) = oneshot::channel::<()>();
    let weak = pool.downgrade();
    let first = pool.submit_once(async move |_, _| {
        here.send(()).unwrap();
        let _ = may_go.await;
        let pool = weak.upgrade().unwrap();
        let child = pool.submit(async |_: &mut Plain, _: &TaskContext| Ok(1));
        drop(pool);
        child.await.map_err(|error| error.to_string())
    });
    is_here.await.unwrap();
    // Keeps the other worker from the child until the first waits for it.
    let (open, gate) = oneshot::channel::<()>();
    let busy = pool.submit_once(async move |_, _| {
        let _ = gate.await;
        Ok(())
    });
    let second = pool.submit_once(async move |_, _| Ok(first.await.map_err(|error| error.to_string())));
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    open.send(()).unwrap();
    soon("busy", busy).await.unwrap();
    let second = soon("second", second).await.unwrap();
    assert!(second.is_err_and(|error| error.contains("deadlock")));
    assert_eq!(soon("stop", pool.stop()).await.unwrap().done, 4);
}

#[tokio::test(start_paused = true)]
async fn a_submitter_that_was_granted_room_and_never_looks_does_not_hold_up_a_stop() {
    let pool = Pool::<Plain>::builder(()).workers(1).capacity(1).build().await.unwrap();
    let (open, gate) = oneshot::channel::<()>();
    let (here, is_here) = oneshot::channel::<()>();
    pool.submit_once(async move |_, _| {
        here.send(()).unwrap();
        let _ = gate.await;
        Ok(())
    })
    .detach();
    is_here.await.unwrap();
    let queued = pool.submit(async |_, _| Ok(()));
    let mut waiting = pin!(pool.submit_wait(async |_, _| Ok(())));
    assert!(poll_once(waiting.as_mut()).is_pending());
    open.send(()).unwrap();
    queued.await.unwrap();
    soon("stop", pool.stop()).await.unwrap();
    let refused = soon("submitter", waiting).await;
    assert!(refused.is_err_and(|refused| refused.reason == Refusal::Stopping));
}

#[tokio::test(start_paused = true)]
async fn a_stop_with_a_deadline_does_not_wait_for_a_run_past_it() {
    let pool = Pool::<Plain>::builder(()).workers(1).build().await.unwrap();
    let mut run = pin!(pool.run(async |_, _| std::future::pending::<Result<(), String>>().await));
    assert!(poll_once(run.as_mut()).is_pending());
    let report = soon("stop", pool.stop_within(Duration::from_secs(1))).await.unwrap();
    assert_eq!((report.how, report.reserve_left), (Stopped::DeadlinePassed, 1), "nobody polls the run");
    assert!(matches!(soon("run", run).await, Err(RunError::Killed)));
}

#[tokio::test(start_paused = true)]
async fn a_kill_ends_a_stop_that_waits_for_a_run() {
    let pool = Pool::<Plain>::builder(()).workers(1).build().await.unwrap();
    let mut run = pin!(pool.run(async |_, _| std::future::pending::<Result<(), String>>().await));
    assert!(poll_once(run.as_mut()).is_pending());
    let stopping = pool.clone();
    let stop = tokio::spawn(async move { stopping.stop().await });
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::task::yield_now().await;
    soon("kill", pool.kill()).await.unwrap();
    assert_eq!(soon("stop", stop).await.unwrap().unwrap().how, Stopped::Killed);
    assert!(matches!(soon("run", run).await, Err(RunError::Killed)));
}

/// `create` takes longer than the pool lives.
#[derive(Debug)]
struct Slow;

impl Resource for Slow {
    type Config = ();
    type Error = String;

    async fn create(_: &(), cx: &CreateContext) -> Result<Self, String> {
        if cx.worker.is_none() {
            let _ = tokio::time::timeout(Duration::from_secs(20), std::future::pending::<()>()).await;
        }
        Ok(Self)
    }
}

#[tokio::test(start_paused = true)]
async fn no_task_runs_on_a_resource_that_came_up_after_the_kill() {
    let pool = Pool::<Slow>::builder(()).workers(1).build().await.unwrap();
    let run = tokio::spawn({
        let pool = pool.clone();
        async move { pool.run(async |_, _| Ok(())).await }
    });
    tokio::task::yield_now().await;
    soon("kill", pool.kill()).await.unwrap();
    let ran = soon("run", run).await.unwrap();
    assert!(matches!(ran, Err(RunError::Stopping | RunError::Killed)), "{ran:?}");
    assert_eq!(pool.metrics().created, pool.metrics().destroyed);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_task_keeps_its_rank() {
    let pool = Pool::<Plain>::builder(())
        .workers(1)
        .rank(|info| info.name.as_deref().map_or(0, |name| name.parse().unwrap()))
        .build()
        .await
        .unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = |n: u64| {
        let order = Arc::clone(&order);
        async move |_: &mut Plain, _: &TaskContext| {
            order.lock().unwrap().push(n);
            Ok(())
        }
    };
    pool.pause();
    let late = pool.task().name("9").delay(Duration::from_secs(1)).submit(note(9));
    let soon_ = pool.task().name("1").submit(note(1));
    tokio::time::advance(Duration::from_secs(2)).await;
    pool.resume();
    late.await.unwrap();
    soon_.await.unwrap();
    assert_eq!(*order.lock().unwrap(), [1, 9]);
}

#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

impl std::fmt::Display for Bomb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("bomb")
    }
}

struct Touchy;

impl Resource for Touchy {
    type Config = ();
    type Error = Bomb;

    async fn create(_: &(), _: &CreateContext) -> Result<Self, Bomb> {
        Ok(Self)
    }

    fn check_health(&self, _: &Bomb) -> Health {
        Health::Unhealthy
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_whose_drop_panics_costs_no_resource_its_destruction() {
    let pool = Pool::<Touchy>::builder(()).workers(1).max_retries(2).build().await.unwrap();
    let error = pool.submit(async |_, _| Err::<(), _>(Bomb)).await.unwrap_err();
    std::mem::forget(error);
    let report = soon("stop", pool.stop()).await.unwrap();
    assert_eq!(report.destroy_skipped, 0, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_when_a_cancel_drops_it_costs_no_resource_its_destruction() {
    let pool = Pool::<Plain>::builder(()).workers(1).build().await.unwrap();
    let (here, is_here) = oneshot::channel();
    let handle = pool.submit_once(async move |_, _| {
        let _bomb = Bomb;
        here.send(()).unwrap();
        std::future::pending::<Result<(), String>>().await
    });
    is_here.await.unwrap();
    handle.cancel();
    assert!(matches!(soon("handle", handle).await, Err(TaskError::Cancelled)));
    let report = soon("stop", pool.stop()).await.unwrap();
    assert_eq!(report.destroy_skipped, 0, "{report}");
    assert_eq!(pool.metrics().created, pool.metrics().destroyed);
}

#[tokio::test(start_paused = true)]
async fn a_panic_whose_payload_panics_when_dropped_harms_nobody() {
    let pool = Pool::<Plain>::builder(()).workers(1).build().await.unwrap();
    let result = pool.submit(async |_, _| -> Result<(), String> { std::panic::panic_any(Bomb) }).await;
    assert!(matches!(result, Err(TaskError::Panicked { .. })), "{result:?}");
    let report = soon("stop", pool.stop()).await.unwrap();
    assert_eq!(report.destroy_skipped, 0, "{report}");
}

#[test]
fn run_and_submit_timeout_need_no_runtime_around_them() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build().unwrap();
    let pool = runtime.block_on(async { Pool::<Plain>::builder(()).workers(1).build().await.unwrap() });
    let value = tasker_core::parker::block_on(pool.run(async |_, _| Ok(5)));
    assert_eq!(value.unwrap(), 5);
    let handle = tasker_core::parker::block_on(pool.submit_timeout(LONG, async |_, _| Ok(6)));
    assert_eq!(handle.unwrap().wait().unwrap(), 6);
}

#[test]
fn no_worker_is_active_once_the_runtime_is_gone() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pool = runtime.block_on(async { Pool::<Plain>::builder(()).workers(2).build().await.unwrap() });
    drop(runtime);
    let stats = pool.stats();
    assert!(stats.ended);
    assert_eq!(stats.active, 0);
    let refused = pool.submit(async |_, _| Ok(())).wait();
    assert!(matches!(refused, Err(TaskError::Refused(Refusal::Stopping))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_that_drops_its_oldest_stays_within_its_capacity() {
    let builder = Pool::<Plain>::builder(()).workers(1).capacity(2).overflow(Overflow::DropOldest);
    let pool = builder.build().await.unwrap();
    pool.pause();
    tokio::task::yield_now().await;
    let handles: Vec<_> = (0..2).map(|_| pool.submit(async |_, _| Ok(()))).collect();
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(pool.submit_wait(async |_, _| Ok(())))).collect();
    waiting.iter_mut().for_each(|waiting| assert!(poll_once(waiting.as_mut()).is_pending()));
    let more: Vec<_> = (0..3).map(|_| pool.submit(async |_, _| Ok(()))).collect();
    let granted = waiting.iter_mut().filter_map(|waiting| match poll_once(waiting.as_mut()) {
        Poll::Ready(handle) => Some(handle.unwrap()),
        Poll::Pending => None,
    });
    let granted: Vec<_> = granted.collect();
    assert!(pool.stats().queued_total() <= 2, "{:?}", pool.stats());
    drop((handles, more, granted));
}
