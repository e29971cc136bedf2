//! A simulation over time, as plots show it.

use std::time::Duration;

use tasker_core::Timestamp;

/// Into how many bins a simulation is cut, if it ends when it should.
const BINS: u64 = 4_800;
/// The most bins; what comes later is in the last.
const MOST: usize = 40_000;

/// What happened in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bin {
    /// Tasks that arrived.
    pub arrivals: u64,
    /// Tasks that started for the first time.
    pub starts: u64,
    /// The most tasks that waited when one more came.
    pub backlog: usize,
    /// The waits of the tasks that started, summed.
    pub wait_sum: Duration,
    /// The longest of them.
    pub wait_max: Duration,
}

/// The workers from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    /// From when on.
    pub at: Timestamp,
    /// Workers wanted.
    pub desired: usize,
    /// Workers with a resource.
    pub live: usize,
    /// Workers creating theirs.
    pub creating: usize,
    /// Workers destroying theirs.
    pub destroying: usize,
}

impl Workers {
    /// Workers that are paid for.
    #[must_use]
    pub const fn paid(&self) -> usize {
        self.live + self.creating + self.destroying
    }

    const fn is_like(&self, other: &Self) -> bool {
        self.desired == other.desired
            && self.live == other.live
            && self.creating == other.creating
            && self.destroying == other.destroying
    }
}

/// A simulation over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// How long a bin is.
    pub bin: Duration,
    /// Stretches of equal length, from the beginning.
    pub bins: Vec<Bin>,
    /// The workers, at each change.
    pub workers: Vec<Workers>,
    /// When creations began.
    pub created: Vec<Timestamp>,
    /// When creations failed.
    pub failed: Vec<Timestamp>,
    /// When the simulation ended.
    pub end: Timestamp,
    /// The wait target that held.
    pub wait_target: Duration,
    pub(super) paid_until: Timestamp,
}

impl Timeline {
    pub(super) fn new(end: Timestamp, wait_target: Duration) -> Self {
        let bin = Duration::from_nanos((end.as_nanos() / BINS).max(1));
        Self {
            bin,
            bins: Vec::new(),
            workers: Vec::new(),
            created: Vec::new(),
            failed: Vec::new(),
            end: Timestamp::ZERO,
            wait_target,
            paid_until: Timestamp::ZERO,
        }
    }

    /// The bin of this moment; moments come in order.
    pub(super) fn bin(&mut self, now: Timestamp) -> &mut Bin {
        let nanos = u64::try_from(self.bin.as_nanos()).unwrap_or(u64::MAX);
        let index = usize::try_from(now.as_nanos() / nanos).unwrap_or(MOST).min(MOST);
        if index >= self.bins.len() {
            self.bins.resize(index + 1, Bin::default());
        }
        &mut self.bins[index]
    }

    /// Notes the workers if there is a change. Several at one moment are one.
    pub(super) fn note(&mut self, workers: Workers) {
        match self.workers.last_mut() {
            Some(last) if last.is_like(&workers) => {}
            Some(last) if last.at == workers.at => *last = workers,
            Some(_) | None => self.workers.push(workers),
        }
    }

    pub(super) const fn finish(&mut self, end: Timestamp) {
        self.end = end;
    }

    /// How long after `calm` there were no more than `base` workers.
    pub(super) fn back_to(&self, base: usize, calm: Timestamp) -> Option<Duration> {
        let next = self.workers.partition_point(|workers| workers.at <= calm);
        let since = next.saturating_sub(1);
        let back = self.workers[since..].iter().find(|workers| workers.paid() <= base)?;
        Some(back.at.saturating_since(calm))
    }
}
