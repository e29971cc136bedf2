//! What may be asked for a task, and its handle. Promises 13 and 14.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};

use tasker_core::parker::block_on;
use tasker_core::sync::{Arc, Lock};
use tasker_core::{CancelOutcome, ExitReason, PoolEvent, TaskError};

use super::{millis, secs};
use crate::{Case, Driver, Fault, Size, Step, Task};

/// One test per case of this theme.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tasks {
    ($driver:ident) => {
        $crate::conformance_cases!($driver, tasks:
            a_task_that_runs_too_long_is_answered_at_its_timeout
            after_a_timeout_nothing_is_retried
            a_task_that_asks_for_it_is_retried_after_a_timeout
            an_interrupted_task_is_dropped_and_its_resource_replaced
            a_cancel_safe_task_keeps_its_resource
            a_cancelled_task_on_a_thread_reads_it_from_its_context
            a_worker_that_does_not_come_back_is_abandoned_and_replaced
            beyond_the_cap_a_stuck_worker_is_not_replaced
            a_deadline_passes_before_the_start
            a_deadline_passes_while_the_task_runs
            a_delayed_task_starts_no_sooner
            a_task_knows_its_name_attempt_and_deadline
            a_task_cancelled_before_its_start_never_starts
            a_cancel_says_whether_it_came_too_late
            a_task_is_cancelled_from_another_thread
            a_wait_that_gives_up_leaves_the_task_running
            a_dropped_await_leaves_the_task_running
            a_dropped_handle_detaches_its_task
            a_handle_cancels_on_drop_if_told_to
            a_handle_is_awaited_without_a_runtime
            a_callback_gets_the_result
            many_tasks_are_submitted_in_their_order
            a_panicking_waker_harms_nobody
        );
    };
}

/// Promise 13: `timeout`.
pub fn a_task_that_runs_too_long_is_answered_at_its_timeout<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.grace(secs(60)));
    assert_eq!(pool.answer_to(Task::new()).resource, 1);
    let gate = case.gate();
    let handle = pool.submit(Task::at(&gate).timeout(secs(5)));
    case.advance(millis(4999));
    assert!(!handle.is_finished());
    case.advance(millis(1));
    assert!(handle.is_finished(), "at once");
    let error = handle.wait().expect_err("it timed out");
    assert!(matches!(error, TaskError::TimedOut { after } if after == secs(5)), "{error:?}");
    gate.open();
    let resource = pool.answer_to(Task::new()).resource;
    assert_eq!(resource, if case.can().interrupts_tasks { 2 } else { 1 });
    assert_eq!(pool.metrics().timed_out, 1);
}

/// Decision `after a timeout`: no retry.
pub fn after_a_timeout_nothing_is_retried<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b);
    let gate = case.gate();
    let handle = pool.submit(Task::logs(case.log(), "attempt").pass(&gate).timeout(secs(1)));
    case.advance(secs(1));
    gate.open();
    case.settle();
    case.advance(secs(10));
    assert!(matches!(handle.wait(), Err(TaskError::TimedOut { .. })));
    assert_eq!(case.log().count("attempt"), 1);
}

/// Decision `after a timeout`: unless the task asks.
pub fn a_task_that_asks_for_it_is_retried_after_a_timeout<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b.grace(secs(60)));
    let gate = case.gate();
    // On threads the first attempt goes on, and is retried for returning an error after its time.
    let task = Task::at(&gate).step(Step::FailTimes(1, Fault::healthy("late"))).timeout(secs(1));
    let handle = pool.submit(task.retry_on_timeout());
    case.advance(secs(1));
    assert!(!handle.is_finished());
    gate.open();
    case.settle();
    case.advance(secs(1));
    assert_eq!(handle.wait().expect("the second attempt succeeds").attempt, 2);
    assert_eq!(pool.metrics().retried, 1);
}

/// Promise 13: on async a cancelled running task is dropped at its await point and its resource replaced.
pub fn an_interrupted_task_is_dropped_and_its_resource_replaced<D: Driver>(case: &Case<D>) {
    if !case.can().interrupts_tasks {
        return;
    }
    let pool = case.pool(Size::fixed(1), |b| b);
    assert_eq!(pool.answer_to(Task::new()).resource, 1);
    let gate = case.gate();
    let handle = pool.submit(Task::at(&gate).log(case.log(), "went on"));
    case.settle();
    assert_eq!(handle.cancel(), CancelOutcome::WhileRunning);
    case.settle();
    assert_eq!(gate.waiting(), 0, "it was dropped where it waited");
    assert!(matches!(handle.wait(), Err(TaskError::Cancelled)));
    assert_eq!(pool.answer_to(Task::new()).resource, 2);
    assert_eq!(case.log().count("went on"), 0);
    let why = |e: &PoolEvent| matches!(e, PoolEvent::WorkerReplaced { why: ExitReason::Interrupted, .. });
    assert_eq!(pool.count(why), 1);
}

/// Promise 13: unless the task says it is cancel-safe.
pub fn a_cancel_safe_task_keeps_its_resource<D: Driver>(case: &Case<D>) {
    if !case.can().interrupts_tasks {
        return;
    }
    let pool = case.pool(Size::fixed(1), |b| b);
    let gate = case.gate();
    let handle = pool.submit(Task::at(&gate).cancel_safe());
    let timed = pool.submit(Task::at(&gate).cancel_safe().timeout(secs(1)));
    case.settle();
    assert_eq!(handle.cancel(), CancelOutcome::WhileRunning);
    case.settle();
    case.advance(secs(1));
    assert!(matches!(timed.wait(), Err(TaskError::TimedOut { .. })));
    assert_eq!(pool.answer_to(Task::new()).resource, 1);
}

/// Promise 13: on threads a flag is set, and the caller gets its answer at once.
pub fn a_cancelled_task_on_a_thread_reads_it_from_its_context<D: Driver>(case: &Case<D>) {
    if case.can().interrupts_tasks {
        return;
    }
    let pool = case.pool(Size::fixed(1), |b| b);
    let gate = case.gate();
    let handle = pool.submit(Task::at(&gate).step(Step::LogCancelled(case.log().clone())));
    case.settle();
    assert_eq!(handle.cancel(), CancelOutcome::WhileRunning);
    assert!(matches!(handle.wait(), Err(TaskError::Cancelled)));
    gate.open();
    case.settle();
    assert_eq!(case.log().entries(), ["cancelled"]);
    assert_eq!(pool.answer_to(Task::new()).resource, 1, "a worker that came back in time is kept");
}

/// Promise 13 and fault: a task never returns.
pub fn a_worker_that_does_not_come_back_is_abandoned_and_replaced<D: Driver>(case: &Case<D>) {
    if case.can().interrupts_tasks {
        return;
    }
    case.allow_abandoned(1);
    let pool = case.pool(Size::fixed(1), |b| b.grace(secs(5)));
    assert_eq!(pool.answer_to(Task::new()).resource, 1);
    let gate = case.gate();
    let handle = pool.submit(Task::at(&gate).timeout(secs(1)));
    case.advance(secs(1));
    assert!(matches!(handle.wait(), Err(TaskError::TimedOut { .. })), "the caller is answered at once");
    case.advance(millis(4999));
    assert_eq!((pool.stats().abandoned, pool.stats().active), (0, 1));
    case.advance(millis(1));
    assert_eq!((pool.stats().abandoned, pool.stats().active), (1, 1));
    assert_eq!(pool.count(|event| matches!(event, PoolEvent::WorkerAbandoned { .. })), 1);
    assert_eq!(pool.answer_to(Task::new()).resource, 2, "its replacement serves");
    gate.open();
    case.settle();
    assert_eq!(pool.stats().abandoned, 0, "it came back");
    assert_eq!(case.script().counters().destroyed, 1, "and its resource is destroyed");
}

/// Decision `abandoned threads`: a cap of their own.
pub fn beyond_the_cap_a_stuck_worker_is_not_replaced<D: Driver>(case: &Case<D>) {
    if case.can().interrupts_tasks {
        return;
    }
    case.allow_abandoned(1);
    let pool = case.pool(Size::fixed(2), |b| b.grace(secs(5)).max_abandoned(1));
    let gate = case.gate();
    let stuck: Vec<_> = (0..2).map(|_| pool.submit(Task::at(&gate).timeout(secs(1)))).collect();
    case.advance(secs(60));
    for handle in stuck {
        assert!(matches!(handle.wait(), Err(TaskError::TimedOut { .. })));
    }
    assert_eq!(pool.stats().abandoned, 1);
    assert_eq!(case.script().counters().created, 3, "one was replaced, the other not");
    assert_eq!(pool.count(|event| matches!(event, PoolEvent::AbandonedLimitReached { limit: 1, .. })), 1);
}

/// Promise 13: `deadline`, before it starts.
pub fn a_deadline_passes_before_the_start<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let gate = case.gate();
    let first = pool.submit(Task::at(&gate));
    let handle = pool.submit(Task::logs(case.log(), "started").deadline(secs(3)));
    case.advance(millis(2999));
    assert!(!handle.is_finished());
    case.advance(millis(1));
    let error = handle.wait().expect_err("its deadline passed");
    assert!(matches!(error, TaskError::Expired { create_error: None }), "{error:?}");
    assert_eq!(pool.stats().queued_total(), 0, "its room is free at once");
    gate.open();
    first.wait().expect("it succeeds");
    case.settle();
    assert_eq!((case.log().count("started"), pool.metrics().expired), (0, 1));
}

/// Promise 13: `deadline`, while it runs.
pub fn a_deadline_passes_while_the_task_runs<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.grace(secs(60)));
    let gate = case.gate();
    let handle = pool.submit(Task::at(&gate).deadline(secs(3)));
    case.advance(secs(3));
    assert!(matches!(handle.wait(), Err(TaskError::Expired { .. })));
    gate.open();
    case.advance(secs(1));
    assert_eq!(pool.value_of(Task::value(1)), 1);
}

/// Promise 13: `delay`.
pub fn a_delayed_task_starts_no_sooner<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let handle = pool.submit(Task::logs(case.log(), "late").delay(secs(10)));
    let other = pool.submit(Task::logs(case.log(), "soon"));
    case.advance(millis(9999));
    assert_eq!((pool.stats().delayed, pool.stats().queued_total()), (1, 0));
    case.advance(millis(1));
    other.wait().expect("it succeeds");
    handle.wait().expect("it succeeds");
    assert_eq!(case.log().entries(), ["soon", "late"]);
}

/// Promise 13: what the context tells.
pub fn a_task_knows_its_name_attempt_and_deadline<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b);
    let log = case.log().clone();
    let task = Task::new().name("import").deadline(secs(9)).call(move |cx| {
        let deadline = cx.deadline().map(tasker_core::Timestamp::as_nanos);
        log.push(format!("{:?} {} {deadline:?} {}", cx.name(), cx.attempt(), cx.is_cancelled()));
    });
    let handle = pool.submit(task.step(Step::FailTimes(1, Fault::sick("broken"))));
    let id = handle.id();
    handle.wait().expect("the retry succeeds");
    let line = |attempt| format!("Some(\"import\") {attempt} Some(9000000000) false");
    assert_eq!(case.log().entries(), [line(1), line(2)]);
    case.settle();
    let named = |event: &PoolEvent| matches!(event, PoolEvent::TaskRetried { task, name: Some(name), .. } if *task == id && &**name == "import");
    assert_eq!(pool.count(named), 1);
}

/// Promise 14: `cancel`.
pub fn a_task_cancelled_before_its_start_never_starts<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let gate = case.gate();
    let first = pool.submit(Task::at(&gate));
    case.settle();
    let handle = pool.submit(Task::logs(case.log(), "started"));
    assert_eq!(handle.cancel(), CancelOutcome::BeforeStart);
    assert_eq!(handle.cancel(), CancelOutcome::TooLate, "twice");
    assert!(matches!(handle.wait(), Err(TaskError::Cancelled)));
    let delayed = pool.submit(Task::logs(case.log(), "started").delay(secs(5)));
    assert_eq!(delayed.cancel(), CancelOutcome::BeforeStart);
    gate.open();
    first.wait().expect("it succeeds");
    case.advance(secs(10));
    assert_eq!((case.log().count("started"), pool.metrics().cancelled), (0, 2));
}

/// Promise 14: a cancel that comes too late.
pub fn a_cancel_says_whether_it_came_too_late<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let handle = pool.submit(Task::value(6));
    case.settle();
    assert_eq!(handle.cancel(), CancelOutcome::TooLate);
    assert_eq!(handle.wait().expect("its result stands").number, 6);
    assert_eq!(pool.metrics().cancelled, 0);
}

/// Promise 14: from another thread.
pub fn a_task_is_cancelled_from_another_thread<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let gate = case.gate();
    let handle = Arc::new(pool.submit(Task::at(&gate)));
    case.settle();
    let other = Arc::clone(&handle);
    let outcome = case.spawn(move || other.cancel());
    assert_eq!(case.join(outcome), CancelOutcome::WhileRunning);
    let handle = Arc::into_inner(handle).expect("the other thread has let go");
    assert!(matches!(handle.wait(), Err(TaskError::Cancelled)));
}

/// Promise 14 and fault: the waiter gives up.
pub fn a_wait_that_gives_up_leaves_the_task_running<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let gate = case.gate();
    let mut handle = pool.submit(Task::at(&gate).step(Step::Succeed(3)));
    let waited = case.spawn(move || {
        let nothing = handle.wait_timeout(secs(5)).is_none();
        (nothing, handle)
    });
    case.advance(millis(4999));
    assert!(!waited.is_finished());
    case.advance(millis(1));
    let (nothing, mut handle) = case.join(waited);
    assert!(nothing, "the wait gave up");
    gate.open();
    case.settle();
    let result = handle.wait_timeout(secs(0)).expect("the result is there");
    assert_eq!(result.expect("it succeeds").number, 3);
}

/// Fault: a dropped await.
pub fn a_dropped_await_leaves_the_task_running<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let gate = case.gate();
    let mut handle = pool.submit(Task::at(&gate).step(Step::Succeed(3)));
    let polled = block_on(poll_fn(|cx| Poll::Ready(Pin::new(&mut handle).poll(cx).is_ready())));
    assert!(!polled);
    gate.open();
    assert_eq!(block_on(handle).expect("it succeeds").number, 3);
}

/// Promise 14: dropping it detaches.
pub fn a_dropped_handle_detaches_its_task<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let gate = case.gate();
    drop(pool.submit(Task::at(&gate).log(case.log(), "dropped")));
    pool.submit(Task::logs(case.log(), "detached")).detach();
    gate.open();
    case.settle();
    assert_eq!(case.log().entries(), ["dropped", "detached"]);
}

/// Promise 14: cancel-on-drop by name.
pub fn a_handle_cancels_on_drop_if_told_to<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let gate = case.gate();
    let first = pool.submit(Task::at(&gate));
    case.settle();
    drop(pool.submit(Task::logs(case.log(), "dropped")).cancel_on_drop());
    pool.submit(Task::logs(case.log(), "detached")).cancel_on_drop().detach();
    gate.open();
    first.wait().expect("it succeeds");
    case.settle();
    assert_eq!(case.log().entries(), ["detached"]);
}

/// Promise 14: from any runtime or none.
pub fn a_handle_is_awaited_without_a_runtime<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    assert_eq!(block_on(pool.submit(Task::value(1))).expect("it succeeds").number, 1);
    assert_eq!(pool.submit(Task::value(2)).wait().expect("it succeeds").number, 2);
}

/// Promise 14: the callback form, before and after the end.
pub fn a_callback_gets_the_result<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let log = case.log().clone();
    pool.submit_then(Task::value(1), move |result| log.push(format!("{:?}", result.map(|a| a.number).ok())));
    case.settle();
    let handle = pool.submit(Task::failing(Fault::healthy("no")));
    case.settle();
    let log = case.log().clone();
    handle.on_complete(move |result| log.push(format!("{}", result.expect_err("it fails"))));
    assert_eq!(case.log().entries(), ["Some(1)", "the task failed: no"]);
}

/// Promise 14: `submit_all`.
pub fn many_tasks_are_submitted_in_their_order<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let names: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    let handles = pool.submit_all(names.iter().map(|name| Task::logs(case.log(), name)).collect());
    for handle in handles {
        handle.wait().expect("it succeeds");
    }
    assert_eq!(case.log().entries(), names);
}

struct Panicky(Lock<u32>);

impl Wake for Panicky {
    fn wake(self: Arc<Self>) {
        *self.0.lock() += 1;
        panic!("a waker panicked");
    }
}

/// Fault: a waker panics or is called after the waiter has gone.
pub fn a_panicking_waker_harms_nobody<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let gate = case.gate();
    let mut handle = pool.submit(Task::at(&gate).step(Step::Succeed(4)));
    let waker = Arc::new(Panicky(Lock::new(0)));
    let panicky = Waker::from(Arc::clone(&waker));
    assert!(Pin::new(&mut handle).poll(&mut Context::from_waker(&panicky)).is_pending());
    gate.open();
    case.settle();
    assert_eq!(*waker.0.lock(), 1, "it was called");
    assert_eq!(handle.wait().expect("the result is there all the same").number, 4);
    assert_eq!(pool.answer_to(Task::new()).resource, 1, "the worker is untouched");
}
