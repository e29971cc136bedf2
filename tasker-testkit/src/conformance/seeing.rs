//! What a pool says about itself, and what it refuses to be. Promises 24 to 28.

use tasker_core::builder::Builder;
use tasker_core::metrics::{EndKind, MetricsCollector, TaskTimes};
use tasker_core::queue::Overflow;
use tasker_core::scaling::{Fixed, Threshold};
use tasker_core::supervisor::Startup;
use tasker_core::{
    Backoff, BuildError, Constant, Diagnosis, ExitReason, PoolEvent, Priority, Received, TaskInfo, Timestamp,
};

use super::{millis, secs};
use crate::{Case, Driver, Fault, Log, Op, Outcome, Size, Step, Task};

/// One test per case of this theme.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_seeing {
    ($driver:ident) => {
        $crate::conformance_cases!($driver, seeing:
            stats_say_where_every_worker_is
            stats_say_where_every_task_is
            stats_add_up_while_tasks_run
            metrics_count_each_end_once
            metrics_measure_execution_and_wait
            metrics_rate_arrivals_and_completions_over_a_window
            a_collector_hears_of_every_task
            events_tell_the_life_of_a_worker
            events_tell_of_scaling
            a_slow_subscriber_loses_the_oldest_and_is_told
            a_subscription_ends_with_its_pool
            failing_replacements_are_diagnosed
            stuck_scaling_is_diagnosed
            a_shutdown_that_takes_too_long_is_diagnosed
            bad_settings_are_refused_by_name
        );
    };
}

/// Promise 24.
pub fn stats_say_where_every_worker_is<D: Driver>(case: &Case<D>) {
    let pool =
        case.pool(Size::range(2, 5), |b| b.scaling(Fixed::at(3)).max_retries(0).destroy_timeout(secs(60)));
    pool.warm_up(3);
    case.settle();
    assert_eq!(pool.value_of(Task::value(1)), 1);
    let gates = [case.gate(), case.gate(), case.gate()];
    let busy = pool.submit(Task::at(&gates[0]));
    case.settle();
    let stats = pool.stats();
    assert_eq!((stats.base, stats.burst, stats.active, stats.idle, stats.busy), (2, 1, 3, 2, 1));
    case.script().next(Op::Destroy, [Outcome::hold(&gates[1])]);
    case.script().next(Op::Create, [Outcome::Fail("down"), Outcome::hold(&gates[2])]);
    let _ = pool.error_of(Task::failing(Fault::sick("broken")));
    case.settle();
    let stats = pool.stats();
    assert_eq!((stats.active, stats.stopping, stats.backing_off, stats.starting), (2, 1, 1, 0));
    case.advance(secs(5));
    let stats = pool.stats();
    assert_eq!((stats.active, stats.stopping, stats.backing_off, stats.starting), (2, 1, 0, 1));
    gates.iter().for_each(crate::Gate::open);
    busy.wait().expect("it succeeds");
    case.settle();
    let stats = pool.stats();
    assert_eq!((stats.active, stats.stopping, stats.starting, stats.ended), (3, 0, 0, false));
}

/// Promise 24.
pub fn stats_say_where_every_task_is<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(2, 1), |b| b);
    let gate = case.gate();
    let mut handles = vec![pool.submit(Task::at(&gate))];
    case.settle();
    for (priority, count) in [(Priority::High, 1), (Priority::Normal, 2), (Priority::Low, 3)] {
        handles.extend((0..count).map(|_| pool.submit(Task::new().priority(priority))));
    }
    handles.push(pool.submit(Task::new().delay(secs(1))));
    pool.run(Task::new()).expect("it runs");
    let stats = pool.stats();
    assert_eq!((stats.queued, stats.queued_total(), stats.delayed), ([1, 2, 3], 6, 1));
    assert_eq!((stats.reserve_free, stats.reserve_busy), (1, 0));
    case.advance(secs(1));
    assert_eq!((pool.stats().queued, pool.stats().delayed), ([1, 3, 3], 0));
    gate.open();
    handles.into_iter().for_each(|handle| drop(handle.wait().expect("it succeeds")));
}

/// Promise 24: consistent in one snapshot, never negative.
pub fn stats_add_up_while_tasks_run<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 4), |b| b.scaling(Threshold::new(2)));
    let feeding = pool.clone();
    let feeder = case.spawn(move || (0..500_u64).all(|n| feeding.submit(Task::value(n)).wait().is_ok()));
    while !feeder.is_finished() {
        let (stats, metrics) = (pool.stats(), pool.metrics());
        assert_eq!(stats.active, stats.base + stats.burst, "{stats:?}");
        assert!(stats.active + stats.starting + stats.stopping <= 4, "{stats:?}");
        assert!(metrics.ended() <= metrics.accepted && metrics.ended() <= metrics.attempts, "{metrics:?}");
        // On a busy machine the tasks would wait for the end of a time slice, each of them.
        tasker_core::sync::thread::yield_now();
    }
    assert!(case.join(feeder));
}

/// Promise 25.
pub fn metrics_count_each_end_once<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| {
        b.capacity(3).overflow(Overflow::DropOldest).max_retries(1).create_backoff(Backoff::new().jitter(0.0))
    });
    assert_eq!(pool.metrics().success_rate(), None, "nothing has ended yet");
    assert_eq!(pool.value_of(Task::value(1)), 1);
    let _ = pool.error_of(Task::failing(Fault::healthy("no")));
    let _ = pool.error_of(Task::new().step(Step::Panic("oops")));
    case.settle();
    case.advance(secs(10));
    assert_eq!(pool.value_of(Task::value(2)), 2);
    assert_eq!(pool.answer_to(Task::new().step(Step::FailTimes(1, Fault::sick("broken")))).attempt, 2);
    case.settle();
    let gate = case.gate();
    let running = pool.submit(Task::at(&gate));
    case.settle();
    let expiring = pool.submit(Task::new().deadline(secs(1)));
    let cancelled = pool.submit(Task::new());
    cancelled.cancel();
    let displaced = pool.submit(Task::new().priority(Priority::Low));
    let others = [pool.submit(Task::new()), pool.submit(Task::new())];
    let refused = pool.submit(Task::new().priority(Priority::Low));
    case.advance(secs(1));
    gate.open();
    running.wait().expect("it succeeds");
    others.into_iter().for_each(|handle| drop(handle.wait().expect("it succeeds")));
    [expiring, cancelled, displaced, refused].into_iter().for_each(|handle| assert!(handle.wait().is_err()));
    case.settle();
    let m = pool.metrics();
    assert_eq!((m.accepted, m.refused, m.completed, m.failed, m.panicked), (11, 1, 6, 1, 1), "{m:?}");
    assert_eq!((m.cancelled, m.expired, m.displaced, m.retried, m.replaced), (1, 1, 1, 1, 2), "{m:?}");
    assert_eq!((m.attempts, m.timed_out, m.killed, m.ended()), (9, 0, 0, 11), "{m:?}");
    let success = m.success_rate().expect("tasks have ended");
    assert!((success - 6.0 / 11.0).abs() < 1e-9 && m.failure_rate() == Some(1.0 - success));
}

/// Promise 25: execution and wait times, exact on a fake clock but for the quantiles.
pub fn metrics_measure_execution_and_wait<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    for seconds in [1, 2, 3] {
        let gate = case.gate();
        let handle = pool.submit(Task::at(&gate));
        let behind = pool.submit(Task::new());
        case.advance(secs(seconds));
        gate.open();
        handle.wait().expect("it succeeds");
        behind.wait().expect("it succeeds");
        case.settle();
    }
    let metrics = pool.metrics();
    for spread in [metrics.execution, metrics.wait] {
        assert_eq!((spread.count, spread.min, spread.max, spread.mean), (6, secs(0), secs(3), secs(1)));
        assert!(spread.p50 <= spread.p95 && spread.p95 <= spread.p99, "{spread:?}");
        let off = spread.p99.abs_diff(secs(3));
        assert!(off <= millis(100), "within the stated error: {spread:?}");
    }
}

/// Promise 25: rates over a window, not the lifetime.
pub fn metrics_rate_arrivals_and_completions_over_a_window<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b);
    for _ in 0..20 {
        for _ in 0..5 {
            pool.submit(Task::new()).detach();
        }
        case.advance(secs(1));
    }
    let metrics = pool.metrics();
    assert!((4.0..=6.0).contains(&metrics.arrival_rate), "{metrics:?}");
    assert!((4.0..=6.0).contains(&metrics.completion_rate), "{metrics:?}");
    case.advance(secs(60));
    let metrics = pool.metrics();
    assert!(metrics.arrival_rate < 0.01 && metrics.completion_rate < 0.01, "{metrics:?}");
}

struct Telling(Log);

impl MetricsCollector for Telling {
    fn arrived(&self, task: &TaskInfo) {
        self.0.push(format!("arrived {:?}", task.name));
    }

    fn retried(&self, task: &TaskInfo, error: &str) {
        self.0.push(format!("retried {} {error}", task.attempts));
    }

    fn ended(&self, _task: &TaskInfo, how: EndKind, times: &TaskTimes) {
        let after = |from: Timestamp, to: Timestamp| to.saturating_since(from).as_secs();
        let started = times.started.map(|started| after(times.queued, started));
        self.0.push(format!("ended {how:?} {started:?} {}", after(times.queued, times.finished)));
    }
}

/// Promise 25: the user's own collector.
pub fn a_collector_hears_of_every_task<D: Driver>(case: &Case<D>) {
    let collector = Telling(case.log().clone());
    let pool = case.pool(Size::fixed(2), |b| b.collector(collector).retry(Constant(secs(5))));
    // The submitter tells of the arrival while a worker may begin already.
    pool.pause();
    let handle = pool.submit(Task::new().name("a").step(Step::FailTimes(1, Fault::sick("broken"))));
    pool.resume();
    case.advance(secs(5));
    handle.wait().expect("the retry succeeds");
    let expired = pool.submit(Task::new().delay(secs(9)).deadline(secs(2)));
    case.advance(secs(2));
    assert!(expired.wait().is_err());
    case.settle();
    assert_eq!(
        case.log().entries(),
        [
            "arrived Some(\"a\")",
            "retried 1 broken",
            "ended Completed Some(0) 0",
            "arrived None",
            "ended Expired None 2"
        ]
    );
}

/// Whether an event is of a kind.
type Kind = fn(&PoolEvent) -> bool;

/// Promise 26.
pub fn events_tell_the_life_of_a_worker<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.max_retries(0).create_backoff(Backoff::new().jitter(0.0)));
    assert_eq!(pool.value_of(Task::value(1)), 1);
    case.settle();
    let mut events = pool.events();
    case.script().next(Op::Create, [Outcome::Fail("down")]);
    let _ = pool.error_of(Task::failing(Fault::sick("broken")));
    case.settle();
    case.advance(secs(1));
    assert!(pool.stopped().is_clean());
    let kinds: [(&str, Kind); 8] = [
        ("replaced", |e| matches!(e, PoolEvent::WorkerReplaced { why: ExitReason::Unhealthy, .. })),
        ("started", |e| matches!(e, PoolEvent::WorkerStarted { .. })),
        ("creation failed", |e| matches!(e, PoolEvent::CreationFailed { retry_in: Some(_), .. })),
        ("ready", |e| matches!(e, PoolEvent::WorkerReady { .. })),
        ("stopping", |e| matches!(e, PoolEvent::Stopping { deadline: None, .. })),
        ("drained", |e| matches!(e, PoolEvent::Drained)),
        ("retired", |e| matches!(e, PoolEvent::WorkerRetired { why: ExitReason::Drained, .. })),
        ("ended", |e| matches!(e, PoolEvent::Ended)),
    ];
    let mut told = Vec::new();
    while let Some(received) = events.try_recv() {
        let Received::Event(event) = received else { panic!("nothing is missed") };
        told.push(kinds.iter().find(|(_, is)| is(&event)).map_or("something else", |(kind, _)| kind));
    }
    let expected = [
        "replaced",
        "started",
        "creation failed",
        "started",
        "ready",
        "stopping",
        "drained",
        "retired",
        "ended",
    ];
    assert_eq!(told, expected);
}

/// Promise 26: from, to, why.
pub fn events_tell_of_scaling<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 3), |b| b.scaling(Threshold::new(1).step(2)));
    let gate = case.gate();
    let handles: Vec<_> = (0..9).map(|_| pool.submit(Task::at(&gate))).collect();
    case.advance(secs(1));
    gate.open();
    handles.into_iter().for_each(|handle| drop(handle.wait().expect("it succeeds")));
    case.advance(secs(1));
    let scaled: Vec<_> = pool
        .seen()
        .into_iter()
        .filter_map(|event| {
            let PoolEvent::Scaled { from, to, .. } = event else { return None };
            Some((from, to))
        })
        .collect();
    assert_eq!(scaled, [(1, 3), (3, 1)]);
    let retired = |e: &PoolEvent| matches!(e, PoolEvent::WorkerRetired { why: ExitReason::Retired, .. });
    assert_eq!(pool.count(retired), 2);
}

/// Promise 26: bounded, lossy, and says so.
pub fn a_slow_subscriber_loses_the_oldest_and_is_told<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.event_capacity(2));
    let mut events = pool.events();
    for _ in 0..3 {
        pool.pause();
        case.settle();
        pool.resume();
        case.settle();
    }
    assert!(matches!(events.try_recv(), Some(Received::Missed(4))));
    assert!(matches!(events.try_recv(), Some(Received::Event(PoolEvent::Paused))));
    assert!(matches!(events.try_recv(), Some(Received::Event(PoolEvent::Resumed))));
    assert!(events.try_recv().is_none());
}

/// Promise 26: a subscription's end.
pub fn a_subscription_ends_with_its_pool<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let mut events = pool.events();
    let listener = case.spawn(move || {
        let mut last = None;
        while let Some(Received::Event(event)) = events.wait() {
            last = Some(event);
        }
        last
    });
    case.settle();
    assert!(pool.stopped().is_clean());
    assert_eq!(case.join(listener), Some(PoolEvent::Ended));
    assert!(pool.events().wait().is_none(), "one that comes too late is at its end");
}

fn diagnoses<D: Driver>(pool: &crate::Pool<D>) -> Vec<Diagnosis> {
    let told = |event| {
        let PoolEvent::Diagnosis(diagnosis) = event else { return None };
        Some(diagnosis)
    };
    pool.seen().into_iter().filter_map(told).collect()
}

/// Promise 26: `WorkerReplacementFailure`.
pub fn failing_replacements_are_diagnosed<D: Driver>(case: &Case<D>) {
    case.script().next(Op::Create, [Outcome::Succeed]);
    case.script().always(Op::Create, Outcome::Fail("connection refused"));
    let pool = case.pool(Size::fixed(1), |b| b.max_retries(0));
    let _ = pool.error_of(Task::failing(Fault::sick("broken")));
    case.settle();
    case.advance(secs(120));
    let told = diagnoses(&pool);
    let [Diagnosis::WorkerReplacementFailure { last_error, .. }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(&**last_error, "connection refused");
    assert!(!told[0].cause().is_empty() && !told[0].fix().is_empty());
}

/// Promise 26: `BurstScalingStuck`.
pub fn stuck_scaling_is_diagnosed<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 4), |b| b.scaling(Threshold::new(1)));
    let (creating, gate) = (case.gate(), case.gate());
    case.script().always(Op::Create, Outcome::hold(&creating));
    let handles: Vec<_> = (0..9).map(|_| pool.submit(Task::at(&gate))).collect();
    case.advance(secs(5));
    let told = diagnoses(&pool);
    let [Diagnosis::BurstScalingStuck { live: 1, queued: 8, max_workers: 4, .. }] = &told[..] else {
        panic!("{told:?}")
    };
    creating.open();
    gate.open();
    handles.into_iter().for_each(|handle| drop(handle.wait().expect("it succeeds")));
}

/// Promise 26: `ShutdownTimeout`.
pub fn a_shutdown_that_takes_too_long_is_diagnosed<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let gate = case.gate();
    let handle = pool.submit(Task::at(&gate));
    case.settle();
    let ending = pool.clone();
    let stopped = case.spawn(move || ending.stop_within(secs(3)));
    case.advance(secs(3));
    assert!(handle.wait().is_err());
    gate.open();
    case.join(stopped).expect("it is stopped outside of tasks");
    let told = diagnoses(&pool);
    let [Diagnosis::ShutdownTimeout { waited, workers_left: 1, .. }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(*waited, secs(3));
}

/// Promise 28.
pub fn bad_settings_are_refused_by_name<D: Driver>(case: &Case<D>) {
    type SetUp<D> = fn(Builder<<D as Driver>::Backend>) -> Builder<<D as Driver>::Backend>;
    let bad: [(&str, SetUp<D>); 16] = [
        ("workers", |b| b.workers(0)),
        ("max_workers", |b| b.workers(3).max_workers(2)),
        ("capacity", |b| b.capacity(0)),
        ("max_uses", |b| b.max_uses(0)),
        ("event_capacity", |b| b.event_capacity(0)),
        ("burst_interval", |b| b.burst_interval(secs(0))),
        ("idle_timeout", |b| b.idle_timeout(secs(0))),
        ("ageing", |b| b.ageing(secs(0))),
        ("ageing", |b| b.ageing(secs(1)).rank(|_| 0)),
        ("create_timeout", |b| b.create_timeout(secs(0))),
        ("destroy_timeout", |b| b.destroy_timeout(secs(0))),
        ("max_lifetime", |b| b.max_lifetime(secs(0))),
        ("probe_interval", |b| b.probe_interval(secs(0))),
        ("max_temporary", |b| b.reserve(0).max_temporary(0)),
        ("backlog", |b| b.scaling(Threshold::new(0))),
        ("factor", |b| b.retry(Backoff::new().factor(0))),
    ];
    for (field, set_up) in bad {
        let builder = set_up(case.builder(Size::fixed(1)).startup(Startup::Lazy));
        let error = case.build(builder).map(drop).expect_err(field);
        let BuildError::Config(config) = &error else { panic!("{field}: {error:?}") };
        assert_eq!(config.field, field);
        assert!(
            error.to_string().contains(&config.value) && error.to_string().contains(config.rule),
            "{error}"
        );
    }
    let backoff = Backoff::new().jitter(2.0);
    let error = case.build(case.builder(Size::fixed(1)).create_backoff(backoff)).map(drop);
    assert!(matches!(error, Err(BuildError::Config(_))), "{error:?}");
    assert_eq!(case.script().counters().create_calls, 0, "nothing was started");
}
