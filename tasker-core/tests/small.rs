//! Small pools driven by hand, for miri: a few tasks, at most three threads, and each way a task can end.
#![cfg(not(any(tasker_loom, tasker_shuttle)))]
#![expect(
    clippy::disallowed_methods,
    reason = "nobody but these tests drives the pools, so the threads are theirs"
)]

mod common;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::{Bench, Letters, Model, Number, assemble, bench, put, put_with, serve};
use tasker_core::engine::{Controller, Engine, Step, Turn, Worker};
use tasker_core::parker::{Parker, block_on};
use tasker_core::sync::{Lock, thread};
use tasker_core::task::{TaskHandle, TaskOptions};
use tasker_core::{Builder, CancelOutcome, Clock, ExitReason, Refusal, TaskError, Timestamp, life};

/// A clock that the test sets.
#[derive(Debug, Default)]
struct HandClock(Lock<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }

    fn park_until(&self, parker: &Parker, _: Timestamp) {
        parker.park();
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::ZERO.saturating_add(Duration::from_secs(seconds))
}

/// A pool with one worker whose control loop the test runs too.
struct Driven {
    clock: Arc<HandClock>,
    letters: Arc<Letters>,
    engine: Arc<Engine<Number>>,
    worker: Worker<Number>,
    controller: Controller<Number>,
}

fn driven() -> Driven {
    let (clock, letters) = (Arc::new(HandClock::default()), Arc::new(Letters::default()));
    let mut builder = Builder::new(Model { letters: Arc::clone(&letters) }).workers(1).seed(1);
    builder.clock = Some(Arc::clone(&clock) as _);
    let Bench { engine, mut workers, controller } = assemble(builder);
    let mut driven = Driven { clock, letters, engine, worker: workers.remove(0), controller };
    driven.hear();
    driven
}

impl Driven {
    /// Lets the control loop hear all there is to hear.
    fn hear(&mut self) -> Turn {
        let now = self.clock.now();
        let mut turn = self.controller.turn(now, None);
        loop {
            // Not held while the control loop works: it posts letters itself.
            let letter = self.letters.0.lock().pop_front();
            let Some(letter) = letter else { return turn };
            turn = self.controller.turn(now, Some(letter));
        }
    }

    /// It is `now`.
    fn pass(&mut self, now: Timestamp) {
        *self.clock.0.lock() = now;
        self.hear();
    }

    /// Why the worker is to leave, if it is.
    fn next(&mut self) -> Option<ExitReason> {
        match self.worker.step(self.clock.now(), Waker::noop()) {
            Step::Leave(why) => Some(why),
            Step::Run(_) | Step::Look | Step::Wait(_) | Step::Probe => None,
        }
    }
}

fn poll(handle: &mut TaskHandle<u32, String>) -> Poll<Result<u32, TaskError<String>>> {
    Pin::new(handle).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn tasks_of_two_submitters_are_run_by_two_workers() {
    let Bench { engine, workers, controller } = bench(2, 8);
    let serving: Vec<_> =
        workers.into_iter().map(|mut worker| thread::spawn(move || serve(&mut worker).0)).collect();
    let other = thread::spawn({
        let engine = Arc::clone(&engine);
        move || put(&engine, 1).wait().ok()
    });
    assert_eq!(put(&engine, 2).wait().ok(), Some(2));
    assert_eq!(other.join().expect("no panic"), Some(1));
    engine.inbox.close();
    let mut ran: Vec<_> = serving.into_iter().flat_map(|served| served.join().expect("no panic")).collect();
    ran.sort_unstable();
    assert_eq!(ran, [1, 2]);
    drop(controller);
}

#[test]
fn a_cancel_races_the_result() {
    let Bench { engine, mut workers, controller } = bench(1, 8);
    let mut worker = workers.remove(0);
    let handle = put(&engine, 7);
    engine.inbox.close();
    let serving = thread::spawn(move || serve(&mut worker).0);
    let outcome = handle.cancel();
    let result = handle.wait();
    let ran = serving.join().expect("no panic");
    match outcome {
        CancelOutcome::BeforeStart => assert!(ran.is_empty() && matches!(result, Err(TaskError::Cancelled))),
        CancelOutcome::WhileRunning => assert!(ran == [7] && matches!(result, Err(TaskError::Cancelled))),
        CancelOutcome::TooLate => assert!(ran == [7] && matches!(result, Ok(7))),
    }
    drop(controller);
}

#[test]
fn handles_are_dropped_before_while_and_after_their_task_runs() {
    let Bench { engine, mut workers, controller } = bench(1, 8);
    let mut worker = workers.remove(0);
    drop(put(&engine, 1));
    put(&engine, 2).detach();
    drop(put(&engine, 3).cancel_on_drop());
    let racing = put(&engine, 4);
    let looked_at = {
        let mut handle = put(&engine, 5);
        assert!(poll(&mut handle).is_pending());
        handle
    };
    engine.inbox.close();
    let serving = thread::spawn(move || serve(&mut worker).0);
    drop(racing);
    assert_eq!(serving.join().expect("no panic"), [1, 2, 4, 5]);
    assert!(looked_at.is_finished());
    drop(looked_at);
    drop(controller);
}

#[test]
fn a_callback_gets_the_result_on_the_worker_or_right_here() {
    let Bench { engine, mut workers, controller } = bench(1, 8);
    let mut worker = workers.remove(0);
    let (sender, results) = std::sync::mpsc::channel();
    let (waiting, done) = (put(&engine, 1), put(&engine, 2));
    let early = sender.clone();
    waiting.on_complete(move |result| early.send(result.ok()).expect("somebody listens"));
    engine.inbox.close();
    thread::spawn(move || serve(&mut worker)).join().expect("no panic");
    assert_eq!(results.recv().expect("it was called"), Some(1));
    done.on_complete(move |result| sender.send(result.ok()).expect("somebody listens"));
    assert_eq!(results.recv().expect("it was called"), Some(2));
    drop(controller);
}

#[test]
fn a_submitter_waits_for_room_or_gives_up() {
    let Bench { engine, workers, controller } = bench(1, 1);
    let first = put(&engine, 1);
    assert!(matches!(put(&engine, 2).wait(), Err(TaskError::Refused(Refusal::Full))));
    {
        let mut given_up = pin!(engine.inbox.room());
        assert!(given_up.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let submitter = thread::spawn({
        let engine = Arc::clone(&engine);
        move || drop(block_on(engine.inbox.room()).expect("the pool is open"))
    });
    assert_eq!(first.cancel(), CancelOutcome::BeforeStart);
    submitter.join().expect("no panic");
    assert!(engine.inbox.try_room(Default::default()).is_ok(), "nobody kept it");
    drop((workers, controller));
}

#[test]
fn a_kill_answers_every_handle_and_sends_the_worker_away() {
    let mut pool = driven();
    let mut looked_at = put(&pool.engine, 1);
    assert!(poll(&mut looked_at).is_pending());
    let waiter = thread::spawn({
        let handle = put(&pool.engine, 2);
        move || handle.wait()
    });
    life::kill(&pool.engine).expect("this is no task");
    pool.hear();
    assert!(matches!(poll(&mut looked_at), Poll::Ready(Err(TaskError::Killed))));
    assert!(matches!(waiter.join().expect("no panic"), Err(TaskError::Killed)));
    assert!(matches!(put(&pool.engine, 3).wait(), Err(TaskError::Refused(Refusal::Stopping))));
    assert_eq!(pool.next(), Some(ExitReason::Killed));
}

#[test]
fn a_kill_races_a_worker() {
    let Driven { letters, engine, mut worker, mut controller, .. } = driven();
    let handle = put(&engine, 7);
    let serving = thread::spawn(move || serve(&mut worker).0);
    life::kill(&engine).expect("this is no task");
    let report = engine.ended.wait();
    let mut over = false;
    while !over {
        let letter = letters.0.lock().pop_front();
        over = matches!(controller.turn(Timestamp::ZERO, letter), Turn::Ended);
        thread::yield_now();
    }
    let ran = serving.join().expect("no panic");
    let report = block_on(report);
    match handle.wait() {
        Ok(7) => assert_eq!((ran, report.done), (vec![7], 1)),
        Err(TaskError::Killed) => assert_eq!(report.undone, 1),
        other => panic!("neither done nor killed: {other:?}"),
    }
}

#[test]
fn a_control_loop_that_is_dropped_takes_its_pool_along() {
    let Driven { engine, mut worker, controller, .. } = driven();
    let waiter = thread::spawn({
        let handle = put(&engine, 1);
        move || handle.wait()
    });
    drop(controller);
    assert!(matches!(waiter.join().expect("no panic"), Err(TaskError::Killed)));
    assert!(matches!(worker.step(Timestamp::ZERO, Waker::noop()), Step::Leave(ExitReason::Killed)));
    drop(worker);
    assert!(engine.ended.get().is_some());
}

#[test]
fn a_delayed_task_and_a_deadline_come_due() {
    let mut pool = driven();
    let mut options = TaskOptions::default();
    options.delay = Some(Duration::from_secs(2));
    let delayed = put_with(&pool.engine, options, 1);
    let mut options = TaskOptions::default();
    options.delay = Some(Duration::from_secs(9));
    options.deadline = Some(Duration::from_secs(5));
    let expiring = put_with(&pool.engine, options, 2);
    pool.hear();
    assert_eq!((pool.engine.inbox.counts().delayed, pool.engine.inbox.counts().queued()), (2, 0));
    pool.pass(at(2));
    assert_eq!((pool.engine.inbox.counts().delayed, pool.engine.inbox.counts().queued()), (1, 1));
    pool.pass(at(5));
    assert!(matches!(expiring.wait(), Err(TaskError::Expired { .. })));
    pool.engine.inbox.close();
    let Driven { mut worker, .. } = pool;
    let serving = thread::spawn(move || serve(&mut worker).0);
    assert_eq!(delayed.wait().ok(), Some(1));
    assert_eq!(serving.join().expect("no panic"), [1]);
}

#[test]
fn an_attempt_that_times_out_is_answered_while_its_worker_is_still_inside() {
    let mut pool = driven();
    let mut options = TaskOptions::default();
    options.timeout = Some(Duration::from_secs(1));
    let waiter = thread::spawn({
        let handle = put_with(&pool.engine, options, 1);
        move || handle.wait()
    });
    let Step::Run(mut job) = pool.worker.step(at(0), Waker::noop()) else { panic!("there is a task") };
    let begun = pool.worker.begin(&mut job, at(0));
    pool.hear();
    pool.pass(at(1));
    assert!(matches!(waiter.join().expect("no panic"), Err(TaskError::TimedOut { .. })));
    assert!(pool.worker.context().is_cancelled());
    drop((begun, job));
}

#[test]
#[should_panic(expected = "the key of another task")]
fn a_key_opens_the_work_of_its_own_task_alone() {
    let Bench { engine, workers, controller: _controller } = bench(2, 8);
    let handles = [put(&engine, 1), put(&engine, 2)];
    let mut jobs = workers.into_iter().map(|mut worker| {
        let Step::Run(job) = worker.step(at(0), Waker::noop()) else { panic!("there is a task for each") };
        (job, worker)
    });
    let (mut first, second) = (jobs.next().expect("two"), jobs.next().expect("two"));
    let (_, key) = first.0.open();
    second.0.work(key);
    drop(handles);
}
