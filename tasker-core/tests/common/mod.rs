//! A pool that tests drive by hand: what loom explores, and miri goes over.

use std::collections::VecDeque;
use std::sync::Arc;

use tasker_core::builder::Backend;
use tasker_core::engine::{Begun, Controller, Created, Engine, Launch, Msg, Order, Parts, Step, Worker};
use tasker_core::parker::Parker;
use tasker_core::queue::Mail;
use tasker_core::sync::{self, Lock};
use tasker_core::task::job::Attempt;
use tasker_core::task::{Sole, Task, TaskOptions};
use tasker_core::{Builder, Clock, ExitReason, Health, TaskHandle, Timestamp, submit};

/// A task that returns its number.
pub(crate) type Number = Sole<NumberTask>;
pub(crate) type NumberTask = Task<u32, u32, String>;

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

/// What the control loop has yet to hear.
#[derive(Debug, Default)]
pub(crate) struct Letters(pub(crate) Lock<VecDeque<Msg>>);

impl Mail for Letters {
    fn post(&self, msg: Msg) {
        self.0.lock().push_back(msg);
    }
}

/// A backend that starts nothing: a test drives the control loop and the workers by hand.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) letters: Arc<Letters>,
}

impl Backend for Model {
    type Build = Parts;
    type Clock = dyn Clock;

    fn build(mut builder: Builder<Self>) -> Parts {
        let letters = Arc::clone(&builder.backend.letters);
        let clock = builder.clock.take().unwrap_or_else(|| Arc::new(StandingClock));
        builder.into_parts(clock, letters).expect("the settings are sound").1
    }
}

#[derive(Clone, Default)]
struct Orders(Arc<Lock<Vec<Order<Number>>>>);

impl Launch<Number> for Orders {
    fn launch(&mut self, order: Order<Number>) -> Result<(), Arc<str>> {
        self.0.lock().push(order);
        Ok(())
    }

    fn close_reserve(&mut self) -> bool {
        true
    }
}

/// A pool's engine with live workers that nobody drives yet.
pub(crate) struct Bench {
    pub(crate) engine: Arc<Engine<Number>>,
    pub(crate) workers: Vec<Worker<Number>>,
    /// Dropped, it would end the pool.
    pub(crate) controller: Controller<Number>,
}

/// A pool with one live worker or more, and nobody who drives them yet.
pub(crate) fn bench(workers: usize, capacity: usize) -> Bench {
    assemble(Builder::new(Model::default()).workers(workers).capacity(capacity))
}

/// [`bench`], with settings of one's own.
pub(crate) fn assemble(builder: Builder<Model>) -> Bench {
    let orders = Orders::default();
    let for_launch = orders.clone();
    let (engine, mut controller) = Controller::new(builder.build(), |_| Box::new(for_launch));
    controller.turn(Timestamp::ZERO, None);
    let workers = orders.0.lock().drain(..).map(live).collect();
    Bench { engine, workers, controller }
}

fn live(order: Order<Number>) -> Worker<Number> {
    let mut worker = Worker::new(order, Timestamp::ZERO);
    assert!(worker.created(Created::Ready, Timestamp::ZERO));
    worker
}

/// Submits a task that returns `number`.
pub(crate) fn put(engine: &Arc<Engine<Number>>, number: u32) -> TaskHandle<u32, String> {
    put_with(engine, TaskOptions::default(), number)
}

/// [`put`], with options.
pub(crate) fn put_with(
    engine: &Arc<Engine<Number>>,
    options: TaskOptions,
    number: u32,
) -> TaskHandle<u32, String> {
    submit::submit(engine, options, |core| NumberTask::pair(core, number, |task| task))
}

/// A task that a worker is inside of.
pub(crate) struct Taken {
    job: Number,
    begun: Begun,
}

impl Taken {
    /// The worker begins a task.
    pub(crate) fn begin(worker: &mut Worker<Number>, mut job: Number) -> Self {
        let begun = worker.begin(&mut job, Timestamp::ZERO);
        Self { job, begun }
    }

    /// The task returns; its number.
    pub(crate) fn finish(mut self, worker: &mut Worker<Number>) -> u32 {
        let (task, key) = self.job.open();
        let work = task.work(key);
        let number = work.take().expect("run once");
        let attempt: Attempt<String> = work.note(Ok(number));
        worker.finish(self.job, &self.begun, attempt, |_| Health::Healthy, Timestamp::ZERO);
        number
    }
}

/// Serves until it is told to leave, as a thread backend does.
pub(crate) fn serve(worker: &mut Worker<Number>) -> (Vec<u32>, ExitReason) {
    let mut ran = Vec::new();
    let parker = Parker::new();
    let waker = parker.waker();
    loop {
        match worker.step(Timestamp::ZERO, &waker) {
            Step::Run(job) => {
                let taken = Taken::begin(worker, job);
                ran.push(taken.finish(worker));
            }
            Step::Look => sync::thread::yield_now(),
            Step::Wait(_) => parker.park(),
            Step::Probe => unreachable!("no probes are set up"),
            Step::Leave(why) => {
                worker.leave(why, Timestamp::ZERO);
                return (ran, why);
            }
        }
    }
}
