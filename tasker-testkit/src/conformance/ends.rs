//! How a pool ends, and who is told. Promises 20 to 23.

use std::any::Any;
use std::cell::RefCell;
use std::time::Duration;

use tasker_core::parker::block_on;
use tasker_core::supervisor::Startup;
use tasker_core::sync::{Arc, Lock};
use tasker_core::{
    CancelToken, Constant, PoolEvent, Refusal, RunError, StopError, StopReport, Stopped, TaskError,
};

use super::{millis, secs};
use crate::{Case, Driver, Fault, Gate, Handle, Helper, Op, Outcome, Pool, Size, Step, Task};

/// One test per case of this theme.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_ends {
    ($driver:ident) => {
        $crate::conformance_cases!($driver, ends:
            a_stop_runs_everything_that_was_taken
            a_stopping_pool_takes_nothing_more
            a_task_that_runs_during_a_drain_is_not_told_to_end
            a_drain_goes_on_when_the_last_worker_turns_sick
            a_stop_resumes_a_paused_pool
            a_stop_runs_delayed_tasks_and_retries
            a_delay_without_end_is_ended_by_a_deadline_or_a_limit
            a_stop_while_every_creation_fails_ends_at_its_deadline
            a_stop_destroys_the_reserve_last
            a_stop_that_runs_out_of_time_names_what_is_undone
            a_shorter_deadline_wins
            a_kill_answers_everybody_at_once
            a_killed_worker_that_will_not_end_is_named
            after_a_kill_nothing_new_starts
            nothing_that_waits_is_started_by_a_kill
            many_queued_tasks_are_killed_together
            stop_during_stop_waits_for_the_same_end
            kill_during_stop_wins
            stop_after_kill_and_kill_after_stop_return_the_report
            stop_inside_a_task_begins_and_does_not_wait
            kill_inside_a_task_begins_and_does_not_wait
            every_submit_racing_a_stop_has_one_answer
            every_submit_racing_a_kill_has_one_answer
            dropping_the_last_handle_runs_what_was_taken
            the_last_handle_may_be_dropped_inside_a_task
            the_last_handle_may_be_dropped_inside_async_code
            the_last_handle_may_be_dropped_by_a_dying_thread
            when_the_runtime_is_gone_every_handle_resolves
            a_parent_starts_the_graceful_stop
            a_parent_that_was_cancelled_before_stops_the_pool_at_once
            a_pool_that_was_stopped_while_it_starts_says_so
            stats_answer_after_the_end
        );
    };
}

fn stopping<D: Driver>(case: &Case<D>, pool: &Pool<D>) -> Helper<Arc<StopReport>> {
    let pool = pool.clone();
    let stopped = case.spawn(move || pool.stopped());
    case.settle();
    stopped
}

fn busy<D: Driver>(case: &Case<D>, pool: &Pool<D>) -> (Gate, Handle) {
    let gate = case.gate();
    let handle = pool.submit(Task::at(&gate));
    case.settle();
    (gate, handle)
}

/// Promise 20.
pub fn a_stop_runs_everything_that_was_taken<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b);
    let good = pool.submit_all((0..100).map(Task::value).collect());
    let bad = pool.submit(Task::failing(Fault::healthy("no")));
    let cancelled = pool.submit(Task::new().delay(secs(60)));
    cancelled.cancel();
    let report = pool.stopped();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.how, report.done, report.failed, report.cancelled), (Stopped::Drained, 100, 1, 1));
    assert!(good.into_iter().all(|handle| handle.is_finished() && handle.wait().is_ok()), "resolved before");
    assert!(matches!(bad.wait(), Err(TaskError::Failed(_))));
    let phases =
        |e: &PoolEvent| matches!(e, PoolEvent::Stopping { .. } | PoolEvent::Drained | PoolEvent::Ended);
    assert_eq!(pool.count(phases), 3);
}

/// Promise 20: no more submits.
pub fn a_stopping_pool_takes_nothing_more<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let (gate, first) = busy(case, &pool);
    let stopped = stopping(case, &pool);
    let refused = pool.try_submit(Task::value(1)).expect_err("it is stopping");
    assert_eq!(refused.reason, Refusal::Stopping);
    assert!(matches!(pool.error_of(Task::new()), TaskError::Refused(Refusal::Stopping)));
    let waited = pool.submit_wait(Task::new()).expect_err("it is stopping");
    assert_eq!(waited.reason, Refusal::Stopping);
    gate.open();
    assert!(case.join(stopped).is_clean());
    first.wait().expect("it succeeds");
}

/// Promise 20: a live context while draining.
pub fn a_task_that_runs_during_a_drain_is_not_told_to_end<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let gate = case.gate();
    let log = case.log();
    let running = pool.submit(Task::at(&gate).step(Step::LogCancelled(log.clone())));
    let waiting = pool.submit(Task::new().step(Step::LogCancelled(log.clone())));
    let stopped = stopping(case, &pool);
    gate.open();
    assert!(case.join(stopped).is_clean());
    assert_eq!(case.log().entries(), ["not cancelled", "not cancelled"]);
    [running, waiting].into_iter().for_each(|handle| drop(handle.wait().expect("it succeeds")));
}

/// Promise 20 and fault: the last worker turns sick during a drain.
pub fn a_drain_goes_on_when_the_last_worker_turns_sick<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    assert_eq!(pool.value_of(Task::value(1)), 1);
    let gate = case.gate();
    let sick = pool.submit(Task::at(&gate).step(Step::FailTimes(2, Fault::sick("broken"))));
    let waiting = pool.submit(Task::value(2));
    let stopped = stopping(case, &pool);
    gate.open();
    case.settle();
    case.advance(secs(10));
    let report = case.join(stopped);
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.done, 3);
    assert_eq!(sick.wait().expect("it is retried on a new worker").attempt, 3);
    waiting.wait().expect("so is what waited");
}

/// Fault: stop while paused.
pub fn a_stop_resumes_a_paused_pool<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    pool.pause();
    let handle = pool.submit(Task::value(1));
    assert!(pool.stopped().is_clean());
    handle.wait().expect("it ran");
}

/// Fault: stop with retries and delayed tasks pending.
pub fn a_stop_runs_delayed_tasks_and_retries<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b.retry(Constant(secs(30))));
    let retried = pool.submit(Task::new().step(Step::FailTimes(1, Fault::sick("broken"))));
    let delayed = pool.submit(Task::value(2).delay(secs(60)));
    case.settle();
    assert_eq!(pool.stats().delayed, 2);
    let stopped = stopping(case, &pool);
    case.advance(millis(59_999));
    assert!(!stopped.is_finished(), "a delayed task is owed");
    case.advance(millis(1));
    let report = case.join(stopped);
    assert!(report.is_clean());
    assert_eq!(report.done, 2);
    retried.wait().expect("it succeeds");
    delayed.wait().expect("it succeeds");
}

/// Promise 20: however long the delay is.
pub fn a_delay_without_end_is_ended_by_a_deadline_or_a_limit<D: Driver>(case: &Case<D>) {
    let endless = || Task::new().delay(Duration::MAX);
    let pool = case.pool(Size::fixed(1), |b| b);
    let expires = pool.submit(endless().deadline(secs(60)));
    let stopped = stopping(case, &pool);
    case.advance(millis(59_999));
    assert!(!stopped.is_finished(), "it waits for the task");
    case.advance(millis(1));
    assert!(matches!(expires.wait(), Err(TaskError::Expired { .. })));
    assert_eq!(case.join(stopped).how, Stopped::Drained);
    let pool = case.pool(Size::fixed(1), |b| b.max_retries(1).retry(Constant(Duration::MAX)));
    let tasks = [pool.submit(endless()), pool.submit(Task::failing(Fault::sick("gone")))];
    case.settle();
    assert_eq!(pool.stats().delayed, 2);
    let limited = pool.clone();
    let stopped = case.spawn(move || limited.stop_within(secs(60)));
    case.advance(secs(60));
    let report = case.join(stopped).expect("it is stopped outside of its tasks");
    assert_eq!((report.how, report.undone), (Stopped::DeadlinePassed, 2));
    for task in tasks {
        assert!(matches!(task.wait(), Err(TaskError::Killed)));
    }
}

/// Fault: stop while every create fails.
pub fn a_stop_while_every_creation_fails_ends_at_its_deadline<D: Driver>(case: &Case<D>) {
    case.script().always(Op::Create, Outcome::Fail("down"));
    let pool = case.pool(Size::fixed(2), |b| b.startup(Startup::Lazy));
    let handle = pool.submit(Task::new().name("import"));
    let ending = pool.clone();
    let stopped = case.spawn(move || ending.stop_within(secs(60)));
    case.advance(secs(59));
    assert!(!stopped.is_finished());
    case.advance(secs(1));
    let report = case.join(stopped).expect("it is stopped outside of tasks");
    assert_eq!((report.how, report.undone), (Stopped::DeadlinePassed, 1));
    assert_eq!(report.undone_tasks[0].name.as_deref(), Some("import"));
    assert!(matches!(handle.wait(), Err(TaskError::Killed)));
}

/// Decision `stop order`: the reserve last.
pub fn a_stop_destroys_the_reserve_last<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b);
    case.settle();
    assert_eq!(pool.run(Task::new()).expect("it runs").resource, 3);
    assert!(pool.stopped().is_clean());
    assert_eq!(case.script().log().entries().last().map(String::as_str), Some("destroy 3"));
}

/// Promise 21 and fault: stop with an endless task.
pub fn a_stop_that_runs_out_of_time_names_what_is_undone<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.grace(secs(5)).destroy_timeout(secs(10)));
    let gate = case.gate();
    let endless = pool.submit(Task::at(&gate).name("endless"));
    let queued = pool.submit(Task::new().name("queued"));
    let delayed = pool.submit(Task::new().name("delayed").delay(secs(3600)));
    case.settle();
    let ending = pool.clone();
    let stopped = case.spawn(move || ending.stop_within(secs(10)));
    case.advance(millis(9_999));
    assert!(!endless.is_finished());
    case.advance(millis(1));
    for handle in [endless, queued, delayed] {
        assert!(matches!(handle.wait(), Err(TaskError::Killed)), "resolved at the deadline");
    }
    case.advance(secs(5));
    let report = case.join(stopped).expect("it is stopped outside of tasks");
    assert_eq!((report.how, report.undone), (Stopped::DeadlinePassed, 3));
    let mut undone: Vec<_> = report
        .undone_tasks
        .iter()
        .map(|task| (task.name.as_deref().unwrap_or_default(), task.started))
        .collect();
    undone.sort_unstable();
    assert_eq!(undone, [("delayed", false), ("endless", true), ("queued", false)]);
    assert_eq!(report.workers_left.len(), usize::from(!case.can().interrupts_tasks));
    for left in &report.workers_left {
        assert_eq!((left.name.as_deref(), left.since), (Some("endless"), secs(15)));
    }
    let told = |e: &PoolEvent| matches!(e, PoolEvent::Diagnosis(tasker_core::Diagnosis::ShutdownTimeout { waited, .. }) if *waited == secs(10));
    assert_eq!(pool.count(told), 1);
    // On threads it comes back now, and its resource is destroyed then.
    gate.open();
    case.settle();
}

/// Fault: stop racing stop: the stronger wins.
pub fn a_shorter_deadline_wins<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let (gate, handle) = busy(case, &pool);
    let stopped = stopping(case, &pool);
    let ending = pool.clone();
    let within = case.spawn(move || ending.stop_within(secs(3)));
    case.advance(secs(3));
    assert!(matches!(handle.wait(), Err(TaskError::Killed)));
    gate.open();
    case.settle();
    let (first, second) = (case.join(stopped), case.join(within).expect("it stops"));
    assert_eq!((first.how, second.how), (Stopped::DeadlinePassed, Stopped::DeadlinePassed));
}

/// Promise 22.
pub fn a_kill_answers_everybody_at_once<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b.retry(Constant(secs(60))));
    let retried = pool.submit(Task::new().step(Step::FailTimes(1, Fault::sick("broken"))));
    case.settle();
    case.advance(secs(10));
    let (gate, running) = busy(case, &pool);
    let queued = pool.submit(Task::logs(case.log(), "started"));
    let delayed = pool.submit(Task::logs(case.log(), "started").delay(secs(60)));
    let killing = pool.clone();
    let killed = case.spawn(move || killing.kill());
    case.settle();
    for handle in [retried, running, queued, delayed] {
        assert!(handle.is_finished(), "no time has passed");
        assert!(matches!(handle.wait(), Err(TaskError::Killed)));
    }
    gate.open();
    let report = case.join(killed).expect("it is killed outside of tasks");
    assert_eq!((report.how, report.undone, report.undone_tasks.len()), (Stopped::Killed, 4, 4));
    assert_eq!(case.log().count("started"), 0);
}

/// Promises 21 and 22: nobody waits for ever.
pub fn a_killed_worker_that_will_not_end_is_named<D: Driver>(case: &Case<D>) {
    let destroy = case.gate();
    case.script().always(Op::Destroy, Outcome::hold(&destroy));
    let pool = case.pool(Size::fixed(2), |b| b.grace(secs(5)).destroy_timeout(secs(10)));
    let (gate, running) = busy(case, &pool);
    let killing = pool.clone();
    let killed = case.spawn(move || killing.kill());
    case.advance(secs(15));
    assert!(killed.is_finished(), "no longer than grace and destroy timeout");
    let report = case.join(killed).expect("it is killed outside of tasks");
    assert!(matches!(running.wait(), Err(TaskError::Killed)));
    assert!(!report.is_clean());
    assert_eq!(report.workers_left.len(), usize::from(!case.can().interrupts_tasks));
    gate.open();
    destroy.open();
    case.settle();
}

/// Promise 22: nothing new is started.
pub fn after_a_kill_nothing_new_starts<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b);
    pool.kill().expect("it is killed outside of tasks");
    assert!(matches!(
        pool.error_of(Task::logs(case.log(), "started")),
        TaskError::Refused(Refusal::Stopping)
    ));
    assert!(pool.try_submit(Task::logs(case.log(), "started")).is_err());
    assert!(matches!(pool.run(Task::logs(case.log(), "started")), Err(RunError::Stopping)));
    assert_eq!(case.log().count("started"), 0);
}

/// Promise 22: not even in the moment before the queue is emptied.
pub fn nothing_that_waits_is_started_by_a_kill<D: Driver>(case: &Case<D>) {
    for _ in 0..50 {
        let pool = case.pool(Size::fixed(2), |b| b);
        pool.pause();
        let handles: Vec<_> = (0..100).map(|_| pool.submit(Task::logs(case.log(), "started"))).collect();
        let report = pool.kill().expect("it is killed outside of tasks");
        assert_eq!((report.undone, case.log().count("started")), (100, 0));
        assert!(handles.into_iter().all(|handle| matches!(handle.wait(), Err(TaskError::Killed))));
    }
}

/// Fault: a million queued tasks, then kill. Fewer where nothing is optimized.
pub fn many_queued_tasks_are_killed_together<D: Driver>(case: &Case<D>) {
    let tasks = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    let pool = case.pool(Size::fixed(1), |b| b.unbounded());
    pool.pause();
    let captured = Arc::new(());
    let kept = Arc::clone(&captured);
    let task = Task::new().call(move |_| drop(Arc::clone(&kept)));
    let handles: Vec<_> = (0..tasks).map(|_| pool.submit(task.clone())).collect();
    drop(task);
    let report = pool.kill().expect("it is killed outside of tasks");
    assert_eq!(report.undone, tasks);
    assert!(handles.iter().all(|handle| handle.is_finished()));
    case.settle();
    assert_eq!(Arc::strong_count(&captured), 1, "what the tasks had captured is gone");
    assert!(handles.into_iter().all(|handle| matches!(handle.wait(), Err(TaskError::Killed))));
}

/// Promise 22.
pub fn stop_during_stop_waits_for_the_same_end<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let (gate, handle) = busy(case, &pool);
    let (first, second) = (stopping(case, &pool), stopping(case, &pool));
    assert!(!first.is_finished() && !second.is_finished());
    gate.open();
    let (first, second) = (case.join(first), case.join(second));
    assert!(Arc::ptr_eq(&first, &second) && first.is_clean());
    handle.wait().expect("it succeeds");
}

/// Promise 22.
pub fn kill_during_stop_wins<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    let (gate, handle) = busy(case, &pool);
    let stopped = stopping(case, &pool);
    let killing = pool.clone();
    let killed = case.spawn(move || killing.kill());
    case.settle();
    assert!(matches!(handle.wait(), Err(TaskError::Killed)));
    gate.open();
    let report = case.join(killed).expect("it is killed outside of tasks");
    assert_eq!((report.how, case.join(stopped).how), (Stopped::Killed, Stopped::Killed));
}

/// Promise 22.
pub fn stop_after_kill_and_kill_after_stop_return_the_report<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(1), |b| b);
    assert_eq!(pool.stopped().how, Stopped::Drained);
    assert_eq!(pool.kill().expect("it has ended").how, Stopped::Drained);
    assert_eq!(pool.stop_within(secs(1)).expect("it has ended").how, Stopped::Drained);
    let other = case.pool(Size::fixed(1), |b| b);
    assert_eq!(other.kill().expect("it ends").how, Stopped::Killed);
    assert_eq!(other.stopped().how, Stopped::Killed);
    assert_eq!(other.ended().how, Stopped::Killed);
}

fn ends_inside<D: Driver>(
    case: &Case<D>,
    end: fn(&Pool<D>) -> Result<Arc<StopReport>, StopError>,
) -> Pool<D> {
    let pool = case.pool(Size::fixed(1), |b| b);
    let (inner, log) = (pool.clone(), case.log().clone());
    let handle = pool.submit(Task::new().call(move |_| {
        log.push(format!("{:?}", end(&inner).map(drop)));
    }));
    case.settle();
    drop(handle.wait());
    assert_eq!(case.log().entries(), ["Err(InsideTask)"]);
    pool
}

/// Promise 22 and fault: no self-deadlock.
pub fn stop_inside_a_task_begins_and_does_not_wait<D: Driver>(case: &Case<D>) {
    let pool = ends_inside(case, Pool::stop);
    let report = pool.ended();
    assert_eq!((report.how, report.done), (Stopped::Drained, 1));
}

/// Promise 22.
pub fn kill_inside_a_task_begins_and_does_not_wait<D: Driver>(case: &Case<D>) {
    let pool = ends_inside(case, Pool::kill);
    assert_eq!(pool.ended().how, Stopped::Killed);
}

fn submits_racing<D: Driver>(case: &Case<D>, end: fn(&Pool<D>)) {
    for round in 0..50_u64 {
        let pool = case.pool(Size::fixed(2), |b| b);
        let (racing, log) = (pool.clone(), case.log().clone());
        let racer = case.spawn(move || {
            let tasks = (0..200).map(|_| Task::logs(&log, "ran"));
            tasks.map(|task| racing.submit(task)).collect::<Vec<_>>()
        });
        for _ in 0..round % 7 {
            tasker_core::sync::thread::yield_now();
        }
        end(&pool);
        let mut ran = 0;
        for handle in case.join(racer) {
            match handle.wait() {
                Ok(_) => ran += 1,
                Err(TaskError::Refused(Refusal::Stopping) | TaskError::Killed) => {}
                Err(error) => panic!("no answer for a race: {error:?}"),
            }
        }
        case.settle();
        let metrics = pool.metrics();
        assert_eq!((metrics.accepted + metrics.refused, metrics.completed), (200, ran), "{metrics:?}");
    }
}

/// Promise 22 and fault: 10,000 submits race a stop.
pub fn every_submit_racing_a_stop_has_one_answer<D: Driver>(case: &Case<D>) {
    submits_racing(case, |pool| assert!(pool.stopped().is_clean()));
}

/// Promise 22 and fault: 10,000 submits race a kill.
pub fn every_submit_racing_a_kill_has_one_answer<D: Driver>(case: &Case<D>) {
    submits_racing(case, |pool| drop(pool.kill().expect("it is killed outside of tasks")));
}

/// Promise 23.
pub fn dropping_the_last_handle_runs_what_was_taken<D: Driver>(case: &Case<D>) {
    let pool = case.build(case.builder(Size::fixed(1))).expect("it is built");
    let (gate, first) = busy(case, &pool);
    let second = pool.submit(Task::value(2));
    drop(pool);
    gate.open();
    first.wait().expect("it succeeds");
    assert_eq!(second.wait().expect("it succeeds").number, 2);
    case.settle();
    assert_eq!(case.script().counters().live, 0, "then it ended");
}

/// Fault: drop of the last handle inside a task.
pub fn the_last_handle_may_be_dropped_inside_a_task<D: Driver>(case: &Case<D>) {
    let pool = case.build(case.builder(Size::fixed(1))).expect("it is built");
    let gate = case.gate();
    let last = Arc::new(Lock::new(None));
    let held = Arc::clone(&last);
    let handle = pool.submit(Task::at(&gate).call(move |_| drop(held.lock().take())));
    *last.lock() = Some(pool);
    gate.open();
    handle.wait().expect("no self-deadlock");
    case.settle();
    assert_eq!(case.script().counters().live, 0);
}

/// Promise 23: inside async code.
pub fn the_last_handle_may_be_dropped_inside_async_code<D: Driver>(case: &Case<D>) {
    let pool = case.build(case.builder(Size::fixed(1))).expect("it is built");
    let handle = pool.submit(Task::value(1));
    block_on(async move { drop(pool) });
    handle.wait().expect("it succeeds");
    case.settle();
    assert_eq!(case.script().counters().live, 0);
}

thread_local! {
    static KEPT: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

/// Fault: in a thread-local's destructor.
pub fn the_last_handle_may_be_dropped_by_a_dying_thread<D: Driver>(case: &Case<D>) {
    let pool = case.build(case.builder(Size::fixed(1))).expect("it is built");
    let handle = pool.submit(Task::value(1));
    let thread = case.spawn(move || KEPT.with(|kept| *kept.borrow_mut() = Some(Box::new(pool))));
    case.join(thread);
    handle.wait().expect("it succeeds");
    case.settle();
    assert_eq!(case.script().counters().live, 0);
}

/// Promise 23 and fault: after the runtime's end.
pub fn when_the_runtime_is_gone_every_handle_resolves<D: Driver>(case: &Case<D>) {
    if !case.can().runtime_ends {
        return;
    }
    case.allow_drops();
    let pool = case.build(case.builder(Size::fixed(2))).expect("it is built");
    let (_gate, running) = busy(case, &pool);
    let queued = pool.submit_all(vec![Task::new().delay(secs(5)); 10]);
    case.driver().end_runtime();
    for handle in queued.into_iter().chain([running]) {
        assert!(matches!(handle.wait(), Err(TaskError::Killed)));
    }
    assert!(pool.try_submit(Task::new()).is_err());
    let report = pool.stopped();
    assert_eq!((report.how, pool.stats().ended), (Stopped::RuntimeGone, true));
    assert_eq!(report.destroy_skipped, 2, "said, not hidden");
    assert!(pool.run(Task::new()).is_err());
    drop(pool);
}

/// Promise 23: a parent.
pub fn a_parent_starts_the_graceful_stop<D: Driver>(case: &Case<D>) {
    let parent = CancelToken::new();
    let pools =
        [case.pool(Size::fixed(1), |b| b.parent(&parent)), case.pool(Size::fixed(1), |b| b.parent(&parent))];
    let (gate, first) = busy(case, &pools[0]);
    let second = pools[0].submit(Task::value(2));
    parent.cancel();
    assert!(pools.iter().all(|pool| pool.try_submit(Task::new()).is_err()));
    gate.open();
    assert!(pools.iter().all(|pool| pool.ended().is_clean()));
    first.wait().expect("it succeeds");
    assert_eq!(second.wait().expect("queued callers are served").number, 2);
}

/// Promise 23: a parent that came first.
pub fn a_parent_that_was_cancelled_before_stops_the_pool_at_once<D: Driver>(case: &Case<D>) {
    let parent = CancelToken::new();
    parent.cancel();
    // Whether the pool can still be built is up to it; it must not hang, nor leave anything.
    if let Ok(pool) = case.adopt(case.builder(Size::fixed(1)).parent(&parent)) {
        assert!(pool.try_submit(Task::new()).is_err());
        assert!(pool.ended().is_clean());
    }
}

/// Fault: a stop before the start is over.
pub fn a_pool_that_was_stopped_while_it_starts_says_so<D: Driver>(case: &Case<D>) {
    let gate = case.gate();
    case.script().always(Op::Create, Outcome::hold(&gate));
    let parent = CancelToken::new();
    let (building, token) = (case.clone(), parent.clone());
    let built = case.spawn(move || building.build(building.builder(Size::fixed(1)).parent(&token)));
    case.settle();
    parent.cancel();
    case.settle();
    gate.open();
    let error = case.join(built).expect_err("it never came up");
    assert!(error.to_string().contains("stopped before"), "{error}");
}

/// Decision `stop, kill, stats`.
pub fn stats_answer_after_the_end<D: Driver>(case: &Case<D>) {
    let pool = case.pool(Size::fixed(2), |b| b);
    assert_eq!(pool.value_of(Task::value(1)), 1);
    assert!(pool.stopped().is_clean());
    assert_eq!((pool.stats().active, pool.stats().ended, pool.metrics().completed), (0, true, 1));
    pool.pause();
    pool.resume();
    pool.warm_up(2);
    pool.resize(1, 1).expect("it changes nothing");
    case.settle();
    assert!(pool.stats().ended);
}
