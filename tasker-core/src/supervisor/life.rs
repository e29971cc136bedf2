//! What happens to one worker: it becomes ready, fails, leaves, exits, or is given up.

use std::sync::Arc;

use crate::{Diagnosis, ExitReason, PoolEvent, Timestamp, WorkerId};

use super::workers::{Place, State, Worker};
use super::{Command, Supervisor};

impl Supervisor {
    pub(super) fn ready(&mut self, now: Timestamp, id: WorkerId) {
        let Some(State::Creating { since }) = self.state(id) else { return };
        self.workers.set(id, State::Live { proven: false, stuck: false });
        let took = now.saturating_since(since);
        self.creations.succeeded(took);
        self.emit(PoolEvent::WorkerReady { worker: id, took });
        self.diagnoses.creation_succeeded();
        self.failing = false;
        if self.breaker.succeeded() {
            self.emit(PoolEvent::BreakerClosed);
            self.pending.hurry(now);
        }
        self.given_up = 0;
        self.end_warm_up();
        self.answer_start(Ok(()));
    }

    pub(super) fn create_failed(&mut self, now: Timestamp, id: WorkerId, error: Arc<str>) {
        let Some(worker) = self.workers.get(id) else { return };
        match worker.state {
            State::Creating { .. } => {
                self.workers.remove(id);
                self.creation_failed(now, id, worker, error);
            }
            // Given up while creating and back without a resource.
            State::Abandoned => self.exited(now, id),
            State::Live { .. } | State::Destroying { .. } => {}
        }
    }

    pub(super) fn first_task_done(&mut self, id: WorkerId) {
        if let Some(State::Live { .. }) = self.state(id) {
            self.workers.set(id, State::Live { proven: true, stuck: false });
        }
    }

    pub(super) fn leaving(&mut self, now: Timestamp, id: WorkerId, why: ExitReason) {
        let Some(worker) = self.workers.get(id) else { return };
        let is_live = matches!(worker.state, State::Live { .. });
        // One that is abandoned by now may have taken its permit before.
        if why == ExitReason::Retired && (is_live || worker.state == State::Abandoned) {
            self.retiring = self.retiring.saturating_sub(1);
        }
        if !is_live {
            return;
        }
        self.workers.set(id, State::Destroying { since: now });
        if why == ExitReason::Drained {
            self.drained_worker_left();
        }
        self.lost_live(now, id, worker, why);
    }

    pub(super) fn exited(&mut self, now: Timestamp, id: WorkerId) {
        let Some(worker) = self.workers.get(id) else { return };
        self.workers.remove(id);
        match worker.state {
            State::Creating { .. } => {
                self.creation_failed(now, id, worker, Arc::from(ExitReason::Lost.to_string()));
            }
            State::Live { .. } => self.lost_live(now, id, worker, ExitReason::Lost),
            State::Destroying { .. } => {}
            State::Abandoned => {
                self.emit(PoolEvent::WorkerRetired { worker: id, why: ExitReason::Abandoned });
            }
        }
    }

    pub(super) fn set_stuck(&mut self, id: WorkerId, stuck: bool) {
        if let Some(State::Live { proven, .. }) = self.state(id) {
            self.workers.set(id, State::Live { proven, stuck });
        }
    }

    /// Gives up every worker that has been at something for too long, as far as the limit allows.
    pub(super) fn abandon_overdue(&mut self, now: Timestamp) {
        if self.may_abandon() {
            self.limit_reported = false;
        }
        while let Some(id) = self.workers.overdue(now) {
            if !self.may_abandon() {
                self.report_limit();
                return;
            }
            self.abandon(now, id);
        }
    }

    /// When a worker will have to be given up, or its being kept reported.
    pub(super) fn next_abandon(&self) -> Option<Timestamp> {
        let pointless = !self.may_abandon() && self.limit_reported;
        if pointless { None } else { self.workers.next_overdue() }
    }

    /// Gives a worker up without replacing it.
    pub(super) fn let_go(&mut self, id: WorkerId) {
        self.workers.set(id, State::Abandoned);
        self.push(Command::Abandon(id));
        self.emit(PoolEvent::WorkerAbandoned { worker: id });
    }

    fn abandon(&mut self, now: Timestamp, id: WorkerId) {
        let Some(worker) = self.workers.get(id) else { return };
        self.let_go(id);
        match worker.state {
            State::Creating { since } => {
                let error = format!("not done after {:?}", now.saturating_since(since));
                self.creation_failed(now, id, worker, Arc::from(error));
            }
            State::Live { .. } => self.refill(Place::vacated(), now),
            State::Destroying { .. } | State::Abandoned => {}
        }
    }

    /// The limit keeps a pool from leaving stuck workers behind without end. Once nobody is replaced any more there
    /// is an end, and the limit would only hold it up.
    fn may_abandon(&self) -> bool {
        !self.stage.replaces() || self.workers.counts().abandoned < self.config.max_abandoned
    }

    fn report_limit(&mut self) {
        if !self.limit_reported {
            self.limit_reported = true;
            let (abandoned, limit) = (self.workers.counts().abandoned, self.config.max_abandoned);
            self.emit(PoolEvent::AbandonedLimitReached { abandoned, limit });
        }
    }

    /// A live worker is not live any more.
    fn lost_live(&mut self, now: Timestamp, id: WorkerId, worker: Worker, why: ExitReason) {
        let replaced = why.is_sickness() && self.stage.replaces();
        self.emit(if replaced {
            PoolEvent::WorkerReplaced { worker: id, why }
        } else {
            PoolEvent::WorkerRetired { worker: id, why }
        });
        match why {
            ExitReason::Unhealthy
            | ExitReason::Panicked
            | ExitReason::Interrupted
            | ExitReason::ProbeFailed
            | ExitReason::Lost => self.refill_lost(now, id, worker),
            ExitReason::MaxLifetime | ExitReason::MaxUses => self.refill(Place::vacated(), now),
            ExitReason::Retired | ExitReason::Drained | ExitReason::Killed | ExitReason::Abandoned => {}
        }
    }

    /// A resource that was good for a task is replaced at once, and so is the first in a row that never was; from the
    /// second on it is a crash loop and backs off.
    fn refill_lost(&mut self, now: Timestamp, id: WorkerId, worker: Worker) {
        if let State::Live { proven: true, .. } = worker.state {
            self.refill(Place::vacated(), now);
        } else {
            let place = worker.place.crashed();
            let delay = match place.failures {
                0 | 1 => std::time::Duration::ZERO,
                failures => self.config.backoff.delay(failures - 1, self.seed(id)),
            };
            self.refill(place, now.saturating_add(delay));
        }
    }

    fn refill(&mut self, place: Place, until: Timestamp) {
        if self.lacks_a_worker() {
            self.pending.push(place, until);
        }
    }

    /// Whether a place that was just vacated is to be filled again, even with every permit recalled.
    fn lacks_a_worker(&self) -> bool {
        let counts = self.workers.counts();
        let there = counts.creating + counts.live + self.pending.len() + self.given_up;
        there < self.target
    }

    /// The worker is out of the creating ones already.
    fn creation_failed(&mut self, now: Timestamp, id: WorkerId, worker: Worker, error: Arc<str>) {
        let place = worker.place.refused();
        self.last_error = Some(Arc::clone(&error));
        self.failing = true;
        self.creations.failed();
        let attempt = place.failures;
        if !self.stage.replaces() {
            self.emit(PoolEvent::CreationFailed { worker: id, attempt, error, retry_in: None });
            return;
        }
        let delay = self.config.backoff.delay(self.breaker.failures(id, attempt), self.seed(id));
        let until = now.saturating_add(delay);
        let retried = self.retry_creation(place, until);
        let retry_in = retried.then_some(delay);
        self.emit(PoolEvent::CreationFailed { worker: id, attempt, error: Arc::clone(&error), retry_in });
        if self.breaker.failed(id, until) {
            self.emit(PoolEvent::BreakerOpened { failures: self.breaker.streak() });
        }
        if let Some(failures) = self.diagnoses.creation_failed(self.breaker.streak()) {
            let last_error = error;
            self.emit(PoolEvent::Diagnosis(Diagnosis::WorkerReplacementFailure { failures, last_error }));
        }
        if worker.base && attempt == 1 {
            self.startup.base_failed();
        }
    }

    /// Says whether the place will be tried again.
    fn retry_creation(&mut self, place: Place, until: Timestamp) -> bool {
        if !self.lacks_a_worker() {
            return false;
        }
        let gives_up = self.config.create_retries.is_some_and(|retries| place.refusals > retries);
        if gives_up {
            self.given_up += 1;
            // A warm-up cannot be had in full any more.
            self.warm = 0;
        } else {
            self.pending.push(place, until);
        }
        !gives_up
    }

    pub(super) fn state(&self, id: WorkerId) -> Option<State> {
        self.workers.get(id).map(|worker| worker.state)
    }
}
