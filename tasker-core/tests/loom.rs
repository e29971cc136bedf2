//! Every interleaving of the places where threads meet: the parker, the inbox, and the end of a task.
//!
//! Bounds: two or three threads, one or two tasks, and as many preemptions as `LOOM_MAX_PREEMPTIONS` allows. Loom
//! knows no time, so what is explored has none.
#![cfg(tasker_loom)]

mod common;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use common::{Bench, Letters, Model, Number, NumberTask, Taken, assemble, bench, put, serve};
use tasker_core::engine::{Engine, Msg, Step, Worker};
use tasker_core::parker::Parker;
use tasker_core::queue::Ticket;
use tasker_core::sync::{Condvar, Lock, thread, wait_on};
use tasker_core::task::job::{Job, JobEnd};
use tasker_core::{
    Builder, CancelOutcome, ExitReason, Priority, Refusal, TaskError, TaskHandle, Timestamp, submit,
};

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

/// Asks for a task, with a parker's waker, until there is one; `None` if the worker is to leave.
fn next(worker: &mut Worker<Number>, parker: &Parker) -> Option<Taken> {
    loop {
        match worker.step(Timestamp::ZERO, &parker.waker()) {
            Step::Run(job) => return Some(Taken::begin(worker, job)),
            Step::Look => thread::yield_now(),
            Step::Wait(_) => parker.park(),
            Step::Probe => unreachable!("no probes are set up"),
            Step::Leave(_) => return None,
        }
    }
}

#[test]
fn a_task_left_while_the_worker_looks_around_and_then_sleeps_is_run() {
    explore(|| {
        let builder = Builder::new(Model::default()).workers(1).capacity(8).spin(1);
        let Bench { engine, mut workers, controller: _controller } = assemble(builder);
        let mut worker = workers.pop().expect("one worker");
        worker.looks_around();
        let first = put(&engine, 1);
        let taken = next(&mut worker, &Parker::new()).expect("there is one");
        taken.finish(&mut worker);
        assert!(matches!(worker.step(Timestamp::ZERO, Waker::noop()), Step::Look));
        let serving = thread::spawn(move || serve(&mut worker));
        let (second, third) = (put(&engine, 2), put(&engine, 3));
        assert_eq!(third.wait().ok(), Some(3));
        engine.inbox.close();
        assert_eq!(serving.join().expect("no panic"), (vec![2, 3], ExitReason::Drained));
        drop((first, second));
    });
}

/// Submits a task that returns `number`, for which there is room.
fn put_into(engine: &Arc<Engine<Number>>, room: Ticket<Number>, number: u32) -> TaskHandle<u32, String> {
    submit::submit_with(engine, tasker_core::TaskOptions::default(), room, |core| {
        NumberTask::pair(core, number, |task| task)
    })
}

/// A pool whose one worker is inside of a task, so that there is credit.
fn busy(capacity: usize) -> (Bench, Taken) {
    let mut bench = bench(1, capacity);
    let first = put(&bench.engine, 1);
    let taken = next(&mut bench.workers[0], &Parker::new()).expect("there is one");
    drop(first);
    (bench, taken)
}

/// The worker comes back from the first task, and has one more to run before the pool has drained.
fn runs_the_second_and_leaves(worker: &mut Worker<Number>, first: Taken, second: TaskHandle<u32, String>) {
    first.finish(worker);
    assert_eq!(serve(worker), (vec![2], ExitReason::Drained));
    assert_eq!(second.wait().ok(), Some(2));
}

#[test]
fn a_task_for_which_room_was_set_aside_is_run_though_its_worker_goes_to_sleep_meanwhile() {
    explore(|| {
        let (Bench { engine, mut workers, controller: _controller }, taken) = busy(8);
        let mut worker = workers.pop().expect("one worker");
        let serving = thread::spawn(move || {
            taken.finish(&mut worker);
            serve(&mut worker)
        });
        let room = engine.inbox.try_room(Priority::Normal).expect("there is room");
        let handle = put_into(&engine, room, 2);
        assert_eq!(handle.wait().ok(), Some(2));
        engine.inbox.close();
        assert_eq!(serving.join().expect("no panic"), (vec![2], ExitReason::Drained));
    });
}

#[test]
fn room_that_was_set_aside_before_a_close_is_good_for_a_task() {
    explore(|| {
        let (Bench { engine, mut workers, controller: _controller }, taken) = busy(8);
        let mut worker = workers.pop().expect("one worker");
        let room = engine.inbox.try_room(Priority::Normal).expect("there is room");
        let closing = Arc::clone(&engine);
        let closer = thread::spawn(move || closing.inbox.close());
        let handle = put_into(&engine, room, 2);
        closer.join().expect("no panic");
        runs_the_second_and_leaves(&mut worker, taken, handle);
    });
}

#[test]
fn room_that_was_set_aside_and_is_given_back_holds_nobody_up() {
    explore(|| {
        let (Bench { engine, mut workers, controller: _controller }, taken) = busy(1);
        let mut worker = workers.pop().expect("one worker");
        let room = engine.inbox.try_room(Priority::Normal).expect("there is room");
        let waiting = Arc::clone(&engine);
        let submitter = thread::spawn(move || {
            let room = tasker_core::parker::block_on(waiting.inbox.room());
            put_into(&waiting, room.expect("the pool is open"), 2)
        });
        drop(room);
        let handle = submitter.join().expect("no panic");
        engine.inbox.close();
        runs_the_second_and_leaves(&mut worker, taken, handle);
    });
}

#[test]
fn room_that_was_set_aside_is_nobody_elses() {
    explore(|| {
        let (Bench { engine, mut workers, controller: _controller }, taken) = busy(1);
        let mut worker = workers.pop().expect("one worker");
        let room = engine.inbox.try_room(Priority::Normal).expect("there is room");
        let pushing = Arc::clone(&engine);
        let other = thread::spawn(move || put(&pushing, 3).wait());
        let handle = put_into(&engine, room, 2);
        assert!(matches!(other.join().expect("no panic"), Err(TaskError::Refused(Refusal::Full))));
        engine.inbox.close();
        runs_the_second_and_leaves(&mut worker, taken, handle);
    });
}

#[test]
fn a_worker_that_looked_around_and_leaves_calls_another_for_what_was_left() {
    explore(|| {
        let builder = Builder::new(Model::default()).workers(2).capacity(8).spin(1);
        let Bench { engine, mut workers, controller: _controller } = assemble(builder);
        let (mut looking, mut sleeping) = (workers.pop().expect("two"), workers.pop().expect("two"));
        looking.looks_around();
        let first = put(&engine, 1);
        let taken = next(&mut looking, &Parker::new()).expect("there is one");
        let parker = Parker::new();
        assert!(matches!(sleeping.step(Timestamp::ZERO, &parker.waker()), Step::Wait(_)));
        taken.finish(&mut looking);
        assert!(matches!(looking.step(Timestamp::ZERO, Waker::noop()), Step::Look));
        let leaving = thread::spawn(move || {
            looking.leave(ExitReason::MaxLifetime, Timestamp::ZERO);
        });
        let second = put(&engine, 2);
        // By whoever came second of the two.
        parker.park();
        let taken = next(&mut sleeping, &parker).expect("there is one");
        assert_eq!(taken.finish(&mut sleeping), 2);
        leaving.join().expect("no panic");
        drop((first, second));
    });
}

#[test]
fn two_tasks_for_two_sleeping_workers_are_both_run_while_the_first_lasts() {
    explore(|| {
        let Bench { engine, workers, controller: _controller } = bench(2, 8);
        let met = Arc::new((Lock::new(0), Condvar::new()));
        let serving: Vec<_> = workers
            .into_iter()
            .map(|mut worker| {
                let (met, parker) = (Arc::clone(&met), Parker::new());
                assert!(matches!(worker.step(Timestamp::ZERO, &parker.waker()), Step::Wait(_)));
                thread::spawn(move || {
                    let taken = next(&mut worker, &parker).expect("there is one for each");
                    let mut inside = met.0.lock();
                    *inside += 1;
                    met.1.notify_all();
                    while *inside < 2 {
                        inside = wait_on(&met.1, inside);
                    }
                    drop(inside);
                    taken.finish(&mut worker)
                })
            })
            .collect();
        let handles = [put(&engine, 1), put(&engine, 2)];
        let mut ran: Vec<_> = serving.into_iter().map(|served| served.join().expect("no panic")).collect();
        ran.sort_unstable();
        assert_eq!(ran, [1, 2]);
        drop(handles);
    });
}

#[test]
fn the_waker_of_the_last_poll_is_called() {
    explore(|| {
        let Bench { engine, mut workers, controller: _controller } = bench(1, 8);
        let mut worker = workers.pop().expect("one worker");
        let mut handle = put(&engine, 7);
        let taken = next(&mut worker, &Parker::new()).expect("there is one");
        let serving = thread::spawn(move || taken.finish(&mut worker));
        let (before, parker) = (Parker::new(), Parker::new());
        let mut handle = pin!(&mut handle);
        let mut result = handle.as_mut().poll(&mut Context::from_waker(&before.waker()));
        while result.is_pending() {
            result = handle.as_mut().poll(&mut Context::from_waker(&parker.waker()));
            if result.is_pending() {
                parker.park();
            }
        }
        assert!(matches!(result, Poll::Ready(Ok(7))));
        serving.join().expect("no panic");
    });
}

/// Counts who has its waker.
struct Counted;

impl Wake for Counted {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_handle_dropped_after_a_poll_while_the_result_comes_leaves_no_waker_behind() {
    explore(|| {
        let Bench { engine, mut workers, controller: _controller } = bench(1, 8);
        let mut worker = workers.pop().expect("one worker");
        let counted = Arc::new(Counted);
        let mut handle = Box::pin(put(&engine, 7));
        let taken = next(&mut worker, &Parker::new()).expect("there is one");
        let waker = Waker::from(Arc::clone(&counted));
        assert!(handle.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        let serving = thread::spawn(move || taken.finish(&mut worker));
        drop(handle);
        serving.join().expect("no panic");
        assert_eq!(Arc::strong_count(&counted), 1);
    });
}

#[test]
fn a_callback_armed_while_the_result_comes_is_called_once() {
    explore(|| {
        let Bench { engine, mut workers, controller: _controller } = bench(1, 8);
        let mut worker = workers.pop().expect("one worker");
        let handle = put(&engine, 7);
        let taken = next(&mut worker, &Parker::new()).expect("there is one");
        let serving = thread::spawn(move || taken.finish(&mut worker));
        let called = Arc::new(Lock::new(Vec::new()));
        let results = Arc::clone(&called);
        handle.on_complete(move |result| results.lock().push(result.ok()));
        serving.join().expect("no panic");
        assert_eq!(*called.lock(), [Some(7)]);
        assert_eq!(Arc::strong_count(&called), 1, "the callback is gone");
    });
}

#[test]
fn a_cancel_and_a_worker_that_takes_the_task_set_an_alarm_for_its_grace() {
    explore(|| {
        let letters = Arc::new(Letters::default());
        let builder = Builder::new(Model { letters: Arc::clone(&letters) }).workers(1).capacity(8);
        let Bench { engine, mut workers, controller: _controller } = assemble(builder);
        let mut worker = workers.pop().expect("one worker");
        let handle = put(&engine, 7);
        letters.0.lock().clear();
        let serving = thread::spawn(move || {
            let step = worker.step(Timestamp::ZERO, Waker::noop());
            let taken = if let Step::Run(job) = step { Some(Taken::begin(&mut worker, job)) } else { None };
            (worker, taken)
        });
        let outcome = handle.cancel();
        let (mut worker, taken) = serving.join().expect("no panic");
        let alarmed = letters.0.lock().iter().any(|letter| matches!(letter, Msg::Nudge));
        match outcome {
            CancelOutcome::BeforeStart => assert!(taken.is_none()),
            CancelOutcome::WhileRunning => {
                assert!(alarmed, "nobody would notice that the worker does not come back");
                assert!(worker.context().is_cancelled());
            }
            CancelOutcome::TooLate => unreachable!("it has not ended"),
        }
        taken.into_iter().for_each(|taken| assert_eq!(taken.finish(&mut worker), 7));
        assert!(matches!(handle.wait(), Err(TaskError::Cancelled)));
    });
}

#[test]
fn a_kill_reaches_a_worker_that_takes_a_task() {
    explore(|| {
        let Bench { engine, mut workers, controller } = bench(1, 8);
        let mut worker = workers.pop().expect("one worker");
        let handle = put(&engine, 7);
        let serving = thread::spawn(move || {
            let step = worker.step(Timestamp::ZERO, Waker::noop());
            let taken = if let Step::Run(job) = step { Some(Taken::begin(&mut worker, job)) } else { None };
            (worker, taken)
        });
        // With its control loop goes the pool.
        drop(controller);
        let (mut worker, taken) = serving.join().expect("no panic");
        if let Some(taken) = taken {
            assert!(worker.context().is_cancelled());
            taken.finish(&mut worker);
        }
        assert!(matches!(handle.wait(), Err(TaskError::Killed)));
    });
}

#[test]
fn two_cancels_and_a_worker_end_a_task_once() {
    explore(|| {
        let Bench { engine, mut workers, controller: _controller } = bench(1, 8);
        let mut worker = workers.pop().expect("one worker");
        let handle = Arc::new(put(&engine, 7));
        let taken = next(&mut worker, &Parker::new()).expect("there is one");
        let serving = thread::spawn(move || taken.finish(&mut worker));
        let cancelling = thread::spawn({
            let handle = Arc::clone(&handle);
            move || handle.cancel()
        });
        let outcomes = [handle.cancel(), cancelling.join().expect("no panic")];
        serving.join().expect("no panic");
        let won = outcomes.iter().filter(|&&outcome| outcome == CancelOutcome::WhileRunning).count();
        assert!(won <= 1 && !outcomes.contains(&CancelOutcome::BeforeStart));
        let handle = Arc::into_inner(handle).expect("the other is gone");
        match handle.wait() {
            Ok(7) => assert_eq!(won, 0),
            Err(TaskError::Cancelled) => assert_eq!(won, 1),
            other => panic!("neither run nor cancelled: {other:?}"),
        }
    });
}
