//! What the conformance suite cannot reach: cancelled futures, runtimes that end, handles dropped in odd places and
//! awaited elsewhere.

use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};

use tasker_tokio::{
    CreateContext, Health, Pool, Refusal, Resource, RunError, StopError, TaskContext, TaskError, TaskHandle,
};
use tokio::sync::Notify;

#[derive(Debug)]
struct Db(u64);

impl Resource for Db {
    type Config = u64;
    type Error = String;

    async fn create(start: &u64, _cx: &CreateContext) -> Result<Self, String> {
        Ok(Self(*start))
    }

    fn check_health(&self, error: &String) -> Health {
        if error.contains("sick") { Health::Unhealthy } else { Health::Healthy }
    }
}

async fn db(workers: usize) -> Pool<Db> {
    Pool::<Db>::builder(7).workers(workers).build().await.expect("the workers start")
}

#[tokio::test(start_paused = true)]
async fn tasks_run_fail_panic_and_are_retried_and_the_pool_stops_clean() {
    let pool = db(2).await;
    let name = String::from("x");
    let value = pool.submit(async move |db, _| Ok(db.0 + name.len() as u64)).await;
    assert_eq!(value.unwrap(), 8);
    assert_eq!(pool.run(async |db, _| Ok(db.0)).await.unwrap(), 7);
    let healthy = pool.submit(async |_, _| Err::<(), _>("no row".to_string())).await;
    assert!(matches!(healthy, Err(TaskError::Failed(error)) if error == "no row"));
    let sick = pool.submit(async |_, _| Err::<(), _>("sick".to_string())).await;
    assert!(matches!(sick, Err(TaskError::Exhausted { attempts: 4, .. })), "{sick:?}");
    let panicked = pool.submit(async |_, _| -> Result<(), String> { panic!("boom") }).await;
    assert!(matches!(panicked, Err(TaskError::Panicked { message }) if &*message == "boom"));
    let handles =
        pool.submit_all((0..100).map(|n| async move |_: &mut Db, _: &TaskContext| Ok::<_, String>(n)));
    for (n, handle) in handles.into_iter().enumerate() {
        assert_eq!(handle.await.unwrap(), n);
    }
    let report = pool.stop().await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.done, report.failed), (101, 3));
    assert_eq!(pool.stats().active, 0);
}

#[tokio::test]
async fn a_run_that_is_dropped_destroys_its_resource_and_gives_its_place_back() {
    let pool = Pool::<Db>::builder(1).workers(1).reserve(1).max_temporary(0).build().await.unwrap();
    let (inside, started) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let running = tokio::spawn({
        let (pool, started, inside) = (pool.clone(), Arc::clone(&started), Arc::clone(&inside));
        async move {
            pool.run(async move |_: &mut Db, _: &TaskContext| {
                started.notify_one();
                inside.notified().await;
                Ok(())
            })
            .await
        }
    });
    started.notified().await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert_eq!(pool.run(async |db, _| Ok(db.0)).await.unwrap(), 1, "the only place is free again");
    pool.stop().await.unwrap();
    let metrics = pool.metrics();
    assert_eq!((metrics.created, metrics.destroyed), (3, 3), "a worker's, and two of the reserve");
}

#[tokio::test]
async fn a_submitter_that_gives_up_waiting_takes_no_room() {
    let pool = Pool::<Db>::builder(1).workers(1).capacity(1).build().await.unwrap();
    pool.pause();
    let first = pool.submit(async |_, _| Ok(1));
    let mut waiting = Box::pin(pool.submit_wait(async |_: &mut Db, _: &TaskContext| Ok(2)));
    assert!(is_pending(waiting.as_mut()).await, "there is no room");
    drop(waiting);
    let refused = pool.try_submit(async |_: &mut Db, _: &TaskContext| Ok(3)).unwrap_err();
    assert_eq!(refused.reason, Refusal::Full);
    pool.resume();
    assert_eq!(first.await.unwrap(), 1);
    let next = pool.submit_wait(async |_: &mut Db, _: &TaskContext| Ok(4)).await.unwrap();
    assert_eq!(next.await.unwrap(), 4);
}

/// Polls once; whether it is pending.
async fn is_pending<F: Future + ?Sized>(mut future: std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

#[test]
fn a_plain_thread_blocks_on_a_handle_and_a_foreign_executor_awaits_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let pool = runtime.block_on(db(1));
    assert_eq!(pool.submit(async |db, _| Ok(db.0)).wait().unwrap(), 7);
    let foreign = tasker_core::parker::block_on(pool.submit(async |db, _| Ok(db.0)));
    assert_eq!(foreign.unwrap(), 7);
}

#[test]
fn a_pool_whose_runtime_is_gone_resolves_every_handle_and_drops_without_a_word() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pool = runtime.block_on(db(1));
    let gate = Arc::new(Notify::new());
    let handles: Vec<TaskHandle<(), String>> = (0..3)
        .map(|_| {
            let gate = Arc::clone(&gate);
            pool.submit(async move |_, _| {
                gate.notified().await;
                Ok(())
            })
        })
        .collect();
    drop(runtime);
    for handle in handles {
        assert!(matches!(handle.wait(), Err(TaskError::Killed)));
    }
    let late = pool.submit(async |_, _| Ok(())).wait();
    assert!(matches!(late, Err(TaskError::Refused(Refusal::Stopping))), "{late:?}");
    assert!(pool.stats().ended);
    drop(pool);
}

/// Asks its pool to stop when it is dropped, and tells what came of that.
struct Stops(Pool<Db>, mpsc::Sender<Poll<Result<(), StopError>>>);

impl Drop for Stops {
    fn drop(&mut self) {
        let Self(pool, told) = self;
        let polled = pin!(pool.stop()).poll(&mut Context::from_waker(Waker::noop()));
        let _ = told.send(polled.map_ok(drop));
    }
}

#[test]
fn what_a_task_holds_when_its_runtime_ends_is_dropped_inside_of_the_task() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (sender, told) = mpsc::channel();
    runtime.block_on(async {
        let pool = db(1).await;
        let (stops, here) = (Stops(pool.clone(), sender), Arc::new(Notify::new()));
        let arrived = Arc::clone(&here);
        let task = async move |_: &mut Db, _: &TaskContext| {
            let _stops = stops;
            arrived.notify_one();
            std::future::pending().await
        };
        pool.submit_once::<_, ()>(task).detach();
        here.notified().await;
    });
    drop(runtime);
    assert_eq!(told.recv().unwrap(), Poll::Ready(Err(StopError::InsideTask)));
}

#[test]
fn what_a_waiting_task_holds_when_its_runtime_ends_is_dropped_inside_of_the_pool() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (sender, told) = mpsc::channel();
    runtime.block_on(async {
        let pool = db(1).await;
        pool.pause();
        let stops = Stops(pool.clone(), sender);
        let task = async move |_: &mut Db, _: &TaskContext| {
            let _stops = stops;
            Ok(())
        };
        pool.submit_once(task).detach();
    });
    drop(runtime);
    assert_eq!(told.recv().unwrap(), Poll::Ready(Err(StopError::InsideTask)));
}

/// Its `create` never ends.
struct Slow;

impl Resource for Slow {
    type Config = Arc<Notify>;
    type Error = String;

    async fn create(begun: &Arc<Notify>, cx: &CreateContext) -> Result<Self, String> {
        if cx.worker.is_none() {
            begun.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(Self)
    }
}

#[test]
fn a_run_that_is_awaited_outside_of_its_runtime_fails_when_that_is_shut_down() {
    let [home, away] = [(); 2].map(|()| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    });
    let begun = Arc::new(Notify::new());
    let pool = home.block_on(Pool::<Slow>::builder(Arc::clone(&begun)).workers(1).build()).unwrap();
    let run = away.spawn(async move { pool.run(async |_, _| Ok(())).await });
    away.block_on(begun.notified());
    drop(home);
    let result = away.block_on(run).expect("it does not panic");
    assert!(matches!(result, Err(RunError::Start(_) | RunError::Stopping)), "{result:?}");
}

#[tokio::test]
async fn the_last_handle_may_be_dropped_inside_a_task() {
    let pool = db(1).await;
    let mut events = pool.events();
    let last = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&last);
    pool.pause();
    let handle = pool.submit(async move |_: &mut Db, _: &TaskContext| {
        let pool: Option<Pool<Db>> = slot.lock().unwrap().take();
        drop(pool);
        Ok(())
    });
    *last.lock().unwrap() = Some(pool.clone());
    pool.resume();
    drop(pool);
    handle.await.unwrap();
    while events.recv().await.is_some() {}
}

#[tokio::test]
async fn a_stop_inside_a_task_begins_and_is_not_waited_for() {
    let pool = db(1).await;
    let weak = pool.downgrade();
    let inside = pool.submit(async move |_: &mut Db, _: &TaskContext| {
        Ok::<_, String>(weak.upgrade().unwrap().stop().await.map(drop))
    });
    assert_eq!(inside.await.unwrap(), Err(StopError::InsideTask));
    assert!(pool.ended().await.is_clean());
}
