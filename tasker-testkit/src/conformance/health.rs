//! Sick resources are replaced and their tasks retried elsewhere; panics stay where they happen. Promises 6 to 10.

use tasker_core::metrics::{EndKind, MetricsCollector, TaskTimes};
use tasker_core::scaling::{Sample, ScalingPolicy};
use tasker_core::{
    CancelOutcome, Constant, ExitReason, PoolEvent, Priority, RetryPolicy, TaskError, TaskInfo, Timestamp,
};

use super::{millis, secs};
use crate::{Bomb, Case, Driver, Fault, Op, Outcome, Pool, Size, Step, Task};

/// One test per case of this theme.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_health {
    ($driver:ident) => {
        $crate::conformance_cases!($driver, health:
            a_task_whose_resource_turned_sick_is_retried_on_another
            with_a_single_worker_the_retry_runs_on_the_replacement
            a_task_is_retried_at_most_max_retries_times
            no_retries_means_none
            a_retry_waits_for_the_delay_of_the_policy
            when_all_workers_turn_sick_at_once_all_are_replaced
            a_retry_storm_makes_no_more_attempts_than_allowed
            a_healthy_error_goes_to_the_caller_and_changes_nothing
            a_retry_needs_no_room_in_a_full_queue
            a_cancelled_retry_never_runs
            a_retry_keeps_its_priority
            a_once_task_is_never_started_twice
            a_panic_reaches_its_caller_and_replaces_the_resource
            a_panic_after_a_wait_reaches_its_caller
            a_panic_in_the_drop_of_what_a_task_captured_stays_there
            a_panic_in_the_drop_of_what_a_task_returned_stays_there
            a_panicking_check_health_counts_as_unhealthy
            a_panicking_policy_is_reported_and_the_pool_keeps_its_size
            a_panicking_retry_policy_is_reported_and_the_task_retried
            a_panicking_collector_is_reported
            a_panicking_callback_is_reported
            a_panicking_rank_is_reported
        );
    };
}

fn sick() -> Fault {
    Fault::sick("broken")
}

fn is_replaced(why: ExitReason) -> impl Fn(&PoolEvent) -> bool {
    move |event| matches!(event, PoolEvent::WorkerReplaced { why: found, .. } if *found == why)
}

fn panicked<D: Driver>(pool: &Pool<D>, name: &str) -> usize {
    pool.count(|event| matches!(event, PoolEvent::CallbackPanicked { callback, .. } if *callback == name))
}

/// Promise 6.
pub fn a_task_whose_resource_turned_sick_is_retried_on_another<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b);
    let log = case.log().clone();
    let task = Task::new().call(move |cx| log.push(format!("{:?}", cx.worker())));
    let answer = pool.answer_to(task.step(Step::FailTimes(1, sick())));
    assert_eq!(answer.attempt, 2);
    let workers = case.log().entries();
    assert_ne!(workers[0], workers[1], "another worker, and so another resource");
    case.settle();
    case.advance(secs(1));
    assert_eq!(pool.stats().active, 2, "the count of base workers recovers");
    assert_eq!((pool.metrics().retried, pool.metrics().replaced, pool.metrics().completed), (1, 1, 1));
    assert_eq!(pool.count(is_replaced(ExitReason::Unhealthy)), 1);
    let retried =
        |e: &PoolEvent| matches!(e, PoolEvent::TaskRetried { attempt: 1, error, .. } if &**error == "broken");
    assert_eq!(pool.count(retried), 1);
}

/// Promise 6: recovers from zero.
pub fn with_a_single_worker_the_retry_runs_on_the_replacement<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    assert_eq!(pool.answer_to(Task::new()).resource, 1);
    let answer = pool.answer_to(Task::new().step(Step::FailTimes(1, sick())));
    assert_eq!((answer.attempt, answer.resource), (2, 2), "at once, no time has passed");
}

/// Promises 6 and 7: exhausted.
pub fn a_task_is_retried_at_most_max_retries_times<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.max_retries(2));
    let handle = pool.submit(Task::logs(case.log(), "attempt").step(Step::Fail(sick())));
    case.settle();
    case.advance(secs(60));
    let error = handle.wait().expect_err("it always fails");
    assert!(
        matches!(&error, TaskError::Exhausted { error, attempts: 3 } if error.text == "broken"),
        "{error:?}"
    );
    assert_eq!(case.log().count("attempt"), 3);
    let handle = pool.submit(Task::logs(case.log(), "more").retries(4).step(Step::Fail(sick())));
    case.settle();
    case.advance(secs(60));
    assert!(
        matches!(handle.wait(), Err(TaskError::Exhausted { attempts: 5, .. })),
        "a task may say otherwise"
    );
}

/// Promise 7.
pub fn no_retries_means_none<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.max_retries(0));
    let error = pool.error_of(Task::logs(case.log(), "attempt").step(Step::Fail(sick())));
    assert!(matches!(error, TaskError::Exhausted { attempts: 1, .. }), "{error:?}");
    assert_eq!(case.log().count("attempt"), 1);
}

/// Promise 6: the retry policy's delay.
pub fn a_retry_waits_for_the_delay_of_the_policy<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b.retry(Constant(secs(3))));
    let handle = pool.submit(Task::new().step(Step::FailTimes(1, sick())));
    case.settle();
    assert_eq!((pool.stats().delayed, pool.stats().busy), (1, 0));
    case.advance(millis(2999));
    assert_eq!(pool.stats().delayed, 1);
    case.advance(millis(1));
    assert_eq!(handle.wait().expect("the retry succeeds").attempt, 2);
}

/// Fault: every worker turns unhealthy at the same moment, with a full bounded queue.
pub fn when_all_workers_turn_sick_at_once_all_are_replaced<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    let pool = case.pool(Size::fixed(3), |b| b.capacity(3));
    let running: Vec<_> =
        (0..3).map(|_| pool.submit(Task::at(&gate).step(Step::FailTimes(1, sick())))).collect();
    case.settle();
    let waiting: Vec<_> = (0..3).map(|n| pool.submit(Task::value(n))).collect();
    assert!(pool.try_submit(Task::new()).is_err(), "the queue is full");
    gate.open();
    case.settle();
    case.advance(secs(10));
    for handle in running {
        assert_eq!(handle.wait().expect("the retry is kept").attempt, 2);
    }
    for (number, handle) in (0..).zip(waiting) {
        assert_eq!(handle.wait().expect("it was accepted").number, number);
    }
    assert_eq!((pool.stats().active, pool.metrics().replaced), (3, 3));
}

/// Fault: a task that always makes its worker sick.
pub fn a_retry_storm_makes_no_more_attempts_than_allowed<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b.max_retries(3));
    let poison: Vec<_> =
        (0..10).map(|_| pool.submit(Task::logs(case.log(), "attempt").step(Step::Fail(sick())))).collect();
    let good: Vec<_> = (0..10).map(|n| pool.submit(Task::value(n))).collect();
    case.settle();
    case.advance(secs(60));
    for handle in good {
        assert!(handle.is_finished(), "others are served, though after ten sick resources");
        handle.wait().expect("they succeed");
    }
    case.advance(secs(3600));
    for handle in poison {
        assert!(matches!(handle.wait(), Err(TaskError::Exhausted { attempts: 4, .. })));
    }
    assert_eq!(case.log().count("attempt"), 40);
}

/// Promise 7.
pub fn a_healthy_error_goes_to_the_caller_and_changes_nothing<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let error =
        pool.error_of(Task::logs(case.log(), "attempt").step(Step::Fail(Fault::healthy("no such row"))));
    assert!(matches!(&error, TaskError::Failed(fault) if fault.text == "no such row"), "{error:?}");
    assert_eq!(case.log().count("attempt"), 1);
    assert_eq!(pool.answer_to(Task::new()).resource, 1);
    assert_eq!((pool.metrics().failed, pool.metrics().replaced, pool.metrics().retried), (1, 0, 0));
}

/// Promise 8.
pub fn a_retry_needs_no_room_in_a_full_queue<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    let pool = case.pool(Size::fixed(1), |b| b.capacity(1));
    let retried = pool.submit(Task::at(&gate).step(Step::FailTimes(1, sick())));
    case.settle();
    let waiting = pool.submit(Task::value(5));
    gate.open();
    case.settle();
    case.advance(secs(1));
    assert_eq!(retried.wait().expect("it is kept").attempt, 2);
    assert_eq!(waiting.wait().expect("so is the other").number, 5);
}

/// Promise 8.
pub fn a_cancelled_retry_never_runs<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b.retry(Constant(secs(1))));
    let handle = pool.submit(Task::logs(case.log(), "attempt").step(Step::FailTimes(1, sick())));
    case.settle();
    assert_eq!(handle.cancel(), CancelOutcome::BeforeStart);
    assert_eq!(pool.stats().delayed, 0);
    case.advance(secs(10));
    assert_eq!(case.log().count("attempt"), 1);
    assert!(matches!(handle.wait(), Err(TaskError::Cancelled)));
}

/// Promise 8.
pub fn a_retry_keeps_its_priority<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    let pool = case.pool(Size::fixed(1), |b| b);
    let urgent = Task::at(&gate).priority(Priority::High).log(case.log(), "urgent");
    let urgent = pool.submit(urgent.step(Step::FailTimes(1, sick())));
    case.settle();
    let others: Vec<_> = (0..3).map(|_| pool.submit(Task::logs(case.log(), "other"))).collect();
    gate.open();
    case.settle();
    case.advance(secs(1));
    urgent.wait().expect("the retry succeeds");
    others.into_iter().for_each(|other| drop(other.wait().expect("it succeeds")));
    assert_eq!(case.log().entries(), ["urgent", "urgent", "other", "other", "other"]);
}

/// Promise 9.
pub fn a_once_task_is_never_started_twice<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.max_retries(3));
    let handle = pool.submit_once(Task::logs(case.log(), "attempt").step(Step::Fail(sick())));
    case.settle();
    case.advance(secs(10));
    let error = handle.wait().expect_err("it fails");
    assert!(matches!(error, TaskError::Exhausted { attempts: 1, .. }), "{error:?}");
    assert_eq!(case.log().count("attempt"), 1);
    assert_eq!(pool.metrics().retried, 0);
}

fn expect_panic<D: Driver>(case: &Case<D>, pool: &Pool<D>, task: Task, text: &str, meanwhile: impl FnOnce()) {
    let gate = case.gate();
    assert_eq!(pool.stats().active, 2);
    let other = pool.submit(Task::at(&gate));
    case.settle();
    let handle = pool.submit(task);
    case.settle();
    meanwhile();
    let error = handle.wait().expect_err("it panics");
    assert!(matches!(&error, TaskError::Panicked { message } if message.contains(text)), "{error:?}");
    case.settle();
    case.advance(secs(1));
    assert_eq!(pool.stats().active, 2, "the resource is replaced");
    gate.open();
    other.wait().expect("others are untouched");
    assert_eq!((pool.metrics().panicked, pool.metrics().replaced, pool.metrics().retried), (1, 1, 0));
    assert_eq!(pool.count(is_replaced(ExitReason::Panicked)), 1);
}

/// Promise 10.
pub fn a_panic_reaches_its_caller_and_replaces_the_resource<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b);
    expect_panic(
        case,
        &pool,
        Task::new().step(Step::Panic("index out of bounds")),
        "index out of bounds",
        || {},
    );
}

/// Promise 10: after an await.
pub fn a_panic_after_a_wait_reaches_its_caller<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b);
    let gate = case.gate();
    expect_panic(case, &pool, Task::at(&gate).step(Step::Panic("after")), "after", || {
        assert_eq!(gate.waiting(), 1);
        gate.open();
    });
}

/// Fault: a panic in the drop of captures. Whether the caller sees it depends on when they are dropped.
pub fn a_panic_in_the_drop_of_what_a_task_captured_stays_there<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.max_retries(0));
    let bomb = Bomb::new();
    let handle = pool.submit(Task::value(1).capturing(&bomb));
    case.settle();
    case.advance(secs(1));
    match handle.wait() {
        Ok(answer) => assert_eq!(answer.number, 1),
        Err(error) => assert!(matches!(error, TaskError::Panicked { .. }), "{error:?}"),
    }
    assert!(bomb.is_spent(), "it went off");
    assert_eq!(pool.value_of(Task::value(2)), 2, "the pool lives");
    assert_eq!(pool.stats().active, 1);
}

/// Fault: a panic in the drop of an output that nobody took.
pub fn a_panic_in_the_drop_of_what_a_task_returned_stays_there<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let (gate, bomb) = (case.gate(), Bomb::new());
    let handle = pool.submit_once(Task::at(&gate).step(Step::SucceedWith(bomb.clone())));
    case.settle();
    handle.detach();
    gate.open();
    case.settle();
    case.advance(secs(1));
    assert!(bomb.is_spent(), "the result was dropped");
    assert_eq!(pool.value_of(Task::value(2)), 2, "the pool lives");
    assert_eq!(pool.stats().active, 1);
}

/// Promise 10: `check_health`.
pub fn a_panicking_check_health_counts_as_unhealthy<D: Driver>(case: &Case<D>) {
    case.script().next(Op::Health, [Outcome::Panic("cannot tell")]);
    let pool = case.pool(Size::fixed(2), |b| b);
    let answer = pool.answer_to(Task::new().step(Step::FailTimes(1, Fault::healthy("odd"))));
    assert_eq!(answer.attempt, 2, "a resource that cannot be asked is not trusted");
    case.settle();
    assert_eq!(panicked(&pool, "check_health"), 1);
    assert_eq!(pool.metrics().replaced, 1);
}

#[derive(Debug)]
struct Panicky;

impl ScalingPolicy for Panicky {
    fn desired(&mut self, _now: Timestamp, _sample: &Sample) -> usize {
        panic!("no idea")
    }
}

impl RetryPolicy for Panicky {
    fn delay(&self, _attempt: u32, _seed: u64) -> std::time::Duration {
        panic!("no idea")
    }
}

impl MetricsCollector for Panicky {
    fn arrived(&self, _task: &TaskInfo) {
        panic!("no idea")
    }

    fn retried(&self, _task: &TaskInfo, _error: &str) {
        panic!("no idea")
    }

    fn ended(&self, _task: &TaskInfo, _how: EndKind, _times: &TaskTimes) {
        panic!("no idea")
    }
}

/// Promise 10: a scaling policy.
pub fn a_panicking_policy_is_reported_and_the_pool_keeps_its_size<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    let pool = case.pool(Size::range(2, 4), |b| b.scaling(Panicky));
    let handle = pool.submit(Task::at(&gate));
    case.advance(secs(1));
    assert!(panicked(&pool, "ScalingPolicy::desired") > 0);
    assert_eq!(pool.stats().active, 2);
    gate.open();
    handle.wait().expect("it succeeds");
}

/// Promise 10: a retry policy.
pub fn a_panicking_retry_policy_is_reported_and_the_task_retried<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b.retry(Panicky));
    assert_eq!(pool.answer_to(Task::new().step(Step::FailTimes(1, sick()))).attempt, 2);
    assert_eq!(panicked(&pool, "RetryPolicy::delay"), 1);
}

/// Promise 10: a metrics collector.
pub fn a_panicking_collector_is_reported<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b.collector(Panicky));
    assert_eq!(pool.answer_to(Task::new().step(Step::FailTimes(1, sick()))).attempt, 2);
    for method in ["arrived", "retried", "ended"] {
        assert_eq!(panicked(&pool, &format!("MetricsCollector::{method}")), 1);
    }
    assert_eq!(pool.metrics().completed, 1);
}

/// Promise 10: a completion callback.
pub fn a_panicking_callback_is_reported<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    pool.submit_then(Task::value(1), |_| panic!("unexpected"));
    case.settle();
    assert_eq!(panicked(&pool, "on_complete"), 1);
    assert_eq!(pool.answer_to(Task::new()).resource, 1, "the worker is untouched");
}

/// Promise 10: the user's own order.
pub fn a_panicking_rank_is_reported<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.rank(|_| panic!("no idea")));
    assert_eq!(pool.value_of(Task::value(3)), 3);
    assert_eq!(panicked(&pool, "rank"), 1);
}
