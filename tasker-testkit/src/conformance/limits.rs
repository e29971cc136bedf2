//! Settings and options that are out of range, contradict each other, or are as large or small as they can be.

use std::time::Duration;

use tasker_core::builder::Builder;
use tasker_core::scaling::{Fixed, Threshold};
use tasker_core::{Backoff, BuildError, Constant, TaskError};

use crate::{Case, Driver, Fault, Size, Task};

/// One test per case of this theme.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_limits {
    ($driver:ident) => {
        $crate::conformance_cases!($driver, limits:
            a_setting_that_makes_no_sense_is_refused_with_field_value_and_rule
            settings_as_large_as_they_can_be_overflow_and_allocate_nothing
            settings_as_small_as_they_can_be_are_served
            a_pool_is_resized_to_no_end_and_stopped_by_no_deadline
            times_of_a_task_as_long_as_they_can_be_never_come
            times_of_a_task_of_zero_have_come
        );
    };
}

/// Field, value and rule of the refusal, and what is set.
type Row<B> = (&'static str, &'static str, &'static str, fn(Builder<B>) -> Builder<B>);

const ONE: &str = "must be at least 1";
const LONG: &str = "must be longer than zero";

fn table<D: Driver>() -> Vec<Row<D::Backend>> {
    vec![
        ("workers", "0", ONE, |b| b.workers(0)),
        ("workers", "0", ONE, |b| b.workers(0).max_workers(0)),
        ("max_workers", "0", "must not be less than `workers`", |b| b.max_workers(0)),
        ("max_workers", "3", "must not be less than `workers`", |b| b.workers(4).max_workers(3)),
        ("max_workers", "1", "must not be less than `workers`", |b| b.workers(usize::MAX).max_workers(1)),
        ("capacity", "0", ONE, |b| b.capacity(0)),
        ("max_uses", "0", ONE, |b| b.max_uses(0)),
        ("event_capacity", "0", ONE, |b| b.event_capacity(0)),
        ("burst_interval", "0s", LONG, |b| b.burst_interval(Duration::ZERO)),
        ("idle_timeout", "0s", LONG, |b| b.idle_timeout(Duration::ZERO)),
        ("ageing", "0s", LONG, |b| b.ageing(Duration::ZERO)),
        ("create_timeout", "0s", LONG, |b| b.create_timeout(Duration::ZERO)),
        ("destroy_timeout", "0s", LONG, |b| b.destroy_timeout(Duration::ZERO)),
        ("max_lifetime", "0s", LONG, |b| b.max_lifetime(Duration::ZERO)),
        ("probe_interval", "0s", LONG, |b| b.probe_interval(Duration::ZERO)),
        ("max_temporary", "0", "must be at least 1 if `reserve` is 0", |b| b.reserve(0).max_temporary(0)),
        ("ageing", "set", "cannot be combined with `rank`", |b| b.ageing(Duration::MAX).rank(|_| 0)),
        ("factor", "0", ONE, |b| b.create_backoff(Backoff::new().factor(0))),
        ("jitter", "NaN", "must lie between 0 and 1", |b| b.create_backoff(Backoff::new().jitter(f64::NAN))),
        ("jitter", "-0.5", "must lie between 0 and 1", |b| b.retry(Backoff::new().jitter(-0.5))),
        ("jitter", "inf", "must lie between 0 and 1", |b| b.retry(Backoff::new().jitter(f64::INFINITY))),
        ("backlog", "0", ONE, |b| b.scaling(Threshold::new(0))),
        ("step", "0", ONE, |b| b.scaling(Threshold::new(1).step(0))),
        ("at", "0", ONE, |b| b.scaling(Fixed::at(0))),
    ]
}

/// Promise 28.
pub fn a_setting_that_makes_no_sense_is_refused_with_field_value_and_rule<D: Driver>(case: &Case<D>) {
    for (field, value, rule, set) in table::<D>() {
        let refused = match case.build(set(case.builder(Size::fixed(1)))) {
            Err(BuildError::Config(refused)) => refused,
            other => panic!("`{field}` as {value} gave {other:?}"),
        };
        assert_eq!((refused.field, refused.value.as_str()), (field, value), "{refused}");
        assert!(refused.rule.starts_with(rule), "{refused}");
    }
    assert_eq!(case.script().counters().created, 0, "nothing was begun");
}

fn endless<D: Driver>(builder: Builder<D::Backend>) -> Builder<D::Backend> {
    let backoff = Backoff::new().first(Duration::MAX).max(Duration::MAX).factor(u32::MAX);
    builder
        .max_workers(usize::MAX)
        .scaling(Threshold::new(usize::MAX).step(usize::MAX))
        .capacity(usize::MAX)
        .ageing(Duration::MAX)
        .max_retries(u32::MAX)
        .retry(Constant(Duration::MAX))
        .create_timeout(Duration::MAX)
        .create_backoff(backoff)
        .create_retries(u32::MAX)
        .breaker_threshold(u32::MAX)
        .destroy_timeout(Duration::MAX)
        .max_lifetime(Duration::MAX)
        .max_uses(u64::MAX)
        .probe_interval(Duration::MAX)
        .idle_timeout(Duration::MAX)
        .burst_interval(Duration::MAX)
        .reserve(usize::MAX)
        .max_temporary(usize::MAX)
        .max_abandoned(usize::MAX)
        .grace(Duration::MAX)
        .event_capacity(usize::MAX)
        .seed(u64::MAX)
}

/// Nothing is allocated by a configured size: this could not be built otherwise.
pub fn settings_as_large_as_they_can_be_overflow_and_allocate_nothing<D: Driver>(case: &Case<D>) {
    // Without a maximum the broken worker is replaced while its resource is being destroyed.
    let pool = case.pool(Size::range(1, 2).serving(1, 1), endless::<D>);
    let mut events = pool.events();
    assert_eq!(pool.value_of(Task::value(1)), 1);
    assert_eq!(pool.run(Task::value(2)).expect("it runs").number, 2);
    let handle = pool.submit(Task::failing(Fault::sick("broken")));
    case.settle();
    case.advance(Duration::from_secs(86_400));
    assert!(!handle.is_finished(), "its retry waits for ever");
    handle.cancel();
    assert_eq!(pool.value_of(Task::value(3)), 3);
    assert!(events.try_recv().is_some());
    assert_eq!(pool.stopped().undone, 0);
}

/// Zero where it means "none" or "at once".
pub fn settings_as_small_as_they_can_be_are_served<D: Driver>(case: &Case<D>) {
    let nanosecond = Duration::from_nanos(1);
    let pool = case.pool(Size::fixed(1).serving(0, 1), |b| {
        b.capacity(1)
            .max_retries(0)
            .retry(Constant(Duration::ZERO))
            .create_backoff(Backoff::new().first(Duration::ZERO).max(Duration::ZERO).factor(1).jitter(0.0))
            .create_retries(0)
            .breaker_threshold(0)
            .max_uses(1)
            .burst_interval(nanosecond)
            .grace(Duration::ZERO)
            .spin(0)
            .max_abandoned(0)
            .event_capacity(1)
            .seed(0)
    });
    for number in 0..3 {
        assert_eq!(pool.value_of(Task::value(number)), number);
        case.settle();
    }
    assert_eq!(pool.run(Task::value(7)).expect("it runs").number, 7);
    let error = pool.error_of(Task::failing(Fault::sick("broken")));
    assert!(matches!(error, TaskError::Exhausted { attempts: 1, .. }), "{error:?}");
}

/// Bounds and deadlines that are given later.
pub fn a_pool_is_resized_to_no_end_and_stopped_by_no_deadline<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 2), |b| b.scaling(Fixed::new()));
    for (workers, max_workers) in [(0, 0), (0, usize::MAX), (2, 1), (usize::MAX, 1)] {
        let refused = pool.resize(workers, max_workers).expect_err("these bounds make no sense");
        let named = if workers == 0 { "workers" } else { "max_workers" };
        assert_eq!(refused.field, named, "{refused}");
    }
    pool.resize(2, usize::MAX).expect("no bound is too high");
    pool.warm_up(0);
    case.settle();
    assert_eq!(pool.stats().active, 2);
    assert_eq!(pool.value_of(Task::value(1)), 1);
    let report = pool.stop_within(Duration::MAX).expect("it is stopped outside of tasks");
    assert!(report.is_clean(), "{report}");
}

/// Times that are never over.
pub fn times_of_a_task_as_long_as_they_can_be_never_come<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let mut task = Task::value(1);
    task.options.timeout = Some(Duration::MAX);
    task.options.deadline = Some(Duration::MAX);
    task.options.retries = Some(u32::MAX);
    assert_eq!(pool.value_of(task.clone()), 1);
    task.options.delay = Some(Duration::MAX);
    let mut handle = pool.submit(task.clone());
    case.settle();
    case.advance(Duration::from_secs(86_400));
    assert_eq!(pool.stats().delayed, 1);
    assert!(handle.wait_timeout(Duration::ZERO).is_none());
    handle.cancel();
    task.options.delay = None;
    let room = pool.submit_timeout(Duration::MAX, task).expect("there is room");
    assert_eq!(room.wait().expect("it runs").number, 1);
}

/// Times that are over at once.
pub fn times_of_a_task_of_zero_have_come<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    // On threads a task may have begun before its time is up, and then holds the worker until its gate opens.
    let (expiring, timing_out, mut task) = (case.gate(), case.gate(), Task::value(1));
    task.options.delay = Some(Duration::ZERO);
    assert_eq!(pool.value_of(task), 1);
    let mut expires = Task::at(&expiring);
    expires.options.deadline = Some(Duration::ZERO);
    assert!(matches!(pool.error_of(expires), TaskError::Expired { .. }));
    expiring.open();
    let mut times_out = Task::at(&timing_out);
    times_out.options.timeout = Some(Duration::ZERO);
    assert!(matches!(pool.error_of(times_out), TaskError::TimedOut { .. }));
    timing_out.open();
    let now = pool.submit_timeout(Duration::ZERO, Task::value(2)).expect("there is room at once");
    assert_eq!(now.wait().expect("it runs").number, 2);
}
