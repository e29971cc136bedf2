//! What users of other pools rely on, found in the public test suites of those; `docs/reliability.md` says which.

use tasker_core::{CancelOutcome, Stopped};

use super::secs;
use crate::{Case, Driver, Fault, Op, Outcome, Size, Step, Task};

/// One test per case of this theme.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_peers {
    ($driver:ident) => {
        $crate::conformance_cases!($driver, peers:
            an_empty_batch_is_nothing
            a_pool_that_never_had_a_task_stops_clean
            after_a_pool_has_ended_another_starts_afresh
            when_all_workers_panic_at_once_all_are_replaced
            a_slow_probe_holds_up_nobody
            only_idle_resources_are_probed
            sick_resources_do_not_starve_the_runs_that_wait
            a_run_whose_creation_fails_leaves_its_place_to_the_next
            tasks_that_submit_tasks_are_all_run
            all_who_wait_for_the_end_are_told
            a_cancelled_batch_frees_the_whole_queue
            a_pool_that_grows_runs_what_waits
            a_pool_made_smaller_and_larger_again_keeps_its_busy_workers
        );
    };
}

/// As of an empty list of tasks to wait for.
pub fn an_empty_batch_is_nothing<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.capacity(1));
    assert!(pool.submit_all(Vec::new()).is_empty());
    assert_eq!((pool.metrics().accepted, pool.metrics().refused), (0, 0));
    assert_eq!(pool.value_of(Task::value(1)), 1);
}

/// As joining a pool that is idle.
pub fn a_pool_that_never_had_a_task_stops_clean<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(3), |b| b);
    let report = pool.stopped();
    assert_eq!((report.how, report.done, report.undone), (Stopped::Drained, 0, 0));
    assert!(report.is_clean(), "{report}");
    assert_eq!((case.script().counters().created, case.script().counters().destroyed), (3, 3));
}

/// As a pool that is opened again: here that is another pool, of which the first is none of its business.
pub fn after_a_pool_has_ended_another_starts_afresh<D: Driver>(case: &Case<D>) {
    let first = case.pool(Size::fixed(1), |b| b);
    assert_eq!(first.value_of(Task::value(1)), 1);
    first.stopped();
    let second = case.pool(Size::fixed(1), |b| b);
    assert_eq!(second.value_of(Task::value(2)), 2);
    assert_eq!(second.metrics().accepted, 1, "it counts its own");
    assert_eq!((first.stats().active, second.stats().active), (0, 1));
}

/// As threads that all panic.
pub fn when_all_workers_panic_at_once_all_are_replaced<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(3), |b| b);
    let gate = case.gate();
    let fallen: Vec<_> =
        (0..3).map(|_| pool.submit(Task::at(&gate).step(Step::Panic("all at once")))).collect();
    case.settle();
    gate.open();
    for handle in fallen {
        let error = handle.wait().expect_err("it panicked");
        assert!(error.to_string().contains("all at once"), "{error}");
    }
    case.settle();
    assert_eq!((pool.stats().active, case.script().counters().created), (3, 6));
    assert_eq!(pool.value_of(Task::value(1)), 1);
}

/// As a check of a connection's health that takes its time.
pub fn a_slow_probe_holds_up_nobody<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    case.script().next(Op::Probe, [Outcome::hold(&gate)]);
    let pool = case.pool(Size::fixed(2), |b| b.probe_interval(secs(10)).create_timeout(secs(60)));
    case.advance(secs(10));
    for number in 0..5 {
        assert_eq!(pool.value_of(Task::value(number)), number);
    }
    gate.open();
    case.settle();
    assert_eq!((pool.stats().idle, case.script().counters().created), (2, 2));
}

/// As pings of workers that are checked in.
pub fn only_idle_resources_are_probed<D: Driver>(case: &Case<D>) {
    case.script().always(Op::Probe, Outcome::Fail("dead"));
    let pool = case.pool(Size::fixed(1), |b| b.probe_interval(secs(10)));
    let gate = case.gate();
    let busy = pool.submit(Task::at(&gate));
    case.settle();
    case.advance(secs(60));
    assert_eq!(case.script().counters().created, 1, "its resource was left alone");
    gate.open();
    assert_eq!(busy.wait().expect("it is not interrupted").resource, 1);
    case.settle();
    assert_eq!(case.script().counters().created, 2, "it was due, and the worker idle");
}

/// As broken connections that are given back while others wait for one.
pub fn sick_resources_do_not_starve_the_runs_that_wait<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 0), |b| b);
    let gate = case.gate();
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let (pool, task) = (pool.clone(), Task::at(&gate).step(Step::Fail(Fault::sick("broken"))));
            case.spawn(move || pool.run(task))
        })
        .collect();
    case.settle();
    gate.open();
    for run in waiting {
        let error = case.join(run).expect_err("each breaks its resource");
        assert!(error.to_string().contains("broken"), "{error}");
    }
    assert_eq!(pool.run(Task::value(7)).expect("there is another").number, 7);
}

/// As a pool that is drained: of two who want the only resource, the first fails to create it.
pub fn a_run_whose_creation_fails_leaves_its_place_to_the_next<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1).serving(1, 0), |b| b);
    let gate = case.gate();
    case.script().next(Op::Create, [Outcome::Hold(gate.clone(), Box::new(Outcome::Fail("down")))]);
    let runs = [1, 2].map(|number| {
        let pool = pool.clone();
        let run = case.spawn(move || pool.run(Task::value(number)));
        case.settle();
        run
    });
    gate.open();
    let [first, second] = runs;
    let error = case.join(first).expect_err("it cannot be created");
    assert!(error.to_string().contains("down"), "{error}");
    assert_eq!(case.join(second).expect("it creates the next").number, 2);
}

/// As tasks that add to the work while it is waited for.
pub fn tasks_that_submit_tasks_are_all_run<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b);
    for _ in 0..10 {
        let (inner, log) = (pool.clone(), case.log().clone());
        pool.submit(Task::new().call(move |_| inner.submit(Task::logs(&log, "inner")).detach())).detach();
    }
    case.settle();
    assert_eq!(pool.stopped().done, 20);
    assert_eq!(case.log().count("inner"), 10);
}

/// As several threads that join one pool.
pub fn all_who_wait_for_the_end_are_told<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let gate = case.gate();
    pool.submit(Task::at(&gate)).detach();
    let waiting: Vec<_> = (0..4)
        .map(|number| {
            let pool = pool.clone();
            case.spawn(move || if number < 2 { pool.ended() } else { pool.stopped() })
        })
        .collect();
    case.settle();
    assert!(waiting.iter().all(|waiting| !waiting.is_finished()), "a task is inside");
    gate.open();
    for waiting in waiting {
        assert_eq!(case.join(waiting).done, 1);
    }
}

/// As a queue that is purged of cancelled tasks.
pub fn a_cancelled_batch_frees_the_whole_queue<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.capacity(50));
    let gate = case.gate();
    let busy = pool.submit(Task::at(&gate));
    case.settle();
    let batch = || (0..50).map(Task::value).collect::<Vec<_>>();
    let cancelled = pool.submit_all(batch());
    assert_eq!(pool.stats().queued_total(), 50);
    assert!(cancelled.iter().all(|handle| handle.cancel() == CancelOutcome::BeforeStart));
    assert_eq!(pool.stats().queued_total(), 0);
    let taken = pool.submit_all(batch());
    gate.open();
    busy.wait().expect("it succeeds");
    for (number, handle) in (0..).zip(taken) {
        assert_eq!(handle.wait().expect("there was room for it").number, number);
    }
}

/// As a pool that is tuned while all of it is busy.
pub fn a_pool_that_grows_runs_what_waits<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::range(1, 2), |b| b.max_workers(1));
    let gate = case.gate();
    let busy = pool.submit(Task::at(&gate));
    case.settle();
    let waiting = pool.submit(Task::value(2));
    case.settle();
    assert!(!waiting.is_finished());
    pool.resize(2, 2).expect("the bounds make sense");
    assert_eq!(waiting.wait().expect("the new worker runs it").number, 2);
    gate.open();
    busy.wait().expect("it succeeds");
}

/// As a limit that is lowered and raised while everything is in use.
pub fn a_pool_made_smaller_and_larger_again_keeps_its_busy_workers<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b);
    let gate = case.gate();
    let busy: Vec<_> = (0..2).map(|_| pool.submit(Task::at(&gate))).collect();
    case.settle();
    for size in [1, 2, 1, 2] {
        pool.resize(size, size).expect("the bounds make sense");
        case.settle();
    }
    assert_eq!(pool.stats().busy, 2, "no task is interrupted");
    gate.open();
    for handle in busy {
        handle.wait().expect("it succeeds");
    }
    case.settle();
    assert_eq!((pool.stats().active, pool.stats().idle), (2, 2));
}
