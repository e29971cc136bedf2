//! The supervisor: a pure state machine that keeps a pool at the number of workers it should have.
//!
//! ```text
//!   workers report        the owner wishes            a timer fires
//!   Ready, CreateFailed,  Stop, Kill, Resize,         handle_timeout(now, &sample)
//!   Leaving, Exited, ..   WarmUp                        |  watchdogs, deadlines,
//!        |                    |                         |  policy.desired -> target
//!        v                    v                         v
//!   handle_event(now, event): counters move ---> reconcile(now): target minus actual
//!                                                       |
//!            +-------------------+----------------------+--------------+
//!            v                   v                      v              v
//!      Spawn, Abandon      Retire, Recall      CloseQueue, Discard..  Emit
//!      poll_command() hands them out            poll_timeout() says when to come back
//! ```
//!
//! It hears of workers only, never of tasks; it never reads a clock; the same calls give the same commands. Events
//! move counters and nothing else: one level-triggered function, `reconcile`, turns the difference between the
//! workers wanted and the workers there are into commands. Scaling, replacement and the retry of failed creations
//! are so one thing, and news that is late, doubled or of somebody long gone is harmless.
//!
//! One worker's life, as the supervisor sees it. `Spawn` goes out and the worker is *creating*; it reports `Ready`
//! and is *live*; its first completed task, `FirstTaskDone`, proves the resource good. A task makes the resource
//! sick: `Leaving(Unhealthy)`, and the worker is *destroying*. Now one worker too few is live or on its way: a place
//! is pending, due at once since the resource had proved good. If there is room below `max_workers` a `Spawn` goes
//! out in the same turn, otherwise when `Exited` gives the room back.

mod breaker;
mod config;
mod creations;
mod diagnosis;
mod life;
mod messages;
mod pending;
mod reconcile;
mod shutdown;
mod startup;
#[cfg(test)]
mod tests;
mod tick;
mod workers;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::scaling::{Sample, ScalingPolicy};
use crate::splitmix::splitmix64;
use crate::{PoolEvent, Timestamp, WorkerId};

pub use config::{Startup, SupervisorConfig};
pub use messages::{Command, Event, Levels, Phase};

use breaker::Breaker;
use creations::Creations;
use diagnosis::Diagnoses;
use pending::Pending;
use shutdown::Stage;
use startup::StartupGate;
use tick::Scaler;
use workers::Workers;

/// Keeps a pool at the number of workers it should have. See the [module](self) for the picture.
///
/// The caller turns the world's news into [`handle_event`](Self::handle_event), calls
/// [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) is due, and after either
/// carries out what [`poll_command`](Self::poll_command) hands out. It guarantees, whatever it is told:
///
/// - a `Spawn` never lifts the number of workers creating, live or destroying above `max_workers`;
/// - no id is given twice, `Started` and `Terminate` come at most once, and `Terminate` is the last command;
/// - a pool asked to stop by a deadline, or killed, ends by itself.
///
/// ```
/// use tasker_core::supervisor::{Command, Event, Supervisor, SupervisorConfig};
/// use tasker_core::{SpawnReason, Timestamp, WorkerId};
///
/// let mut supervisor = Supervisor::new(SupervisorConfig::new(1), None);
/// supervisor.start(Timestamp::ZERO);
/// let worker = WorkerId::new(1);
/// let spawn = Command::Spawn { worker, reason: SpawnReason::Base, attempt: 1 };
/// assert_eq!(supervisor.poll_command(), Some(spawn));
///
/// supervisor.handle_event(Timestamp::from_nanos(5), Event::Ready(worker));
/// assert_eq!(supervisor.levels().live, 1);
/// ```
#[derive(Debug)]
pub struct Supervisor {
    config: SupervisorConfig,
    stage: Stage,
    startup: StartupGate,
    workers: Workers,
    pending: Pending,
    breaker: Breaker,
    creations: Creations,
    scaler: Scaler,
    diagnoses: Diagnoses,
    /// Workers wanted.
    target: usize,
    /// Workers that a warm-up wants, until they are live; the policy cannot want fewer meanwhile.
    warm: usize,
    /// Warm-ups asked for.
    warm_ups: u64,
    /// Permits to leave handed out and not known to be taken.
    retiring: usize,
    /// Places no longer tried.
    given_up: usize,
    last_error: Option<Arc<str>>,
    /// A creation failed after the last one that succeeded.
    failing: bool,
    limit_reported: bool,
    commands: VecDeque<Command>,
}

impl Supervisor {
    /// A supervisor that has not started anyone. Bounds that make no sense are put right; a builder refuses them
    /// with [`SupervisorConfig::validate`] before. Without a policy the pool keeps its size, but for
    /// [`Event::Blocked`], [`Event::WarmUp`] and [`Event::Resize`].
    #[must_use]
    pub fn new(config: SupervisorConfig, policy: Option<Box<dyn ScalingPolicy>>) -> Self {
        let config = config.sound();
        Self {
            stage: Stage::Running,
            startup: StartupGate::new(config.startup, config.workers),
            workers: Workers::new(&config),
            pending: Pending::default(),
            breaker: Breaker::new(config.breaker_threshold),
            creations: Creations::default(),
            scaler: Scaler::new(policy),
            diagnoses: Diagnoses::default(),
            target: config.workers,
            warm: 0,
            warm_ups: 0,
            retiring: 0,
            given_up: 0,
            last_error: None,
            failing: false,
            limit_reported: false,
            commands: VecDeque::new(),
            config,
        }
    }

    /// Starts the base workers. Calling it again changes nothing.
    pub fn start(&mut self, now: Timestamp) {
        if self.startup.is_lazy() {
            self.answer_start(Ok(()));
        }
        self.settle(now);
    }

    /// Takes note of an event and works out what follows from it.
    pub fn handle_event(&mut self, now: Timestamp, event: Event) {
        if self.stage == Stage::Ended {
            return;
        }
        match event {
            Event::Ready(id) => self.ready(now, id),
            Event::CreateFailed(id, error) => self.create_failed(now, id, error),
            Event::FirstTaskDone(id) => self.first_task_done(id),
            Event::Leaving(id, why) => self.leaving(now, id, why),
            Event::Exited(id) => self.exited(now, id),
            Event::Stuck(id) => self.set_stuck(id, true),
            Event::Back(id) => self.set_stuck(id, false),
            Event::Idle(id) => self.idle(id),
            Event::Busy => self.wake_policy(now),
            Event::Blocked => self.blocked(),
            Event::Drained => self.drained(),
            Event::Stop { deadline } => self.stop(now, deadline),
            Event::Kill => self.kill(now),
            Event::Resize { workers, max_workers } => self.resize(workers, max_workers),
            Event::WarmUp(workers) => self.warm_up(now, workers),
        }
        self.settle(now);
    }

    /// Does what is due at `now`. An extra call is harmless. The sample is looked at only if the policy is asked;
    /// its `workers`, `max_workers`, `live`, `creating` and all it says of creations are filled in here.
    pub fn handle_timeout(&mut self, now: Timestamp, sample: &Sample) {
        if self.stage == Stage::Ended {
            return;
        }
        self.expire(now);
        self.tick(now, sample);
        self.settle(now);
    }

    /// The next command to carry out. There may be new ones after [`start`](Self::start),
    /// [`handle_event`](Self::handle_event) and [`handle_timeout`](Self::handle_timeout).
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next; `None` if only an event can change
    /// anything. Its answer may change after the same calls as [`poll_command`](Self::poll_command)'s; a moment in
    /// the past means now, and there is then something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        if self.stage == Stage::Ended {
            return None;
        }
        let moments = [self.next_start(), self.next_abandon(), self.next_tick(), self.stage.deadline()];
        moments.into_iter().flatten().min().filter(|at| *at < Timestamp::MAX)
    }

    /// How many workers there are of each kind.
    #[must_use]
    pub fn levels(&self) -> Levels {
        let counts = self.workers.counts();
        let base = counts.live.min(self.config.workers);
        Levels {
            base,
            burst: counts.live - base,
            live: counts.live,
            creating: counts.creating,
            destroying: counts.destroying,
            backing_off: self.pending.len(),
            abandoned: counts.abandoned,
            retiring: self.retiring,
            target: self.target,
            given_up: self.given_up,
            warming: self.warm,
            warm_ups: self.warm_ups,
        }
    }

    /// How far the pool is on its way from start to end.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.stage.phase()
    }

    /// The settings in force: as given, but for bounds put right or changed by [`Event::Resize`].
    #[must_use]
    pub const fn config(&self) -> &SupervisorConfig {
        &self.config
    }

    /// The error of the last creation that failed, if one ever did.
    #[must_use]
    pub fn last_error(&self) -> Option<Arc<str>> {
        self.last_error.clone()
    }

    /// The same, but only while no creation has succeeded since: the likely reason why a task is still waiting.
    #[must_use]
    pub fn current_error(&self) -> Option<Arc<str>> {
        if self.failing { self.last_error() } else { None }
    }

    /// What every call ends with, and the only place where one thing leads to another.
    fn settle(&mut self, now: Timestamp) {
        self.abandon_overdue(now);
        self.wake_policy_off_base(now);
        self.reconcile(now);
        self.fail_if_hopeless(now);
        self.end_if_empty();
    }

    fn answer_start(&mut self, result: Result<(), Arc<str>>) {
        if self.startup.answer() {
            self.push(Command::Started(result));
        }
    }

    fn push(&mut self, command: Command) {
        self.commands.push_back(command);
    }

    fn emit(&mut self, event: PoolEvent) {
        self.push(Command::Emit(event));
    }

    /// A seed for the jitter after this worker's failure.
    const fn seed(&self, worker: WorkerId) -> u64 {
        splitmix64(self.config.seed ^ worker.get())
    }
}
