//! The rest of the API as a user types it: ends, what can be seen, and handles, threads and resources in odd places.

use std::cell::{Cell, RefCell};
use std::future::ready;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tasker_testkit::{FakeClock, Gate};
use tasker_thread::scaling::{Fixed, RateBased, ScalingPolicyExt, Threshold, Utilization};
use tasker_thread::{
    Backoff, BuildError, Builder, CancelToken, CreateContext, Diagnosis, EndKind, Events, LocalResource,
    MetricsCollector, Pool, PoolEvent, Priority, Received, Refusal, RunError, StopError, Stopped,
    TaskContext, TaskError, TaskHandle, TaskInfo, TaskTimes, ThreadBuilder, Threads, WorkerId,
};

/// Counts queries. Only `create` is written, as for any resource that no error says anything about.
struct Db(u64);

impl tasker_thread::Resource for Db {
    type Config = ();
    type Error = io::Error;

    fn create(_: &(), _: &CreateContext) -> impl Future<Output = io::Result<Self>> + Send {
        ready(Ok(Self(0)))
    }
}

impl Db {
    fn query(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn builder() -> Builder<Threads<Db>> {
    Pool::<Db>::builder(()).workers(1)
}

fn pool() -> Pool<Db> {
    builder().build().expect("nothing is wrong")
}

/// One worker, on a clock that the test moves.
fn on(clock: &FakeClock) -> Builder<Threads<Db>> {
    builder().clock(Arc::new(clock.clone()))
}

/// A task that waits at `gate`.
fn at(gate: &Gate) -> impl FnMut(&mut Db, &TaskContext) -> io::Result<u64> + Send + use<> {
    let gate = gate.clone();
    move |db, _| {
        gate.wait();
        Ok(db.query())
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

/// The events that are there.
fn seen(events: &mut Events) -> Vec<PoolEvent> {
    let event = |received| if let Received::Event(event) = received { Some(event) } else { None };
    std::iter::from_fn(|| events.try_recv()).filter_map(event).collect()
}

/// Waits until the pool has begun to stop.
fn until_stopping(mut events: Events) {
    let begins = |received| matches!(received, Received::Event(PoolEvent::Stopping { .. }));
    while !begins(events.wait().expect("it stops before it ends")) {}
}

#[test]
fn by_default_no_error_replaces_a_resource_or_retries_a_task() {
    let pool = pool();
    let failed = pool.submit(|_, _| Err::<(), _>(ErrorKind::ConnectionReset.into())).wait();
    assert!(matches!(failed, Err(TaskError::Failed(_))), "{failed:?}");
    let metrics = pool.metrics();
    assert_eq!((metrics.failed, metrics.retried, metrics.replaced, metrics.created), (1, 0, 0, 1));
}

#[test]
fn a_pool_is_resized_and_warmed_up() {
    let clock = FakeClock::new();
    let pool = on(&clock).max_workers(3).build().unwrap();
    pool.warm_up(3);
    assert_eq!((pool.stats().active, pool.stats().base, pool.stats().burst), (3, 1, 2));
    pool.resize(2, 2).unwrap();
    clock.settle();
    assert_eq!((pool.stats().active, pool.stats().base), (2, 2));
    pool.resize(4, 5).unwrap();
    clock.advance(secs(1));
    assert_eq!((pool.stats().active, pool.stats().base), (4, 4));
}

#[test]
fn a_stop_runs_everything_that_was_accepted_and_can_be_asked_for_again() {
    let pool = builder().workers(2).build().unwrap();
    pool.pause();
    let handles = pool.submit_all((0..50).map(|_| |db: &mut Db, _: &TaskContext| Ok(db.query())));
    let report = pool.stop().unwrap();
    assert_eq!((report.done, report.undone, report.is_clean()), (50, 0, true));
    assert_eq!((&*pool.clone().stop().unwrap(), &*pool.ended()), (&*report, &*report));
    handles.into_iter().for_each(|handle| assert!(handle.wait().unwrap() > 0));
    assert!(pool.stats().ended);
    assert_eq!((pool.stats().active, pool.metrics().destroyed), (0, 2));
    assert!(matches!(pool.submit(|_, _| Ok(())).wait(), Err(TaskError::Refused(Refusal::Stopping))));
}

#[test]
fn a_stop_within_a_time_names_what_it_left_and_is_diagnosed() {
    let clock = FakeClock::new();
    let pool = on(&clock).grace(secs(1)).build().unwrap();
    let (gate, mut events) = (Gate::new(), pool.events());
    let running = pool.task().name("stuck").submit(at(&gate));
    let waiting = pool.task().name("waiting").submit(|_, _| Ok(()));
    clock.settle();
    let begun = pool.events();
    let stopping = thread::spawn({
        let pool = pool.clone();
        move || pool.stop_within(secs(10)).unwrap()
    });
    until_stopping(begun);
    clock.advance(secs(30));
    let report = stopping.join().unwrap();
    assert_eq!(report.how, Stopped::DeadlinePassed);
    let undone: Vec<_> =
        report.undone_tasks.iter().map(|task| (task.name.as_deref(), task.started)).collect();
    assert_eq!(undone[..2], [(Some("stuck"), true), (Some("waiting"), false)]);
    assert_eq!(report.undone, undone.len() as u64);
    let [left] = &report.workers_left[..] else { panic!("{report:?}") };
    assert_eq!((left.worker, left.task), (WorkerId::new(1), Some(running.id())));
    assert!(left.name.as_deref() == Some("stuck") && left.since >= secs(10));
    let told = seen(&mut events).into_iter().find_map(|event| {
        let PoolEvent::Diagnosis(diagnosis) = event else { return None };
        Some(diagnosis)
    });
    let told = told.unwrap();
    assert!(matches!(told, Diagnosis::ShutdownTimeout { workers_left: 1, .. }), "{told:?}");
    assert!(told.to_string().contains(told.cause()) && told.to_string().contains(told.fix()));
    assert!(matches!(running.wait(), Err(TaskError::Killed)));
    assert!(matches!(waiting.wait(), Err(TaskError::Killed)));
    gate.open();
}

#[test]
fn a_stop_inside_of_a_task_begins_and_is_not_waited_for() {
    let pool = pool();
    let weak = pool.downgrade();
    let told = pool.submit(move |_, _| Ok(weak.upgrade().map(|pool| pool.stop().map(drop))));
    assert_eq!(told.wait().unwrap(), Some(Err(StopError::InsideTask)));
    assert_eq!(pool.ended().done, 1);
}

#[test]
fn a_weak_handle_keeps_no_pool_alive() {
    let pool = pool();
    let (weak, mut events) = (pool.downgrade(), pool.events());
    assert!(weak.clone().upgrade().is_some());
    drop(pool);
    assert!(weak.upgrade().is_none());
    while events.wait().is_some() {}
}

#[test]
fn a_guard_stops_the_pool_however_the_scope_is_left() {
    let pool = pool();
    let scope = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _stop = pool.stop_on_drop();
        pool.submit(|db, _| Ok(db.query())).detach();
        std::panic::resume_unwind(Box::new("out"));
    }));
    assert!(scope.is_err());
    assert!(pool.stats().ended);
    assert_eq!(pool.metrics().completed, 1);
}

#[test]
fn a_parent_stops_all_its_pools() {
    let parent = CancelToken::new();
    let build = || builder().parent(&parent).build();
    let pools = [build().unwrap(), build().unwrap()];
    assert!(!parent.is_cancelled());
    parent.clone().cancel();
    assert!(parent.is_cancelled());
    assert!(pools.iter().all(|pool| pool.ended().how == Stopped::Drained));
    assert!(matches!(build(), Err(BuildError::Start(_))));
}

#[test]
fn a_stuck_worker_is_abandoned_and_replaced_as_often_as_allowed() {
    let clock = FakeClock::new();
    let pool = on(&clock).grace(secs(5)).max_abandoned(1).build().unwrap();
    let (mut events, gate) = (pool.events(), Gate::new());
    for _ in 0..2 {
        let stuck = pool.submit(at(&gate));
        clock.advance(secs(1));
        stuck.cancel();
        clock.advance(secs(6));
    }
    assert_eq!(pool.stats().abandoned, 1);
    let reached =
        |event: &PoolEvent| matches!(event, PoolEvent::AbandonedLimitReached { abandoned: 1, limit: 1, .. });
    assert!(seen(&mut events).iter().any(reached));
    gate.open();
    clock.settle();
    assert_eq!(pool.stats().abandoned, 0);
}

#[test]
fn threads_have_the_stack_and_the_names_they_were_given() {
    let pool = builder().name("orders").stack_size(8 << 20).build().unwrap();
    let name = pool.submit(|_, _| {
        // Twice what a thread has by default.
        let big = std::hint::black_box([1_u8; 4 << 20]);
        assert_eq!(big.iter().map(|&byte| usize::from(byte)).sum::<usize>(), 4 << 20);
        Ok(thread::current().name().map(String::from))
    });
    assert_eq!(name.wait().unwrap().as_deref(), Some("orders-worker-1"));
    assert_eq!(format!("{pool:?}"), "Pool { name: \"orders\", .. }");
}

#[test]
fn a_pool_whose_threads_cannot_be_started_is_not_built() {
    let refused = builder().stack_size(isize::MAX as usize).build();
    let Err(BuildError::Runtime(text) | BuildError::Start(text)) = refused else { panic!("{refused:?}") };
    assert!(text.contains("a thread could not be started"), "{text}");
}

/// Its creation needs a runtime around it.
struct Timed;

impl tasker_thread::Resource for Timed {
    type Config = ();
    type Error = io::Error;

    async fn create(_: &(), _: &CreateContext) -> io::Result<Self> {
        tokio::time::timeout(secs(60), ready(Self)).await.map_err(io::Error::other)
    }
}

#[test]
fn workers_may_live_inside_of_a_runtime() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let handle = runtime.handle().clone();
    let inside = Pool::<Timed>::builder(()).workers(1).around_worker(move |work| {
        let _inside = handle.enter();
        work();
    });
    let pool = inside.build().unwrap();
    assert!(pool.submit(|_, _| Ok(tokio::runtime::Handle::try_current().is_ok())).wait().unwrap());
    pool.stop().unwrap();
    let outside = Pool::<Timed>::builder(()).workers(1).build();
    assert!(matches!(outside, Err(BuildError::Start(_))), "its `create` panics: {outside:?}");
}

type SetUp = fn(Builder<Threads<Db>>) -> Builder<Threads<Db>>;

const LONGER: &str = "must be longer than zero";

const BAD: &[(&str, &str, &str, SetUp)] = &[
    ("workers", "0", "at least 1", |b| b.workers(0)),
    ("max_workers", "2", "less than `workers`", |b| b.workers(3).max_workers(2)),
    ("capacity", "0", "at least 1", |b| b.capacity(0)),
    ("max_uses", "0", "at least 1", |b| b.max_uses(0)),
    ("event_capacity", "0", "at least 1", |b| b.event_capacity(0)),
    ("burst_interval", "0s", LONGER, |b| b.burst_interval(Duration::ZERO)),
    ("idle_timeout", "0s", LONGER, |b| b.idle_timeout(Duration::ZERO)),
    ("ageing", "0s", LONGER, |b| b.ageing(Duration::ZERO)),
    ("ageing", "set", "combined with `rank`", |b| b.ageing(Duration::MAX).rank(|_| 0)),
    ("create_timeout", "0s", LONGER, |b| b.create_timeout(Duration::ZERO)),
    ("destroy_timeout", "0s", LONGER, |b| b.destroy_timeout(Duration::ZERO)),
    ("max_lifetime", "0s", LONGER, |b| b.max_lifetime(Duration::ZERO)),
    ("probe_interval", "0s", LONGER, |b| b.probe_interval(Duration::ZERO)),
    ("max_temporary", "0", "`reserve` is 0", |b| b.reserve(0).max_temporary(0)),
    ("max", "0ns", "less than the first delay", |b| b.create_backoff(Backoff::new().max(Duration::ZERO))),
    ("factor", "0", "at least 1", |b| b.retry(Backoff::new().factor(0))),
    ("jitter", "2", "between 0 and 1", |b| b.retry(Backoff::new().jitter(2.0))),
    ("at", "0", "at least 1", |b| b.scaling(Fixed::at(0))),
    ("backlog", "0", "at least 1", |b| b.scaling(Threshold::new(0))),
    ("step", "0", "at least 1", |b| b.scaling(Threshold::new(1).step(0))),
    ("window", "0s", LONGER, |b| b.scaling(RateBased::new().window(Duration::ZERO))),
    ("busy_share", "2", "above 0 and at most 1", |b| b.scaling(Utilization::new().busy_share(2.0))),
    ("max", "0", "at least 1", |b| b.scaling(Fixed::new().clamp(0, 0))),
    ("min", "2", "at most `max`", |b| b.scaling(Fixed::new().clamp(2, 1))),
];

#[test]
fn each_bad_setting_is_refused_with_its_value_and_the_rule() {
    for (field, value, rule, set_up) in BAD {
        let refused = set_up(builder()).build();
        let Err(BuildError::Config(config)) = refused else { panic!("{field}: {refused:?}") };
        assert_eq!((config.field, &*config.value), (*field, *value), "{config}");
        assert!(config.rule.contains(rule), "{config}");
        let of = config.setting.map(|setting| format!(" of `{setting}`")).unwrap_or_default();
        let said = format!("invalid configuration: `{field}`{of} is {value}, but {}", config.rule);
        assert_eq!(config.to_string(), said);
    }
    let missing = Pool::<Db>::builder(()).build();
    assert!(matches!(missing, Err(BuildError::Config(config)) if config.field == "workers"));
    let pool = pool();
    assert_eq!(pool.resize(0, 1).unwrap_err().field, "workers");
    assert_eq!(pool.resize(2, 1).unwrap_err().field, "max_workers");
    assert_eq!(pool.submit(|db, _| Ok(db.query())).wait().unwrap(), 1, "nothing has changed");
}

#[test]
fn metrics_count_and_measure() {
    let clock = FakeClock::new();
    let pool = on(&clock).build().unwrap();
    assert_eq!((pool.metrics().success_rate(), pool.metrics().failure_rate()), (None, None));
    let gate = Gate::new();
    let handles = [pool.submit(at(&gate)), pool.submit(at(&gate))];
    clock.advance(secs(2));
    gate.open();
    handles.into_iter().for_each(|handle| assert!(handle.wait().unwrap() > 0));
    let failed = [(); 2].map(|()| pool.submit(|_, _| Err::<(), _>(io::Error::other("no such row"))));
    failed.into_iter().for_each(|handle| assert!(handle.wait().is_err()));
    clock.settle();
    let metrics = pool.metrics();
    assert_eq!((metrics.accepted, metrics.completed, metrics.failed, metrics.ended()), (4, 2, 2, 4));
    assert_eq!((metrics.success_rate(), metrics.failure_rate()), (Some(0.5), Some(0.5)));
    assert_eq!((metrics.execution.count, metrics.execution.max, metrics.wait.max), (4, secs(2), secs(2)));
    assert!(metrics.execution.p50 <= metrics.execution.p95 && metrics.execution.p95 <= metrics.execution.p99);
    assert!(metrics.arrival_rate > 0.0 && metrics.completion_rate > 0.0);
}

#[test]
fn a_subscription_tells_what_happens_and_how_much_it_lost() {
    let pool = builder().event_capacity(2).build().unwrap();
    let (mut blocking, mut awaiting, mut slow) = (pool.events(), pool.events(), pool.events());
    pool.pause();
    pool.resume();
    let listening = thread::spawn(move || {
        let first = blocking.wait();
        while blocking.wait().is_some() {}
        first
    });
    pool.stop().unwrap();
    assert!(listening.join().unwrap().is_some());
    // Paused, resumed, stopping, drained, retired, ended: more than two.
    assert!(matches!(slow.try_recv(), Some(Received::Missed(lost)) if lost >= 4));
    assert!(matches!(slow.try_recv(), Some(Received::Event(_))));
    assert!(matches!(slow.try_recv(), Some(Received::Event(PoolEvent::Ended))));
    assert!(slow.try_recv().is_none());
    let last = futures::executor::block_on(async {
        let mut last = None;
        while let Some(received) = awaiting.recv().await {
            last = Some(received);
        }
        last
    });
    let Some(Received::Event(last)) = last else { panic!("{last:?}") };
    assert_eq!(last.to_string(), "the last worker is gone");
}

/// Writes down what it is told.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note(&self, text: String) {
        self.0.lock().expect("nothing panics under it").push(text);
    }

    fn has(&self, text: &str) -> bool {
        self.0.lock().expect("nothing panics under it").iter().any(|note| note.contains(text))
    }
}

impl MetricsCollector for Notes {
    fn arrived(&self, task: &TaskInfo) {
        self.note(format!("{} arrived, {:?}", task.id, task.priority));
    }

    fn retried(&self, task: &TaskInfo, error: &str) {
        self.note(format!("{} retried after {}: {error}", task.id, task.attempts));
    }

    fn ended(&self, task: &TaskInfo, how: EndKind, times: &TaskTimes) {
        self.note(format!("{} {how:?}, started: {}", task.id, times.started.is_some()));
    }
}

#[test]
fn a_collector_hears_of_every_task() {
    let (clock, notes) = (FakeClock::new(), Notes::default());
    let pool = on(&clock).collector(notes.clone()).build().unwrap();
    pool.pause();
    let gate = Gate::new();
    let mut task = at(&gate);
    let handle = pool.task().timeout(secs(1)).retry_on_timeout().submit(move |db, cx| {
        task(db, cx)?;
        if cx.is_cancelled() { Err(ErrorKind::TimedOut.into()) } else { Ok(()) }
    });
    pool.resume();
    clock.advance(secs(1));
    gate.open();
    clock.advance(secs(1));
    handle.wait().unwrap();
    let cancelled = pool.task().priority(Priority::Low).delay(secs(9)).submit(|_, _| Ok(()));
    cancelled.cancel();
    clock.settle();
    for note in [
        "task-1 arrived, Normal",
        "task-1 retried after 1: ",
        "task-1 Completed, started: true",
        "task-2 arrived, Low",
        "task-2 Cancelled, started: false",
    ] {
        assert!(notes.has(note), "{note} is not in {:?}", notes.0);
    }
}

/// Must stay on its thread.
struct Interpreter {
    steps: Rc<Cell<u64>>,
    home: ThreadId,
    gone: mpsc::Sender<(ThreadId, ThreadId)>,
}

impl LocalResource for Interpreter {
    type Config = Mutex<mpsc::Sender<(ThreadId, ThreadId)>>;
    type Error = io::Error;

    async fn create(gone: &Self::Config, _: &CreateContext) -> io::Result<Self> {
        let gone = gone.lock().expect("nothing panics under it").clone();
        // Not `Send` across an await point, either.
        let steps = Rc::new(Cell::new(0));
        ready(()).await;
        Ok(Self { steps, home: thread::current().id(), gone })
    }

    async fn destroy(self) -> io::Result<()> {
        self.gone.send((self.home, thread::current().id())).map_err(io::Error::other)
    }
}

#[test]
fn a_resource_that_is_not_send_is_made_used_and_destroyed_on_one_thread() {
    let (sender, gone) = mpsc::channel();
    let pool = Pool::<Interpreter>::local_builder(Mutex::new(sender)).workers(2).build().unwrap();
    let tasks = (0..20).map(|_| {
        |interpreter: &mut Interpreter, _: &TaskContext| {
            let steps = Rc::clone(&interpreter.steps);
            steps.set(steps.get() + 1);
            Ok((interpreter.home, thread::current().id()))
        }
    });
    let used: Vec<_> = pool.submit_all(tasks).into_iter().map(|handle| handle.wait().unwrap()).collect();
    let created = {
        pool.stop().unwrap();
        pool.metrics().created
    };
    let destroyed: Vec<_> = gone.try_iter().collect();
    assert_eq!(destroyed.len() as u64, created);
    let here = thread::current().id();
    assert!(used.iter().chain(&destroyed).all(|(home, at)| home == at && *home != here));
}

#[test]
fn a_pool_without_a_reserve_says_so() {
    let pool = Pool::<Db>::local_builder(()).workers(1).build().unwrap();
    let refused = pool.run(|_, _| Ok(()));
    assert!(matches!(refused, Err(RunError::Start(_))), "{refused:?}");
}

#[test]
fn handles_are_awaited_without_a_runtime_and_with_one() {
    let pool = pool();
    assert_eq!(futures::executor::block_on(pool.submit(|db, _| Ok(db.query()))).unwrap(), 1);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let (gate, mut held) = busy(&pool);
    let waiting = runtime.spawn(async move {
        // Given up after a while, which is not the task's end.
        let early = tokio::time::timeout(Duration::from_millis(1), &mut held).await;
        gate.open();
        (early.is_err(), held.await.unwrap())
    });
    assert_eq!(runtime.block_on(waiting).unwrap(), (true, 2));
}

#[test]
fn the_last_handle_may_be_dropped_inside_of_async_code() {
    let pool = pool();
    let (gate, held) = busy(&pool);
    let waiting = pool.submit(|db, _| Ok(db.query()));
    futures::executor::block_on(async move { drop(pool) });
    gate.open();
    assert_eq!((held.wait().unwrap(), waiting.wait().unwrap()), (1, 2));
}

thread_local! {
    static KEPT: RefCell<Option<Pool<Db>>> = const { RefCell::new(None) };
}

#[test]
fn the_last_handle_may_be_dropped_as_a_thread_ends() {
    let pool = pool();
    let (mut events, (gate, held)) = (pool.events(), busy(&pool));
    let waiting = pool.submit(|db, _| Ok(db.query()));
    thread::spawn(move || KEPT.set(Some(pool))).join().expect("its destructor neither blocks nor panics");
    gate.open();
    assert_eq!((held.wait().unwrap(), waiting.wait().unwrap()), (1, 2));
    while events.wait().is_some() {}
}

#[test]
fn the_last_handle_may_be_dropped_by_a_task_of_the_pool() {
    let pool = pool();
    let (mine, mut events) = (pool.clone(), pool.events());
    let (gate, held) = busy(&pool);
    let dropping = pool.submit_once(move |_, _| {
        drop(mine);
        Ok(())
    });
    drop(pool);
    gate.open();
    held.wait().unwrap();
    dropping.wait().expect("the drop neither blocks nor panics");
    while events.wait().is_some() {}
}

#[test]
fn very_many_waiting_tasks_are_all_answered_by_a_kill() {
    const MANY: usize = 1_000_000;
    let pool = builder().unbounded().build().unwrap();
    pool.pause();
    let handles: Vec<_> = (0..MANY).map(|_| pool.submit(|db, _| Ok(db.query()))).collect();
    assert_eq!(pool.stats().queued_total(), MANY);
    let report = pool.kill().unwrap();
    assert_eq!((report.undone, report.undone_tasks.len()), (MANY as u64, 1024));
    assert!(handles.into_iter().all(|handle| matches!(handle.wait(), Err(TaskError::Killed))));
}

#[test]
fn what_a_task_holds_is_dropped_with_it_and_not_with_its_handle() {
    let pool = pool();
    let held = Arc::new(());
    let seen = Arc::downgrade(&held);
    let handle = pool.submit(move |_, _| Ok(Arc::strong_count(&held)));
    pool.submit(|_, _| Ok(())).wait().expect("the worker is past the first");
    assert!(seen.upgrade().is_none());
    assert_eq!(handle.wait().unwrap(), 1);
}

#[test]
fn a_pool_that_never_looks_twice_does_all_the_same() {
    let pool = builder().spin(0).build().unwrap();
    for number in 0..100 {
        assert_eq!(pool.submit(move |_, _| Ok(number)).wait().unwrap(), number);
    }
}
