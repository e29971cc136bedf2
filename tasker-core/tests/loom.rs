//! Every interleaving of the places where threads meet: the parker, the inbox, and the end of a task.
//!
//! Bounds: two or three threads, one or two tasks, and as many preemptions as `LOOM_MAX_PREEMPTIONS` allows. Loom
//! knows no time, so what is explored has none.
#![cfg(tasker_loom)]

mod common;

use std::sync::Arc;
use std::task::Waker;

use common::{Bench, Taken, bench, put, serve};
use tasker_core::engine::Step;
use tasker_core::parker::Parker;
use tasker_core::sync::thread;
use tasker_core::task::job::{Job, JobEnd};
use tasker_core::{CancelOutcome, ExitReason, Refusal, TaskError, Timestamp};

/// Loom counts each look at an atomic, and a worker that leaves adds up its histograms: more than loom's own limit.
fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 100_000;
    builder.check(model);
}

#[test]
fn a_wake_up_is_never_lost_by_a_parker() {
    explore(|| {
        let parker = Parker::new();
        let waker = parker.waker();
        let other = thread::spawn(move || waker.wake());
        parker.park();
        other.join().expect("no panic");
    });
}

#[test]
fn a_task_submitted_while_the_worker_goes_to_sleep_is_run() {
    explore(|| {
        let Bench { engine, mut workers, controller: _controller } = bench(1, 8);
        let mut worker = workers.pop().expect("one worker");
        let serving = thread::spawn(move || serve(&mut worker));
        let handle = put(&engine, 7);
        engine.inbox.close();
        assert_eq!(serving.join().expect("no panic"), (vec![7], ExitReason::Drained));
        assert_eq!(handle.wait().ok(), Some(7));
        assert_eq!(engine.inbox.counts().running, 0);
    });
}

#[test]
fn a_result_reaches_the_thread_that_waits_for_it() {
    explore(|| {
        let Bench { engine, mut workers, controller: _controller } = bench(1, 8);
        let mut worker = workers.pop().expect("one worker");
        let handle = put(&engine, 7);
        engine.inbox.close();
        let serving = thread::spawn(move || serve(&mut worker).0);
        assert_eq!(handle.wait().ok(), Some(7));
        assert_eq!(serving.join().expect("no panic"), [7]);
    });
}

#[test]
fn a_task_left_on_credit_while_the_worker_goes_to_sleep_is_run() {
    explore(|| {
        let Bench { engine, mut workers, controller: _controller } = bench(1, 8);
        let mut worker = workers.pop().expect("one worker");
        // The control loop hears of the first; from then on there is credit while the worker is busy.
        let first = put(&engine, 1);
        let serving = thread::spawn(move || serve(&mut worker));
        let second = put(&engine, 2);
        assert_eq!(second.wait().ok(), Some(2));
        assert_eq!(first.wait().ok(), Some(1));
        engine.inbox.close();
        assert_eq!(serving.join().expect("no panic"), (vec![1, 2], ExitReason::Drained));
    });
}

#[test]
fn a_submission_racing_a_close_is_either_run_or_refused() {
    explore(|| {
        let Bench { engine, mut workers, controller: _controller } = bench(1, 8);
        let mut worker = workers.pop().expect("one worker");
        let closing = Arc::clone(&engine);
        let closer = thread::spawn(move || closing.inbox.close());
        let handle = put(&engine, 7);
        closer.join().expect("no panic");
        let (ran, why) = serve(&mut worker);
        assert_eq!(why, ExitReason::Drained);
        match handle.wait() {
            Ok(7) => assert_eq!(ran, [7]),
            Err(TaskError::Refused(Refusal::Stopping)) => assert!(ran.is_empty()),
            other => panic!("neither run nor refused: {other:?}"),
        }
    });
}

#[test]
fn a_submission_racing_a_kill_is_refused_or_killed() {
    explore(|| {
        let Bench { engine, workers, controller: _controller } = bench(1, 8);
        let killing = Arc::clone(&engine);
        let killer = thread::spawn(move || {
            for job in killing.inbox.discard(Refusal::Stopping) {
                job.fill(&killing.hub, JobEnd::Error(TaskError::Killed));
            }
        });
        let handle = put(&engine, 7);
        killer.join().expect("no panic");
        drop(workers);
        match handle.wait() {
            Err(TaskError::Killed | TaskError::Refused(Refusal::Stopping)) => {}
            other => panic!("a dead pool ran it: {other:?}"),
        }
        assert_eq!(engine.inbox.counts().queued(), 0);
    });
}

#[test]
fn a_cancel_racing_a_worker_ends_the_task_in_exactly_one_way() {
    explore(|| {
        let Bench { engine, mut workers, controller: _controller } = bench(1, 8);
        let mut worker = workers.pop().expect("one worker");
        let handle = put(&engine, 7);
        engine.inbox.close();
        let serving = thread::spawn(move || serve(&mut worker));
        let outcome = handle.cancel();
        let result = handle.wait();
        let (ran, _) = serving.join().expect("no panic");
        match outcome {
            CancelOutcome::BeforeStart => {
                assert!(ran.is_empty() && matches!(result, Err(TaskError::Cancelled)))
            }
            CancelOutcome::WhileRunning => assert!(ran == [7] && matches!(result, Err(TaskError::Cancelled))),
            CancelOutcome::TooLate => assert!(ran == [7] && matches!(result, Ok(7))),
        }
        let counts = engine.inbox.counts();
        assert_eq!((counts.queued(), counts.running), (0, 0));
    });
}

#[test]
fn room_given_back_by_a_cancel_reaches_the_submitter_who_waits_for_it() {
    explore(|| {
        let Bench { engine, workers, controller: _controller } = bench(1, 1);
        let first = put(&engine, 1);
        let waiting = Arc::clone(&engine);
        let submitter = thread::spawn(move || {
            let room = tasker_core::parker::block_on(waiting.inbox.room());
            drop(room.expect("the pool is open"));
        });
        assert_eq!(first.cancel(), CancelOutcome::BeforeStart);
        submitter.join().expect("no panic");
        drop(workers);
    });
}

#[test]
fn a_dropped_handle_racing_the_result_leaves_nothing_behind() {
    explore(|| {
        let Bench { engine, mut workers, controller: _controller } = bench(1, 8);
        let mut worker = workers.pop().expect("one worker");
        let handle = put(&engine, 7);
        engine.inbox.close();
        let serving = thread::spawn(move || serve(&mut worker));
        drop(handle);
        assert_eq!(serving.join().expect("no panic").0, [7]);
    });
}

#[test]
fn a_permit_and_a_task_reach_one_worker_each() {
    explore(|| {
        let Bench { engine, mut workers, controller: _controller } = bench(2, 8);
        let mut worker = workers.pop().expect("two workers");
        let mut other = workers.pop().expect("two workers");
        let serving = thread::spawn(move || serve(&mut worker));
        engine.inbox.retire(1);
        let handle = put(&engine, 7);
        engine.inbox.close();
        let (mine, why) = serve(&mut other);
        let (theirs, their_why) = serving.join().expect("no panic");
        assert_eq!(mine.len() + theirs.len(), 1);
        assert_eq!(handle.wait().ok(), Some(7));
        let retired = [why, their_why].into_iter().filter(|why| *why == ExitReason::Retired).count();
        assert!(retired <= 1, "one permit was given");
    });
}

#[test]
fn what_a_worker_took_along_is_run_by_one_of_two_or_cancelled() {
    explore(|| {
        let Bench { engine, mut workers, controller: _controller } = bench(2, 16);
        let mut first = workers.pop().expect("two workers");
        let mut second = workers.pop().expect("two workers");
        let mut handles: Vec<_> = (0..6).map(|number| put(&engine, number)).collect();
        // From the first task it learns how short they are; with the next it takes another along.
        for number in 0..2 {
            let Step::Run(job) = first.step(Timestamp::ZERO, Waker::noop()) else { panic!("task {number}") };
            assert_eq!(Taken::begin(&mut first, job).finish(&mut first), number);
        }
        engine.inbox.close();
        let serving = thread::spawn(move || serve(&mut second).0);
        let outcome = handles.remove(2).cancel();
        let mut ran = serve(&mut first).0;
        ran.extend(serving.join().expect("no panic"));
        ran.sort_unstable();
        match outcome {
            CancelOutcome::BeforeStart => assert_eq!(ran, [3, 4, 5]),
            CancelOutcome::WhileRunning | CancelOutcome::TooLate => assert_eq!(ran, [2, 3, 4, 5]),
        }
        let counts = engine.inbox.counts();
        assert_eq!((counts.queued(), counts.running), (0, 0));
    });
}
