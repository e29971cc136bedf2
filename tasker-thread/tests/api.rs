//! The API of thread pools as a user types it: every method and every option once.

use std::future::pending;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tasker_testkit::{FakeClock, Gate, rests_until_woken};
use tasker_thread::scaling::{
    Fixed, RateBased, Sample, ScalingPolicy, ScalingPolicyExt, Threshold, Utilization,
};
use tasker_thread::*;

/// What connections lead to.
#[derive(Clone, Default)]
struct Server(Arc<Inside>);

#[derive(Default)]
struct Inside {
    opened: AtomicU64,
    closed: AtomicU64,
    reasons: Mutex<Vec<(SpawnReason, u32)>>,
    on_create: Mutex<Mood>,
    on_destroy: Mutex<Mood>,
    on_probe: Mutex<Mood>,
}

#[derive(Clone, Copy, Default)]
enum Mood {
    #[default]
    Fine,
    Refuses,
    Hangs,
}

impl Server {
    fn opened(&self) -> u64 {
        self.0.opened.load(Ordering::SeqCst)
    }

    fn closed(&self) -> u64 {
        self.0.closed.load(Ordering::SeqCst)
    }

    fn reasons(&self) -> Vec<(SpawnReason, u32)> {
        self.0.reasons.lock().expect("nothing panics under it").clone()
    }
}

fn set(mood: &Mutex<Mood>, to: Mood) {
    *mood.lock().expect("nothing panics under it") = to;
}

async fn obey(mood: &Mutex<Mood>) -> io::Result<()> {
    let mood = *mood.lock().expect("nothing panics under it");
    match mood {
        Mood::Fine => Ok(()),
        Mood::Refuses => Err(ErrorKind::ConnectionRefused.into()),
        Mood::Hangs => pending().await,
    }
}

/// A connection.
struct Db {
    server: Server,
    number: u64,
    queries: u64,
}

impl Db {
    fn query(&mut self) -> u64 {
        self.queries += 1;
        self.queries
    }
}

impl Resource for Db {
    type Config = Server;
    type Error = io::Error;

    async fn create(server: &Server, cx: &CreateContext) -> io::Result<Self> {
        server.0.reasons.lock().expect("nothing panics under it").push((cx.reason, cx.attempt));
        obey(&server.0.on_create).await?;
        let number = server.0.opened.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Self { server: server.clone(), number, queries: 0 })
    }

    async fn destroy(self) -> io::Result<()> {
        self.server.0.closed.fetch_add(1, Ordering::SeqCst);
        obey(&self.server.0.on_destroy).await
    }

    async fn probe(&mut self) -> io::Result<()> {
        obey(&self.server.0.on_probe).await
    }

    fn check_health(&self, error: &io::Error) -> Health {
        if error.kind() == ErrorKind::ConnectionReset { Health::Unhealthy } else { Health::Healthy }
    }
}

/// An error that makes its connection unhealthy.
fn reset() -> io::Error {
    ErrorKind::ConnectionReset.into()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn pool(workers: usize) -> Pool<Db> {
    Pool::<Db>::builder(Server::default()).workers(workers).build().expect("nothing is wrong")
}

/// One worker, on a clock that the test moves.
fn on(clock: &FakeClock, server: &Server) -> Builder<Threads<Db>> {
    Pool::<Db>::builder(server.clone()).workers(1).clock(Arc::new(clock.clone()))
}

/// A task that waits at `gate`.
fn at(gate: &Gate) -> impl FnMut(&mut Db, &TaskContext) -> io::Result<u64> + Send + use<> {
    let gate = gate.clone();
    move |db, _| {
        gate.wait();
        Ok(db.number)
    }
}

/// A worker that is held at a gate, so that all else has to wait.
fn busy(pool: &Pool<Db>) -> (Gate, TaskHandle<u64, io::Error>) {
    let gate = Gate::new();
    let (here, is_here) = mpsc::channel();
    let mut task = at(&gate);
    let handle = pool.submit(move |db, cx| {
        here.send(()).map_err(io::Error::other)?;
        task(db, cx)
    });
    is_here.recv().expect("the task starts");
    (gate, handle)
}

#[test]
fn a_task_borrows_the_resource_of_its_worker() {
    let pool = pool(1);
    let name = String::from("x");
    let first = pool.submit(move |db, _| Ok(db.query() + name.len() as u64)).wait().unwrap();
    let second = pool.submit(|db, _| Ok(db.query())).wait().unwrap();
    assert_eq!((first, second), (2, 2));
    let report = pool.stop().unwrap();
    assert!(report.is_clean());
    assert_eq!((report.how, report.done), (Stopped::Drained, 2));
    assert!(report.to_string().starts_with("drained: 2 done"), "{report}");
    assert_eq!(format!("{pool:?}"), "Pool { name: \"tasker\", .. }");
}

#[test]
fn run_takes_a_resource_of_the_reserve_and_borrows_from_its_caller() {
    let server = Server::default();
    let pool = Pool::<Db>::builder(server.clone()).workers(1).reserve(1).max_temporary(1).build().unwrap();
    let mut seen = Vec::new();
    let busy = busy(&pool);
    for _ in 0..2 {
        pool.run(|db, cx| {
            seen.push((db.number, db.query(), cx.worker(), cx.id()));
            Ok(())
        })
        .unwrap();
    }
    assert_eq!(seen, [(2, 1, None, None), (2, 2, None, None)]);
    assert_eq!(server.reasons(), [(SpawnReason::Base, 1), (SpawnReason::Reserve, 1)]);
    // Nested, the reserve is in use, and a temporary resource is made.
    assert_eq!(pool.run(|_, _| pool.run(|db, _| Ok(db.number)).map_err(io::Error::other)).unwrap(), 3);
    assert_eq!((pool.stats().reserve_free, pool.stats().reserve_busy), (1, 0));
    let failed = pool.run(|_, _| Err::<(), _>(reset()));
    assert!(matches!(failed, Err(RunError::Failed(_))), "{failed:?}");
    let panicked = pool.run(|_, _| -> io::Result<()> { panic!("boom") });
    assert!(matches!(panicked, Err(RunError::Panicked { message }) if &*message == "boom"));
    set(&server.0.on_create, Mood::Refuses);
    assert!(matches!(pool.run(|_, _| Ok(())), Err(RunError::Create(_))));
    busy.0.open();
    pool.stop().unwrap();
    assert!(matches!(pool.run(|_, _| Ok(())), Err(RunError::Stopping)));
    assert_eq!(server.opened(), server.closed());
}

#[test]
fn a_retry_calls_the_same_closure_on_another_resource() {
    let pool = pool(2);
    let mut met = Vec::new();
    let met = pool.submit(move |db, cx| {
        met.push((db.number, cx.attempt()));
        if met.len() < 3 { Err(reset()) } else { Ok(met.clone()) }
    });
    let met = met.wait().unwrap();
    assert_eq!(met.iter().map(|(_, attempt)| *attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(met[0].0 != met[1].0 && met[1].0 != met[2].0, "{met:?}");
    assert_eq!((pool.metrics().retried, pool.metrics().attempts), (2, 3));
    let given_up = pool.submit(|_, _| Err::<(), _>(reset())).wait();
    assert!(matches!(given_up, Err(TaskError::Exhausted { attempts: 4, .. })), "{given_up:?}");
}

#[test]
fn a_panic_reaches_its_caller_with_its_message() {
    let pool = pool(1);
    let panicked = pool.submit(|_, _| -> io::Result<()> { panic!("boom") }).wait();
    assert!(matches!(panicked, Err(TaskError::Panicked { message }) if &*message == "boom"));
    assert_eq!(pool.submit(|db, _| Ok(db.number)).wait().unwrap(), 2, "on another resource");
}

#[test]
fn once_tasks_may_give_away_what_they_hold() {
    let pool = pool(1);
    let (sender, received) = mpsc::channel();
    let payment = String::from("42");
    pool.submit_once(move |_, _| sender.send(payment).map_err(io::Error::other)).wait().unwrap();
    assert_eq!(received.recv().unwrap(), "42");
    let failed = pool.task().once().submit(|_, cx| Err::<(), _>(io::Error::other(cx.attempt().to_string())));
    assert!(matches!(failed.wait(), Err(TaskError::Failed(error)) if error.to_string() == "1"));
    let sick = pool.submit_once(|_, _| Err::<(), _>(reset())).wait();
    assert!(matches!(sick, Err(TaskError::Exhausted { attempts: 1, .. })), "never twice: {sick:?}");
}

#[test]
fn once_tasks_go_all_ways_that_others_do() {
    let pool = pool(1);
    let (sender, called) = mpsc::channel();
    let gift = Box::new(5);
    pool.task().once().submit_then(move |_, _| Ok(gift), move |gift| sender.send(*gift.unwrap()).unwrap());
    assert_eq!(called.recv().unwrap(), 5);
    let (tried, waited, timed, all) = (Box::new(1), Box::new(2), Box::new(3), [Box::new(4)]);
    assert_eq!(*pool.task().once().try_submit(move |_, _| Ok(tried)).unwrap().wait().unwrap(), 1);
    assert_eq!(*pool.task().once().submit_wait(move |_, _| Ok(waited)).unwrap().wait().unwrap(), 2);
    assert_eq!(
        *pool.task().once().submit_timeout(secs(9), move |_, _| Ok(timed)).unwrap().wait().unwrap(),
        3
    );
    let all = all.map(|each| move |_: &mut Db, _: &TaskContext| Ok(each));
    let all = pool.task().once().submit_all(all).into_iter().map(|handle| *handle.wait().unwrap());
    assert_eq!(all.collect::<Vec<_>>(), [4]);
}

#[test]
fn a_full_queue_refuses_hands_back_or_lets_wait() {
    let pool = Pool::<Db>::builder(Server::default()).workers(1).capacity(1).build().unwrap();
    let (gate, handle) = busy(&pool);
    let mut queued = pool.submit(|db, _| Ok(db.query()));
    let refused = pool.submit(|db, _| Ok(db.query())).wait();
    assert!(matches!(refused, Err(TaskError::Refused(Refusal::Full))), "{refused:?}");
    let task = |db: &mut Db, _: &TaskContext| Ok(db.query());
    let refused = pool.try_submit(task).unwrap_err();
    assert_eq!((refused.reason, refused.to_string().is_empty()), (Refusal::Full, false));
    let refused = pool.submit_timeout(Duration::from_millis(5), refused.task).unwrap_err();
    assert_eq!(refused.reason, Refusal::Full);
    let waiting = std::thread::spawn({
        let pool = pool.clone();
        move || pool.submit_wait(refused.task).unwrap().wait().unwrap()
    });
    assert!(queued.wait_timeout(Duration::ZERO).is_none());
    gate.open();
    assert_eq!(handle.wait().unwrap(), 1);
    assert_eq!(waiting.join().unwrap(), 2);
    assert_eq!(queued.wait_timeout(secs(9)).unwrap().unwrap(), 1);
    assert_eq!(pool.try_submit(task).unwrap().wait().unwrap(), 3);
    assert_eq!(pool.submit_timeout(secs(9), task).unwrap().wait().unwrap(), 4);
    assert_eq!((pool.metrics().accepted, pool.metrics().refused), (5, 1));
    pool.stop().unwrap();
    assert_eq!(pool.submit_wait(task).unwrap_err().reason, Refusal::Stopping);
}

#[test]
fn many_tasks_are_submitted_as_one() {
    let pool = pool(1);
    let tasks = (0..100).map(|n| move |db: &mut Db, _: &TaskContext| Ok((n, db.query())));
    for (n, handle) in (0..100).zip(pool.submit_all(tasks)) {
        assert_eq!(handle.wait().unwrap(), (n, n + 1));
    }
    let tasks =
        ["a", "b"].map(|name| move |_: &mut Db, cx: &TaskContext| Ok((name, cx.name() == Some("both"))));
    let named = pool.task().name("both").submit_all(tasks).into_iter().map(|handle| handle.wait().unwrap());
    assert_eq!(named.collect::<Vec<_>>(), [("a", true), ("b", true)]);
}

#[test]
fn callbacks_get_the_result() {
    let pool = pool(1);
    let (sender, called) = mpsc::channel();
    let then = sender.clone();
    pool.submit_then(|db, _| Ok(db.query()), move |result| then.send(result.unwrap()).unwrap());
    assert_eq!(called.recv().unwrap(), 1);
    let handle = pool.submit(|db, _| Ok(db.query()));
    handle.on_complete(move |result| sender.send(result.unwrap()).unwrap());
    assert_eq!(called.recv().unwrap(), 2);
}

#[test]
fn a_handle_cancels_its_task_or_lets_it_be() {
    let pool = pool(1);
    let (gate, running) = busy(&pool);
    let queued = pool.submit(|_, _| Ok(()));
    assert!(running.id() < queued.id());
    assert_eq!(queued.cancel(), CancelOutcome::BeforeStart);
    assert!(queued.is_finished());
    assert!(matches!(queued.wait(), Err(TaskError::Cancelled)));
    drop(pool.submit(|_, _| Ok(())).cancel_on_drop());
    let (sender, ran) = mpsc::channel();
    let dropped = sender.clone();
    drop(pool.submit(move |_, _| dropped.send("dropped").map_err(io::Error::other)));
    pool.submit(move |_, _| sender.send("detached").map_err(io::Error::other)).cancel_on_drop().detach();
    assert_eq!(running.cancel(), CancelOutcome::WhileRunning);
    assert!(matches!(running.wait(), Err(TaskError::Cancelled)));
    gate.open();
    assert_eq!((ran.recv().unwrap(), ran.recv().unwrap()), ("dropped", "detached"));
    assert_eq!(pool.stop().unwrap().cancelled, 3);
}

#[test]
fn a_cancel_that_comes_too_late_changes_nothing() {
    let pool = pool(1);
    let handle = pool.submit(|db, _| Ok(db.number));
    pool.stop().unwrap();
    assert_eq!(handle.cancel(), CancelOutcome::TooLate);
    assert_eq!(handle.wait().unwrap(), 1);
}

#[test]
fn a_task_learns_about_itself_and_that_nobody_waits_any_more() {
    let pool = pool(1);
    let (here, is_here) = mpsc::channel();
    let (told, is_told) = mpsc::channel();
    let handle = pool.task().name("import").deadline(secs(3600)).submit(move |_, cx| {
        let about = (cx.id(), cx.name().map(String::from), cx.attempt(), cx.worker());
        here.send((about, cx.deadline(), cx.is_cancelled())).map_err(io::Error::other)?;
        while !cx.is_cancelled() {
            std::thread::yield_now();
        }
        told.send(()).map_err(io::Error::other)
    });
    let (about, deadline, cancelled) = is_here.recv().unwrap();
    assert_eq!(about, (Some(handle.id()), Some("import".into()), 1, Some(WorkerId::new(1))));
    assert!(deadline.unwrap() >= Timestamp::ZERO.saturating_add(secs(3600)));
    assert!(!cancelled);
    handle.cancel();
    is_told.recv().expect("the task sees it");
}

#[test]
fn urgent_tasks_start_first_and_none_while_paused() {
    let pool = pool(1);
    pool.pause();
    let order = Arc::new(Mutex::new(Vec::new()));
    let handles = [Priority::Low, Priority::Normal, Priority::High].map(|priority| {
        let order = Arc::clone(&order);
        pool.task().priority(priority).submit(move |_, _| {
            order.lock().unwrap().push(priority);
            Ok(())
        })
    });
    let stats = pool.stats();
    assert_eq!((stats.queued, stats.queued_total(), stats.busy), ([1, 1, 1], 3, 0));
    pool.resume();
    handles.into_iter().for_each(|handle| handle.wait().unwrap());
    assert_eq!(*order.lock().unwrap(), Priority::ALL);
}

#[test]
fn a_task_is_delayed_expires_and_times_out() {
    let (clock, server) = (FakeClock::new(), Server::default());
    let pool = on(&clock, &server).build().unwrap();
    let mut delayed = pool.task().delay(secs(5)).submit(|db, _| Ok(db.number));
    assert!(delayed.wait_timeout(Duration::ZERO).is_none());
    assert_eq!(pool.stats().delayed, 1);
    clock.advance(secs(5));
    assert_eq!(delayed.wait().unwrap(), 1);
    let gate = Gate::new();
    let late = pool.task().timeout(secs(1)).submit(at(&gate));
    let never = pool.task().deadline(secs(2)).submit(|_, _| Ok(()));
    clock.advance(secs(2));
    assert!(matches!(late.wait(), Err(TaskError::TimedOut { after }) if after == secs(1)));
    assert!(matches!(never.wait(), Err(TaskError::Expired { create_error: None })));
    gate.open();
    clock.settle();
    assert_eq!((pool.metrics().timed_out, pool.metrics().expired), (1, 1));
}

#[test]
fn a_task_is_retried_as_often_as_it_asks() {
    let (clock, server) = (FakeClock::new(), Server::default());
    let pool = on(&clock, &server).max_retries(7).build().unwrap();
    let sick = pool.task().retries(1).submit(|_, _| Err::<(), _>(reset())).wait();
    assert!(matches!(sick, Err(TaskError::Exhausted { attempts: 2, .. })), "{sick:?}");
    let gate = Gate::new();
    let mut task = at(&gate);
    let slow = pool.task().timeout(secs(1)).retry_on_timeout().submit(move |db, cx| {
        task(db, cx)?;
        if cx.is_cancelled() { Err(ErrorKind::TimedOut.into()) } else { Ok(cx.attempt()) }
    });
    // The last worker failed its only task, so the next backs off for a moment first.
    clock.advance(secs(2));
    gate.open();
    assert_eq!(slow.wait().unwrap(), 2);
}

#[test]
fn each_option_of_creation_and_destruction() {
    let (clock, server) = (FakeClock::new(), Server::default());
    set(&server.0.on_create, Mood::Refuses);
    let refused = on(&clock, &server).build();
    assert!(
        matches!(refused, Err(BuildError::Create(error)) if error.kind() == ErrorKind::ConnectionRefused)
    );
    let pool = on(&clock, &server)
        .startup(Startup::Lazy)
        .create_timeout(secs(3))
        .create_backoff(Backoff::new().first(secs(10)).max(secs(10)).jitter(0.0))
        .destroy_timeout(secs(4))
        .breaker_threshold(2)
        .build()
        .unwrap();
    let mut events = pool.events();
    clock.settle();
    assert_eq!(pool.stats().backing_off, 1);
    assert!(pool.stats().create_error.is_some());
    set(&server.0.on_create, Mood::Hangs);
    clock.advance(secs(10));
    assert_eq!(pool.stats().starting, 1);
    clock.advance(secs(3));
    assert_eq!((pool.stats().starting, pool.stats().backing_off), (0, 1));
    set(&server.0.on_create, Mood::Fine);
    clock.advance(secs(10));
    assert_eq!(pool.stats().active, 1);
    assert_eq!(server.reasons()[1..], [1, 2, 3].map(|attempt| (SpawnReason::Base, attempt)));
    let seen: Vec<_> = std::iter::from_fn(|| events.try_recv()).map(|seen| format!("{seen:?}")).collect();
    assert!(seen.iter().any(|event| event.contains("BreakerOpened")), "{seen:?}");
    set(&server.0.on_destroy, Mood::Hangs);
    let stopping = std::thread::spawn(move || pool.stop().unwrap());
    while server.closed() == 0 {
        std::thread::yield_now();
    }
    clock.advance(secs(4));
    let report = stopping.join().unwrap();
    assert_eq!((report.destroy_errors, report.destroy_error_texts.len(), report.is_clean()), (1, 1, false));
}

#[test]
fn a_pool_that_may_not_retry_creation_ends_for_want_of_workers() {
    let (clock, server) = (FakeClock::new(), Server::default());
    set(&server.0.on_create, Mood::Refuses);
    let pool = on(&clock, &server).startup(Startup::Lazy).create_retries(0).build().unwrap();
    let handle = pool.submit(|_, _| Ok(()));
    let ended = pool.ended();
    assert_eq!(ended.how, Stopped::NoWorkers);
    assert!(matches!(
        handle.wait(),
        Err(TaskError::NoWorkers { .. } | TaskError::Refused(Refusal::NoWorkers))
    ));
    assert_eq!((ended.done, server.opened()), (0, 0));
}

#[test]
fn each_option_of_a_resource_s_life() {
    let (clock, server) = (FakeClock::new(), Server::default());
    let pool = on(&clock, &server).max_uses(2).build().unwrap();
    let uses: Vec<_> = (0..4).map(|_| pool.submit(|db, _| Ok(db.number))).collect();
    assert_eq!(uses.into_iter().map(|handle| handle.wait().unwrap()).collect::<Vec<_>>(), [1, 1, 2, 2]);
    pool.stop().unwrap();
    let server = Server::default();
    let pool = on(&clock, &server).max_lifetime(secs(60)).probe_interval(secs(5)).build().unwrap();
    clock.advance(secs(60));
    assert_eq!((server.opened(), server.closed()), (2, 1), "the first was too old");
    set(&server.0.on_probe, Mood::Refuses);
    let mut events = pool.events();
    clock.advance(secs(5));
    assert_eq!((server.opened(), server.closed()), (3, 2), "the second was found broken");
    let why = std::iter::from_fn(|| events.try_recv()).find_map(|seen| match seen {
        Received::Event(PoolEvent::WorkerReplaced { why, .. }) => Some(why),
        Received::Event(_) | Received::Missed(_) | _ => None,
    });
    assert_eq!(why, Some(ExitReason::ProbeFailed));
    assert!(why.unwrap().is_sickness());
    set(&server.0.on_probe, Mood::Fine);
    clock.settle();
}

#[test]
fn each_option_of_the_queue() {
    let (clock, server) = (FakeClock::new(), Server::default());
    let numbers = |pool: &Pool<Db>| {
        pool.pause();
        let names = ["3", "1", "2"].map(|name| pool.task().name(name).submit(|db, _| Ok(db.query())));
        pool.resume();
        names.map(|handle| handle.wait().unwrap())
    };
    let by_name = |task: &TaskInfo| task.name.as_deref().and_then(|name| name.parse().ok()).unwrap_or(0);
    assert_eq!(numbers(&on(&clock, &server).rank(by_name).build().unwrap()), [3, 1, 2]);
    assert_eq!(numbers(&on(&clock, &server).unbounded().build().unwrap()), [1, 2, 3]);

    let pool = on(&clock, &server).ageing(secs(10)).build().unwrap();
    pool.pause();
    let old = pool.task().priority(Priority::Low).submit(|db, _| Ok(db.query()));
    clock.advance(secs(30));
    let urgent = pool.task().priority(Priority::High).submit(|db, _| Ok(db.query()));
    pool.resume();
    assert_eq!((old.wait().unwrap(), urgent.wait().unwrap()), (1, 2));

    let pool = on(&clock, &server).capacity(1).overflow(Overflow::DropOldest).build().unwrap();
    pool.pause();
    let oldest = pool.submit(|_, _| Ok(()));
    let newest = pool.submit(|_, _| Ok(()));
    assert!(matches!(oldest.wait(), Err(TaskError::Displaced)));
    pool.resume();
    newest.wait().unwrap();
}

/// Waits as many seconds as attempts were made.
#[derive(Debug)]
struct Patience;

impl RetryPolicy for Patience {
    fn delay(&self, attempt: u32, _seed: u64) -> Duration {
        secs(attempt.into())
    }
}

#[test]
fn retries_wait_as_long_as_their_policy_says() {
    fn starts(set_up: impl FnOnce(Builder<Threads<Db>>) -> Builder<Threads<Db>>) -> Vec<u64> {
        let (clock, server) = (FakeClock::new(), Server::default());
        let pool = set_up(on(&clock, &server)).max_retries(2).build().unwrap();
        let (sender, starts) = mpsc::channel();
        let now = clock.clone();
        let handle = pool.submit(move |_, _| {
            let now = now.now().saturating_since(Timestamp::ZERO);
            sender.send(now.as_secs()).map_err(io::Error::other)?;
            Err::<(), _>(reset())
        });
        clock.advance(secs(60));
        assert!(matches!(handle.wait(), Err(TaskError::Exhausted { attempts: 3, .. })));
        starts.iter().collect()
    }
    assert_eq!(starts(|builder| builder), [0, 0, 0]);
    assert_eq!(starts(|builder| builder.retry(Immediate)), [0, 0, 0]);
    assert_eq!(starts(|builder| builder.retry(Constant(secs(5)))), [0, 5, 10]);
    assert_eq!(starts(|builder| builder.retry(Patience)), [0, 1, 3]);
    let backoff = Backoff::new().first(secs(1)).max(secs(9)).factor(4).jitter(0.0);
    assert_eq!(starts(|builder| builder.retry(backoff)), [0, 1, 5]);
    let jitter = backoff.jitter(1.0);
    assert_eq!(
        starts(|builder| builder.retry(jitter).seed(7)),
        starts(|builder| builder.retry(jitter).seed(7))
    );
}

/// One worker for each waiting task.
#[derive(Debug)]
struct Generous;

impl ScalingPolicy for Generous {
    fn desired(&mut self, _now: Timestamp, sample: &Sample) -> usize {
        sample.workers + sample.queued
    }
}

#[test]
fn a_pool_grows_with_its_backlog_and_shrinks_again() {
    let grown = |set_up: fn(Builder<Threads<Db>>) -> Builder<Threads<Db>>| {
        let (clock, server) = (FakeClock::new(), Server::default());
        let pool = set_up(on(&clock, &server).max_workers(4).burst_interval(secs(1))).build().unwrap();
        let gate = Gate::new();
        let handles: Vec<_> = (0..9).map(|_| pool.submit(at(&gate))).collect();
        clock.advance(secs(30));
        let most = pool.stats();
        gate.open();
        handles.into_iter().for_each(|handle| assert!(handle.wait().unwrap() > 0));
        clock.advance(secs(600));
        assert_eq!((most.base, most.burst), (1, most.active - 1));
        (most.active, pool.stats().active)
    };
    assert_eq!(grown(|builder| builder), (4, 1), "by default");
    assert_eq!(grown(|builder| builder.scaling(Fixed::new())), (1, 1));
    assert_eq!(grown(|builder| builder.scaling(Fixed::at(3))), (3, 3));
    assert_eq!(grown(|builder| builder.scaling(Fixed::at(3)).idle_timeout(secs(60))).0, 3);
    assert_eq!(grown(|builder| builder.scaling(Threshold::new(1).step(2))), (4, 1));
    assert_eq!(grown(|builder| builder.scaling(RateBased::new().window(secs(5)))), (4, 1));
    let utilization = || Utilization::new().busy_share(0.5).wait_target(secs(1)).window(secs(5));
    assert_eq!(grown(|builder| builder.scaling(Utilization::new().busy_share(0.5))), (4, 1));
    assert!(utilization().validate().is_ok());
    assert_eq!(grown(|builder| builder.scaling(Generous)), (4, 1));
    assert_eq!(grown(|builder| builder.scaling(Generous.clamp(1, 2))), (2, 1));
    assert_eq!(grown(|builder| builder.scaling(Generous.cooldown(secs(2), secs(2)))), (4, 1));
    assert_eq!(grown(|builder| builder.scaling(Generous.hysteresis(1))), (4, 1));
    assert_eq!(grown(|builder| builder.scaling(Fixed::at(2).max_of(Generous))).0, 4);
}

#[test]
fn a_clock_lets_a_thread_rest_until_it_is_woken() {
    rests_until_woken(SystemClock::new());
}
