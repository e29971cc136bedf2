//! The scaling tick: when the policy is asked, and what becomes of its answer.

use std::time::Duration;

use crate::scaling::{Sample, ScalingPolicy};
use crate::{PoolEvent, ScaleReason, Timestamp};

use super::{Phase, Supervisor};

/// The policy and the moment it is asked next.
#[derive(Debug)]
pub(super) struct Scaler {
    policy: Option<Box<dyn ScalingPolicy>>,
    due: Option<Timestamp>,
    /// Nothing but new work could change the answer, or not before `due`.
    asleep: bool,
}

impl Scaler {
    pub(super) const fn new(policy: Option<Box<dyn ScalingPolicy>>) -> Self {
        Self { policy, due: None, asleep: true }
    }

    /// Asks at the latest after `interval`.
    fn wake(&mut self, now: Timestamp, interval: Duration) {
        if self.policy.is_some() && self.asleep {
            let at = now.saturating_add(interval);
            self.due = Some(self.due.map_or(at, |due| due.min(at)));
            self.asleep = false;
        }
    }

    fn sleep(&mut self, until: Option<Timestamp>) {
        self.due = until;
        self.asleep = true;
    }

    fn go_on(&mut self, at: Timestamp) {
        self.due = Some(at);
        self.asleep = false;
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    fn desired(&mut self, now: Timestamp, sample: &Sample) -> Result<Option<usize>, PoolEvent> {
        let policy = &mut self.policy;
        guard("ScalingPolicy::desired", || policy.as_mut().map(|policy| policy.desired(now, sample)))
    }

    fn next_ask(&self, now: Timestamp) -> Result<Option<Timestamp>, PoolEvent> {
        guard("ScalingPolicy::next_ask", || self.policy.as_ref().and_then(|policy| policy.next_ask(now)))
    }
}

impl Supervisor {
    /// Whether [`Event::Busy`](super::Event::Busy) would make the policy be asked sooner than it would be anyway. Its
    /// answer may change after every call that takes `&mut self`.
    #[must_use]
    pub fn wants_busy(&self) -> bool {
        self.phase() == Phase::Running
            && self.may_scale()
            && self.scaler.policy.is_some()
            && self.scaler.asleep
    }

    pub(super) fn next_tick(&self) -> Option<Timestamp> {
        if self.phase() == Phase::Running { self.scaler.due } else { None }
    }

    pub(super) fn wake_policy(&mut self, now: Timestamp) {
        if self.phase() == Phase::Running && self.may_scale() {
            self.scaler.wake(now, self.config.burst_interval);
        }
    }

    /// Whether there is anything for a policy to decide.
    const fn may_scale(&self) -> bool {
        self.config.workers < self.config.max_workers
    }

    /// While there are more workers than the base, somebody has to ask whether they are still needed.
    pub(super) fn wake_policy_off_base(&mut self, now: Timestamp) {
        if self.target != self.config.workers {
            self.wake_policy(now);
        }
    }

    pub(super) fn tick(&mut self, now: Timestamp, sample: &Sample) {
        if self.phase() != Phase::Running || !self.scaler.is_due(now) {
            return;
        }
        let sample = self.completed(sample);
        match self.scaler.desired(now, &sample) {
            Ok(None) => {}
            Ok(Some(desired)) => {
                // Workers inside nested waits do nothing; there must be one beside them.
                let least = sample.blocked.saturating_add(1).max(self.warm);
                self.set_target(desired.max(least), ScaleReason::Policy);
            }
            Err(panicked) => self.emit(panicked),
        }
        if let Some(diagnosis) = self.diagnoses.tick(self.target, &sample) {
            self.emit(PoolEvent::Diagnosis(diagnosis));
        }
        self.rearm(now, &sample);
    }

    /// Reckoned from now and not from when the tick was due: after a jump of the clock there is one tick to catch
    /// up, not a storm of them.
    fn rearm(&mut self, now: Timestamp, sample: &Sample) {
        let next = now.saturating_add(self.config.burst_interval);
        let idle = sample.queued == 0 && sample.delayed == 0 && sample.busy == 0;
        if !idle || self.target != self.config.workers {
            self.scaler.go_on(next);
            return;
        }
        match self.scaler.next_ask(now) {
            Ok(asked) => self.scaler.sleep(asked.map(|at| at.max(next))),
            Err(panicked) => {
                self.scaler.sleep(None);
                self.emit(panicked);
            }
        }
    }

    /// The sample with the supervisor's own figures, which the caller need not fill in.
    fn completed(&self, sample: &Sample) -> Sample {
        let counts = self.workers.counts();
        let mut sample = Sample {
            workers: self.config.workers,
            max_workers: self.config.max_workers,
            live: counts.live.saturating_sub(self.retiring),
            creating: counts.creating,
            failing: self.breaker.streak(),
            ..sample.clone()
        };
        self.creations.fill(&mut sample);
        sample
    }

    pub(super) fn resize(&mut self, workers: usize, max_workers: usize) {
        if self.phase() != Phase::Running {
            return;
        }
        self.config.set_bounds(workers, max_workers);
        self.given_up = 0;
        self.warm = self.warm.min(self.config.max_workers);
        self.set_target(self.target, ScaleReason::Resize);
    }

    pub(super) fn warm_up(&mut self, now: Timestamp, workers: usize) {
        self.warm_ups += 1;
        if self.phase() != Phase::Running {
            return;
        }
        self.given_up = 0;
        self.set_target(self.target.max(workers), ScaleReason::WarmUp);
        self.warm = self.warm.max(self.config.clamp(workers));
        self.end_warm_up();
        self.wake_policy(now);
    }

    /// A warm-up is over once its workers are live.
    pub(super) fn end_warm_up(&mut self) {
        if self.workers.counts().live >= self.warm {
            self.warm = 0;
        }
    }

    /// One more worker than there are, so that what they wait for can run. In a drain too: the tasks they wait for
    /// are owed.
    pub(super) fn blocked(&mut self) {
        if self.stage.replaces() {
            let wanted = self.workers.counts().live.saturating_add(1);
            self.set_target(self.target.max(wanted), ScaleReason::Blocked);
        }
    }

    pub(super) fn idle(&mut self, id: crate::WorkerId) {
        let known = self.workers.get(id).is_some_and(|worker| worker.is_live());
        if known && self.phase() == Phase::Running && self.target > self.config.workers.max(self.warm) {
            self.set_target(self.target - 1, ScaleReason::Idle);
        }
    }

    fn set_target(&mut self, wanted: usize, why: ScaleReason) {
        let running = self.phase() == Phase::Running;
        // A drain may be down to fewer than the base workers, and need not come up to them again.
        let to = if running { self.config.clamp(wanted) } else { wanted.min(self.config.max_workers) };
        let from = self.target;
        if from != to {
            self.target = to;
            self.emit(PoolEvent::Scaled { from, to, why });
        }
    }
}

/// Calls a user's function; its panic becomes an event. The policy may be left half-changed by a panic, which can
/// make its later answers odd but not unsound.
fn guard<T>(callback: &'static str, call: impl FnOnce() -> T) -> Result<T, PoolEvent> {
    crate::panics::catch(call).map_err(|message| PoolEvent::CallbackPanicked { callback, message })
}
