//! Time, moved by hand. Promise 29.

use tasker_core::scaling::{Sample, ScalingPolicy, Threshold};
use tasker_core::sync::{Arc, Lock};
use tasker_core::{Clock, PoolEvent, Timestamp};

use super::{millis, secs};
use crate::{Case, Driver, Fault, Op, Outcome, Size, Step, Task};

/// One test per case of this theme.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_clocks {
    ($driver:ident) => {
        $crate::conformance_cases!($driver, clocks:
            an_advance_visits_every_timer_in_its_order
            a_leap_of_a_day_makes_one_catch_up_and_no_storm
            while_the_clock_stands_still_tasks_run
            the_same_history_gives_the_same_events
            a_settled_pool_is_at_rest
        );
    };
}

/// Promise 29: all timers of a pool, in one advance.
pub fn an_advance_visits_every_timer_in_its_order<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let mut handles = Vec::new();
    for delay in [3, 1, 2] {
        let (log, clock) = (case.log().clone(), case.clock().clone());
        let task = Task::new().delay(secs(delay)).call(move |_| {
            log.push(format!("{:?}", clock.now().saturating_since(Timestamp::ZERO)));
        });
        handles.push(pool.submit(task));
    }
    case.advance(secs(10));
    assert_eq!(case.log().entries(), ["1s", "2s", "3s"]);
    handles.into_iter().for_each(|handle| drop(handle.wait().expect("it succeeds")));
    assert_eq!(case.clock().now().saturating_since(Timestamp::ZERO), secs(10));
}

#[derive(Clone, Debug, Default)]
struct Counting(Arc<Lock<usize>>);

impl ScalingPolicy for Counting {
    fn desired(&mut self, _now: Timestamp, sample: &Sample) -> usize {
        *self.0.lock() += 1;
        sample.workers
    }
}

/// Fault: the clock jumps ahead by a day.
pub fn a_leap_of_a_day_makes_one_catch_up_and_no_storm<D: Driver>(case: &Case<D>) {
    let policy = Counting::default();
    let pool = case
        .pool(Size::range(1, 2), |b| b.scaling(policy.clone()).probe_interval(secs(1)).idle_timeout(secs(1)));
    let gate = case.gate();
    let handle = pool.submit(Task::at(&gate));
    case.settle();
    case.clock().jump(secs(86_400));
    assert_eq!(*policy.0.lock(), 1, "one catch-up");
    gate.open();
    handle.wait().expect("it succeeds");
    case.settle();
    assert!(case.script().counters().probed <= 1);
    assert_eq!(pool.value_of(Task::value(1)), 1);
}

/// Fault: the clock stands still.
pub fn while_the_clock_stands_still_tasks_run<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(2, 4), |b| b.scaling(Threshold::new(1)));
    let handles = pool.submit_all((0..500).map(Task::value).collect());
    for (number, handle) in (0..).zip(handles) {
        assert_eq!(handle.wait().expect("it succeeds").number, number);
    }
    assert!(pool.stopped().is_clean());
    assert_eq!(case.clock().now(), Timestamp::ZERO);
}

/// A life with failures, jitter and age: what the pool decided, and which tasks were retried. What a worker says and
/// what the pool decides at the same moment may be told in either order.
fn history<D: Driver>(case: &Case<D>) -> (Vec<PoolEvent>, Vec<PoolEvent>) {
    case.script().next(Op::Create, [Outcome::Succeed, Outcome::Fail("down"), Outcome::Fail("down")]);
    let pool = case.pool(Size::fixed(1), |b| b.seed(7).max_lifetime(secs(50)).max_retries(5));
    for number in 0..5 {
        let handle = pool.submit(Task::value(number).step(Step::FailTimes(1, Fault::sick("broken"))));
        case.settle();
        case.advance(millis(1500));
        drop(handle.wait());
        let sick = pool.submit(Task::new().step(Step::FailTimes(2, Fault::sick("broken"))).delay(secs(3)));
        case.advance(secs(20));
        drop(sick.wait());
    }
    assert!(pool.stopped().is_clean());
    pool.seen().into_iter().partition(|event| matches!(event, PoolEvent::TaskRetried { .. }))
}

/// Promise 29: deterministically.
pub fn the_same_history_gives_the_same_events<D: Driver>(case: &Case<D>) {
    let other = Case::<D>::new();
    let (first, second) = (history(case), history(&other));
    other.finish();
    assert_eq!(first, second);
    assert!(first.1.iter().any(|event| matches!(event, PoolEvent::CreationFailed { .. })));
}

/// Promise 29: a way to wait until the pool is quiescent.
pub fn a_settled_pool_is_at_rest<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(3), |b| b);
    for round in 1..=50 {
        for _ in 0..20 {
            pool.submit(Task::new()).detach();
        }
        case.settle();
        assert_eq!((pool.stats().queued_total(), pool.stats().busy, pool.stats().idle), (0, 0, 3));
        assert_eq!(pool.metrics().completed, round * 20);
    }
}
