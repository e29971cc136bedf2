//! How many workers there are, and who may change that. Promises 17 to 19.

use std::time::Duration;

use tasker_core::metrics::Stats;
use tasker_core::scaling::{
    Fixed, RateBased, Sample, ScalingPolicy, ScalingPolicyExt, Threshold, Utilization,
};
use tasker_core::sync::{Arc, Lock};
use tasker_core::{PoolEvent, ScaleReason, Timestamp};

use super::{millis, secs};
use crate::{Case, Driver, Fault, Gate, Handle, Op, Outcome, Pool, Size, Step, Task};

/// One test per case of this theme.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_scaling {
    ($driver:ident) => {
        $crate::conformance_cases!($driver, scaling:
            a_backlog_above_the_threshold_adds_step_workers_each_interval
            below_half_the_threshold_burst_workers_retire_down_to_the_base
            between_the_two_the_size_stays
            scaling_down_never_interrupts_a_task
            a_fixed_pool_keeps_its_size
            a_rate_based_pool_grows_with_the_arrivals_and_shrinks_after
            a_utilized_pool_grows_with_the_load_and_shrinks_after
            combined_policies_drive_a_pool
            what_a_policy_asks_for_is_clamped
            an_oscillating_policy_never_overshoots
            a_policy_sees_levels_and_counters
            workers_being_destroyed_count_against_the_maximum
            workers_that_cannot_be_created_count_against_the_maximum
            a_pool_is_resized_while_it_runs
            a_resize_that_makes_no_sense_is_refused
            a_paused_pool_takes_tasks_and_starts_none
            a_warmed_up_pool_has_its_workers_ready
            an_idle_pool_asks_its_policy_nothing
            no_worker_is_added_while_stopping
        );
    };
}

/// A policy that keeps as many workers as there are.
#[derive(Debug)]
pub(super) struct Keep;

impl ScalingPolicy for Keep {
    fn desired(&mut self, _now: Timestamp, sample: &Sample) -> usize {
        sample.live + sample.creating
    }
}

/// A policy that a case talks to.
#[derive(Clone, Debug, Default)]
struct Told {
    wanted: Arc<Lock<usize>>,
    samples: Arc<Lock<Vec<Sample>>>,
}

impl Told {
    fn new(wanted: usize) -> Self {
        let told = Self::default();
        told.want(wanted);
        told
    }

    fn want(&self, workers: usize) {
        *self.wanted.lock() = workers;
    }

    fn asked(&self) -> usize {
        self.samples.lock().len()
    }
}

impl ScalingPolicy for Told {
    fn desired(&mut self, _now: Timestamp, sample: &Sample) -> usize {
        self.samples.lock().push(sample.clone());
        *self.wanted.lock()
    }
}

fn at_gate<D: Driver>(pool: &Pool<D>, gate: &Gate, tasks: usize) -> Vec<Handle> {
    (0..tasks).map(|_| pool.submit(Task::at(gate))).collect()
}

fn all_succeed(handles: Vec<Handle>) {
    for handle in handles {
        handle.wait().expect("it succeeds");
    }
}

/// Base and burst workers.
const fn sizes(stats: &Stats) -> (usize, usize) {
    (stats.base, stats.burst)
}

const TICK: Duration = millis(100);

/// Promise 17: `Threshold`, up. Decision point: backlog over threshold and below max.
pub fn a_backlog_above_the_threshold_adds_step_workers_each_interval<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 6), |b| b.scaling(Threshold::new(4).step(2)));
    let gate = case.gate();
    let handles = at_gate(&pool, &gate, 20);
    case.settle();
    assert_eq!(sizes(&pool.stats()), (1, 0));
    let mut grown = Vec::new();
    for _ in 0..5 {
        case.advance(TICK);
        grown.push(pool.stats().active);
    }
    assert_eq!(grown, [3, 5, 6, 6, 6]);
    let up = |event: &PoolEvent| matches!(event, PoolEvent::Scaled { why: ScaleReason::Policy, .. });
    assert_eq!(pool.count(up), 3);
    gate.open();
    all_succeed(handles);
}

/// Promise 17: `Threshold`, down. Decision point: backlog below half and burst workers.
pub fn below_half_the_threshold_burst_workers_retire_down_to_the_base<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 6), |b| b.scaling(Threshold::new(4).step(2)));
    let gate = case.gate();
    let handles = at_gate(&pool, &gate, 20);
    case.advance(secs(1));
    assert_eq!(sizes(&pool.stats()), (1, 5));
    gate.open();
    all_succeed(handles);
    case.settle();
    let mut shrunk = Vec::new();
    for _ in 0..4 {
        case.advance(TICK);
        shrunk.push(pool.stats().active);
    }
    assert_eq!(shrunk, [4, 2, 1, 1]);
    assert_eq!(case.script().counters().destroyed, 5);
}

/// Promise 17: `Threshold`, stable.
pub fn between_the_two_the_size_stays<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 6), |b| b.scaling(Threshold::new(4).step(1)));
    let gate = case.gate();
    let handles = at_gate(&pool, &gate, 6);
    case.advance(secs(1));
    assert_eq!(pool.stats().active, 2, "one more brought the backlog to the threshold");
    assert_eq!(pool.stats().queued_total(), 4);
    gate.open();
    all_succeed(handles);
}

/// Promise 18.
pub fn scaling_down_never_interrupts_a_task<D: Driver>(case: &Case<D>) {
    let policy = Told::new(4);
    let pool = case.pool(Size::range(1, 4), |b| b.scaling(policy.clone()));
    let gate = case.gate();
    let handles = at_gate(&pool, &gate, 4);
    case.advance(secs(1));
    assert_eq!((pool.stats().active, gate.waiting()), (4, 4));
    policy.want(1);
    case.advance(secs(60));
    assert_eq!((pool.stats().busy, gate.waiting()), (4, 4), "all go on");
    gate.admit(2);
    case.advance(secs(1));
    assert_eq!(pool.stats().active, 2, "whoever comes back first leaves");
    gate.open();
    all_succeed(handles);
    case.advance(secs(1));
    assert_eq!((pool.stats().active, pool.metrics().replaced), (1, 0));
}

/// Promise 17: `Fixed`.
pub fn a_fixed_pool_keeps_its_size<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(2, 8), |b| b.scaling(Fixed::new()));
    let gate = case.gate();
    let handles = at_gate(&pool, &gate, 100);
    case.advance(secs(10));
    assert_eq!(pool.stats().active, 2);
    gate.open();
    all_succeed(handles);
}

/// Tasks that take a second each, `rate` of them each second, for so long; returns the most workers there were.
fn under_load<D: Driver>(case: &Case<D>, pool: &Pool<D>, rate: usize, seconds: usize) -> usize {
    let mut most = 0;
    let mut under_way: Vec<(Gate, Handle)> = Vec::new();
    for _ in 0..seconds {
        for _ in 0..rate {
            let gate = case.gate();
            let handle = pool.submit(Task::at(&gate));
            under_way.push((gate, handle));
        }
        case.advance(secs(1));
        most = most.max(pool.stats().active);
        let (started, waiting): (Vec<_>, Vec<_>) =
            under_way.into_iter().partition(|(gate, _)| gate.waiting() > 0);
        for (gate, handle) in started {
            gate.open();
            handle.wait().expect("it succeeds");
        }
        under_way = waiting;
        case.settle();
    }
    for (gate, handle) in under_way {
        gate.open();
        handle.wait().expect("it succeeds");
    }
    most
}

fn grows_and_shrinks<D: Driver>(case: &Case<D>, policy: impl ScalingPolicy) {
    let pool = case.pool(Size::range(1, 8), |b| b.scaling(policy));
    let most = under_load(case, &pool, 4, 60);
    assert!((4..=8).contains(&most), "four seconds of work a second need four workers: {most}");
    case.advance(secs(120));
    assert_eq!(sizes(&pool.stats()), (1, 0), "the load is gone, and so are the burst workers");
}

/// Promise 17: `RateBased`, over a window.
pub fn a_rate_based_pool_grows_with_the_arrivals_and_shrinks_after<D: Driver>(case: &Case<D>) {
    grows_and_shrinks(case, RateBased::new());
}

/// Promise 17: `Utilization`.
pub fn a_utilized_pool_grows_with_the_load_and_shrinks_after<D: Driver>(case: &Case<D>) {
    grows_and_shrinks(case, Utilization::new());
}

/// Promise 17: combinators.
pub fn combined_policies_drive_a_pool<D: Driver>(case: &Case<D>) {
    let policy =
        Threshold::new(1).max_of(RateBased::new()).hysteresis(1).cooldown(secs(1), secs(1)).clamp(1, 5);
    let pool = case.pool(Size::range(1, 8), |b| b.scaling(policy));
    let most = under_load(case, &pool, 8, 30);
    assert!((3..=5).contains(&most), "clamped at 5: {most}");
    case.advance(secs(300));
    assert!(pool.stats().active <= 2, "all but what hysteresis keeps is gone");
}

/// Fault: a policy that returns 0 or `usize::MAX`.
pub fn what_a_policy_asks_for_is_clamped<D: Driver>(case: &Case<D>) {
    let policy = Told::new(usize::MAX);
    let pool = case.pool(Size::range(2, 5), |b| b.scaling(policy.clone()));
    let gate = case.gate();
    let handles = at_gate(&pool, &gate, 1);
    case.advance(secs(1));
    assert_eq!(pool.stats().active, 5);
    policy.want(0);
    case.advance(secs(1));
    assert_eq!(pool.stats().active, 2);
    gate.open();
    all_succeed(handles);
}

/// Fault: a policy that oscillates.
pub fn an_oscillating_policy_never_overshoots<D: Driver>(case: &Case<D>) {
    let policy = Told::new(1);
    let slow = case.gate();
    let pool = case.pool(Size::range(1, 4), |b| b.scaling(policy.clone()).destroy_timeout(secs(60)));
    let gate = case.gate();
    let handles = at_gate(&pool, &gate, 1);
    for round in 0..40 {
        policy.want(if round % 2 == 0 { 4 } else { 1 });
        if round == 20 {
            case.script().always(Op::Destroy, Outcome::hold(&slow));
        }
        case.advance(TICK);
        let stats = pool.stats();
        assert!(stats.starting + stats.active + stats.stopping <= 4, "{stats:?}");
        assert!(stats.active >= 1, "{stats:?}");
    }
    slow.open();
    gate.open();
    all_succeed(handles);
}

/// Promise 17: custom ones plug in.
pub fn a_policy_sees_levels_and_counters<D: Driver>(case: &Case<D>) {
    let policy = Told::new(2);
    let pool = case.pool(Size::range(1, 3), |b| b.scaling(policy.clone()).burst_interval(secs(1)));
    let gate = case.gate();
    let mut handles = at_gate(&pool, &gate, 3);
    handles.push(pool.submit(Task::new().delay(secs(60))));
    case.settle();
    let failed = pool.submit(Task::failing(Fault::healthy("no")).priority(tasker_core::Priority::High));
    gate.admit(1);
    assert!(failed.wait().is_err());
    case.settle();
    case.advance(secs(1));
    let sample = policy.samples.lock().first().cloned().expect("it was asked");
    assert_eq!((sample.workers, sample.max_workers, sample.live, sample.creating), (1, 3, 1, 0));
    assert_eq!((sample.busy, sample.queued, sample.delayed), (1, 1, 1));
    assert_eq!((sample.arrived, sample.started, sample.completed, sample.failed), (5, 3, 2, 1));
    assert_eq!((sample.created, sample.create_failed, sample.failing), (1, 0, 0));
    gate.open();
    case.advance(secs(60));
    all_succeed(handles);
}

/// Promise 18: destroying workers count.
pub fn workers_being_destroyed_count_against_the_maximum<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    let pool = case.pool(Size::fixed(2), |b| b.max_retries(0).destroy_timeout(secs(60)));
    assert_eq!(pool.value_of(Task::value(1)), 1);
    case.script().next(Op::Destroy, [Outcome::hold(&gate), Outcome::hold(&gate)]);
    for _ in 0..2 {
        let _ = pool.error_of(Task::failing(Fault::sick("broken")));
        case.settle();
    }
    case.advance(secs(30));
    let stats = pool.stats();
    assert_eq!((stats.active, stats.starting, stats.stopping, stats.backing_off), (0, 0, 2, 2));
    gate.open();
    case.settle();
    assert_eq!(pool.stats().active, 2);
}

/// Promise 18: creating workers count.
pub fn workers_that_cannot_be_created_count_against_the_maximum<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    let pool = case.pool(Size::range(1, 4), |b| b.scaling(Threshold::new(1).step(3)));
    case.script().always(Op::Create, Outcome::hold(&gate));
    let tasks = case.gate();
    let handles = at_gate(&pool, &tasks, 50);
    case.advance(secs(10));
    let stats = pool.stats();
    assert_eq!((stats.active, stats.starting), (1, 3));
    gate.open();
    tasks.open();
    all_succeed(handles);
}

/// Promise 19: resize.
pub fn a_pool_is_resized_while_it_runs<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(2, 6), |b| b.scaling(Fixed::new()));
    pool.resize(5, 6).expect("it makes sense");
    case.settle();
    assert_eq!(sizes(&pool.stats()), (5, 0));
    let gate = case.gate();
    let handles = at_gate(&pool, &gate, 5);
    case.settle();
    pool.resize(1, 2).expect("it makes sense");
    case.advance(secs(1));
    assert_eq!(pool.stats().busy, 5, "no task is interrupted");
    gate.open();
    all_succeed(handles);
    case.advance(secs(1));
    assert!((1..=2).contains(&pool.stats().active), "{:?}", pool.stats());
    let why = |event: &PoolEvent| matches!(event, PoolEvent::Scaled { why: ScaleReason::Resize, .. });
    assert_eq!(pool.count(why), 2);
}

/// Promise 19: a resize that makes no sense.
pub fn a_resize_that_makes_no_sense_is_refused<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 3), |b| b.scaling(Keep));
    assert_eq!(pool.resize(0, 3).expect_err("it makes no sense").field, "workers");
    assert_eq!(pool.resize(3, 2).expect_err("it makes no sense").field, "max_workers");
    case.settle();
    assert_eq!(pool.stats().active, 1);
}

/// Promise 19: pause and resume.
pub fn a_paused_pool_takes_tasks_and_starts_none<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b);
    let gate = case.gate();
    let running = pool.submit(Task::at(&gate).log(case.log(), "running"));
    case.settle();
    pool.pause();
    let waiting = pool.submit(Task::logs(case.log(), "waiting"));
    gate.open();
    running.wait().expect("what runs goes on");
    case.advance(secs(60));
    assert_eq!((pool.stats().queued_total(), pool.stats().busy, pool.stats().paused), (1, 0, true));
    pool.resume();
    assert!(!pool.stats().paused);
    waiting.wait().expect("it starts again");
    assert_eq!(case.log().entries(), ["running", "waiting"]);
    for _ in 0..100 {
        pool.pause();
        let waiting = pool.submit(Task::logs(case.log(), "at once"));
        case.settle();
        assert_eq!(pool.stats().queued_total(), 1, "nothing starts once `pause` has returned");
        pool.resume();
        waiting.wait().expect("it starts again");
    }
    case.settle();
    let told = |e: &PoolEvent| matches!(e, PoolEvent::Paused | PoolEvent::Resumed);
    assert_eq!(pool.count(told), 202);
}

/// Promise 19: warm-up.
pub fn a_warmed_up_pool_has_its_workers_ready<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 4), |b| b.scaling(Keep));
    pool.warm_up(3);
    assert_eq!(pool.stats().active, 3);
    pool.warm_up(100);
    assert_eq!(pool.stats().active, 4, "within the bounds");
    let why = |event: &PoolEvent| matches!(event, PoolEvent::Scaled { why: ScaleReason::WarmUp, .. });
    assert_eq!(pool.count(why), 2);
}

/// Decision `idle costs nothing`.
pub fn an_idle_pool_asks_its_policy_nothing<D: Driver>(case: &Case<D>) {
    let policy = Told::new(1);
    let pool = case.pool(Size::range(1, 4), |b| b.scaling(policy.clone()));
    assert_eq!(pool.value_of(Task::value(1)), 1);
    case.advance(secs(1));
    let asked = policy.asked();
    case.advance(secs(3600));
    assert_eq!(policy.asked(), asked);
    let gate = case.gate();
    let handles = at_gate(&pool, &gate, 1);
    case.advance(secs(1));
    assert_eq!(policy.asked(), asked + 10, "and wakes with the work");
    gate.open();
    all_succeed(handles);
}

/// Fault: scale up while stopping.
pub fn no_worker_is_added_while_stopping<D: Driver>(case: &Case<D>) {
    let policy = Told::new(4);
    let pool = case.pool(Size::range(1, 4), |b| b.scaling(policy.clone()));
    let gate = case.gate();
    let mut handles = at_gate(&pool, &gate, 1);
    case.settle();
    handles.push(pool.submit(Task::new().step(Step::Succeed(1))));
    let stopping = pool.clone();
    let stopped = case.spawn(move || stopping.stopped());
    case.advance(secs(10));
    assert_eq!((policy.asked(), case.script().counters().created), (0, 1));
    gate.open();
    assert!(case.join(stopped).is_clean());
    all_succeed(handles);
}
