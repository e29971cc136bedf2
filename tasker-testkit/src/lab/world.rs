//! The simulation: the real supervisor and queue order, workers that are numbers, and a plan of what is due.

use std::time::Duration;

use tasker_core::decide::{Facts, Outcome, TaskVerdict, decide};
use tasker_core::due::DueQueue;
use tasker_core::queue::{Lanes, Queue};
use tasker_core::scaling::{Sample, ScalingPolicy};
use tasker_core::supervisor::{Command, Event, Supervisor};
use tasker_core::{ExitReason, PoolEvent, Timestamp, WorkerId};

use super::chance::Rng;
use super::outcome::Run;
use super::setup::Lab;
use super::tally::Tally;

/// A task as it waits.
#[derive(Clone, Copy, Debug)]
struct Queued {
    task: usize,
    attempt: u32,
    since: Timestamp,
}

#[derive(Clone, Copy, Debug)]
enum Doing {
    Creating,
    Waiting,
    Running { queued: Queued, since: Timestamp },
    Leaving,
    Gone,
}

#[derive(Clone, Copy, Debug)]
struct Worker {
    id: WorkerId,
    doing: Doing,
    expires: Option<Timestamp>,
    proven: bool,
}

#[derive(Clone, Copy, Debug)]
enum Due {
    Created {
        slot: usize,
        works: bool,
    },
    Done {
        slot: usize,
    },
    /// The slot may have another worker by then.
    Expires {
        slot: usize,
        id: WorkerId,
    },
    Gone {
        slot: usize,
    },
    Retry(Queued),
}

/// One simulation.
pub(super) struct World<'a> {
    lab: &'a Lab,
    supervisor: Supervisor,
    /// When the supervisor wants to be called.
    timer: Option<Timestamp>,
    lanes: Lanes<Queued>,
    workers: Vec<Worker>,
    vacant: Vec<usize>,
    /// The last to become idle is the first to be woken, as in a pool.
    idle: Vec<usize>,
    permits: usize,
    plan: DueQueue<Due>,
    now: Timestamp,
    /// Tasks of the trace that have arrived.
    arrived: usize,
    sample: Sample,
    /// The supervisor wants to hear of the next arrival.
    quiet: bool,
    creations: Rng,
    health: Rng,
    tally: Tally,
}

impl<'a> World<'a> {
    pub(super) fn new(lab: &'a Lab, policy: Box<dyn ScalingPolicy>) -> Self {
        let mut config = lab.config.clone();
        config.seed = lab.seed;
        Self {
            lab,
            supervisor: Supervisor::new(config, Some(policy)),
            timer: None,
            lanes: Lanes::new(lab.ageing),
            workers: Vec::new(),
            vacant: Vec::new(),
            idle: Vec::new(),
            permits: 0,
            plan: DueQueue::new(),
            now: Timestamp::ZERO,
            arrived: 0,
            sample: Sample::default(),
            quiet: false,
            creations: Rng::new(lab.seed, "creations"),
            health: Rng::new(lab.seed, "health"),
            tally: Tally::new(lab),
        }
    }

    pub(super) fn run(mut self) -> Run {
        self.supervisor.start(self.now);
        self.supervise();
        let (end, limit) = (self.tally.end(), self.tally.limit());
        while let Some(next) = self.next_moment() {
            let over = self.is_idle() && next > end;
            if over || next > limit {
                break;
            }
            self.now = self.now.max(next);
            self.step();
        }
        let end = if self.is_idle() { self.now.max(end) } else { limit };
        self.finish(end)
    }

    /// Whether every task of the trace has come and gone.
    fn is_idle(&self) -> bool {
        self.arrived == self.lab.trace.len() && self.owed() == 0
    }

    fn owed(&self) -> usize {
        self.sample.queued + self.sample.delayed + self.sample.busy
    }

    fn next_moment(&self) -> Option<Timestamp> {
        [self.plan.next_due(), self.next_arrival(), self.timer].into_iter().flatten().min()
    }

    fn next_arrival(&self) -> Option<Timestamp> {
        self.lab.trace.tasks().get(self.arrived).map(|task| task.arrival)
    }

    /// Does one thing that is due now: what was planned comes before new tasks, and the supervisor last.
    fn step(&mut self) {
        if let Some(due) = self.plan.pop_due(self.now) {
            self.carry_on(due);
        } else if self.next_arrival().is_some_and(|at| at <= self.now) {
            self.arrive();
        } else {
            self.supervise();
        }
    }

    fn carry_on(&mut self, due: Due) {
        match due {
            Due::Created { slot, works } => self.created(slot, works),
            Due::Done { slot } => self.done(slot),
            Due::Expires { slot, id } => self.expired(slot, id),
            Due::Gone { slot } => self.gone(slot),
            Due::Retry(queued) => {
                self.sample.delayed -= 1;
                self.enqueue(Queued { since: self.now, ..queued });
            }
        }
    }

    fn arrive(&mut self) {
        let queued = Queued { task: self.arrived, attempt: 1, since: self.now };
        self.arrived += 1;
        self.sample.arrived += 1;
        self.tally.arrived(self.now);
        self.enqueue(queued);
        if std::mem::take(&mut self.quiet) {
            self.tell(Event::Busy);
        }
    }

    fn enqueue(&mut self, queued: Queued) {
        let priority = self.lab.trace.tasks()[queued.task].priority;
        self.lanes.push(priority, 0, self.now, queued);
        self.sample.queued += 1;
        match self.idle.pop() {
            Some(slot) => self.next_for(slot),
            None => self.tally.queue(self.now, self.sample.queued),
        }
    }

    /// A worker comes for work, in the order in which a real one looks: age, permits, tasks.
    fn next_for(&mut self, slot: usize) {
        if self.workers[slot].expires.is_some_and(|at| at <= self.now) {
            self.leave(slot, ExitReason::MaxLifetime);
        } else if self.permits > 0 {
            self.permits -= 1;
            self.leave(slot, ExitReason::Retired);
        } else if let Some(queued) = self.lanes.pop(self.now) {
            self.begin(slot, queued);
        } else {
            self.workers[slot].doing = Doing::Waiting;
            self.idle.push(slot);
        }
    }

    fn begin(&mut self, slot: usize, queued: Queued) {
        let task = self.lab.trace.tasks()[queued.task];
        let waited = self.now.saturating_since(queued.since);
        self.sample.queued -= 1;
        self.sample.busy += 1;
        self.sample.started += 1;
        self.sample.wait_time = self.sample.wait_time.saturating_add(waited);
        if queued.attempt == 1 {
            self.tally.started(self.now, waited);
        }
        self.workers[slot].doing = Doing::Running { queued, since: self.now };
        self.schedule(task.service, Due::Done { slot });
    }

    fn done(&mut self, slot: usize) {
        let Doing::Running { queued, since } = self.workers[slot].doing else { return };
        self.sample.busy -= 1;
        let took = self.now.saturating_since(since);
        self.sample.busy_time = self.sample.busy_time.saturating_add(took);
        let sick = self.lab.resources.turns_sick(&mut self.health);
        let outcome = if sick { Outcome::UnhealthyError } else { Outcome::Value };
        let facts = Facts {
            ended: false,
            timed_out: false,
            cancel_safe: false,
            attempt: queued.attempt,
            max_retries: self.lab.max_retries,
        };
        let verdict = decide(outcome, facts);
        match verdict.task {
            TaskVerdict::Retry => self.retry(queued),
            TaskVerdict::Resolve | TaskVerdict::Drop => {
                self.sample.completed += 1;
                self.sample.failed += u64::from(sick);
            }
        }
        if !sick && !std::mem::replace(&mut self.workers[slot].proven, true) {
            self.tell(Event::FirstTaskDone(self.workers[slot].id));
        }
        match verdict.replace {
            Some(why) => self.leave(slot, why),
            None => self.next_for(slot),
        }
    }

    fn retry(&mut self, queued: Queued) {
        self.tally.retried();
        let seed = self.lab.seed ^ queued.task as u64;
        let delay = self.lab.retry.delay(queued.attempt, seed);
        let again = Queued { attempt: queued.attempt + 1, since: self.now, ..queued };
        if delay.is_zero() {
            self.enqueue(again);
        } else {
            self.sample.delayed += 1;
            self.schedule(delay, Due::Retry(again));
        }
    }

    fn leave(&mut self, slot: usize, why: ExitReason) {
        self.workers[slot].doing = Doing::Leaving;
        self.tell(Event::Leaving(self.workers[slot].id, why));
        let limit = self.lab.config.destroy_timeout.unwrap_or(Duration::MAX);
        let takes = self.lab.resources.destroy.draw(&mut self.creations).min(limit);
        self.schedule(takes, Due::Gone { slot });
    }

    fn gone(&mut self, slot: usize) {
        let id = self.workers[slot].id;
        self.vacate(slot);
        self.tell(Event::Exited(id));
    }

    fn vacate(&mut self, slot: usize) {
        self.workers[slot].doing = Doing::Gone;
        self.vacant.push(slot);
    }

    /// Only a worker that waits is looked for; one that runs a task looks at its age when it comes back.
    fn expired(&mut self, slot: usize, id: WorkerId) {
        let worker = self.workers[slot];
        if let (true, Doing::Waiting) = (worker.id == id, worker.doing) {
            self.idle.retain(|idle| *idle != slot);
            self.leave(slot, ExitReason::MaxLifetime);
        }
    }

    fn created(&mut self, slot: usize, works: bool) {
        let id = self.workers[slot].id;
        if !works {
            self.tally.creation_failed(self.now);
            self.vacate(slot);
            self.tell(Event::CreateFailed(id, "refused".into()));
            return;
        }
        let expires = self.lab.resources.expires(self.now, &mut self.creations);
        self.workers[slot].expires = expires;
        if let Some(at) = expires {
            self.schedule(at.saturating_since(self.now), Due::Expires { slot, id });
        }
        self.tell(Event::Ready(id));
        self.next_for(slot);
    }

    fn tell(&mut self, event: Event) {
        self.supervisor.handle_event(self.now, event);
        // Whatever follows is done when it is this moment's turn.
        self.timer = Some(self.now);
    }

    /// What a pool's control loop does in one turn.
    fn supervise(&mut self) {
        self.carry_out();
        while self.supervisor.poll_timeout().is_some_and(|at| at <= self.now) {
            self.supervisor.handle_timeout(self.now, &self.sample);
            self.carry_out();
        }
        if self.supervisor.wants_busy() {
            self.quiet = self.owed() == 0;
            if !self.quiet {
                self.supervisor.handle_event(self.now, Event::Busy);
                self.carry_out();
            }
        }
        self.timer = self.supervisor.poll_timeout();
        self.tally.levels(self.now, self.supervisor.levels());
    }

    fn carry_out(&mut self) {
        while let Some(command) = self.supervisor.poll_command() {
            match command {
                Command::Spawn { worker, .. } => self.spawn(worker),
                Command::Retire(permits) => self.retire(permits),
                Command::Recall(permits) => self.permits = self.permits.saturating_sub(permits),
                Command::Emit(PoolEvent::Scaled { from, to, .. }) => self.tally.scaled(from, to),
                // A pool that is never stopped, whose creations and destructions end in time, has no use for these.
                Command::Emit(_)
                | Command::CloseQueue
                | Command::DiscardQueue
                | Command::CancelRunning
                | Command::Abandon(_)
                | Command::Started(_)
                | Command::Fail(_)
                | Command::Terminate => {}
            }
        }
    }

    fn spawn(&mut self, id: WorkerId) {
        let worker = Worker { id, doing: Doing::Creating, expires: None, proven: false };
        let slot = self.vacant.pop().unwrap_or(self.workers.len());
        if slot == self.workers.len() {
            self.workers.push(worker);
        } else {
            self.workers[slot] = worker;
        }
        if self.now == Timestamp::ZERO && !self.lab.cold {
            self.created(slot, true);
            return;
        }
        self.tally.spawned(self.now);
        let limit = self.lab.config.create_timeout.unwrap_or(Duration::MAX);
        let takes = self.lab.resources.create.draw(&mut self.creations);
        let fails = self.lab.resources.creation_fails(self.now, &mut self.creations);
        self.schedule(takes.min(limit), Due::Created { slot, works: !fails && takes <= limit });
    }

    fn retire(&mut self, permits: usize) {
        self.permits = self.permits.saturating_add(permits);
        for _ in 0..permits {
            if let Some(slot) = self.idle.pop() {
                self.next_for(slot);
            }
        }
    }

    fn schedule(&mut self, after: Duration, due: Due) {
        self.plan.push(self.now.saturating_add(after), due);
    }

    fn finish(mut self, end: Timestamp) -> Run {
        self.now = end;
        while let Some(queued) = self.lanes.pop(end) {
            if queued.attempt == 1 {
                self.tally.never_started(end.saturating_since(queued.since));
            }
        }
        let never_arrived = self.lab.trace.len() - self.arrived;
        self.tally.finish(end, never_arrived, &self.sample)
    }
}
