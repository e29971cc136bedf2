//! A simulated worker: the backend's loop around core's `Worker`, one step at a time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tasker_core::engine::{Begun, Created, Fate, Interrupt, Msg, Order, Owed, Step, Worker};
use tasker_core::metrics::Owned;
use tasker_core::supervisor::Event;
use tasker_core::task::current;
use tasker_core::task::job::{Attempt, Job};
use tasker_core::{ExitReason, Health, TaskError, TaskHandle, Timestamp, WorkerId};

use super::facts::Fact;
use super::parts::{Bell, SimError, SimJob, SimResource, fall};
use super::plant::Plant;
use super::script::{Act, Brings, Colour};
use super::world::World;

/// A worker and what it is doing.
pub(super) struct SimWorker {
    pub(super) id: WorkerId,
    worker: Worker<SimJob>,
    pub(super) resource: Option<Owned<SimResource>>,
    /// The resource it has or had.
    pub(super) resource_id: Option<usize>,
    pub(super) bell: Arc<Bell>,
    waker: Waker,
    pub(super) state: State,
    until: Option<Timestamp>,
    /// When the backend gives up waiting for the user's code.
    deadline: Option<Timestamp>,
}

/// What a worker is doing.
pub(super) enum State {
    Starting,
    Creating(Makes),
    Ready,
    Waiting,
    Running(Box<Running>),
    Probing(bool),
    Destroying { fails: bool, resource: Option<SimResource> },
    Gone,
}

/// A task on its worker.
pub(super) struct Running {
    pub(super) job: SimJob,
    begun: Begun,
    act: Act,
    /// The task that it waits for on its worker.
    awaited: Option<TaskHandle<u64, SimError>>,
}

impl Running {
    /// Whether it ends when it is told to. A thread that waits for a task does not look.
    fn yields(&self, interrupts: bool) -> bool {
        self.act.yields && (interrupts || self.awaited.is_none()) && self.job.core().should_stop()
    }

    /// Whether it waits for another task of its pool.
    pub(super) const fn nests(&self) -> bool {
        self.awaited.is_some()
    }
}

/// How a creation ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Makes {
    Resource,
    Error,
    Panic,
}

impl SimWorker {
    /// A worker; threads look around before they wait.
    pub(super) fn new(order: Order<SimJob>, now: Timestamp, plant: Plant, colour: Colour) -> Self {
        let mut worker = Worker::new(order, now);
        if colour == Colour::Thread {
            worker.looks_around();
        }
        let (bell, waker) = Bell::rung(plant == Plant::LosesWakeUp);
        Self {
            id: worker.post().id,
            worker,
            resource: None,
            resource_id: None,
            bell,
            waker,
            state: State::Starting,
            until: None,
            deadline: None,
        }
    }

    /// When it goes on by itself.
    pub(super) fn due(&self) -> Option<Timestamp> {
        [self.until, self.deadline].into_iter().flatten().min()
    }

    pub(super) fn can_move(&self, world: &World) -> bool {
        match &self.state {
            State::Starting | State::Ready => return true,
            State::Gone => return false,
            // A cooperative thread looks at its context now and then.
            State::Running(running) if running.yields(world.interrupts()) => return true,
            State::Creating(_)
            | State::Waiting
            | State::Running(_)
            | State::Probing(_)
            | State::Destroying { .. } => {}
        }
        self.bell.has_rung() || self.due().is_some_and(|due| due <= world.now)
    }

    pub(super) fn release(&mut self, soon: Timestamp) {
        let hangs = match &self.state {
            State::Creating(_) | State::Running(_) | State::Probing(_) | State::Destroying { .. } => true,
            State::Starting | State::Ready | State::Waiting | State::Gone => false,
        };
        if hangs {
            self.until = Some(self.until.unwrap_or(soon));
        }
    }

    /// Whether nobody waits for it any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.worker.post().interrupted() == Some(Interrupt::Abandon)
    }

    pub(super) fn task(&self) -> Option<usize> {
        match &self.state {
            State::Running(running) => Some(running.job.task),
            State::Starting
            | State::Creating(_)
            | State::Ready
            | State::Waiting
            | State::Probing(_)
            | State::Destroying { .. }
            | State::Gone => None,
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    fn is_late(&self, now: Timestamp) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    fn is_interrupted(&self) -> bool {
        let post = self.worker.post();
        post.watch(&self.waker);
        post.interrupted().is_some()
    }
}

impl World {
    /// Moves the worker with this index; it is taken out meanwhile, so that the world can be used.
    pub(super) fn step_worker(&mut self, index: usize) {
        let mut worker = self.workers.remove(index);
        worker.bell.silence();
        let state = std::mem::replace(&mut worker.state, State::Gone);
        let next = match state {
            State::Starting => self.begin_create(&mut worker),
            State::Creating(makes) => self.create(&mut worker, makes),
            State::Ready | State::Waiting => self.ask(&mut worker),
            State::Running(running) => self.run(&mut worker, running),
            State::Probing(healthy) => self.probe(&mut worker, healthy),
            State::Destroying { fails, resource } => self.destroy(&mut worker, fails, resource),
            State::Gone => State::Gone,
        };
        worker.state = next;
        if !matches!(worker.state, State::Gone) {
            self.workers.insert(index, worker);
        }
    }

    fn begin_create(&mut self, worker: &mut SimWorker) -> State {
        let makes = match self.rng.below(4) {
            _ if !self.rng.chance(self.faults.create) => Makes::Resource,
            0 => Makes::Panic,
            _ => Makes::Error,
        };
        worker.until = self.until(0, 12);
        worker.deadline = worker.worker.create_deadline().filter(|_| self.interrupts());
        worker.bell.ring();
        State::Creating(makes)
    }

    /// The end of something of the user's that takes a while, or hangs.
    pub(super) fn until(&mut self, low: u64, high: u64) -> Option<Timestamp> {
        let hangs = self.rng.chance(self.faults.hang) && !self.released;
        (!hangs).then(|| self.now.saturating_add(self.rng.millis(low, high)))
    }

    pub(super) fn interrupts(&self) -> bool {
        self.setup().colour == Colour::Async
    }

    fn create(&mut self, worker: &mut SimWorker, makes: Makes) -> State {
        let interrupts = self.interrupts();
        let created = if worker.is_over(self.now) {
            match makes {
                Makes::Resource => Created::Ready,
                Makes::Error => Created::Failed(SimError("no resource")),
                Makes::Panic => Created::Broken("`create` panicked".into()),
            }
        } else if interrupts && worker.is_interrupted() {
            Created::Broken("nobody waits for `create`".into())
        } else if worker.is_late(self.now) {
            Created::Broken("`create` took too long".into())
        } else {
            return State::Creating(makes);
        };
        (worker.until, worker.deadline) = (None, None);
        if matches!(created, Created::Ready) {
            let resource = self.make_resource(Some(worker.id));
            worker.resource_id = Some(resource.id);
            worker.resource = Some(Owned::new(resource, Arc::clone(&self.engine.hub)));
        }
        if worker.worker.created(created, self.now) { State::Ready } else { State::Gone }
    }

    pub(super) fn make_resource(&mut self, worker: Option<WorkerId>) -> SimResource {
        let id = self.resources;
        self.resources += 1;
        self.note(Fact::Created { resource: id, worker });
        SimResource { id }
    }

    fn ask(&mut self, worker: &mut SimWorker) -> State {
        worker.until = None;
        match worker.worker.step(self.now, &worker.waker) {
            Step::Run(job) => self.begin(worker, job),
            Step::Wait(until) => {
                worker.until = until;
                if self.rng.chance(self.faults.spurious) {
                    worker.bell.ring();
                }
                State::Waiting
            }
            Step::Look => State::Ready,
            Step::Probe => {
                worker.until = self.until(0, 5);
                worker.deadline =
                    Some(self.now.saturating_add(self.setup().create_timeout)).filter(|_| self.interrupts());
                worker.bell.ring();
                State::Probing(!self.rng.chance(self.faults.probe))
            }
            Step::Leave(why) => self.leave(worker, why),
        }
    }

    fn begin(&mut self, worker: &mut SimWorker, mut job: SimJob) -> State {
        let begun = worker.worker.begin(&mut job, self.now);
        let (task, attempt) = (job.task, worker.worker.context().attempt());
        let resource = worker.resource.as_mut().map(|owned| owned.get_mut().id);
        self.note(Fact::Started { task, worker: worker.id, attempt, resource });
        if self.plant == Plant::RunsTwice && attempt == 1 {
            self.note(Fact::Started { task, worker: worker.id, attempt, resource });
        }
        if self.plant == Plant::DropsJob && task % 4 == 3 {
            drop(job);
            return State::Ready;
        }
        if self.plant == Plant::AbandonsAtWork {
            self.engine.hub.post(Msg::Event(Event::Stuck(worker.id)));
        }
        let act = self.tasks[task].spec.act(attempt);
        let awaited = self.nest(worker, task);
        worker.until = self.end_of(act);
        worker.bell.ring();
        State::Running(Box::new(Running { job, begun, act, awaited }))
    }

    fn end_of(&self, act: Act) -> Option<Timestamp> {
        let stays = if self.released { Some(std::time::Duration::from_millis(1)) } else { None };
        act.takes.or(stays).map(|takes| self.now.saturating_add(takes))
    }

    /// The task submits another, for which it waits.
    fn nest(&mut self, worker: &SimWorker, task: usize) -> Option<TaskHandle<u64, SimError>> {
        let inner = self.tasks[task].spec.nests.clone()?;
        let target = self.tasks.len();
        let handle = current::enter(worker.worker.inside(), || self.submit_nested(*inner))?;
        self.note(Fact::Nests { worker: worker.id, target });
        Some(handle)
    }

    /// Whether the task still waits for another.
    fn awaits(&self, worker: &mut SimWorker, running: &mut Running) -> bool {
        let Some(handle) = &mut running.awaited else { return false };
        let mut context = Context::from_waker(&worker.waker);
        let mut poll = || Pin::new(&mut *handle).poll(&mut context);
        let polled = if self.plant == Plant::HidesNestedWait {
            poll()
        } else {
            current::enter(worker.worker.inside(), poll)
        };
        let Poll::Ready(result) = polled else {
            worker.until = None;
            return true;
        };
        running.awaited = None;
        let refused = matches!(result, Err(TaskError::WouldDeadlock));
        self.note(Fact::NestOver { worker: worker.id, refused });
        worker.until = self.end_of(running.act);
        false
    }

    fn run(&mut self, worker: &mut SimWorker, mut running: Box<Running>) -> State {
        let awaits = self.awaits(worker, &mut running);
        let brings = if !awaits && worker.is_over(self.now) {
            Some(running.act.result)
        } else {
            worker.worker.post().watch(&worker.waker);
            if !running.yields(self.interrupts()) {
                return State::Running(running);
            }
            if awaits {
                self.note(Fact::NestOver { worker: worker.id, refused: false });
            }
            // A thread's task that was told to end returns an error of its own.
            (!self.interrupts()).then_some(Brings::HealthyError)
        };
        worker.until = None;
        let attempt = match brings {
            None => Attempt::Interrupted,
            Some(Brings::Value) => running.job.succeed(7),
            Some(Brings::HealthyError) => Attempt::Error(SimError("failed")),
            Some(Brings::SickError) => Attempt::Error(SimError("sick")),
            Some(Brings::PuzzlingError) => Attempt::Error(SimError("puzzling")),
            Some(Brings::Panic) => Attempt::Panicked("a task panics".into()),
        };
        let Running { job, begun, .. } = *running;
        self.come_back(worker, job, &begun, attempt, brings)
    }

    fn come_back(
        &mut self,
        worker: &mut SimWorker,
        job: SimJob,
        begun: &Begun,
        attempt: Attempt<SimError>,
        brings: Option<Brings>,
    ) -> State {
        let (task, core) = (job.task, job.own.share());
        self.note(Fact::CameBack { task, worker: worker.id, result: brings });
        *self.retry_delay.lock() = std::time::Duration::ZERO;
        let cancel_safe = core.is_cancel_safe();
        let fate = worker.worker.finish(job, begun, attempt, judge, self.now);
        if !core.has_ended() {
            let due = self.now.saturating_add(*self.retry_delay.lock());
            self.note(Fact::Requeued { task, due });
        }
        let sickens = match brings {
            None => !cancel_safe,
            Some(Brings::SickError | Brings::PuzzlingError | Brings::Panic) => true,
            Some(Brings::Value | Brings::HealthyError) => false,
        };
        if let (true, Some(resource)) = (sickens, worker.resource_id) {
            self.note(Fact::Sickened { resource });
        }
        match fate {
            Fate::Leave(_) if self.plant == Plant::KeepsSick => State::Ready,
            Fate::Leave(why) => self.leave(worker, why),
            Fate::Keep => State::Ready,
        }
    }

    fn probe(&mut self, worker: &mut SimWorker, healthy: bool) -> State {
        let interrupted = self.interrupts() && worker.is_interrupted();
        let result = if worker.is_over(self.now) {
            if healthy { Ok(()) } else { Err("the probe failed".into()) }
        } else if interrupted {
            Ok(())
        } else if worker.is_late(self.now) {
            Err("the probe took too long".into())
        } else {
            return State::Probing(healthy);
        };
        (worker.until, worker.deadline) = (None, None);
        match (&result, worker.resource_id) {
            (Err(_), Some(resource)) => self.note(Fact::Sickened { resource }),
            _ => self.note(Fact::Probed { worker: worker.id }),
        }
        match worker.worker.probed(result, self.now) {
            Fate::Keep => State::Ready,
            Fate::Leave(why) => self.leave(worker, why),
        }
    }

    fn leave(&mut self, worker: &mut SimWorker, why: ExitReason) -> State {
        let deadline = worker.worker.leave(why, self.now);
        worker.deadline = deadline.filter(|_| self.interrupts());
        worker.until = self.until(0, 12);
        let resource = worker.resource.as_mut().map(Owned::take);
        if self.plant != Plant::ForgetsDestroy {
            self.note_destroyed(resource.as_ref());
        }
        if self.plant == Plant::DestroysTwice {
            self.note_destroyed(resource.as_ref());
        }
        worker.resource = None;
        if self.plant == Plant::UsesAfterDestroy && why == ExitReason::Retired {
            return State::Ready;
        }
        worker.bell.ring();
        State::Destroying { fails: self.rng.chance(self.faults.destroy), resource }
    }

    pub(super) fn note_destroyed(&self, resource: Option<&SimResource>) {
        if let Some(resource) = resource {
            self.note(Fact::Destroys { resource: resource.id });
        }
    }

    fn destroy(&self, worker: &mut SimWorker, fails: bool, resource: Option<SimResource>) -> State {
        let result = if worker.is_over(self.now) {
            if fails { Err("`destroy` failed".into()) } else { Ok(()) }
        } else if worker.is_late(self.now) {
            Err("`destroy` took too long".into())
        } else {
            return State::Destroying { fails, resource };
        };
        worker.worker.destroyed(result);
        State::Gone
    }

    /// The worker is dropped wherever it is, as by the end of its runtime.
    pub(super) fn lose_worker(&mut self, index: usize) {
        let worker = self.workers.remove(index);
        self.note(Fact::Lost { task: worker.task() });
        if let (Some(_), Some(resource)) = (&worker.resource, worker.resource_id) {
            self.note(Fact::Dropped { resource });
        }
        // The future of a task goes before its worker.
        if let State::Running(running) = worker.state {
            drop(Owed::new(running.job, &self.engine.hub));
        }
        drop(worker.worker);
    }
}

/// `check_health` of simulated resources.
fn judge(error: &SimError) -> Health {
    match error.0 {
        "sick" => Health::Unhealthy,
        "puzzling" => fall("check_health panics"),
        _ => Health::Healthy,
    }
}
