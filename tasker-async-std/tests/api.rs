//! The API of pools on async-std as a user types it.

use std::cell::RefCell;
use std::future::{Future, Ready, pending, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use tasker_async_std::scaling::{Fixed, Threshold};
use tasker_async_std::{
    AsyncStd, AsyncStdClock, AsyncStdSpawner, AsyncTask, Backoff, BuildError, Builder, CancelOutcome,
    CancelToken, Constant, CreateContext, EndKind, Health, MetricsCollector, Overflow, Pool, PoolEvent,
    Priority, Received, Refusal, Resource, RunError, SpawnReason, Startup, StopError, Stopped, TaskContext,
    TaskError, TaskHandle, TaskInfo, TaskTimes, WorkerId,
};
use tasker_core::asynchronous::AsyncBackend;
use tasker_testkit::{FakeClock, Gate, rests_until_woken};

/// Counts connections.
#[derive(Clone, Default)]
struct Server(Arc<Counts>);

#[derive(Default)]
struct Counts {
    opened: AtomicU64,
    closed: AtomicU64,
    reasons: Mutex<Vec<SpawnReason>>,
    /// The next creation fails or, at 2, hangs.
    trouble: AtomicU64,
}

impl Server {
    fn opened_and_closed(&self) -> (u64, u64) {
        (self.0.opened.load(Ordering::SeqCst), self.0.closed.load(Ordering::SeqCst))
    }
}

/// A connection.
struct Db {
    server: Server,
    number: u64,
    queries: u64,
}

impl Db {
    fn query(&mut self) -> Ready<u64> {
        self.queries += 1;
        ready(self.queries)
    }
}

impl Resource for Db {
    type Config = Server;
    type Error = String;

    async fn create(server: &Server, cx: &CreateContext) -> Result<Self, String> {
        server.0.reasons.lock().expect("nothing panics under it").push(cx.reason);
        match server.0.trouble.load(Ordering::SeqCst) {
            0 => {}
            1 => return Err("refused".into()),
            _ => pending().await,
        }
        let number = server.0.opened.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Self { server: server.clone(), number, queries: 0 })
    }

    async fn destroy(self) -> Result<(), String> {
        self.server.0.closed.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn probe(&mut self) -> Result<(), String> {
        if self.number == 1 { Err("the first is no good".into()) } else { Ok(()) }
    }

    fn check_health(&self, error: &String) -> Health {
        if error.contains("sick") { Health::Unhealthy } else { Health::Healthy }
    }
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn builder(server: &Server) -> Builder<AsyncBackend<Db, AsyncStd>> {
    Pool::<Db>::builder(server.clone()).workers(1)
}

async fn pool() -> Pool<Db> {
    builder(&Server::default()).build().await.expect("nothing is wrong")
}

/// One worker, on a clock that the test moves.
fn on(clock: &FakeClock) -> Builder<AsyncBackend<Db, AsyncStd>> {
    builder(&Server::default()).clock(Arc::new(clock.clone()))
}

/// A task that waits at `gate`.
fn at(
    gate: &Gate,
) -> impl AsyncFnOnce(&mut Db, &TaskContext) -> Result<u64, String>
+ for<'a> AsyncTask<'a, Db, Result<u64, String>>
+ Clone
+ Send
+ use<> {
    let gate = gate.clone();
    async move |db: &mut Db, _: &TaskContext| {
        gate.pass().await;
        Ok(db.query().await)
    }
}

/// A worker that is held at a gate, so that all else has to wait.
async fn busy(pool: &Pool<Db>) -> (Gate, TaskHandle<u64, String>) {
    let (gate, here) = (Gate::new(), Gate::new());
    let (held_at, arrived) = (gate.clone(), here.clone());
    let handle = pool.submit(async move |db, _| {
        arrived.open();
        held_at.pass().await;
        Ok(db.query().await)
    });
    here.pass().await;
    (gate, handle)
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[async_std::test]
async fn tasks_run_fail_panic_and_are_retried_and_the_pool_stops_clean() {
    let pool = builder(&Server::default()).workers(2).build().await.unwrap();
    let name = String::from("x");
    let value = pool.submit(async move |db, _| Ok(db.query().await + name.len() as u64)).await;
    assert_eq!(value.unwrap(), 2);
    let healthy = pool.submit(async |_, _| Err::<(), _>("no row".to_string())).await;
    assert!(matches!(healthy, Err(TaskError::Failed(error)) if error == "no row"));
    let sick = pool.submit(async |_, _| Err::<(), _>("sick".to_string())).await;
    assert!(matches!(sick, Err(TaskError::Exhausted { attempts: 4, .. })), "{sick:?}");
    let panicked = pool.submit(async |_, _| -> Result<(), String> { panic!("boom") }).await;
    assert!(matches!(panicked, Err(TaskError::Panicked { message }) if &*message == "boom"));
    let tasks = (0..100).map(|n| async move |_: &mut Db, _: &TaskContext| Ok(n));
    for (n, handle) in pool.submit_all(tasks).into_iter().enumerate() {
        assert_eq!(handle.await.unwrap(), n);
    }
    let report = pool.stop().await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.how, report.done, report.failed), (Stopped::Drained, 101, 3));
    assert_eq!((pool.stats().active, pool.stats().ended), (0, true));
    assert_eq!(*pool.ended().await, *report);
    let metrics = pool.metrics();
    assert_eq!((metrics.accepted, metrics.ended(), metrics.retried, metrics.attempts), (104, 104, 3, 107));
    assert!(metrics.success_rate().unwrap() > 0.9 && metrics.failure_rate().unwrap() < 0.1);
}

#[async_std::test]
async fn run_takes_a_resource_of_the_reserve() {
    let server = Server::default();
    let pool = builder(&server).reserve(1).max_temporary(1).build().await.unwrap();
    for queries in 1..3 {
        let seen = pool.run(async |db, cx| Ok((db.number, db.query().await, cx.worker(), cx.id()))).await;
        assert_eq!(seen.unwrap(), (2, queries, None, None));
    }
    assert_eq!((pool.stats().reserve_free, pool.stats().reserve_busy), (1, 0));
    let failed = pool.run(async |_, _| Err::<(), _>("sick".to_string())).await;
    assert!(matches!(failed, Err(RunError::Failed(_))), "{failed:?}");
    let panicked = pool.run(async |_, _| -> Result<(), String> { panic!("boom") }).await;
    assert!(matches!(panicked, Err(RunError::Panicked { message }) if &*message == "boom"));
    server.0.trouble.store(1, Ordering::SeqCst);
    assert!(matches!(pool.run(async |_, _| Ok(())).await, Err(RunError::Create(_))));
    pool.stop().await.unwrap();
    assert!(matches!(pool.run(async |_, _| Ok(())).await, Err(RunError::Stopping)));
    assert_eq!(server.opened_and_closed(), (3, 3));
}

#[async_std::test]
async fn run_borrows_from_its_caller() {
    let pool = builder(&Server::default()).reserve(1).build().await.unwrap();
    let running = async_std::task::spawn(async move {
        let (words, mut numbers) = (["a", "b"].map(String::from), Vec::new());
        for word in &words {
            let run = pool.run(async |db, _| {
                numbers.push((word.as_str(), db.query().await));
                Ok(())
            });
            run.await.unwrap();
        }
        assert_eq!(numbers, [("a", 1), ("b", 2)]);
        pool.stop().await.unwrap()
    });
    assert!(running.await.is_clean());
}

#[async_std::test]
async fn a_run_that_is_dropped_destroys_its_resource_and_gives_its_place_back() {
    let server = Server::default();
    let pool = builder(&server).reserve(1).max_temporary(0).build().await.unwrap();
    {
        let mut running = pin!(pool.run(async |_, _| pending::<Result<(), String>>().await));
        assert!(poll_once(running.as_mut()).is_pending());
        assert_eq!(pool.stats().reserve_busy, 1);
    }
    assert_eq!(pool.run(async |db, _| Ok(db.number)).await.unwrap(), 3, "the only place is free again");
    assert!(pool.stop().await.unwrap().is_clean());
    assert_eq!(server.opened_and_closed(), (3, 3));
}

#[async_std::test]
async fn once_tasks_may_give_away_what_they_hold() {
    let pool = pool().await;
    let gift: Box<dyn FnOnce() -> u64 + Send> = Box::new(|| 5);
    assert_eq!(pool.submit_once(async move |_, _| Ok(gift())).await.unwrap(), 5);
    let sick = pool.task().once().submit(async |_, _| Err::<(), _>("sick".to_string())).await;
    assert!(matches!(sick, Err(TaskError::Exhausted { attempts: 1, .. })), "never twice: {sick:?}");
    let (sender, called) = mpsc::channel();
    let (first, then) = (sender.clone(), sender.clone());
    pool.submit_then(async |_, _| Ok(0), move |n| first.send(n.unwrap()).unwrap());
    pool.task().once().submit_then(async |_, _| Ok(1), move |n| then.send(n.unwrap()).unwrap());
    pool.task()
        .once()
        .try_submit(async |_, _| Ok(2))
        .unwrap()
        .on_complete(move |n| sender.send(n.unwrap()).unwrap());
    pool.task().once().submit_wait(async |_, _| Ok(())).await.unwrap().await.unwrap();
    pool.task().once().submit_timeout(secs(9), async |_, _| Ok(())).await.unwrap().await.unwrap();
    for handle in pool.task().once().submit_all([async |_: &mut Db, _: &TaskContext| Ok(())]) {
        handle.await.unwrap();
    }
    assert_eq!(called.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
}

#[async_std::test]
async fn a_full_queue_refuses_hands_back_or_lets_wait() {
    let pool = builder(&Server::default()).capacity(1).build().await.unwrap();
    let (gate, running) = busy(&pool).await;
    let queued = pool.submit(async |db, _| Ok(db.query().await));
    let refused = pool.submit(async |_, _| Ok(())).await;
    assert!(matches!(refused, Err(TaskError::Refused(Refusal::Full))), "{refused:?}");
    let task = async |db: &mut Db, _: &TaskContext| Ok(db.query().await);
    let refused = pool.try_submit(task).unwrap_err();
    assert_eq!(refused.reason, Refusal::Full);
    let refused = pool.submit_timeout(Duration::from_millis(5), refused.task).await.unwrap_err();
    assert_eq!(refused.reason, Refusal::Full);
    {
        let mut given_up = pin!(pool.submit_wait(task));
        assert!(poll_once(given_up.as_mut()).is_pending());
    }
    let mut waiting = pin!(pool.submit_wait(refused.task));
    assert!(poll_once(waiting.as_mut()).is_pending());
    gate.open();
    assert_eq!((running.await.unwrap(), queued.await.unwrap()), (1, 2));
    assert_eq!(waiting.await.unwrap().await.unwrap(), 3, "nobody else took the room");
    assert_eq!(pool.submit_timeout(secs(9), task).await.unwrap().await.unwrap(), 4);
    assert_eq!((pool.metrics().accepted, pool.metrics().refused), (4, 1));
    pool.stop().await.unwrap();
    assert!(pool.submit_wait(task).await.is_err_and(|refused| refused.reason == Refusal::Stopping));
}

#[async_std::test]
async fn a_handle_cancels_its_task_or_lets_it_be() {
    let pool = pool().await;
    let (_gate, running) = busy(&pool).await;
    let mut queued = pool.submit(async |_, _| Ok(()));
    assert!(running.id() < queued.id());
    assert!(poll_once(pin!(&mut queued)).is_pending());
    assert_eq!(queued.cancel(), CancelOutcome::BeforeStart);
    assert!(queued.is_finished());
    assert!(matches!(queued.await, Err(TaskError::Cancelled)));
    drop(pool.submit(async |_, _| Ok(())).cancel_on_drop());
    let (sender, ran) = mpsc::channel();
    let dropped = sender.clone();
    drop(pool.submit(async move |_, _| dropped.send(1).map_err(|error| error.to_string())));
    let task = async move |_: &mut Db, _: &TaskContext| sender.send(2).map_err(|error| error.to_string());
    pool.submit(task).cancel_on_drop().detach();
    assert_eq!(running.cancel(), CancelOutcome::WhileRunning);
    assert!(matches!(running.await, Err(TaskError::Cancelled)));
    let late = pool.submit(async |db, _| Ok(db.number));
    assert_eq!(pool.stop().await.unwrap().cancelled, 3);
    assert_eq!(ran.try_iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(late.cancel(), CancelOutcome::TooLate);
    assert_eq!(late.await.unwrap(), 2, "the first was dropped half-way, and its resource replaced");
}

#[async_std::test]
async fn a_task_learns_about_itself() {
    let pool = pool().await;
    let handle = pool.task().name("import").deadline(secs(3600)).submit(async |_, cx| {
        Ok((
            cx.id(),
            cx.name().map(String::from),
            cx.attempt(),
            cx.worker(),
            cx.deadline(),
            cx.is_cancelled(),
        ))
    });
    let id = handle.id();
    let (its, name, attempt, worker, deadline, cancelled) = handle.await.unwrap();
    assert_eq!((its, name.as_deref(), attempt), (Some(id), Some("import"), 1));
    assert_eq!((worker, deadline.is_some(), cancelled), (Some(WorkerId::new(1)), true, false));
}

#[async_std::test]
async fn urgent_tasks_start_first_and_none_while_paused() {
    let pool = pool().await;
    pool.pause();
    let submit = |priority| pool.task().priority(priority).submit(async |db, _| Ok(db.query().await));
    let handles = [Priority::Low, Priority::Normal, Priority::High].map(submit);
    assert_eq!((pool.stats().queued, pool.stats().queued_total()), ([1, 1, 1], 3));
    pool.resume();
    let mut order = Vec::new();
    for handle in handles {
        order.push(handle.await.unwrap());
    }
    assert_eq!(order, [3, 2, 1]);
}

#[async_std::test]
async fn a_task_is_delayed_expires_times_out_and_is_retried() {
    let clock = FakeClock::new();
    let pool = on(&clock).retry(Constant(secs(5))).max_retries(1).build().await.unwrap();
    let mut delayed = pool.task().delay(secs(5)).submit(async |db, _| Ok(db.number));
    assert!(poll_once(pin!(&mut delayed)).is_pending());
    assert_eq!(pool.stats().delayed, 1);
    clock.advance_async(secs(5)).await;
    assert_eq!(delayed.await.unwrap(), 1);
    let late = pool.task().timeout(secs(1)).cancel_safe().submit(at(&Gate::new()));
    let never = pool.task().delay(secs(9)).deadline(secs(2)).submit(async |_, _| Ok(()));
    clock.advance_async(secs(2)).await;
    assert!(matches!(late.await, Err(TaskError::TimedOut { after }) if after == secs(1)));
    assert!(matches!(never.await, Err(TaskError::Expired { create_error: None })));
    assert_eq!(pool.submit(async |db, _| Ok(db.number)).await.unwrap(), 1, "it was cancel-safe");
    let again = pool
        .task()
        .timeout(secs(1))
        .retry_on_timeout()
        .submit(async |_, cx| if cx.attempt() == 1 { pending().await } else { Ok(cx.attempt()) });
    clock.advance_async(secs(9)).await;
    assert_eq!(again.await.unwrap(), 2);
    let sick = pool.task().retries(2).submit(async |_, _| Err::<(), _>("sick".to_string()));
    clock.advance_async(secs(60)).await;
    assert!(matches!(sick.await, Err(TaskError::Exhausted { attempts: 3, .. })));
}

#[async_std::test]
async fn each_option_of_creation_and_of_a_resource_s_life() {
    let (clock, server) = (FakeClock::new(), Server::default());
    let on = || builder(&server).clock(Arc::new(clock.clone()));
    server.0.trouble.store(1, Ordering::SeqCst);
    assert!(matches!(on().build().await, Err(BuildError::Create(error)) if error == "refused"));
    let none = on().startup(Startup::Lazy).create_retries(0).build().await.unwrap();
    assert_eq!(none.ended().await.how, Stopped::NoWorkers);
    server.0.trouble.store(2, Ordering::SeqCst);
    let slow = on()
        .startup(Startup::Lazy)
        .create_timeout(secs(3))
        .destroy_timeout(secs(3))
        .create_backoff(Backoff::new().first(secs(10)).max(secs(10)).jitter(0.0))
        .breaker_threshold(0)
        .seed(7);
    let pool = slow.build().await.unwrap();
    clock.advance_async(secs(3)).await;
    assert_eq!((pool.stats().starting, pool.stats().backing_off), (0, 1));
    assert!(pool.stats().create_error.is_some());
    server.0.trouble.store(0, Ordering::SeqCst);
    clock.advance_async(secs(10)).await;
    assert_eq!((pool.stats().active, pool.stats().create_error), (1, None));
    pool.stop().await.unwrap();

    let server = Server::default();
    let on = || builder(&server).clock(Arc::new(clock.clone()));
    let pool = on().max_lifetime(secs(60)).probe_interval(secs(5)).build().await.unwrap();
    clock.advance_async(secs(5)).await;
    assert_eq!(server.opened_and_closed(), (2, 1), "the first was found broken");
    clock.advance_async(secs(60)).await;
    assert_eq!(server.opened_and_closed(), (3, 2), "the second grew too old");
    pool.stop().await.unwrap();
    let pool = on().max_uses(1).build().await.unwrap();
    for number in 4..7 {
        assert_eq!(pool.submit(async |db, _| Ok(db.number)).await.unwrap(), number);
    }
}

#[async_std::test]
async fn each_option_of_the_queue() {
    let clock = FakeClock::new();
    let by_name = |task: &TaskInfo| task.name.as_deref().and_then(|name| name.parse().ok()).unwrap_or(0);
    for (pool, expected) in [
        (on(&clock).rank(by_name).build().await.unwrap(), [3, 1, 2]),
        (on(&clock).unbounded().build().await.unwrap(), [1, 2, 3]),
    ] {
        pool.pause();
        let submit = |name| pool.task().name(name).submit(async |db, _| Ok(db.query().await));
        let handles = ["3", "1", "2"].map(submit);
        pool.resume();
        for (handle, expected) in handles.into_iter().zip(expected) {
            assert_eq!(handle.await.unwrap(), expected);
        }
    }
    let pool = on(&clock).ageing(secs(10)).build().await.unwrap();
    pool.pause();
    let old = pool.task().priority(Priority::Low).submit(async |db, _| Ok(db.query().await));
    clock.advance_async(secs(30)).await;
    let urgent = pool.task().priority(Priority::High).submit(async |db, _| Ok(db.query().await));
    pool.resume();
    assert_eq!((old.await.unwrap(), urgent.await.unwrap()), (1, 2));
    let pool = on(&clock).capacity(1).overflow(Overflow::DropOldest).build().await.unwrap();
    pool.pause();
    let (oldest, newest) = (pool.submit(async |_, _| Ok(())), pool.submit(async |_, _| Ok(())));
    assert!(matches!(oldest.await, Err(TaskError::Displaced)));
    pool.resume();
    newest.await.unwrap();
}

#[async_std::test]
async fn a_pool_grows_shrinks_and_is_resized() {
    let clock = FakeClock::new();
    let bursting = on(&clock).max_workers(4).scaling(Threshold::new(1).step(2)).burst_interval(secs(1));
    let pool = bursting.idle_timeout(secs(60)).build().await.unwrap();
    let gate = Gate::new();
    let handles: Vec<_> = (0..9).map(|_| pool.submit(at(&gate))).collect();
    clock.advance_async(secs(30)).await;
    assert_eq!((pool.stats().active, pool.stats().base, pool.stats().burst), (4, 1, 3));
    gate.open();
    for handle in handles {
        assert!(handle.await.unwrap() > 0);
    }
    clock.advance_async(secs(600)).await;
    assert_eq!(pool.stats().active, 1);
    pool.warm_up(3).await;
    assert_eq!(pool.stats().active, 3);
    pool.resize(5, 5).unwrap();
    clock.settle_async().await;
    assert_eq!(pool.stats().active, 5);
    assert_eq!(pool.resize(0, 5).unwrap_err().field, "workers");
}

#[async_std::test]
async fn a_stop_within_a_time_names_what_it_left() {
    let clock = FakeClock::new();
    let pool = on(&clock).grace(secs(1)).max_abandoned(1).build().await.unwrap();
    let running = pool.task().name("stuck").submit(at(&Gate::new()));
    let waiting = pool.task().name("waiting").submit(async |_, _| Ok(()));
    clock.settle_async().await;
    {
        // Begins with the first poll, and goes on when given up.
        let mut stopping = pin!(pool.stop_within(secs(10)));
        assert!(poll_once(stopping.as_mut()).is_pending());
    }
    clock.advance_async(secs(30)).await;
    let report = pool.ended().await;
    assert_eq!((report.how, report.undone), (Stopped::DeadlinePassed, 2));
    let undone: Vec<_> =
        report.undone_tasks.iter().map(|task| (task.name.as_deref(), task.started)).collect();
    assert_eq!(undone, [(Some("stuck"), true), (Some("waiting"), false)]);
    assert!(report.workers_left.is_empty(), "it was dropped at its await point");
    assert!(matches!(running.await, Err(TaskError::Killed)));
    assert!(matches!(waiting.await, Err(TaskError::Killed)));
}

#[async_std::test]
async fn pools_are_killed_scoped_stopped_by_a_parent_and_from_inside() {
    let killed = pool().await;
    let (_gate, running) = busy(&killed).await;
    assert_eq!(killed.kill().await.unwrap().how, Stopped::Killed);
    assert!(matches!(running.await, Err(TaskError::Killed)));
    let scope = pool().await.scope(async |pool| pool.submit(async |_, _| Ok(3)).await.unwrap());
    let (output, report) = scope.await.unwrap();
    assert_eq!((output, report.done, report.is_clean()), (3, 1, true));
    let parent = CancelToken::new();
    let child = builder(&Server::default()).parent(&parent).build().await.unwrap();
    parent.cancel();
    assert_eq!((child.ended().await.how, parent.is_cancelled()), (Stopped::Drained, true));
    let inside = pool().await;
    let weak = inside.downgrade();
    let told = inside.submit(async move |_, _| match weak.clone().upgrade() {
        Some(pool) => Ok(pool.stop().await.map(drop)),
        None => Err("the pool is held outside".into()),
    });
    assert_eq!(told.await.unwrap(), Err(StopError::InsideTask));
    assert_eq!(inside.ended().await.done, 1);
}

#[async_std::test]
async fn a_subscription_tells_what_happens_and_how_much_it_lost() {
    let pool = builder(&Server::default()).event_capacity(2).name("orders").build().await.unwrap();
    assert_eq!(format!("{pool:?}"), "Pool { name: \"orders\", .. }");
    let (mut blocking, mut slow) = (pool.events(), pool.events());
    pool.pause();
    pool.resume();
    let listening = thread::spawn(move || std::iter::from_fn(|| blocking.wait()).count());
    pool.stop().await.unwrap();
    assert!(listening.join().unwrap() > 1);
    assert!(matches!(slow.try_recv(), Some(Received::Missed(lost)) if lost >= 4));
    assert!(matches!(slow.recv().await, Some(Received::Event(_))));
    assert!(matches!(slow.recv().await, Some(Received::Event(PoolEvent::Ended))));
    assert!(slow.recv().await.is_none());
}

/// Writes down what it is told.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl MetricsCollector for Notes {
    fn ended(&self, task: &TaskInfo, how: EndKind, times: &TaskTimes) {
        let note = format!("{} {how:?}, started: {}", task.id, times.started.is_some());
        self.0.lock().expect("nothing panics under it").push(note);
    }
}

#[async_std::test]
async fn a_collector_hears_of_every_task() {
    let notes = Notes::default();
    let pool = builder(&Server::default()).collector(notes.clone()).build().await.unwrap();
    pool.submit(async |_, _| Ok(())).await.unwrap();
    pool.task().delay(secs(3600)).submit(async |_, _| Ok(())).cancel();
    pool.stop().await.unwrap();
    let notes = notes.0.lock().unwrap().clone();
    assert_eq!(notes, ["task-1 Completed, started: true", "task-2 Cancelled, started: false"]);
}

#[async_std::test]
async fn a_bad_setting_is_refused_with_its_value_and_the_rule() {
    let refused = builder(&Server::default()).scaling(Fixed::at(0)).build().await;
    let Err(BuildError::Config(config)) = refused else { panic!("{refused:?}") };
    assert_eq!((config.field, &*config.value, config.rule), ("at", "0", "must be at least 1"));
    assert!(matches!(Pool::<Db>::builder(Server::default()).build().await, Err(BuildError::Config(_))));
}

#[test]
fn handles_are_waited_for_on_plain_threads_and_awaited_on_foreign_executors() {
    let pool = tasker_core::parker::block_on(pool());
    let mut held = pool.submit_once(at(&Gate::new()));
    assert!(held.wait_timeout(Duration::from_millis(1)).is_none());
    held.cancel();
    assert!(held.wait_timeout(secs(9)).unwrap().is_err());
    let blocking = pool.submit(async |_, _| Ok(5));
    assert_eq!(thread::spawn(move || blocking.wait().unwrap()).join().unwrap(), 5);
    let foreign = pool.submit(async |_, _| Ok(6));
    assert_eq!(tasker_core::parker::block_on(foreign).unwrap(), 6);
}

#[test]
fn a_clock_lets_a_thread_rest_until_it_is_woken() {
    rests_until_woken(AsyncStdClock::new());
}

thread_local! {
    static KEPT: RefCell<Option<Pool<Db>>> = const { RefCell::new(None) };
}

#[async_std::test]
async fn the_last_handle_may_be_dropped_anywhere() {
    for place in 0..3 {
        let pool = pool().await;
        let mut events = pool.events();
        let (gate, held) = busy(&pool).await;
        let mine = Mutex::new(Some(pool.clone()));
        let waiting = pool.submit_once(async move |db: &mut Db, _: &TaskContext| {
            drop(mine.lock().map_err(|error| error.to_string())?.take().filter(|_| place == 2));
            Ok(db.query().await)
        });
        match place {
            0 => drop(pool),
            1 => thread::spawn(move || KEPT.set(Some(pool))).join().expect("it neither blocks nor panics"),
            _ => drop(pool),
        }
        gate.open();
        assert_eq!((held.await.unwrap(), waiting.await.unwrap()), (1, 2));
        while events.recv().await.is_some() {}
    }
}

#[async_std::test]
async fn very_many_waiting_tasks_are_all_answered_by_a_kill() {
    const MANY: usize = 1_000_000;
    let pool = builder(&Server::default()).unbounded().build().await.unwrap();
    pool.pause();
    let handles: Vec<_> = (0..MANY).map(|_| pool.submit(async |_, _| Ok(()))).collect();
    assert_eq!(pool.stats().queued_total(), MANY);
    let report = pool.kill().await.unwrap();
    assert_eq!((report.undone, report.undone_tasks.len()), (MANY as u64, 1024));
    for handle in handles {
        assert!(matches!(handle.await, Err(TaskError::Killed)));
    }
}

#[async_std::test]
async fn a_pool_takes_the_spawner_and_the_clock_it_is_given() {
    let builder = builder(&Server::default()).clock(Arc::new(AsyncStdClock::new()));
    let pool = builder.spawner(Arc::new(AsyncStdSpawner)).build().await.unwrap();
    assert_eq!(pool.submit(async |db, _| Ok(db.number)).await.unwrap(), 1);
}
