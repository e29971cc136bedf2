//! What one worker does next.
//!
//! The backend's loop creates, runs, probes and destroys, each in its own colour; what it does when is decided here:
//!
//! ```text
//!   created(..) ──▶ step ──▶ Run ──▶ begin, finish ──▶ Keep ──▶ step
//!                    │  ▲                        └───▶ Leave ─┐
//!                    │  └── Wait, Probe                       │
//!                    └──▶ Leave ──▶ leave, destroyed ◀────────┘
//! ```

use std::task::Waker;
use std::time::Duration;

use crate::decide::{Facts, Outcome, TaskVerdict, decide};
use crate::engine::alarms::Running;
use crate::engine::pace::Pace;
use crate::engine::{Engine, Interrupt, Msg, Owed, Post};
use crate::error::TaskError;
use crate::event::PoolEvent;
use crate::ids::ExitReason;
use crate::metrics::{EndKind, TaskTimes};
use crate::queue::{Appetite, CameFrom, Leave, Pull, Share};
use crate::resource::Health;
use crate::spin::spin_until;
use crate::splitmix::splitmix64;
use crate::supervisor::Event;
use crate::sync::Arc;
use crate::task::current::{self, Inside};
use crate::task::job::{Attempt, Job, JobEnd};
use crate::task::{TaskContext, TaskCore};
use crate::time::Timestamp;

/// A worker to start.
#[derive(Debug)]
pub struct Order<J: Job> {
    pub(crate) engine: Arc<Engine<J>>,
    pub(crate) post: Arc<Post>,
}

/// What came of creating a resource.
#[derive(Debug)]
pub enum Created<E> {
    /// It is there.
    Ready,
    /// It failed with an error of its own.
    Failed(E),
    /// It panicked, took too long, or could not even begin.
    Broken(Arc<str>),
}

/// What a worker does next.
#[derive(Debug)]
pub enum Step<J> {
    /// Run this task.
    Run(J),
    /// [Look around](Worker::look_around) for a moment, and ask again.
    Look,
    /// Wait to be woken, at most until the moment given.
    Wait(Option<Timestamp>),
    /// Probe the idle resource.
    Probe,
    /// Leave for this reason.
    Leave(ExitReason),
}

/// What becomes of a worker after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It takes the next task.
    Keep,
    /// It leaves.
    Leave(ExitReason),
}

/// An attempt under way.
#[derive(Debug)]
pub struct Begun {
    /// Whether no further attempt is permitted, so that the task may be used up.
    pub last: bool,
    /// The attempt's span, in which the task is called or polled.
    pub span: tracing::Span,
    started: Timestamp,
    attempt: u32,
}

/// One worker's side of its pool. Dropping it tells the supervisor that the worker is gone.
#[derive(Debug)]
pub struct Worker<J: Job> {
    engine: Arc<Engine<J>>,
    post: Arc<Post>,
    /// What it takes along when its tasks are short.
    share: Arc<Share<J>>,
    /// How long its tasks take, of late.
    pace: Pace,
    context: TaskContext,
    asked: Timestamp,
    expires: Option<Timestamp>,
    uses: u64,
    next_probe: Option<Timestamp>,
    idle_until: Option<Timestamp>,
    /// It was told to wait or to look around, and is listed so.
    waits: bool,
    /// It looks around before it waits.
    looks: bool,
    proven: bool,
    live: bool,
    left: bool,
}

impl<J: Job> Worker<J> {
    /// A worker that has yet to create its resource.
    pub fn new(order: Order<J>, now: Timestamp) -> Self {
        Self {
            share: order.engine.inbox.open_share(order.post.id),
            context: TaskContext::of_worker(Arc::clone(&order.engine.hub), Arc::clone(&order.post)),
            engine: order.engine,
            post: order.post,
            pace: Pace::default(),
            asked: now,
            expires: None,
            uses: 0,
            next_probe: None,
            idle_until: None,
            waits: false,
            looks: false,
            proven: false,
            live: false,
            left: false,
        }
    }

    /// Lets it look around for a moment before it waits, as pays for a thread: if the pool does so at all.
    pub fn looks_around(&mut self) {
        self.looks = self.engine.limits.spin > 0;
    }

    /// What the parts of the pool share.
    pub fn engine(&self) -> &Arc<Engine<J>> {
        &self.engine
    }

    /// What others see of this worker.
    pub fn post(&self) -> &Arc<Post> {
        &self.post
    }

    /// What the task it runs is told.
    pub const fn context(&self) -> &TaskContext {
        &self.context
    }

    /// What the user's code that it calls is inside of.
    pub fn inside(&self) -> Inside {
        Inside { pool: self.engine.hub.pool(), worker: Some(self.post.id) }
    }

    /// When `create` must be done.
    pub fn create_deadline(&self) -> Option<Timestamp> {
        self.engine.limits.create_timeout.map(|timeout| self.asked.saturating_add(timeout))
    }

    /// Reports what came of `create`. `true` if the worker lives.
    pub fn created(&mut self, created: Created<J::Error>, now: Timestamp) -> bool {
        let error: Arc<str> = match created {
            Created::Ready => {
                self.live = true;
                self.come_alive(now);
                return true;
            }
            Created::Failed(error) => {
                let text = describe(&error);
                self.engine.set_create_error(Some(error));
                text
            }
            Created::Broken(text) => {
                self.engine.set_create_error(None);
                text
            }
        };
        self.left = true;
        // First, since with this news the pool may end, and its report names whoever is still there.
        self.engine.hub.roster().depart(self.post.id);
        self.engine.hub.post(Msg::Event(Event::CreateFailed(self.post.id, error)));
        false
    }

    fn come_alive(&mut self, now: Timestamp) {
        let limits = &self.engine.limits;
        let seed = splitmix64(self.engine.seed ^ self.post.id.get());
        self.expires = limits.max_lifetime.map(|age| now.saturating_add(shortened(age, seed)));
        self.next_probe = limits.probe_interval.map(|interval| now.saturating_add(interval));
        self.engine.hub.post(Msg::Event(Event::Ready(self.post.id)));
    }

    /// What to do next. If it is to wait, `waker` is called when it should ask again.
    pub fn step(&mut self, now: Timestamp, waker: &Waker) -> Step<J> {
        if let Some(interrupt) = self.post.interrupted() {
            return Step::Leave(exit_of(interrupt));
        }
        if self.expires.is_some_and(|at| at <= now) {
            return Step::Leave(ExitReason::MaxLifetime);
        }
        let from = self.came_from();
        let appetite = Appetite { tasks: self.pace.appetite(), looks: self.looks };
        let pulled = self.engine.inbox.pull(&self.share, waker, from, appetite, now);
        match pulled {
            Pull::Task(job) => self.took(job, now),
            Pull::Leave(leave) => Step::Leave(leave_reason(leave)),
            Pull::Look => {
                self.waits = true;
                Step::Look
            }
            Pull::Wait => self.wait(now, waker),
        }
    }

    /// It has taken a task, which it shows before it begins it.
    pub(super) fn took(&mut self, mut job: J, now: Timestamp) -> Step<J> {
        self.idle_until = None;
        // First: whoever finds the task here has to know which attempt it is, and when it began.
        job.core().set_started_at(now);
        job.core().count_attempt();
        self.post.begins(job.own_mut().lend(), now);
        match self.post.interrupted() {
            None => Step::Run(job),
            Some(interrupt) => self.hand_back(job, interrupt, now),
        }
    }

    fn came_from(&mut self) -> CameFrom {
        // It waits only when it has no task.
        let waited = std::mem::take(&mut self.waits);
        if self.post.was_busy() {
            CameFrom::Task
        } else if waited {
            CameFrom::Wait
        } else {
            CameFrom::Elsewhere
        }
    }

    /// It took a task in the moment it was interrupted.
    fn hand_back(&self, job: J, interrupt: Interrupt, now: Timestamp) -> Step<J> {
        drop(self.post.ends());
        job.core().uncount_attempt();
        let left = match interrupt {
            Interrupt::Kill => Some(job),
            Interrupt::Abandon => {
                let rank = self.engine.rank_of(job.core());
                self.engine.inbox.retry(job, rank, None, now)
            }
        };
        // Before its end it is killed.
        current::enter(self.inside(), || drop(left.map(|job| Owed::new(job, &self.engine.hub))));
        Step::Leave(exit_of(interrupt))
    }

    /// Looks for a moment whether there is something to do.
    pub fn look_around(&self) {
        let inbox = &self.engine.inbox;
        spin_until(self.engine.limits.spin, || inbox.beckons() || self.post.interrupted().is_some());
    }

    fn wait(&mut self, now: Timestamp, waker: &Waker) -> Step<J> {
        self.waits = true;
        self.post.watch(waker);
        if self.post.interrupted().is_some() {
            // It came between the look above and the wait; the next step sees it.
            return Step::Wait(Some(now));
        }
        if self.next_probe.is_some_and(|at| at <= now) {
            self.engine.inbox.step_aside(self.post.id);
            self.waits = false;
            return Step::Probe;
        }
        let idle_timeout = self.engine.limits.idle_timeout;
        if let (Some(until), Some(timeout)) = (self.idle_until, idle_timeout) {
            if until <= now {
                self.engine.hub.post(Msg::Event(Event::Idle(self.post.id)));
                self.idle_until = Some(now.saturating_add(timeout));
            }
        } else {
            self.idle_until = idle_timeout.map(|timeout| now.saturating_add(timeout));
        }
        let until = [self.expires, self.next_probe, self.idle_until];
        Step::Wait(until.into_iter().flatten().min())
    }

    /// Notes how a probe went.
    pub fn probed(&mut self, healthy: Result<(), Arc<str>>, now: Timestamp) -> Fate {
        let interval = self.engine.limits.probe_interval;
        self.next_probe = interval.map(|interval| now.saturating_add(interval));
        match healthy {
            Ok(()) => Fate::Keep,
            Err(error) => {
                tracing::warn!(worker = %self.post.id, %error, "a probe failed");
                Fate::Leave(ExitReason::ProbeFailed)
            }
        }
    }

    /// An attempt begins, at the task that it has just taken.
    pub fn begin(&mut self, job: &mut J, now: Timestamp) -> Begun {
        let core = job.core();
        // Taking it may have dropped others, which is users' code; and it may be younger than the look at the clock.
        let now = if core.timeout().is_some() { self.engine.hub.now() } else { now.max(core.queued_at()) };
        let attempt = core.attempts();
        let running = Running { worker: self.post.id, task: core.id(), attempt };
        core.set_started_at(now);
        if core.has_ended() {
            // Whoever ended it may not have known who is about to run it.
            self.engine.hub.arm_grace_of(running);
        }
        self.uses += 1;
        self.post.meter.started(now.saturating_since(core.queued_at()));
        if let Some(timeout) = core.timeout() {
            self.engine.hub.arm_timeout(now.saturating_add(timeout), running, job.own().share());
        }
        self.context.enter(job.own_mut().lend(), attempt);
        let core = job.core();
        Begun { last: core.is_last_attempt(attempt), span: self.span(core, attempt), started: now, attempt }
    }

    fn span(&self, core: &TaskCore, attempt: u32) -> tracing::Span {
        let name = core.name().map(|name| &**name).unwrap_or_default();
        tracing::debug_span!("task", pool = %self.engine.hub.name(), id = core.id().get(), name, attempt, worker = self.post.id.get())
    }

    /// An attempt is over: decides what becomes of task and worker, counts it, and resolves or retries the task.
    ///
    /// `check` is `check_health` of the resource it ran on.
    pub fn finish(
        &mut self,
        job: J,
        begun: &Begun,
        attempt: Attempt<J::Error>,
        check: impl FnOnce(&J::Error) -> Health,
        now: Timestamp,
    ) -> Fate {
        // Callbacks and drops are the user's code as much as the task is.
        current::enter(self.inside(), || self.conclude(job, begun, attempt, check, now))
    }

    fn conclude(
        &mut self,
        mut job: J,
        begun: &Begun,
        attempt: Attempt<J::Error>,
        check: impl FnOnce(&J::Error) -> Health,
        now: Timestamp,
    ) -> Fate {
        self.engine.hub.nested().clear(self.post.id);
        // Until the resource is judged the task can be ended from outside.
        let outcome = self.judge(&attempt, check);
        if let Some(lent) = self.context.leave() {
            job.own_mut().take_back(lent);
        }
        if let Some(lent) = self.post.ends() {
            job.own_mut().take_back(lent);
        }
        let verdict = decide(outcome, facts(job.core(), begun.attempt));
        let took = now.saturating_since(begun.started);
        self.post.meter.finished(now, took);
        self.pace.note(took);
        match verdict.task {
            TaskVerdict::Retry => {
                self.retry(job, begun, &attempt, now);
                super::quietly(|| drop(attempt));
            }
            TaskVerdict::Resolve => self.resolve(job, begun, attempt, outcome, now),
            TaskVerdict::Drop => super::quietly(|| drop((job, attempt))),
        }
        let completed = matches!(outcome, Outcome::Value | Outcome::HealthyError);
        if completed && !std::mem::replace(&mut self.proven, true) {
            self.engine.hub.post(Msg::Event(Event::FirstTaskDone(self.post.id)));
        }
        let fate = match verdict.replace {
            Some(why) => Fate::Leave(why),
            None if self.is_used_up() => Fate::Leave(ExitReason::MaxUses),
            None => Fate::Keep,
        };
        if self.post.take_stuck() && fate == Fate::Keep {
            self.engine.hub.post(Msg::Event(Event::Back(self.post.id)));
        }
        fate
    }

    fn is_used_up(&self) -> bool {
        self.engine.limits.max_uses.is_some_and(|uses| self.uses >= uses)
    }

    fn judge(&self, attempt: &Attempt<J::Error>, check: impl FnOnce(&J::Error) -> Health) -> Outcome {
        match attempt {
            Attempt::Value => Outcome::Value,
            Attempt::Panicked(_) => Outcome::Panicked,
            Attempt::Interrupted => Outcome::Interrupted,
            // A resource that cannot even be asked is not trusted.
            Attempt::Error(error) => match self.engine.hub.guard("check_health", || check(error)) {
                Some(Health::Healthy) => Outcome::HealthyError,
                Some(Health::Unhealthy) | None => Outcome::UnhealthyError,
            },
        }
    }

    fn retry(&self, job: J, begun: &Begun, attempt: &Attempt<J::Error>, now: Timestamp) {
        let core = job.core();
        let seed = splitmix64(self.engine.seed ^ core.id().get());
        let policy = &self.engine.retry;
        let delay = self
            .engine
            .hub
            .guard("RetryPolicy::delay", || policy.delay(begun.attempt, seed))
            .unwrap_or_default();
        let error = match attempt {
            Attempt::Error(error) => describe(error),
            Attempt::Value | Attempt::Panicked(_) | Attempt::Interrupted => "the attempt timed out".into(),
        };
        self.post.meter.retried();
        self.tell_of_retry(core, begun.attempt, delay, error);
        let rank = self.engine.rank_of(core);
        let due = (!delay.is_zero()).then(|| now.saturating_add(delay));
        let left = self.engine.inbox.retry(job, rank, due, now);
        drop(left.map(|job| Owed::new(job, &self.engine.hub)));
    }

    fn tell_of_retry(&self, core: &TaskCore, attempt: u32, delay: Duration, error: Arc<str>) {
        let hub = &self.engine.hub;
        if let Some(collector) = hub.collector() {
            hub.guard("MetricsCollector::retried", || collector.retried(&core.info(), &error));
        }
        let name = core.name().cloned();
        hub.post(Msg::Tell(PoolEvent::TaskRetried { task: core.id(), name, attempt, delay, error }));
    }

    fn resolve(&self, job: J, begun: &Begun, attempt: Attempt<J::Error>, outcome: Outcome, now: Timestamp) {
        let core = job.core();
        if core.finish().is_none() {
            return super::quietly(|| drop((job, attempt)));
        }
        let (kind, end) = end_of(attempt, outcome, core, begun.attempt);
        self.post.meter.ended(kind);
        let hub = &self.engine.hub;
        if hub.collector().is_some() {
            let times = TaskTimes { queued: core.queued_at(), started: Some(begun.started), finished: now };
            hub.collect(core, kind, Some(times));
        }
        job.fill(hub, end);
    }

    /// The worker takes no more tasks; its resource is destroyed next. Returns when that must be done.
    pub fn leave(&mut self, why: ExitReason, now: Timestamp) -> Option<Timestamp> {
        self.depart(why);
        self.engine.limits.destroy_timeout.map(|timeout| now.saturating_add(timeout))
    }

    fn depart(&mut self, why: ExitReason) {
        if !std::mem::replace(&mut self.left, true) && self.live {
            self.engine.hub.post(Msg::Event(Event::Leaving(self.post.id, why)));
        }
        self.engine.hub.nested().clear(self.post.id);
        let finished = self.post.take_busy();
        self.engine.inbox.leave(self.post.id, finished);
    }

    /// Reports how `destroy` went.
    pub fn destroyed(&self, result: Result<(), Arc<str>>) {
        self.engine.hub.destroyed(Some(self.post.id), result);
    }
}

impl<J: Job> Drop for Worker<J> {
    fn drop(&mut self) {
        self.depart(ExitReason::Lost);
        self.engine.hub.roster().depart(self.post.id);
        self.engine.hub.post(Msg::Event(Event::Exited(self.post.id)));
    }
}

/// A user's error as text; a `Display` that panics is no reason to fall.
pub fn describe(error: &impl std::fmt::Display) -> Arc<str> {
    super::catch(|| Arc::from(error.to_string()))
        .unwrap_or_else(|_| "an error that cannot be displayed".into())
}

/// A lifetime shortened by up to a tenth, so that workers born together do not leave together.
fn shortened(age: Duration, seed: u64) -> Duration {
    let tenth = u64::try_from(age.as_nanos() / 10).unwrap_or(u64::MAX);
    age.saturating_sub(Duration::from_nanos(if tenth == 0 { 0 } else { seed % tenth }))
}

const fn exit_of(interrupt: Interrupt) -> ExitReason {
    match interrupt {
        Interrupt::Kill => ExitReason::Killed,
        Interrupt::Abandon => ExitReason::Abandoned,
    }
}

const fn leave_reason(leave: Leave) -> ExitReason {
    match leave {
        Leave::Retired => ExitReason::Retired,
        Leave::Drained => ExitReason::Drained,
        Leave::Killed => ExitReason::Killed,
    }
}

fn facts(core: &TaskCore, attempt: u32) -> Facts {
    Facts {
        ended: core.has_ended(),
        timed_out: core.is_timed_out(),
        cancel_safe: core.is_cancel_safe(),
        attempt,
        max_retries: core.max_retries,
    }
}

fn end_of<E>(attempt: Attempt<E>, outcome: Outcome, core: &TaskCore, attempts: u32) -> (EndKind, JobEnd<E>) {
    match attempt {
        Attempt::Value => (EndKind::Completed, JobEnd::Value),
        Attempt::Error(error) if outcome == Outcome::UnhealthyError => {
            (EndKind::Failed, JobEnd::Error(TaskError::Exhausted { error, attempts }))
        }
        Attempt::Error(error) => (EndKind::Failed, JobEnd::Error(TaskError::Failed(error))),
        Attempt::Panicked(message) => (EndKind::Panicked, JobEnd::Error(TaskError::Panicked { message })),
        Attempt::Interrupted => {
            let after = core.timeout().unwrap_or_default();
            (EndKind::TimedOut, JobEnd::Error(TaskError::TimedOut { after }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_shortened_by_less_than_a_tenth() {
        let rows = [(100, 7, 93), (100, 13, 97), (100, 10, 100), (9, 7, 9), (0, 7, 0)];
        for (age, seed, left) in rows {
            let [age, left] = [age, left].map(Duration::from_nanos);
            assert_eq!(shortened(age, seed), left, "{age:?}, {seed}");
        }
    }
}
