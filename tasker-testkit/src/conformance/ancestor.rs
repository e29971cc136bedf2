//! What the ancestor's documents ask a reader to verify, and its decision points, under their names.

use tasker_core::PoolEvent;
use tasker_core::scaling::Threshold;

use super::secs;
use crate::{Case, Driver, Fault, Size, Step, Task};

/// One test per case of this theme.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_ancestor {
    ($driver:ident) => {
        $crate::conformance_cases!($driver, ancestor:
            verification_step_1_create_and_destroy_appear_for_each_event
            verification_step_2_an_unhealthy_failure_requeues_and_makes_a_new_worker
            verification_step_3_burst_workers_rise_with_the_backlog_and_fall_with_it
            verification_step_4_after_stop_active_is_0_and_every_resource_is_destroyed
            decision_point_unhealthy_and_retries_left_requeues_and_shuts_the_worker_down
            decision_point_backlog_over_threshold_and_below_max_bursts
            decision_point_backlog_below_half_and_burst_workers_scales_down
            decision_point_terminating_stops
        );
    };
}

/// Create and destroy appear for each event.
pub fn verification_step_1_create_and_destroy_appear_for_each_event<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.max_retries(0));
    assert_eq!(pool.value_of(Task::value(1)), 1);
    let _ = pool.error_of(Task::failing(Fault::sick("broken")));
    case.settle();
    assert!(pool.stopped().is_clean());
    assert_eq!(case.script().log().entries(), ["create 1", "destroy 1", "create 2", "destroy 2"]);
}

/// An unhealthy failure requeues and makes a new worker.
pub fn verification_step_2_an_unhealthy_failure_requeues_and_makes_a_new_worker<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    assert_eq!(pool.value_of(Task::value(1)), 1);
    let answer = pool.answer_to(Task::new().step(Step::FailTimes(1, Fault::sick("broken"))));
    assert_eq!((answer.attempt, answer.resource), (2, 2));
    case.settle();
    assert_eq!((pool.metrics().retried, pool.metrics().replaced, pool.stats().active), (1, 1, 1));
}

/// Burst workers rise with the backlog and fall with it.
pub fn verification_step_3_burst_workers_rise_with_the_backlog_and_fall_with_it<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(2, 6), |b| b.scaling(Threshold::new(5)));
    let gate = case.gate();
    let handles: Vec<_> = (0..20).map(|_| pool.submit(Task::at(&gate))).collect();
    case.advance(secs(1));
    assert_eq!((pool.stats().base, pool.stats().burst), (2, 4));
    gate.open();
    handles.into_iter().for_each(|handle| drop(handle.wait().expect("it succeeds")));
    case.advance(secs(1));
    assert_eq!((pool.stats().base, pool.stats().burst), (2, 0));
}

/// After stop active is 0 and every resource is destroyed.
pub fn verification_step_4_after_stop_active_is_0_and_every_resource_is_destroyed<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(3), |b| b);
    let handles = pool.submit_all((0..50).map(Task::value).collect());
    pool.run(Task::new()).expect("it runs");
    let report = pool.stopped();
    assert!(report.is_clean());
    assert_eq!((report.done, pool.stats().active), (50, 0));
    let counters = case.script().counters();
    assert_eq!((counters.created, counters.destroyed), (4, 4));
    handles.into_iter().for_each(|handle| drop(handle.wait().expect("it succeeds")));
}

/// Unhealthy and retries left.
pub fn decision_point_unhealthy_and_retries_left_requeues_and_shuts_the_worker_down<D: Driver>(
    case: &Case<D>,
) {
    let pool = case.pool(Size::fixed(2), |b| b.max_retries(1));
    let error = pool.error_of(Task::failing(Fault::sick("broken")));
    assert!(error.to_string().contains("2 attempts"), "{error}");
    case.settle();
    assert_eq!(pool.count(|event| matches!(event, PoolEvent::TaskRetried { .. })), 1, "left once");
    assert_eq!(
        pool.count(|event| matches!(event, PoolEvent::WorkerReplaced { .. })),
        2,
        "shut down each time"
    );
}

/// Backlog over the threshold, and below the maximum.
pub fn decision_point_backlog_over_threshold_and_below_max_bursts<D: Driver>(case: &Case<D>) {
    super::scaling::a_backlog_above_the_threshold_adds_step_workers_each_interval(case);
}

/// Backlog below half of the threshold, and burst workers there.
pub fn decision_point_backlog_below_half_and_burst_workers_scales_down<D: Driver>(case: &Case<D>) {
    super::scaling::below_half_the_threshold_burst_workers_retire_down_to_the_base(case);
}

/// Terminating.
pub fn decision_point_terminating_stops<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 4), |b| b.scaling(Threshold::new(2)));
    let gate = case.gate();
    let mut handles: Vec<_> = (0..10).map(|_| pool.submit(Task::at(&gate))).collect();
    case.advance(secs(1));
    assert_eq!(pool.stats().burst, 3);
    let stopping = pool.clone();
    let stopped = case.spawn(move || stopping.stopped());
    case.settle();
    assert!(pool.try_submit(Task::new()).is_err(), "no more is taken");
    assert_eq!(pool.stats().active, 4, "burst workers help to drain");
    gate.open();
    let report = case.join(stopped);
    assert!(report.is_clean());
    assert_eq!(report.done, 10);
    handles.drain(..).for_each(|handle| drop(handle.wait().expect("it succeeds")));
}
