//! The difference between the workers wanted and those there are, turned into commands.

use crate::{PoolEvent, SpawnReason, Timestamp};

use super::{Command, Phase, Supervisor};

impl Supervisor {
    /// Brings what there is closer to what is wanted. Nothing here depends on how the difference came about, so
    /// scaling, replacement and the retry of failed creations cannot drift apart.
    pub(super) fn reconcile(&mut self, now: Timestamp) {
        if !self.stage.replaces() {
            return;
        }
        self.recall_permits();
        self.fit_pending(now);
        self.hand_out_permits();
        while self.next_start().is_some_and(|at| at <= now) {
            self.start_next(now);
        }
    }

    /// Workers that are there to stay.
    pub(super) fn staying(&self) -> usize {
        let counts = self.workers.counts();
        (counts.creating + counts.live).saturating_sub(self.retiring)
    }

    /// When the next worker could be started: never while there is no room or the breaker forbids it, so that
    /// nobody wakes up for nothing.
    pub(super) fn next_start(&self) -> Option<Timestamp> {
        let counts = self.workers.counts();
        if !self.stage.replaces() || counts.occupied() >= self.config.max_workers {
            return None;
        }
        let due = self.pending.next()?;
        self.breaker.gate(counts.creating).map(|gate| gate.max(due))
    }

    /// A worker told to stay is there sooner than a new one. Permits already taken are counted as recalled, too:
    /// their holders' leaving is then a new difference.
    fn recall_permits(&mut self) {
        let short = self.target.saturating_sub(self.staying());
        let recalled = short.min(self.retiring);
        if recalled > 0 {
            self.retiring -= recalled;
            self.push(Command::Recall(recalled));
        }
    }

    fn fit_pending(&mut self, now: Timestamp) {
        let needed = self.target.saturating_sub(self.staying());
        self.given_up = self.given_up.min(needed.saturating_sub(self.pending.len()));
        self.pending.fit(needed - self.given_up, now);
    }

    /// While draining nobody is sent away: burst workers help until all is done. Nor is a live worker for one that is
    /// still being created: that one may take long, or fail.
    fn hand_out_permits(&mut self) {
        let live = self.workers.counts().live.saturating_sub(self.retiring);
        let surplus = live.saturating_sub(self.target);
        if surplus > 0 && self.phase() == Phase::Running {
            self.retiring += surplus;
            self.push(Command::Retire(surplus));
        }
    }

    fn start_next(&mut self, now: Timestamp) {
        let base = self.staying() < self.config.workers;
        let Some(place) = self.pending.take() else { return };
        let reason = match (place.replacement, base) {
            (true, _) => SpawnReason::Replacement,
            (false, true) => SpawnReason::Base,
            (false, false) => SpawnReason::Burst,
        };
        let attempt = place.attempt();
        let worker = self.workers.add(now, place, reason == SpawnReason::Base);
        self.breaker.started(worker);
        self.push(Command::Spawn { worker, reason, attempt });
        self.emit(PoolEvent::WorkerStarted { worker, reason, attempt });
    }
}
