//! From running to ended.

use std::sync::Arc;

use crate::{Diagnosis, PoolEvent, Timestamp};

use super::workers::State;
use super::{Command, Phase, Supervisor};

/// The phase, with what belongs to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Running,
    Draining {
        since: Timestamp,
        deadline: Option<Timestamp>,
        /// No task is owed any more.
        drained: bool,
    },
    Killing {
        /// When everybody left is given up.
        deadline: Timestamp,
    },
    Ended,
}

impl Stage {
    /// Whether workers that go are replaced: as long as tasks may come or are owed.
    pub(super) const fn replaces(self) -> bool {
        matches!(self, Self::Running | Self::Draining { drained: false, .. })
    }

    pub(super) const fn phase(self) -> Phase {
        match self {
            Self::Running => Phase::Running,
            Self::Draining { .. } => Phase::Draining,
            Self::Killing { .. } => Phase::Killing,
            Self::Ended => Phase::Ended,
        }
    }

    pub(super) const fn deadline(self) -> Option<Timestamp> {
        match self {
            Self::Running | Self::Ended => None,
            Self::Draining { deadline, .. } => deadline,
            Self::Killing { deadline } => Some(deadline),
        }
    }
}

impl Supervisor {
    /// The first call decides how the pool stops; a later one can only make it sooner.
    pub(super) fn stop(&mut self, now: Timestamp, deadline: Option<Timestamp>) {
        match &mut self.stage {
            Stage::Running => {
                self.stage = Stage::Draining { since: now, deadline, drained: false };
                self.answer_start(Err(Arc::from("the pool was stopped before it had started")));
                self.push(Command::CloseQueue);
                self.emit(PoolEvent::Stopping { deadline });
            }
            Stage::Draining { deadline: current, .. } => {
                *current = [*current, deadline].into_iter().flatten().min();
            }
            Stage::Killing { .. } | Stage::Ended => {}
        }
    }

    pub(super) fn drained(&mut self) {
        if let Stage::Draining { drained: drained @ false, .. } = &mut self.stage {
            *drained = true;
            self.want_nobody();
            self.emit(PoolEvent::Drained);
        }
    }

    /// A worker that found nothing left to do is not needed again, unless it was the last: a task that still runs
    /// elsewhere may fail and be owed once more.
    pub(super) fn drained_worker_left(&mut self) {
        if let Stage::Draining { drained: false, .. } = self.stage {
            self.target = self.target.saturating_sub(1).max(1);
        }
    }

    /// Everybody gets the grace time to notice, and who destroys a resource then gets the time to do so. Without a
    /// limit on that time there is only the grace: a kill waits for nobody for ever.
    pub(super) fn kill(&mut self, now: Timestamp) {
        if matches!(self.stage, Stage::Killing { .. } | Stage::Ended) {
            return;
        }
        self.stage = Stage::Killing { deadline: now.saturating_add(self.config.grace) };
        self.want_nobody();
        self.answer_start(Err(Arc::from("the pool was killed before it had started")));
        self.push(Command::DiscardQueue);
        self.push(Command::CancelRunning);
        self.emit(PoolEvent::Killed);
    }

    /// Acts on the deadline of a stop or a kill.
    pub(super) fn expire(&mut self, now: Timestamp) {
        if self.stage.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        match self.stage {
            Stage::Draining { since, .. } => {
                let waited = now.saturating_since(since);
                let workers_left = self.workers.counts().occupied();
                self.emit(PoolEvent::Diagnosis(Diagnosis::ShutdownTimeout { waited, workers_left }));
                self.kill(now);
            }
            Stage::Killing { .. } => self.let_go_of_the_stuck(),
            Stage::Running | Stage::Ended => {}
        }
    }

    /// The grace is over. Those who destroy a resource have a limit of their own, if there is one.
    fn let_go_of_the_stuck(&mut self) {
        let limited = self.config.destroy_timeout.is_some();
        for id in self.workers.present() {
            let destroys = matches!(self.state(id), Some(State::Destroying { .. }));
            if !(destroys && limited) {
                self.let_go(id);
            }
        }
        self.stage = Stage::Killing { deadline: Timestamp::MAX };
    }

    /// Ends a pool that cannot serve: a start that failed, or nobody left to try.
    pub(super) fn fail_if_hopeless(&mut self, now: Timestamp) {
        let nobody = self.workers.counts().occupied() + self.pending.len() == 0;
        let given_up = self.given_up > 0 && nobody;
        if self.stage.replaces() && (given_up || self.startup.has_failed()) {
            let error = self.last_error.clone().unwrap_or_else(|| Arc::from("no worker could be created"));
            self.answer_start(Err(Arc::clone(&error)));
            self.push(Command::Fail(error));
            self.kill(now);
        }
    }

    pub(super) fn end_if_empty(&mut self) {
        let over = !self.stage.replaces() && self.stage != Stage::Ended;
        if over && self.workers.counts().occupied() == 0 {
            self.stage = Stage::Ended;
            self.emit(PoolEvent::Ended);
            self.push(Command::Terminate);
        }
    }

    fn want_nobody(&mut self) {
        self.target = 0;
        self.retiring = 0;
        self.given_up = 0;
        self.pending = super::Pending::default();
    }
}
