//! Resources are created beside the work, retried, watched, and destroyed exactly once. Promises 1 to 5.

use tasker_core::supervisor::Startup;
use tasker_core::{Backoff, BuildError, ExitReason, PoolEvent, SpawnReason, Stopped, TaskError};

use super::{millis, secs};
use crate::{Case, Driver, Fault, Op, Outcome, Size, Task};

/// One test per case of this theme.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_resources {
    ($driver:ident) => {
        $crate::conformance_cases!($driver, resources:
            a_slow_creation_blocks_neither_submit_nor_other_workers
            a_failed_creation_is_tried_again_after_a_growing_delay
            a_panicking_creation_is_tried_again
            a_hanging_creation_is_given_up_at_its_timeout
            the_last_creation_error_is_in_events_and_in_tasks_that_expire
            build_fails_fast_with_the_error_of_create
            build_fails_fast_when_create_panics
            build_waits_for_the_first_worker_if_told_to
            a_lazy_pool_is_built_at_once
            a_crash_loop_backs_off
            creation_is_given_up_after_its_retries
            after_an_hour_of_failed_creations_the_pool_recovers_by_itself
            while_every_creation_fails_they_are_tried_one_at_a_time
            a_failing_destroy_is_reported_once
            a_panicking_destroy_is_reported_once
            a_hanging_destroy_is_waited_for_no_longer_than_its_timeout
            a_resource_that_is_too_old_is_replaced_between_tasks
            a_resource_that_was_used_up_is_replaced
            an_idle_burst_worker_leaves
            a_resource_found_dead_while_idle_never_meets_a_task
            a_hanging_probe_replaces_the_resource
            a_panicking_probe_replaces_the_resource
            a_resource_stays_on_its_thread
            create_is_told_what_the_resource_is_for
            a_worker_that_cannot_be_started_is_tried_again
            a_resource_created_after_the_stop_began_is_destroyed_at_once
            a_creation_under_way_does_not_hold_up_a_kill
        );
    };
}

fn steady(first_millis: u64) -> Backoff {
    Backoff::new().first(millis(first_millis)).jitter(0.0)
}

/// Promise 1.
pub fn a_slow_creation_blocks_neither_submit_nor_other_workers<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    case.script().next(Op::Create, [Outcome::Succeed, Outcome::hold(&gate)]);
    let pool = case.pool(Size::fixed(2), |b| b);
    assert_eq!((pool.stats().active, pool.stats().starting), (1, 1));
    assert_eq!(pool.value_of(Task::value(7)), 7);
    gate.open();
    case.settle();
    assert_eq!((pool.stats().active, pool.stats().starting), (2, 0));
}

/// Promise 2: backoff.
pub fn a_failed_creation_is_tried_again_after_a_growing_delay<D: Driver>(case: &Case<D>) {
    case.script().next(Op::Create, [Outcome::Fail("down"), Outcome::Fail("down")]);
    let pool = case.pool(Size::fixed(1), |b| b.startup(Startup::Lazy).create_backoff(steady(100)));
    let calls = || case.script().counters().create_calls;
    assert_eq!((calls(), pool.stats().backing_off), (1, 1));
    case.advance(millis(99));
    assert_eq!(calls(), 1);
    case.advance(millis(1));
    assert_eq!(calls(), 2);
    case.advance(millis(199));
    assert_eq!(calls(), 2);
    case.advance(millis(1));
    assert_eq!((calls(), pool.stats().active, pool.stats().backing_off), (3, 1, 0));
    assert_eq!(case.script().attempts(), [1, 2, 3]);
}

/// Promise 2: a panic in `create` is a failure like any other.
pub fn a_panicking_creation_is_tried_again<D: Driver>(case: &Case<D>) {
    case.script().next(Op::Create, [Outcome::Panic("no room")]);
    let pool = case.pool(Size::fixed(1), |b| b.startup(Startup::Lazy));
    assert_eq!(pool.stats().active, 0);
    case.advance(secs(1));
    assert_eq!(pool.value_of(Task::value(1)), 1);
}

/// Promise 2: a `create` that hangs is given up.
pub fn a_hanging_creation_is_given_up_at_its_timeout<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    case.script().next(Op::Create, [Outcome::hold(&gate)]);
    let pool = case.pool(Size::fixed(1), |b| b.startup(Startup::Lazy).create_timeout(secs(2)));
    case.advance(millis(1999));
    assert_eq!(pool.stats().starting, 1);
    case.advance(millis(1));
    assert_eq!(pool.stats().starting, 0, "given up");
    case.advance(secs(1));
    assert_eq!(pool.stats().active, 1);
    assert_eq!(pool.value_of(Task::value(1)), 1);
}

/// Promise 2: the last error is visible.
pub fn the_last_creation_error_is_in_events_and_in_tasks_that_expire<D: Driver>(case: &Case<D>) {
    case.script().always(Op::Create, Outcome::Fail("no route"));
    let pool = case.pool(Size::fixed(1), |b| b.startup(Startup::Lazy));
    assert_eq!(pool.stats().create_error.as_deref(), Some("no route"));
    let handle = pool.submit(Task::value(1).deadline(secs(1)));
    case.advance(secs(1));
    let error = handle.wait().expect_err("no worker came up");
    assert!(
        matches!(&error, TaskError::Expired { create_error: Some(text) } if &**text == "no route"),
        "{error:?}"
    );
    let failed = |event: &PoolEvent| matches!(event, PoolEvent::CreationFailed { error, .. } if &**error == "no route");
    assert!(pool.count(failed) > 0);
}

/// Promise 2: `build` fails fast.
pub fn build_fails_fast_with_the_error_of_create<D: Driver>(case: &Case<D>) {
    case.script().always(Op::Create, Outcome::Fail("refused"));
    let error = case.adopt(case.builder(Size::fixed(3))).expect_err("no worker could be created");
    assert!(matches!(&error, BuildError::Create(fault) if fault.text == "refused"), "{error:?}");
}

/// Promise 2: `build` fails fast on a panic, too.
pub fn build_fails_fast_when_create_panics<D: Driver>(case: &Case<D>) {
    case.script().always(Op::Create, Outcome::Panic("no driver"));
    let error = case.adopt(case.builder(Size::fixed(1))).expect_err("no worker could be created");
    assert!(error.to_string().contains("no driver"), "{error}");
}

/// Promise 2: `build` waits, if told to.
pub fn build_waits_for_the_first_worker_if_told_to<D: Driver>(case: &Case<D>) {
    case.script().next(Op::Create, [Outcome::Fail("down"), Outcome::Fail("down")]);
    let building = case.clone();
    let built = case.spawn(move || {
        let builder = building.builder(Size::fixed(1)).startup(Startup::Wait);
        building.build(builder.create_backoff(steady(100)))
    });
    case.settle();
    case.advance(millis(299));
    assert_eq!(case.script().counters().created, 0);
    case.advance(millis(1));
    let pool = case.join(built).expect("it is built in the end");
    assert_eq!(pool.value_of(Task::value(3)), 3);
    assert!(pool.stopped().is_clean());
}

/// Promise 2: `build` starts lazily, if told to.
pub fn a_lazy_pool_is_built_at_once<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    case.script().always(Op::Create, Outcome::hold(&gate));
    let pool = case.pool(Size::fixed(1), |b| b.startup(Startup::Lazy));
    let handle = pool.submit(Task::value(4));
    case.settle();
    assert_eq!((pool.stats().starting, pool.stats().queued_total()), (1, 1));
    gate.open();
    assert_eq!(handle.wait().expect("it runs once there is a worker").number, 4);
}

/// Promise 2: created, then always fails its first task.
pub fn a_crash_loop_backs_off<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.max_retries(0).create_backoff(steady(100)));
    let sick = || Task::failing(Fault::sick("broken"));
    let created = || case.script().counters().created;
    let _ = pool.error_of(sick());
    case.settle();
    assert_eq!((created(), pool.stats().active), (2, 1), "the first in a row is replaced at once");
    for (nth, delay) in [(2, 100), (3, 200), (4, 400)] {
        let _ = pool.error_of(sick());
        case.settle();
        assert_eq!((created(), pool.stats().backing_off), (nth, 1));
        case.advance(millis(delay - 1));
        assert_eq!(pool.stats().active, 0);
        case.advance(millis(1));
        assert_eq!((created(), pool.stats().active), (nth + 1, 1));
    }
    assert_eq!(pool.value_of(Task::value(1)), 1, "a completed task ends the loop");
    let _ = pool.error_of(sick());
    case.settle();
    assert_eq!(
        (created(), pool.stats().active),
        (6, 1),
        "a resource that was good for a task is replaced at once"
    );
}

/// Promise 2: up to a limit you can set.
pub fn creation_is_given_up_after_its_retries<D: Driver>(case: &Case<D>) {
    case.script().next(Op::Create, [Outcome::Succeed]);
    case.script().always(Op::Create, Outcome::Fail("gone"));
    let pool = case.pool(Size::fixed(1), |b| b.create_retries(1));
    let handle = pool.submit(Task::failing(Fault::sick("broken")));
    case.settle();
    case.advance(secs(60));
    let error = handle.wait().expect_err("nobody is left to retry it");
    assert!(matches!(&error, TaskError::NoWorkers { last_error } if &**last_error == "gone"), "{error:?}");
    assert_eq!(pool.ended().how, Stopped::NoWorkers);
    assert_eq!(case.script().counters().create_calls, 3, "one that went well, one that failed and its retry");
}

/// Fault: all creates fail for an hour, then succeed.
pub fn after_an_hour_of_failed_creations_the_pool_recovers_by_itself<D: Driver>(case: &Case<D>) {
    case.script().always(Op::Create, Outcome::Fail("down"));
    let pool = case.pool(Size::fixed(2), |b| b.startup(Startup::Lazy));
    let handle = pool.submit(Task::value(9));
    case.advance(secs(3600));
    let calls = case.script().counters().create_calls;
    assert!((60..1000).contains(&calls), "neither forgotten nor hammered: {calls}");
    case.script().always(Op::Create, Outcome::Succeed);
    case.advance(secs(30));
    assert_eq!(handle.wait().expect("queued tasks run").number, 9);
    case.settle();
    assert_eq!(pool.stats().active, 2, "all workers are back");
}

/// Fault: a breaker stops hammering a dead backend and probes it.
pub fn while_every_creation_fails_they_are_tried_one_at_a_time<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    case.script().always(Op::Create, Outcome::Fail("down"));
    let pool = case.pool(Size::fixed(8), |b| b.startup(Startup::Lazy).breaker_threshold(5));
    case.script().always(Op::Create, Outcome::hold(&gate));
    case.advance(secs(10));
    assert_eq!(pool.stats().starting, 1, "one probes");
    gate.open();
    case.settle();
    assert_eq!(pool.stats().active, 8, "then all start");
    assert_eq!(pool.count(|event| matches!(event, PoolEvent::BreakerClosed)), 1);
}

fn destroy_goes_wrong<D: Driver>(case: &Case<D>, outcome: Outcome, text: &str) {
    case.script().next(Op::Destroy, [outcome]);
    let pool = case.pool(Size::fixed(1), |b| b.max_retries(0));
    assert_eq!(pool.value_of(Task::value(1)), 1);
    let _ = pool.error_of(Task::failing(Fault::sick("broken")));
    assert_eq!(pool.value_of(Task::value(2)), 2, "its replacement serves");
    let report = pool.stopped();
    assert_eq!(report.destroy_errors, 1);
    assert!(report.destroy_error_texts[0].contains(text), "{:?}", report.destroy_error_texts);
    let told = |event: &PoolEvent| matches!(event, PoolEvent::DestroyFailed { worker: Some(_), .. });
    assert_eq!(pool.count(told), 1);
}

/// Promise 3: an error of `destroy`.
pub fn a_failing_destroy_is_reported_once<D: Driver>(case: &Case<D>) {
    destroy_goes_wrong(case, Outcome::Fail("stuck"), "stuck");
}

/// Promise 3: a panic of `destroy`.
pub fn a_panicking_destroy_is_reported_once<D: Driver>(case: &Case<D>) {
    destroy_goes_wrong(case, Outcome::Panic("stuck"), "stuck");
}

/// Promise 3: a `destroy` that hangs.
pub fn a_hanging_destroy_is_waited_for_no_longer_than_its_timeout<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    case.script().next(Op::Destroy, [Outcome::hold(&gate)]);
    let pool = case.pool(Size::fixed(1), |b| b.max_retries(0).destroy_timeout(secs(5)));
    assert_eq!(pool.value_of(Task::value(1)), 1);
    let _ = pool.error_of(Task::failing(Fault::sick("broken")));
    case.settle();
    case.advance(millis(4999));
    let stats = pool.stats();
    assert_eq!((stats.active, stats.stopping, stats.backing_off), (0, 1, 1), "its place waits for room");
    case.advance(millis(1));
    assert_eq!(pool.stats().active, 1);
    assert_eq!(pool.stopped().destroy_errors, 1);
}

/// Promise 4: age.
pub fn a_resource_that_is_too_old_is_replaced_between_tasks<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b.max_lifetime(secs(100)));
    case.advance(secs(89));
    assert_eq!(case.script().counters().created, 2, "nobody loses more than a tenth of its life");
    let gate = case.gate();
    let handle = pool.submit(Task::at(&gate));
    case.advance(secs(11));
    assert_eq!(
        case.script().counters().created,
        3,
        "the idle one is replaced, the busy one is not interrupted"
    );
    gate.open();
    handle.wait().expect("it was not interrupted");
    case.settle();
    assert_eq!((case.script().counters().created, pool.stats().active), (4, 2));
    let old = |e: &PoolEvent| matches!(e, PoolEvent::WorkerRetired { why: ExitReason::MaxLifetime, .. });
    assert_eq!(pool.count(old), 2);
}

/// Promise 4: uses.
pub fn a_resource_that_was_used_up_is_replaced<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.max_uses(3));
    let resources: Vec<_> = (0..7).map(|n| pool.answer_to(Task::value(n)).resource).collect();
    assert_eq!(resources, [1, 1, 1, 2, 2, 2, 3]);
}

/// Promise 4: idleness.
pub fn an_idle_burst_worker_leaves<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 3), |b| b.scaling(super::scaling::Keep).idle_timeout(secs(10)));
    pool.warm_up(3);
    case.settle();
    assert_eq!(pool.stats().active, 3);
    case.advance(secs(60));
    assert_eq!(pool.stats().active, 1, "only the base is kept");
}

/// Promise 4 and fault: a resource dies while idle.
pub fn a_resource_found_dead_while_idle_never_meets_a_task<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.probe_interval(secs(10)));
    assert_eq!(pool.answer_to(Task::new()).resource, 1);
    case.advance(secs(10));
    assert_eq!(case.script().counters().probed, 1);
    let gate = case.gate();
    case.script().next(Op::Probe, [Outcome::Hold(gate.clone(), Box::new(Outcome::Fail("dead")))]);
    case.advance(secs(10));
    let handle = pool.submit(Task::new());
    case.settle();
    assert!(!handle.is_finished(), "the resource is being probed");
    gate.open();
    assert_eq!(handle.wait().expect("it runs on the replacement").resource, 2);
    let dead = |e: &PoolEvent| matches!(e, PoolEvent::WorkerReplaced { why: ExitReason::ProbeFailed, .. });
    assert_eq!(pool.count(dead), 1);
}

/// Promise 4: a probe that hangs.
pub fn a_hanging_probe_replaces_the_resource<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    case.script().next(Op::Probe, [Outcome::hold(&gate)]);
    let pool = case.pool(Size::fixed(1), |b| b.probe_interval(secs(10)).create_timeout(secs(30)));
    assert_eq!(pool.answer_to(Task::new()).resource, 1);
    case.advance(secs(41));
    assert_eq!(pool.answer_to(Task::new()).resource, 2);
}

/// Promise 4: a probe that panics.
pub fn a_panicking_probe_replaces_the_resource<D: Driver>(case: &Case<D>) {
    case.script().next(Op::Probe, [Outcome::Panic("probed too hard")]);
    let pool = case.pool(Size::fixed(1), |b| b.probe_interval(secs(10)));
    assert_eq!(pool.answer_to(Task::new()).resource, 1);
    case.advance(secs(10));
    assert_eq!(pool.answer_to(Task::new()).resource, 2);
}

/// Promise 5; the backend's own tests show a type that is not `Send`.
pub fn a_resource_stays_on_its_thread<D: Driver>(case: &Case<D>) {
    if !case.can().pins_resources {
        return;
    }
    case.script().pin();
    let pool = case.pool(Size::fixed(3), |b| b.probe_interval(secs(1)));
    let handles = pool.submit_all((0..100).map(Task::value).collect());
    case.advance(secs(5));
    for (number, handle) in (0..).zip(handles) {
        assert_eq!(handle.wait().expect("it succeeds").number, number);
    }
    assert!(pool.stopped().is_clean());
}

/// Decision `create`: worker, attempt and reason.
pub fn create_is_told_what_the_resource_is_for<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 2).serving(1, 1), |b| b.scaling(super::scaling::Keep));
    pool.warm_up(2);
    assert_eq!(pool.value_of(Task::value(1)), 1);
    pool.run(Task::new()).expect("it runs");
    let _ = pool.error_of(Task::failing(Fault::sick("broken")).retries(0));
    case.advance(secs(1));
    assert_eq!(
        case.script().reasons(),
        [SpawnReason::Base, SpawnReason::Burst, SpawnReason::Reserve, SpawnReason::Replacement]
    );
}

/// Fault: spawning a thread fails.
pub fn a_worker_that_cannot_be_started_is_tried_again<D: Driver>(case: &Case<D>) {
    let builder = case.builder(Size::fixed(1)).startup(Startup::Lazy);
    let builder = case.driver().fail_starts(builder, 2);
    assert_eq!(builder.is_some(), case.can().starts_can_fail);
    let Some(builder) = builder else { return };
    let pool = case.adopt(builder).expect("it is built");
    assert_eq!(pool.stats().backing_off, 1);
    let error = pool.stats().create_error.expect("it says why");
    assert_eq!(&*error, "no thread could be started");
    case.advance(secs(2));
    assert_eq!(pool.value_of(Task::value(1)), 1);
}

/// Fault: create succeeds after stop began.
pub fn a_resource_created_after_the_stop_began_is_destroyed_at_once<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    case.script().next(Op::Create, [Outcome::Succeed, Outcome::hold(&gate)]);
    let pool = case.pool(Size::fixed(2), |b| b);
    let stopping = pool.clone();
    let stopped = case.spawn(move || stopping.stopped());
    case.settle();
    gate.open();
    assert!(case.join(stopped).is_clean());
    assert_eq!((case.script().counters().created, case.script().counters().destroyed), (2, 2));
}

/// Fault: create hangs when a kill begins.
pub fn a_creation_under_way_does_not_hold_up_a_kill<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    case.script().always(Op::Create, Outcome::hold(&gate));
    let pool = case.pool(Size::fixed(1), |b| b.startup(Startup::Lazy));
    let handle = pool.submit(Task::logs(case.log(), "ran"));
    case.settle();
    assert_eq!(gate.waiting(), 1);
    pool.kill().expect("it is killed outside of its tasks");
    assert!(matches!(handle.wait(), Err(TaskError::Killed)));
    gate.open();
    case.settle();
    assert!(case.log().entries().is_empty(), "whatever comes of the creation serves nobody");
    assert_eq!(case.script().counters().created, case.script().counters().destroyed);
}
