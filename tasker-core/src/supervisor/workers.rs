//! The table of workers: who there is and what each is doing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::{Timestamp, WorkerId};

use super::SupervisorConfig;

/// A place in the pool, on its way from one worker that fills it to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Creations and first tasks that failed here in a row: what the backoff grows with.
    pub(super) failures: u32,
    /// Creations that failed here in a row: what is retried only so often.
    pub(super) refusals: u32,
    /// Whether a worker in this place was lost before.
    pub(super) replacement: bool,
}

impl Place {
    /// The number of the next attempt at filling it, from 1.
    pub(super) const fn attempt(self) -> u32 {
        self.failures.saturating_add(1)
    }

    /// After a creation failed.
    pub(super) const fn refused(self) -> Self {
        Self { failures: self.attempt(), refusals: self.refusals.saturating_add(1), ..self }
    }

    /// After a worker was created and lost before it had completed a task.
    pub(super) const fn crashed(self) -> Self {
        Self { failures: self.attempt(), refusals: 0, replacement: true }
    }

    /// The place of a worker that was lost through no fault of its resource's creation.
    pub(super) const fn vacated() -> Self {
        Self { failures: 0, refusals: 0, replacement: true }
    }
}

/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Creating {
        since: Timestamp,
    },
    Live {
        /// It has completed a task.
        proven: bool,
        /// It was reported stuck, and the limit of abandoned workers kept it in place.
        stuck: bool,
    },
    Destroying {
        since: Timestamp,
    },
    Abandoned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Worker {
    pub(super) state: State,
    pub(super) place: Place,
    /// Whether it was started as a base worker.
    pub(super) base: bool,
}

impl Worker {
    pub(super) const fn is_live(self) -> bool {
        matches!(self.state, State::Live { .. })
    }
}

/// How many workers are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) creating: usize,
    pub(super) live: usize,
    pub(super) destroying: usize,
    pub(super) abandoned: usize,
}

impl Counts {
    /// Workers that count against `max_workers`.
    pub(super) const fn occupied(self) -> usize {
        self.creating + self.live + self.destroying
    }

    fn of(&mut self, state: State) -> &mut usize {
        match state {
            State::Creating { .. } => &mut self.creating,
            State::Live { .. } => &mut self.live,
            State::Destroying { .. } => &mut self.destroying,
            State::Abandoned => &mut self.abandoned,
        }
    }
}

/// How long a worker may be at something before it is given up, the grace included.
#[derive(Clone, Copy, Debug)]
struct Limits {
    create: Option<Duration>,
    destroy: Option<Duration>,
}

impl Limits {
    /// When somebody in this state will have been at it for too long; one reported stuck has been already.
    fn end_of(self, state: State) -> Option<Timestamp> {
        match state {
            State::Creating { since } => self.create.map(|limit| since.saturating_add(limit)),
            State::Destroying { since } => self.destroy.map(|limit| since.saturating_add(limit)),
            State::Live { stuck, .. } => stuck.then_some(Timestamp::ZERO),
            State::Abandoned => None,
        }
    }
}

/// All workers that were started and have not exited. Ids are counted up and never used again.
///
/// No question but [`present`](Self::present) looks at every worker.
#[derive(Debug)]
pub(super) struct Workers {
    last: u64,
    table: BTreeMap<WorkerId, Worker>,
    counts: Counts,
    limits: Limits,
    /// Those whose state has an end, the soonest first.
    ends: BTreeSet<(Timestamp, WorkerId)>,
}

impl Workers {
    pub(super) fn new(config: &SupervisorConfig) -> Self {
        let limit = |timeout: Option<Duration>| timeout.map(|timeout| timeout.saturating_add(config.grace));
        let limits = Limits { create: limit(config.create_timeout), destroy: limit(config.destroy_timeout) };
        Self { last: 0, table: BTreeMap::new(), counts: Counts::default(), limits, ends: BTreeSet::new() }
    }

    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn get(&self, id: WorkerId) -> Option<Worker> {
        self.table.get(&id).copied()
    }

    /// Adds a worker that begins to create its resource now.
    pub(super) fn add(&mut self, now: Timestamp, place: Place, base: bool) -> WorkerId {
        self.last += 1;
        let id = WorkerId::new(self.last);
        let state = State::Creating { since: now };
        self.table.insert(id, Worker { state, place, base });
        self.enter(id, state);
        id
    }

    pub(super) fn set(&mut self, id: WorkerId, state: State) {
        if let Some(worker) = self.table.get_mut(&id) {
            let before = std::mem::replace(&mut worker.state, state);
            self.quit(id, before);
            self.enter(id, state);
        }
    }

    pub(super) fn remove(&mut self, id: WorkerId) {
        if let Some(worker) = self.table.remove(&id) {
            self.quit(id, worker.state);
        }
    }

    /// A worker that has been at something for too long, the longest first.
    pub(super) fn overdue(&self, now: Timestamp) -> Option<WorkerId> {
        self.ends.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    /// When the next worker will have been at something for too long.
    pub(super) fn next_overdue(&self) -> Option<Timestamp> {
        self.ends.first().map(|(at, _)| *at)
    }

    /// All workers that count against `max_workers`.
    pub(super) fn present(&self) -> Vec<WorkerId> {
        let present = self.table.iter().filter(|(_, worker)| worker.state != State::Abandoned);
        present.map(|(id, _)| *id).collect()
    }

    fn enter(&mut self, id: WorkerId, state: State) {
        *self.counts.of(state) += 1;
        if let Some(at) = self.limits.end_of(state) {
            self.ends.insert((at, id));
        }
    }

    fn quit(&mut self, id: WorkerId, state: State) {
        *self.counts.of(state) -= 1;
        if let Some(at) = self.limits.end_of(state) {
            self.ends.remove(&(at, id));
        }
    }
}
