//! The simulated world: the real engine, with everything around it made of plain state machines.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tasker_core::engine::{Controller, Engine, Msg, Order, Turn};
use tasker_core::queue::Ticket;
use tasker_core::reserve::Reserve;
use tasker_core::task::Shared as TaskRef;
use tasker_core::{Events, TaskHandle, Timestamp, life};

use super::facts::Fact;
use super::parts::{
    LaunchFaults, Leftover, Shared, SimClock, SimError, SimJob, SimLaunch, SimMail, SimResource, SimRetry,
    Witness, builder,
};
use super::plant::Plant;
use super::policy::SimPolicy;
use super::rng::Rng;
use super::runs::SimRun;
use super::script::{Ending, Faults, Move, Script, Setup, Spec};
use super::user::SimWaiter;
use super::worker::SimWorker;

/// A task as the simulator follows it.
pub(super) struct SimTask {
    pub(super) spec: Spec,
    pub(super) core: TaskRef,
    pub(super) submitted: Timestamp,
    pub(super) handle: Option<TaskHandle<u64, SimError>>,
    /// How often its callback was called, if it has one.
    pub(super) called: Option<Shared<usize>>,
}

/// Everything there is.
pub(super) struct World {
    pub(super) script: Script,
    pub(super) plant: Plant,
    pub(super) rng: Rng,
    pub(super) now: Timestamp,
    pub(super) clock: Arc<SimClock>,
    pub(super) engine: Arc<Engine<SimJob>>,
    pub(super) control: Option<Controller<SimJob>>,
    /// When the control loop wants to be called next.
    pub(super) timer: Option<Timestamp>,
    pub(super) messages: Shared<VecDeque<Msg>>,
    pub(super) log: Shared<Vec<Fact>>,
    pub(super) orders: Shared<Vec<Order<SimJob>>>,
    pub(super) leftovers: Shared<Vec<Leftover>>,
    pub(super) launch_faults: Shared<LaunchFaults>,
    pub(super) faulty_policy: Shared<bool>,
    pub(super) retry_delay: Shared<Duration>,
    pub(super) reserve: Arc<Reserve<SimResource>>,
    /// What the pool tells whoever listens.
    pub(super) events: Shared<Events>,
    pub(super) workers: Vec<SimWorker>,
    pub(super) tasks: Vec<SimTask>,
    pub(super) waiters: Vec<SimWaiter>,
    /// Places in the line for room, given so far.
    pub(super) places: u64,
    pub(super) tickets: Vec<(Ticket<SimJob>, Spec)>,
    pub(super) runs: Vec<SimRun>,
    pub(super) moves: VecDeque<Move>,
    pub(super) next_move: Timestamp,
    pub(super) resources: usize,
    pub(super) faults: Faults,
    /// What is stuck or hangs comes back by itself.
    pub(super) released: bool,
    /// The moves are made, and the end was begun at this moment.
    pub(super) ending: Option<Timestamp>,
    /// A stop or a kill was asked for.
    pub(super) closed: bool,
}

/// Who moves next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    Control,
    Worker(usize),
    User,
    Waiter(usize),
    Ticket(usize),
    Run(usize),
}

impl World {
    pub(super) fn new(script: Script, plant: Plant) -> Self {
        let (setup, seed) = (&script.setup, script.origin.seed().unwrap_or_default());
        let mut rng = script.origin.schedule();
        let clock = Arc::new(SimClock::default());
        let (log, messages, orders) = (Shared::new(Vec::new()), Shared::default(), Shared::new(Vec::new()));
        let (leftovers, kept) = (Shared::new(Vec::new()), Shared::new(None));
        let faults = LaunchFaults {
            percent: setup.faults.launch,
            rng: Rng::new(rng.next()),
            log: Shared::clone(&log),
        };
        let launch_faults = Shared::new(faults);
        let (faulty_policy, retry_delay) = (Shared::new(true), Shared::new(Duration::ZERO));
        let mut builder = builder(&plant.told(setup), seed)
            .retry(SimRetry { how: setup.retrying, last: Shared::clone(&retry_delay) })
            .collector(Witness(Shared::clone(&log)));
        if let Some(policy) = SimPolicy::new(setup.scaling, Shared::clone(&faulty_policy)) {
            builder = builder.scaling(policy);
        }
        let mail = Arc::new(SimMail { messages: Shared::clone(&messages), plant });
        let (_, parts) = builder
            .into_parts(Arc::clone(&clock) as _, mail)
            .unwrap_or_else(|error| panic!("the simulator makes sound settings: {error}"));
        let limits = parts.reserve_limits();
        let launch = SimLaunch {
            orders: Shared::clone(&orders),
            faults: Shared::clone(&launch_faults),
            reserve: Shared::clone(&kept),
            leftovers: Shared::clone(&leftovers),
            plant,
        };
        let (engine, control) = Controller::new(parts, |_| Box::new(launch));
        let events = Shared::new(engine.hub.bus().subscribe(usize::MAX));
        let reserve = Arc::new(Reserve::new(limits, Arc::clone(&engine.hub)));
        *kept.lock() = Some(Arc::clone(&reserve));
        let faults = setup.faults;
        let moves = script.moves.iter().cloned().collect();
        Self {
            script,
            plant,
            rng,
            now: Timestamp::ZERO,
            clock,
            engine,
            control: Some(control),
            timer: Some(Timestamp::ZERO),
            messages,
            log,
            orders,
            leftovers,
            launch_faults,
            faulty_policy,
            retry_delay,
            reserve,
            workers: Vec::new(),
            tasks: Vec::new(),
            waiters: Vec::new(),
            places: 0,
            events,
            tickets: Vec::new(),
            runs: Vec::new(),
            moves,
            next_move: Timestamp::ZERO,
            resources: 0,
            faults,
            released: false,
            ending: None,
            closed: false,
        }
        .with_first_move()
    }

    fn with_first_move(mut self) -> Self {
        self.next_move = self.moves.front().map_or(self.now, |first| self.now.saturating_add(first.after));
        self
    }

    /// Whether the pool takes no more tasks.
    pub(super) fn is_closed(&self) -> bool {
        self.closed || self.engine.hub.is_killed()
    }

    pub(super) const fn setup(&self) -> &Setup {
        &self.script.setup
    }

    pub(super) fn note(&self, fact: Fact) {
        self.log.lock().push(fact);
    }

    pub(super) fn set_now(&mut self, now: Timestamp) {
        self.now = now;
        self.clock.set(now);
    }

    /// Picks who moves next; `None` if nobody can before time moves.
    pub(super) fn choose(&mut self, choices: &mut Vec<(Choice, u64)>) -> Option<Choice> {
        self.list(choices);
        let total: u64 = choices.iter().map(|(_, weight)| weight).sum();
        if total == 0 {
            return None;
        }
        let mut at = self.rng.below(total);
        for (choice, weight) in choices.iter() {
            if at < *weight {
                return Some(*choice);
            }
            at -= weight;
        }
        None
    }

    fn list(&self, choices: &mut Vec<(Choice, u64)>) {
        choices.clear();
        let [control, workers, users] = self.setup().eagerness;
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= self.now);
        if self.control.is_some() && (!self.messages.lock().is_empty() || due(self.heeded_timer())) {
            choices.push((Choice::Control, control));
        }
        // Nobody has the pool before its first turn is made.
        let built = self.control.is_none() || self.timer != Some(Timestamp::ZERO);
        if built && self.ending.is_none() && self.next_move <= self.now {
            choices.push((Choice::User, users));
        }
        let ready = |index: &usize| self.workers[*index].can_move(self);
        let able = (0..self.workers.len()).filter(ready);
        choices.extend(able.map(|index| (Choice::Worker(index), workers)));
        let woken = (0..self.waiters.len()).filter(|&index| self.waiters[index].bell.has_rung());
        choices.extend(woken.map(|index| (Choice::Waiter(index), users)));
        choices.extend((0..self.tickets.len()).map(|index| (Choice::Ticket(index), users)));
        let able = (0..self.runs.len()).filter(|&index| self.runs[index].can_move(self));
        choices.extend(able.map(|index| (Choice::Run(index), users)));
    }

    fn heeded_timer(&self) -> Option<Timestamp> {
        // A planted bug: timers are slept through, once the pool has started.
        let ignored = self.plant == Plant::IgnoresTimers && self.timer != Some(Timestamp::ZERO);
        self.timer.filter(|_| !ignored)
    }

    pub(super) fn step(&mut self, choice: Choice) {
        match choice {
            Choice::Control => self.turn(),
            Choice::Worker(index) => self.step_worker(index),
            Choice::User => self.step_user(),
            Choice::Waiter(index) => self.step_waiter(index),
            Choice::Ticket(index) => self.step_ticket(index),
            Choice::Run(index) => self.step_run(index),
        }
        self.start_workers();
        self.dispose_leftovers();
    }

    fn turn(&mut self) {
        let Some(mut control) = self.control.take() else { return };
        let msg = self.messages.lock().pop_front();
        if let Some(msg) = &msg {
            self.note(Fact::Delivered(msg.clone()));
        }
        let turn = control.turn(self.now, msg);
        self.note(Fact::Turned);
        match turn {
            Turn::Wait(until) => {
                self.timer = until;
                self.control = Some(control);
            }
            Turn::Ended => {
                self.note(Fact::Over);
            }
        }
    }

    /// Whether the queue is looked at after each step. To look at it is to touch it: what lies in its intake is settled
    /// then. So half of the seeds, and what a fuzzer makes, are looked at only when nothing moves any more.
    pub(super) fn is_watched(&self) -> bool {
        self.script.origin.seed().is_some_and(|seed| seed % 2 == 0)
    }

    fn start_workers(&mut self) {
        let orders = std::mem::take(&mut *self.orders.lock());
        for order in orders {
            let worker = SimWorker::new(order, self.now, self.plant, self.setup().colour);
            self.note(Fact::Launched(worker.id));
            self.workers.push(worker);
        }
    }

    /// When the next thing happens by itself.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let control = self.control.as_ref().and_then(|_| self.heeded_timer());
        let user = self.ending.is_none().then_some(self.next_move);
        let workers = self.workers.iter().filter_map(SimWorker::due);
        let runs = self.runs.iter().filter_map(SimRun::due);
        control.into_iter().chain(user).chain(workers).chain(runs).min()
    }

    /// The moves are made: begins the end.
    pub(super) fn begin_end(&mut self) {
        self.ending = Some(self.now);
        self.faults = Faults { launch: 0, create: 0, hang: 0, destroy: 0, probe: 0, spurious: 0 };
        self.launch_faults.lock().percent = 0;
        *self.faulty_policy.lock() = false;
        self.closed = true;
        match self.script.ending {
            Ending::Stop => {
                self.release();
                let _ = life::stop(&self.engine, None);
            }
            Ending::StopWithin => {
                let _ = life::stop(&self.engine, Some(Self::PATIENCE));
            }
            Ending::Kill => {
                let _ = life::kill(&self.engine);
            }
            Ending::RuntimeGone => self.lose_runtime(),
        }
    }

    /// How long the last stop may take before it turns into a kill, where it may.
    pub(super) const PATIENCE: Duration = Duration::from_millis(50);

    /// What is stuck comes back, now or soon.
    pub(super) fn release(&mut self) {
        self.released = true;
        let soon = self.now.saturating_add(Duration::from_millis(1));
        self.workers.iter_mut().for_each(|worker| worker.release(soon));
        self.runs.iter_mut().for_each(|run| run.release(soon));
    }

    fn lose_runtime(&mut self) {
        self.released = true;
        let mut control = self.control.take();
        let ends_now = control.is_some();
        let first = self.rng.chance(50);
        if first {
            control = None;
        }
        while !self.workers.is_empty() {
            let index = self.rng.index(self.workers.len());
            self.lose_worker(index);
        }
        while !self.runs.is_empty() {
            self.drop_run(0);
        }
        drop(control);
        let leftovers = std::mem::take(&mut *self.leftovers.lock());
        for mut kept in leftovers {
            self.note(Fact::Dropped { resource: kept.owned.get_mut().id });
            drop(kept);
        }
        if ends_now {
            self.note(Fact::Over);
        }
    }

    /// Nobody is left who could move.
    pub(super) fn is_deserted(&self) -> bool {
        self.control.is_none()
            && self.workers.is_empty()
            && self.runs.is_empty()
            && self.tickets.is_empty()
            && self.waiters.is_empty()
    }
}
