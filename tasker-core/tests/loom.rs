//! Every interleaving of the places where threads meet: the parker, the inbox, and the end of a task.
//!
//! Bounds: two or three threads, one or two tasks, and as many preemptions as `LOOM_MAX_PREEMPTIONS` allows. Loom
//! knows no time, so what is explored has none.
#![cfg(tasker_loom)]

use std::collections::VecDeque;
use std::sync::Arc;

use tasker_core::builder::Backend;
use tasker_core::engine::{Controller, Created, Engine, Launch, Msg, Order, Parts, Step, Worker};
use tasker_core::parker::Parker;
use tasker_core::queue::Mail;
use tasker_core::sync::{Lock, thread};
use tasker_core::task::job::{Attempt, Job, JobEnd, Work};
use tasker_core::task::{AnyCell, Cell, TaskCore, TaskOptions};
use tasker_core::{
    Builder, CancelOutcome, Clock, ExitReason, Health, Refusal, TaskError, TaskHandle, Timestamp, submit,
};

/// A task that returns its number.
struct Number(Work<u32, u32, String>);

impl Job for Number {
    type Error = String;

    fn cell(&self) -> Arc<dyn AnyCell> {
        Arc::clone(&self.0.cell) as _
    }

    fn core(&self) -> &TaskCore {
        self.0.cell.core()
    }

    fn fill(mut self, end: JobEnd<String>) {
        self.0.fill(end);
    }
}

#[derive(Debug)]
struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::ZERO
    }

    fn park_until(&self, parker: &Parker, _: Timestamp) {
        parker.park();
    }
}

#[derive(Debug, Default)]
struct Letters(Lock<VecDeque<Msg>>);

impl Mail for Letters {
    fn post(&self, msg: Msg) {
        self.0.lock().push_back(msg);
    }
}

struct Model;

impl Backend for Model {
    type Build = Parts;
    type Clock = dyn Clock;

    fn build(builder: Builder<Self>) -> Parts {
        let letters = Arc::new(Letters::default());
        builder.into_parts(Arc::new(StandingClock), letters).expect("the settings are sound").1
    }
}

#[derive(Clone, Default)]
struct Orders(Arc<Lock<Vec<Order<Number>>>>);

impl Launch<Number> for Orders {
    fn launch(&mut self, order: Order<Number>) -> Result<(), Arc<str>> {
        self.0.lock().push(order);
        Ok(())
    }

    fn close_reserve(&mut self, _: bool) -> bool {
        true
    }
}

/// Loom counts each look at an atomic, and a worker that leaves adds up its histograms: more than loom's own limit.
fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 100_000;
    builder.check(model);
}

/// A pool's engine with live workers that nobody drives yet.
struct Bench {
    engine: Arc<Engine<Number>>,
    workers: Vec<Worker<Number>>,
    _controller: Controller<Number>,
}

fn bench(workers: usize, capacity: usize) -> Bench {
    let parts = Builder::new(Model).workers(workers).capacity(capacity).build();
    let orders = Orders::default();
    let for_launch = orders.clone();
    let (engine, mut controller) = Controller::new(parts, |_| Box::new(for_launch));
    controller.turn(Timestamp::ZERO, None);
    let workers = orders.0.lock().drain(..).map(live).collect();
    Bench { engine, workers, _controller: controller }
}

fn live(order: Order<Number>) -> Worker<Number> {
    let mut worker = Worker::new(order, Timestamp::ZERO);
    assert!(worker.created(Created::Ready, Timestamp::ZERO));
    worker
}

fn put(engine: &Arc<Engine<Number>>, number: u32) -> TaskHandle<u32, String> {
    submit::submit(engine, TaskOptions::default(), |cell: Arc<Cell<u32, String>>| {
        Number(Work::new(cell, number))
    })
}

/// Serves until it is told to leave, as a thread backend does.
fn serve(worker: &mut Worker<Number>) -> (Vec<u32>, ExitReason) {
    let mut ran = Vec::new();
    let parker = Parker::new();
    let waker = parker.waker();
    loop {
        match worker.step(Timestamp::ZERO, &waker) {
            Step::Run(mut job) => {
                let begun = worker.begin(&job, Timestamp::ZERO);
                let number = job.0.task.take().expect("run once");
                ran.push(number);
                let attempt: Attempt<String> = job.0.note(Ok(number));
                worker.finish(job, &begun, attempt, |_| Health::Healthy, Timestamp::ZERO);
            }
            Step::Wait(_) => parker.park(),
            Step::Probe => unreachable!("no probes are set up"),
            Step::Leave(why) => {
                worker.leave(why, Timestamp::ZERO);
                return (ran, why);
            }
        }
    }
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
        let Bench { engine, mut workers, _controller } = bench(1, 8);
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
        let Bench { engine, mut workers, _controller } = bench(1, 8);
        let mut worker = workers.pop().expect("one worker");
        let handle = put(&engine, 7);
        engine.inbox.close();
        let serving = thread::spawn(move || serve(&mut worker).0);
        assert_eq!(handle.wait().ok(), Some(7));
        assert_eq!(serving.join().expect("no panic"), [7]);
    });
}

#[test]
fn a_submission_racing_a_close_is_either_run_or_refused() {
    explore(|| {
        let Bench { engine, mut workers, _controller } = bench(1, 8);
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
        let Bench { engine, workers, _controller } = bench(1, 8);
        let killing = Arc::clone(&engine);
        let killer = thread::spawn(move || {
            for job in killing.inbox.discard(Refusal::Stopping) {
                job.fill(JobEnd::Error(TaskError::Killed));
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
        let Bench { engine, mut workers, _controller } = bench(1, 8);
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
        let Bench { engine, workers, _controller } = bench(1, 1);
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
        let Bench { engine, mut workers, _controller } = bench(1, 8);
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
        let Bench { engine, mut workers, _controller } = bench(2, 8);
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
