//! `run`, which skips the queue, and waits inside of tasks. Promises 15 and 16.

use tasker_core::{RunError, SpawnReason};

use super::{millis, scaling::Keep, secs};
use crate::{Answer, Case, Driver, Fault, Gate, Handle, Helper, Op, Outcome, Pool, Size, Step, Task};

/// One test per case of this theme.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_run {
    ($driver:ident) => {
        $crate::conformance_cases!($driver, run:
            run_skips_the_queue_and_reuses_the_reserve
            beyond_the_reserve_run_makes_temporary_resources
            beyond_the_cap_on_temporaries_run_waits
            runs_that_wait_are_served_in_the_order_they_came
            without_a_reserve_run_makes_a_resource_each_time
            an_unhealthy_resource_is_not_put_back
            what_run_runs_is_counted_apart
            an_idle_resource_of_the_reserve_goes_when_it_is_too_old
            a_used_up_resource_of_the_reserve_goes_at_once
            a_failed_creation_goes_to_that_caller_alone
            a_creation_that_hangs_in_run_is_given_up_at_its_timeout
            a_destroy_that_hangs_in_run_is_waited_for_no_longer_than_its_timeout
            a_panic_in_run_goes_to_its_caller_alone
            a_run_under_way_is_waited_for_and_later_ones_are_refused
            a_kill_does_not_wait_for_a_run_for_ever
            a_kill_does_not_wait_for_a_run_after_it_waited_for_workers
            a_nested_wait_that_would_deadlock_is_an_error
            a_nested_wait_is_given_up_when_the_pool_becomes_too_small_for_it
            when_all_workers_wait_for_each_other_none_hangs
            when_a_resize_leaves_only_workers_that_wait_for_each_other_none_hangs
            when_a_resize_leaves_only_workers_that_wait_for_room_none_hangs
            a_nested_wait_gets_another_worker_if_there_may_be_one
            a_nested_wait_in_a_run_inside_a_task_is_one_of_that_task
            a_wait_for_room_inside_a_task_that_would_deadlock_is_refused
            a_wait_for_room_inside_a_task_is_given_up_when_the_pool_becomes_too_small_for_it
            a_wait_for_room_inside_a_task_gets_another_worker_if_there_may_be_one
            a_task_that_was_granted_room_is_not_blocked_any_more
        );
    };
}

/// Promise 15.
pub fn run_skips_the_queue_and_reuses_the_reserve<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 1), |b| b.capacity(1));
    let gate = case.gate();
    let busy = pool.submit(Task::at(&gate));
    case.settle();
    let handles = [busy, pool.submit(Task::new())];
    let first = pool.run(Task::new().step(Step::Succeed(5))).expect("it runs here and now");
    let second = pool.run(Task::new()).expect("it runs here and now");
    assert_eq!((first.number, first.resource, second.resource), (5, 2, 2));
    assert_eq!((pool.stats().reserve_free, pool.stats().reserve_busy), (1, 0));
    let error = pool.run(Task::failing(Fault::healthy("no such row"))).expect_err("it fails");
    assert!(matches!(&error, RunError::Failed(fault) if fault.text == "no such row"), "{error:?}");
    assert_eq!(pool.run(Task::new()).expect("it runs").resource, 2, "a healthy error changes nothing");
    gate.open();
    handles.into_iter().for_each(|handle| drop(handle.wait().expect("it succeeds")));
    assert_eq!(case.script().reasons(), [SpawnReason::Base, SpawnReason::Reserve]);
}

fn run_at_gate<D: Driver>(
    case: &Case<D>,
    pool: &Pool<D>,
    gate: &Gate,
) -> Helper<Result<Answer, RunError<Fault>>> {
    run_here(case, pool, Task::at(gate))
}

fn run_here<D: Driver>(
    case: &Case<D>,
    pool: &Pool<D>,
    task: Task,
) -> Helper<Result<Answer, RunError<Fault>>> {
    let pool = pool.clone();
    let running = case.spawn(move || pool.run(task));
    case.settle();
    running
}

/// Promise 15: or a temporary one.
pub fn beyond_the_reserve_run_makes_temporary_resources<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 1), |b| b);
    let gate = case.gate();
    let running = [run_at_gate(case, &pool, &gate), run_at_gate(case, &pool, &gate)];
    assert_eq!((pool.stats().reserve_free, pool.stats().reserve_busy), (0, 2));
    gate.open();
    running.into_iter().for_each(|run| drop(case.join(run).expect("it runs")));
    case.settle();
    assert_eq!((pool.stats().reserve_free, pool.stats().reserve_busy), (1, 0));
    assert_eq!(case.script().reasons()[1..], [SpawnReason::Reserve, SpawnReason::Temporary]);
    assert_eq!(case.script().counters().destroyed, 1, "the temporary one is destroyed after");
}

/// Promise 15: a cap on temporaries.
pub fn beyond_the_cap_on_temporaries_run_waits<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 1), |b| b);
    let gate = case.gate();
    let running: Vec<_> = (0..5).map(|_| run_at_gate(case, &pool, &gate)).collect();
    assert_eq!((pool.stats().reserve_busy, gate.waiting()), (2, 2));
    for _ in 0..5 {
        gate.admit(1);
        case.settle();
    }
    running.into_iter().for_each(|run| drop(case.join(run).expect("it runs in the end")));
}

/// Promise 15: first come, first served.
pub fn runs_that_wait_are_served_in_the_order_they_came<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 0), |b| b.max_uses(2));
    let gate = case.gate();
    let names = ["first", "second", "third", "fourth", "fifth"];
    let running = names.map(|name| run_here(case, &pool, Task::logs(case.log(), name).pass(&gate)));
    for served in 1..=names.len() {
        assert_eq!(case.log().entries(), names[..served]);
        gate.admit(1);
        case.settle();
    }
    running.into_iter().for_each(|run| drop(case.join(run).expect("it runs in its turn")));
    assert_eq!(case.script().counters().created, 4, "no resource serves more than two");
}

/// Defaults: a reserve of 0 is allowed.
pub fn without_a_reserve_run_makes_a_resource_each_time<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(0, 1), |b| b);
    let first = pool.run(Task::new()).expect("it runs").resource;
    let second = pool.run(Task::new()).expect("it runs").resource;
    assert_eq!((first, second), (2, 3));
    assert_eq!((pool.stats().reserve_free, pool.stats().reserve_busy), (0, 0));
}

/// Promise 15: the same health rules.
pub fn an_unhealthy_resource_is_not_put_back<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 1), |b| b);
    assert_eq!(pool.run(Task::new()).expect("it runs").resource, 2);
    let error = pool.run(Task::failing(Fault::sick("broken"))).expect_err("it fails");
    assert!(matches!(error, RunError::Failed(_)), "{error:?}");
    case.settle();
    assert_eq!((pool.stats().reserve_free, pool.stats().reserve_busy), (0, 0));
    assert_eq!(pool.run(Task::new()).expect("it runs").resource, 3);
}

/// Promises 15 and 25.
pub fn what_run_runs_is_counted_apart<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 1), |b| b);
    let gate = case.gate();
    let running = run_at_gate(case, &pool, &gate);
    let counted = |pool: &Pool<D>| {
        let metrics = pool.metrics();
        assert_eq!((metrics.accepted, metrics.attempts, metrics.ended()), (0, 0, 0), "{metrics:?}");
        (metrics.runs, metrics.runs_completed, metrics.runs_failed)
    };
    assert_eq!(counted(&pool), (1, 0, 0));
    gate.open();
    case.join(running).expect("it runs");
    assert_eq!(counted(&pool), (1, 1, 0));
    pool.run(Task::failing(Fault::healthy("no such row"))).expect_err("it fails");
    pool.run(Task::new().step(Step::Panic("oops"))).expect_err("it panics");
    assert_eq!(counted(&pool), (3, 1, 2));
    assert!(pool.stopped().is_clean());
    pool.run(Task::new()).expect_err("it has stopped");
    assert_eq!(counted(&pool), (3, 1, 2), "one that got no resource is not counted");
}

/// Promises 4 and 15: whether or not it is needed again.
pub fn an_idle_resource_of_the_reserve_goes_when_it_is_too_old<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(2, 1), |b| b.max_lifetime(secs(100)));
    assert_eq!(pool.run(Task::new()).expect("it runs").resource, 2);
    case.advance(secs(40));
    let gate = case.gate();
    let running = [run_at_gate(case, &pool, &gate), run_at_gate(case, &pool, &gate)];
    gate.open();
    running.into_iter().for_each(|run| drop(case.join(run).expect("it runs")));
    case.advance(millis(59_999));
    assert_eq!((pool.stats().reserve_free, case.script().log().count("destroy 2")), (2, 0));
    case.advance(millis(1));
    assert_eq!((pool.stats().reserve_free, case.script().log().count("destroy 2")), (1, 1));
    case.advance(secs(40));
    assert_eq!((pool.stats().reserve_free, pool.stats().reserve_busy), (0, 0), "the other was younger");
}

/// Promises 4 and 15.
pub fn a_used_up_resource_of_the_reserve_goes_at_once<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 1), |b| b.max_uses(2));
    for free in [1, 0] {
        assert_eq!(pool.run(Task::new()).expect("it runs").resource, 2);
        assert_eq!((pool.stats().reserve_free, pool.stats().reserve_busy), (free, 0));
    }
    assert_eq!(case.script().log().count("destroy 2"), 1);
}

/// Fault: the reserve is empty and its creation fails.
pub fn a_failed_creation_goes_to_that_caller_alone<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 1), |b| b);
    case.script().next(Op::Create, [Outcome::Fail("down"), Outcome::Panic("no room")]);
    let error = pool.run(Task::new()).expect_err("it cannot be created");
    assert!(matches!(&error, RunError::Create(fault) if fault.text == "down"), "{error:?}");
    let error = pool.run(Task::new()).expect_err("it cannot be created");
    assert!(error.to_string().contains("no room"), "{error}");
    pool.run(Task::new()).expect("no room was lost");
    assert_eq!(pool.value_of(Task::value(1)), 1);
}

/// Promises 2 and 15: a resource of the reserve has no longer to come up than one of a worker.
pub fn a_creation_that_hangs_in_run_is_given_up_at_its_timeout<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 0), |b| b.create_timeout(secs(2)));
    let gate = case.gate();
    case.script().next(Op::Create, [Outcome::hold(&gate)]);
    let running = run_here(case, &pool, Task::new());
    case.advance(millis(1999));
    assert!(!running.is_finished(), "it may come up yet");
    case.advance(millis(1));
    assert!(running.is_finished(), "given up");
    let error = case.join(running).expect_err("there was no resource");
    assert!(matches!(error, RunError::Start(_)), "{error:?}");
    pool.run(Task::new()).expect("its place is free again");
}

/// Promises 3 and 15.
pub fn a_destroy_that_hangs_in_run_is_waited_for_no_longer_than_its_timeout<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 0), |b| b.destroy_timeout(secs(5)));
    let gate = case.gate();
    case.script().next(Op::Destroy, [Outcome::hold(&gate)]);
    let running = run_here(case, &pool, Task::failing(Fault::sick("broken")));
    case.advance(millis(4999));
    assert!(!running.is_finished(), "it destroys its resource");
    case.advance(millis(1));
    assert!(running.is_finished(), "it has waited long enough");
    let error = case.join(running).expect_err("it fails");
    assert!(matches!(&error, RunError::Failed(fault) if fault.text == "broken"), "{error:?}");
    assert_eq!(pool.stopped().destroy_errors, 1);
}

/// Fault: `run` panics.
pub fn a_panic_in_run_goes_to_its_caller_alone<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 1), |b| b);
    let error = pool.run(Task::new().step(Step::Panic("oops"))).expect_err("it panics");
    assert!(matches!(&error, RunError::Panicked { message } if &**message == "oops"), "{error:?}");
    case.settle();
    assert_eq!((pool.stats().reserve_free, pool.stats().reserve_busy), (0, 0), "never put back");
    assert_eq!(pool.run(Task::new()).expect("it runs").resource, 3);
}

/// Fault: `run` racing stop. Stop order: the reserve goes last.
pub fn a_run_under_way_is_waited_for_and_later_ones_are_refused<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 1), |b| b);
    let gate = case.gate();
    let running = run_at_gate(case, &pool, &gate);
    let stopping = pool.clone();
    let stopped = case.spawn(move || stopping.stopped());
    case.settle();
    assert!(!stopped.is_finished());
    gate.open();
    case.join(running).expect("it went through");
    assert!(case.join(stopped).is_clean());
    assert!(matches!(pool.run(Task::new()), Err(RunError::Stopping)));
    assert_eq!(case.script().log().entries(), ["create 1", "create 2", "destroy 1", "destroy 2"]);
}

/// Fault: `run` racing kill.
pub fn a_kill_does_not_wait_for_a_run_for_ever<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 1), |b| b.grace(secs(5)).destroy_timeout(secs(10)));
    let gate = case.gate();
    let running = run_at_gate(case, &pool, &gate);
    let killing = pool.clone();
    let killed = case.spawn(move || killing.kill());
    case.settle();
    case.advance(secs(15));
    let report = case.join(killed).expect("it is killed outside of tasks");
    assert_eq!(report.reserve_left, usize::from(!case.can().interrupts_tasks));
    gate.open();
    let result = case.join(running);
    if case.can().interrupts_tasks {
        assert!(matches!(result, Err(RunError::Killed)), "{result:?}");
    } else {
        result.expect("nothing cuts it short on a thread");
    }
}

/// Fault: `run` racing kill. Both are told at once, and so both are waited for at once.
pub fn a_kill_does_not_wait_for_a_run_after_it_waited_for_workers<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 1), |b| b.grace(secs(5)).destroy_timeout(secs(10)));
    let (gate, slow) = (case.gate(), case.gate());
    let running = run_at_gate(case, &pool, &gate);
    case.script().next(Op::Destroy, [Outcome::hold(&slow)]);
    let killing = pool.clone();
    let killed = case.spawn(move || killing.kill());
    case.settle();
    case.advance(secs(10));
    assert_eq!(killed.is_finished(), case.can().interrupts_tasks, "a thread is inside `run`");
    case.advance(secs(5));
    assert!(killed.is_finished(), "all have had their grace and their time to destroy");
    let report = case.join(killed).expect("it is killed outside of tasks");
    assert_eq!(report.reserve_left, usize::from(!case.can().interrupts_tasks));
    gate.open();
    drop(case.join(running));
}

/// Promise 16.
pub fn a_nested_wait_that_would_deadlock_is_an_error<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let (inner, log) = (pool.clone(), case.log().clone());
    let task = Task::new().nested(move || inner.submit(Task::logs(&log, "inner")));
    let error = pool.error_of(task);
    assert!(error.to_string().contains("would deadlock"), "{error}");
    case.settle();
    assert_eq!(case.log().entries(), ["inner"], "it still runs once a worker is free");
}

/// Promise 16: the maximum was high enough as the wait began.
pub fn a_nested_wait_is_given_up_when_the_pool_becomes_too_small_for_it<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 2), |b| b.scaling(Keep));
    pool.warm_up(2);
    let (gate, inner, log) = (case.gate(), pool.clone(), case.log().clone());
    let busy = started(case, &pool, Task::at(&gate));
    let task = Task::new().nested(move || inner.submit(Task::logs(&log, "inner")));
    let outer = started(case, &pool, task);
    pool.resize(1, 1).expect("the bounds make sense");
    case.settle();
    gate.open();
    busy.wait().expect("it is not interrupted");
    let error = outer.wait().expect_err("the other worker has left");
    assert!(error.to_string().contains("would deadlock"), "{error}");
    case.settle();
    assert_eq!(case.log().entries(), ["inner"], "it still runs once a worker is free");
}

/// Promise 16 and fault: all workers busy doing the same.
pub fn when_all_workers_wait_for_each_other_none_hangs<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(3), |b| b);
    let gate = case.gate();
    let outer: Vec<_> = (0..3)
        .map(|_| {
            let inner = pool.clone();
            pool.submit(Task::at(&gate).nested(move || inner.submit(Task::value(1))))
        })
        .collect();
    case.settle();
    gate.open();
    let failed = outer.into_iter().filter_map(|handle| handle.wait().err()).collect::<Vec<_>>();
    assert_eq!(failed.len(), 1, "one that is refused frees the others");
    assert!(failed.iter().all(|error| error.to_string().contains("would deadlock")), "{failed:?}");
    case.settle();
    assert_eq!((pool.stats().queued_total(), pool.stats().busy), (0, 0));
}

/// Promise 16: also where it comes to that only after the wait has begun.
pub fn when_a_resize_leaves_only_workers_that_wait_for_each_other_none_hangs<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(3), |b| b);
    let (gate, hold) = (case.gate(), case.gate());
    let free = started(case, &pool, Task::at(&hold));
    let outer: Vec<_> = (0..2)
        .map(|_| {
            let inner = pool.clone();
            started(case, &pool, Task::at(&gate).nested(move || inner.submit(Task::value(1))))
        })
        .collect();
    gate.open();
    case.settle();
    pool.resize(1, 2).expect("it makes sense");
    case.settle();
    hold.open();
    free.wait().expect("its worker leaves after it");
    let refused: Vec<_> = outer.into_iter().filter_map(|handle| handle.wait().err()).collect();
    assert_eq!(refused.len(), 1, "the other's task can run then: {refused:?}");
    assert!(refused[0].to_string().contains("would deadlock"), "{refused:?}");
    case.settle();
    assert_eq!((pool.stats().queued_total(), pool.stats().busy), (0, 0));
}

/// Promise 16: waiting for room is waiting for a worker, too.
pub fn when_a_resize_leaves_only_workers_that_wait_for_room_none_hangs<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(3), |b| b.capacity(1));
    let (gate, hold) = (case.gate(), case.gate());
    let free = started(case, &pool, Task::at(&hold));
    let outer: Vec<_> = (0..2)
        .map(|_| {
            let inner = pool.clone();
            let task = Task::at(&gate).squeeze(move || inner.submit_wait_inside(Task::new()));
            started(case, &pool, task)
        })
        .collect();
    let filler = pool.try_submit(Task::new()).expect("there is room for one");
    gate.open();
    case.settle();
    pool.resize(1, 2).expect("it makes sense");
    case.settle();
    hold.open();
    free.wait().expect("its worker leaves after it");
    let refused = outer.into_iter().filter_map(|handle| handle.wait().err()).count();
    assert_eq!(refused, 1, "the other has room then");
    filler.wait().expect("the refused one has made room");
}

/// Promise 16: only where it would deadlock.
pub fn a_nested_wait_gets_another_worker_if_there_may_be_one<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 3), |b| b.scaling(Keep));
    let (middle, inner) = (pool.clone(), pool.clone());
    let task = Task::new().nested(move || {
        let inner = inner.clone();
        middle.submit(Task::new().nested(move || inner.submit(Task::value(1))))
    });
    pool.submit(task.step(Step::Succeed(9))).wait().expect("there is a worker for each");
}

/// Promise 16: `run` does not hide the worker whose task called it.
pub fn a_nested_wait_in_a_run_inside_a_task_is_one_of_that_task<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 1), |b| b);
    let (outer, log) = (pool.clone(), case.log().clone());
    let task = Task::new().call(move |_| {
        let inner = outer.clone();
        let ran = outer.run(Task::new().nested(move || inner.submit(Task::new())));
        log.push(ran.expect_err("the only worker waits").to_string());
    });
    pool.submit(task).wait().expect("it does not hang");
    let [said] = &*case.log().entries() else { panic!("one entry: {:?}", case.log()) };
    assert!(said.contains("would deadlock"), "{said}");
}

fn started<D: Driver>(case: &Case<D>, pool: &Pool<D>, task: Task) -> Handle {
    let handle = pool.submit(task);
    case.settle();
    handle
}

/// A pool whose queue is full, and tasks on all its workers that wait for room as soon as `gate` lets them.
fn crowded<D: Driver>(case: &Case<D>, pool: &Pool<D>, gate: &Gate) -> (Vec<Handle>, Handle) {
    let workers = pool.stats().active;
    let outer = (0..workers)
        .map(|_| {
            let inner = pool.clone();
            let task = Task::at(gate).squeeze(move || inner.submit_wait_inside(Task::new()));
            started(case, pool, task)
        })
        .collect();
    let filler = pool.try_submit(Task::new()).expect("there is room for one");
    assert!(pool.try_submit(Task::new()).is_err(), "and for no more");
    (outer, filler)
}

/// Promise 16: waiting for room is waiting for a worker, too.
pub fn a_wait_for_room_inside_a_task_that_would_deadlock_is_refused<D: Driver>(case: &Case<D>) {
    for workers in 1..=3 {
        let pool = case.pool(Size::fixed(workers), |b| b.capacity(1));
        let gate = case.gate();
        let (outer, filler) = crowded(case, &pool, &gate);
        gate.open();
        let refused: Vec<_> = outer.into_iter().filter_map(|handle| handle.wait().err()).collect();
        assert_eq!(refused.len(), 1, "the last worker alone: {refused:?}");
        assert!(refused[0].to_string().contains("waiting for room here would deadlock"), "{refused:?}");
        filler.wait().expect("the refused one has made room");
        case.settle();
        assert_eq!((pool.stats().queued_total(), pool.stats().busy), (0, 0));
    }
}

/// Promise 16: the maximum was high enough as the wait began.
pub fn a_wait_for_room_inside_a_task_is_given_up_when_the_pool_becomes_too_small_for_it<D: Driver>(
    case: &Case<D>,
) {
    let pool = case.pool(Size::range(1, 2), |b| b.capacity(1).scaling(Keep));
    pool.warm_up(2);
    let (gates, inner) = ([case.gate(), case.gate()], pool.clone());
    let busy = started(case, &pool, Task::at(&gates[0]));
    let squeezes = Task::at(&gates[1]).squeeze(move || inner.submit_wait_inside(Task::new()));
    let outer = started(case, &pool, squeezes);
    let filler = pool.try_submit(Task::new()).expect("there is room for one");
    gates[1].open();
    case.settle();
    pool.resize(1, 1).expect("the bounds make sense");
    case.settle();
    gates[0].open();
    busy.wait().expect("it is not interrupted");
    let error = outer.wait().expect_err("the other worker has left");
    assert!(error.to_string().contains("would deadlock"), "{error}");
    filler.wait().expect("the refused one has made room");
}

/// Promise 16: only where it would deadlock.
pub fn a_wait_for_room_inside_a_task_gets_another_worker_if_there_may_be_one<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 2), |b| b.capacity(1).scaling(Keep));
    let gate = case.gate();
    let (outer, filler) = crowded(case, &pool, &gate);
    gate.open();
    for handle in outer.into_iter().chain([filler]) {
        handle.wait().expect("another worker makes room");
    }
}

/// Promise 16: no longer than it waits.
pub fn a_task_that_was_granted_room_is_not_blocked_any_more<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b.capacity(1));
    let (gates, after) = ([case.gate(), case.gate()], case.gate());
    let outer = gates.each_ref().map(|gate| {
        let inner = pool.clone();
        let task = Task::at(gate).squeeze(move || inner.submit_wait_inside(Task::new())).pass(&after);
        started(case, &pool, task)
    });
    let filler = pool.try_submit(Task::new()).expect("there is room for one");
    gates[0].open();
    case.settle();
    assert_eq!(after.waiting(), 0, "the first waits for room");
    filler.cancel();
    case.settle();
    assert_eq!(after.waiting(), 1, "and has it");
    gates[1].open();
    case.settle();
    assert_eq!(after.waiting(), 1, "the second waits and is not refused, for the first will make room");
    after.open();
    outer.into_iter().for_each(|handle| drop(handle.wait().expect("it had its room")));
}
