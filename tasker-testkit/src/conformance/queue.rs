//! The order of tasks, and what happens when the queue is full. Promises 11 and 12.

use tasker_core::queue::Overflow;
use tasker_core::{CancelOutcome, Priority, Refusal, TaskError};

use super::{millis, secs};
use crate::{Case, Driver, Gate, Handle, Pool, Size, Task};

/// One test per case of this theme.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_queue {
    ($driver:ident) => {
        $crate::conformance_cases!($driver, queue:
            a_higher_priority_always_goes_first
            within_a_priority_tasks_start_in_the_order_they_came
            priorities_hold_while_draining
            a_task_that_has_waited_long_enough_is_not_starved
            a_rank_orders_tasks_within_their_priority
            submit_to_a_full_queue_is_refused_in_its_handle
            try_submit_hands_the_task_back
            submit_wait_waits_for_room_in_turn
            submit_timeout_waits_no_longer_than_told_and_leaks_no_room
            a_waiting_submitter_is_refused_when_the_pool_stops
            when_told_to_the_oldest_of_the_lowest_lane_makes_room
            a_more_urgent_task_is_never_displaced
            a_cancelled_task_gives_its_room_back_at_once
            the_default_capacity_is_as_documented
            an_unbounded_queue_takes_any_number
        );
    };
}

/// One worker, busy at a gate.
fn busy<D: Driver>(case: &Case<D>, pool: &Pool<D>) -> (Gate, Handle) {
    let gate = case.gate();
    let handle = pool.submit(Task::at(&gate));
    case.settle();
    assert_eq!((pool.stats().busy, pool.stats().idle), (1, 0));
    (gate, handle)
}

fn all_succeed(handles: impl IntoIterator<Item = Handle>) {
    for handle in handles {
        handle.wait().expect("it succeeds");
    }
}

fn mixed<D: Driver>(case: &Case<D>, pool: &Pool<D>) -> Vec<Handle> {
    use Priority::{High, Low, Normal};
    let order = [(Low, "l1"), (Normal, "n1"), (High, "h1"), (Low, "l2"), (High, "h2"), (Normal, "n2")];
    order.map(|(priority, name)| pool.submit(Task::logs(case.log(), name).priority(priority))).into()
}

/// Promise 11.
pub fn a_higher_priority_always_goes_first<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let (gate, first) = busy(case, &pool);
    let handles = mixed(case, &pool);
    assert_eq!(pool.stats().queued, [2, 2, 2]);
    gate.open();
    all_succeed(handles.into_iter().chain([first]));
    assert_eq!(case.log().entries(), ["h1", "h2", "n1", "n2", "l1", "l2"]);
}

/// Promise 11.
pub fn within_a_priority_tasks_start_in_the_order_they_came<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let (gate, first) = busy(case, &pool);
    let names: Vec<_> = (0..200).map(|n| n.to_string()).collect();
    let handles: Vec<_> = names.iter().map(|name| pool.submit(Task::logs(case.log(), name))).collect();
    gate.open();
    all_succeed(handles.into_iter().chain([first]));
    assert_eq!(case.log().entries(), names);
}

/// Promise 11: also while draining.
pub fn priorities_hold_while_draining<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let (gate, first) = busy(case, &pool);
    let handles = mixed(case, &pool);
    let stopping = pool.clone();
    let stopped = case.spawn(move || stopping.stopped());
    case.settle();
    gate.open();
    assert!(case.join(stopped).is_clean());
    all_succeed(handles.into_iter().chain([first]));
    assert_eq!(case.log().entries(), ["h1", "h2", "n1", "n2", "l1", "l2"]);
}

/// Promise 11: the ageing guard.
pub fn a_task_that_has_waited_long_enough_is_not_starved<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.ageing(secs(10)));
    let (gate, first) = busy(case, &pool);
    let low = pool.submit(Task::logs(case.log(), "low").priority(Priority::Low));
    let normal = pool.submit(Task::logs(case.log(), "normal"));
    case.advance(millis(20_000));
    let high = pool.submit(Task::logs(case.log(), "high").priority(Priority::High));
    gate.open();
    all_succeed([first, low, normal, high]);
    assert_eq!(case.log().entries(), ["low", "normal", "high"], "by then all count as high");
}

/// Decision `Queue`: a user's own order.
pub fn a_rank_orders_tasks_within_their_priority<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| {
        b.rank(|task| task.name.as_deref().and_then(|name| name.parse().ok()).unwrap_or(u64::MAX))
    });
    let (gate, first) = busy(case, &pool);
    let task = |name: &str| Task::logs(case.log(), name).name(name);
    let mut handles: Vec<_> = ["3", "1", "2"].iter().map(|name| pool.submit(task(name))).collect();
    handles.push(pool.submit(task("9").priority(Priority::High)));
    gate.open();
    all_succeed(handles.into_iter().chain([first]));
    assert_eq!(case.log().entries(), ["9", "1", "2", "3"]);
}

/// Promise 12: reject.
pub fn submit_to_a_full_queue_is_refused_in_its_handle<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.capacity(2));
    let (gate, first) = busy(case, &pool);
    let waiting = [pool.submit(Task::new()), pool.submit(Task::new())];
    let error = pool.error_of(Task::logs(case.log(), "never"));
    assert!(matches!(error, TaskError::Refused(Refusal::Full)), "{error:?}");
    assert_eq!((pool.metrics().refused, pool.metrics().accepted), (1, 3));
    gate.open();
    all_succeed(waiting.into_iter().chain([first]));
    assert_eq!(case.log().count("never"), 0);
}

/// Promise 12 and decision `undone work`.
pub fn try_submit_hands_the_task_back<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.capacity(1));
    let (gate, first) = busy(case, &pool);
    let waiting = pool.try_submit(Task::new()).expect("there is room for one");
    let refused = pool.try_submit(Task::value(8)).expect_err("there is no room for two");
    assert_eq!(refused.reason, Refusal::Full);
    gate.open();
    all_succeed([first, waiting]);
    case.settle();
    assert_eq!(pool.value_of(refused.task), 8, "it is as it was");
    assert!(pool.stopped().is_clean());
    let refused = pool.try_submit(Task::value(8)).expect_err("it has stopped");
    assert_eq!(refused.reason, Refusal::Stopping);
}

/// Promise 12 and fault: waiting submitters are served in order.
pub fn submit_wait_waits_for_room_in_turn<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.capacity(1));
    let (gate, first) = busy(case, &pool);
    let second = pool.submit(Task::logs(case.log(), "second"));
    let mut submitters = Vec::new();
    for name in ["third", "fourth", "fifth"] {
        let (pool, task) = (pool.clone(), Task::logs(case.log(), name));
        submitters.push(case.spawn(move || pool.submit_wait(task)));
        case.settle();
    }
    assert_eq!(pool.stats().queued_total(), 1, "they wait outside of the queue");
    assert!(pool.try_submit(Task::new()).is_err(), "a newcomer does not overtake them");
    gate.open();
    for submitter in submitters {
        case.join(submitter).expect("there is room in the end").wait().expect("it succeeds");
    }
    all_succeed([first, second]);
    assert_eq!(case.log().entries(), ["second", "third", "fourth", "fifth"]);
}

/// Promise 12 and fault: no slot leaks.
pub fn submit_timeout_waits_no_longer_than_told_and_leaks_no_room<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.capacity(1));
    let (gate, first) = busy(case, &pool);
    let second = pool.submit(Task::new());
    let (waiting, late) = (pool.clone(), pool.clone());
    let gives_up = case.spawn(move || waiting.submit_timeout(secs(2), Task::value(1)));
    case.settle();
    let is_served = case.spawn(move || late.submit_timeout(secs(60), Task::value(2)));
    case.advance(millis(1999));
    assert!(!gives_up.is_finished());
    case.advance(millis(1));
    let refused = case.join(gives_up).expect_err("there was no room in time");
    assert_eq!(refused.reason, Refusal::Full);
    gate.open();
    assert_eq!(case.join(is_served).expect("there is room").wait().expect("it succeeds").number, 2);
    all_succeed([first, second]);
    case.settle();
    pool.pause();
    case.settle();
    let kept = pool.try_submit(Task::new()).expect("the room of the one that gave up is free");
    assert!(pool.try_submit(Task::new()).is_err(), "and there is no more than that");
    pool.resume();
    all_succeed([kept]);
}

/// Promise 12: a stop ends the wait for room.
pub fn a_waiting_submitter_is_refused_when_the_pool_stops<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.capacity(1));
    let (gate, first) = busy(case, &pool);
    let second = pool.submit(Task::new());
    let waiting = pool.clone();
    let submitter = case.spawn(move || waiting.submit_wait(Task::value(5)));
    case.settle();
    let stopping = pool.clone();
    let stopped = case.spawn(move || stopping.stopped());
    case.settle();
    let refused = case.join(submitter).expect_err("the pool stops");
    assert_eq!(refused.reason, Refusal::Stopping);
    gate.open();
    assert!(case.join(stopped).is_clean());
    all_succeed([first, second]);
}

/// Promise 12: drop the oldest of the lowest lane.
pub fn when_told_to_the_oldest_of_the_lowest_lane_makes_room<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.capacity(3).overflow(Overflow::DropOldest));
    let (gate, first) = busy(case, &pool);
    let normal = pool.submit(Task::new());
    let old = pool.submit(Task::logs(case.log(), "old").priority(Priority::Low));
    let young = pool.submit(Task::new().priority(Priority::Low));
    let new = pool.submit(Task::new());
    assert!(matches!(old.wait(), Err(TaskError::Displaced)), "its handle says so");
    gate.open();
    all_succeed([first, normal, young, new]);
    assert_eq!((pool.metrics().displaced, case.log().count("old")), (1, 0));
}

/// Promise 12: nobody makes room for a less urgent task.
pub fn a_more_urgent_task_is_never_displaced<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.capacity(1).overflow(Overflow::DropOldest));
    let (gate, first) = busy(case, &pool);
    let urgent = pool.submit(Task::new().priority(Priority::High));
    let error = pool.error_of(Task::new());
    assert!(matches!(error, TaskError::Refused(Refusal::Full)), "{error:?}");
    gate.open();
    all_succeed([first, urgent]);
}

/// Decision `early answers`: a cancelled queued task frees its room at once.
pub fn a_cancelled_task_gives_its_room_back_at_once<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.capacity(1));
    let (gate, first) = busy(case, &pool);
    for _ in 0..500 {
        let handle = pool.try_submit(Task::logs(case.log(), "never")).expect("there is room");
        assert_eq!(handle.cancel(), CancelOutcome::BeforeStart);
        assert_eq!(pool.stats().queued_total(), 0);
    }
    let last = pool.try_submit(Task::new()).expect("there is room");
    gate.open();
    all_succeed([first, last]);
    assert_eq!((case.log().count("never"), pool.metrics().cancelled), (0, 500));
}

/// Promise 12: a capacity by default.
pub fn the_default_capacity_is_as_documented<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    pool.pause();
    case.settle();
    let handles = pool.submit_all(vec![Task::new(); 65_536]);
    assert_eq!(pool.stats().queued_total(), 65_536);
    let error = pool.error_of(Task::new());
    assert!(matches!(error, TaskError::Refused(Refusal::Full)), "{error:?}");
    pool.resume();
    all_succeed(handles);
}

/// Promise 12: unbounded by name.
pub fn an_unbounded_queue_takes_any_number<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.unbounded());
    pool.pause();
    case.settle();
    let handles = pool.submit_all(vec![Task::new(); 70_000]);
    assert_eq!(pool.stats().queued_total(), 70_000);
    pool.resume();
    all_succeed(handles);
}
