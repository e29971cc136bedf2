//! Counters with one writer each.
//!
//! A worker counts into cells of its own, which nobody else writes, and a reader sums over workers: no cache line is
//! shared by two writers, and nothing is locked on the task path. What happens off that path (a cancel, an expiry, a
//! kill) is counted in shared cells.

use std::time::Duration;

use crate::metrics::{AtomicHistogram, AtomicRateWindow, Histogram, RateWindow};
use crate::scaling::Sample;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::time::{Timestamp, nanos};

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndKind {
    /// It returned a value.
    Completed,
    /// It returned an error, in its last attempt.
    Failed,
    /// It panicked.
    Panicked,
    /// It was cancelled.
    Cancelled,
    /// It ran longer than its timeout.
    TimedOut,
    /// Its deadline passed.
    Expired,
    /// It gave its place in a full queue to another.
    Displaced,
    /// The pool did not take it; no accepted task ends so.
    Refused,
    /// The pool ended first.
    Killed,
}

impl EndKind {
    /// How many kinds there are.
    pub const COUNT: usize = 9;
}

/// Tasks by how they ended.
pub type Ends = [u64; EndKind::COUNT];

/// Counters that anybody may write.
#[derive(Debug, Default)]
pub(crate) struct SharedEnds([AtomicU64; EndKind::COUNT]);

impl SharedEnds {
    pub(crate) fn count(&self, kind: EndKind) {
        self.0[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Ends {
        std::array::from_fn(|index| self.0[index].load(Ordering::Relaxed))
    }
}

/// What one worker counts. It alone writes; anybody reads.
#[derive(Debug)]
pub(crate) struct Meter {
    ends: [AtomicU64; EndKind::COUNT],
    started: AtomicU64,
    retried: AtomicU64,
    busy: AtomicU64,
    waited: AtomicU64,
    execution: AtomicHistogram,
    wait: AtomicHistogram,
    completions: AtomicRateWindow,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            ends: Default::default(),
            started: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            execution: AtomicHistogram::new(),
            wait: AtomicHistogram::new(),
            completions: AtomicRateWindow::new(Timestamp::ZERO),
        }
    }

    /// An attempt begins, its task having waited for so long.
    #[inline]
    pub(crate) fn started(&self, waited: Duration) {
        add(&self.started, 1);
        add(&self.waited, nanos(waited));
        self.wait.record(waited);
    }

    /// An attempt is over.
    #[inline]
    pub(crate) fn finished(&self, now: Timestamp, took: Duration) {
        add(&self.busy, nanos(took));
        self.execution.record(took);
        self.completions.record(now, 1);
    }

    /// A task goes back to the queue.
    pub(crate) fn retried(&self) {
        add(&self.retried, 1);
    }

    /// A task has ended.
    #[inline]
    pub(crate) fn ended(&self, kind: EndKind) {
        add(&self.ends[kind as usize], 1);
    }

    pub(crate) fn count_into(&self, counters: &mut Counters) {
        // Ends before starts, so that no reader finds more of the former.
        for (total, end) in counters.ends.iter_mut().zip(&self.ends) {
            *total += end.load(Ordering::Relaxed);
        }
        counters.retried += self.retried.load(Ordering::Relaxed);
        counters.busy = counters.busy.saturating_add(Duration::from_nanos(self.busy.load(Ordering::Relaxed)));
        counters.started += self.started.load(Ordering::Relaxed);
        counters.waited =
            counters.waited.saturating_add(Duration::from_nanos(self.waited.load(Ordering::Relaxed)));
    }

    pub(crate) fn add_to(&self, totals: &mut Totals) {
        self.count_into(&mut totals.counters);
        self.execution.merge_into(&mut totals.execution);
        self.wait.merge_into(&mut totals.wait);
    }

    pub(crate) fn add_completions(&self, total: &mut RateWindow) {
        self.completions.merge_into(total);
    }
}

/// Counters of many workers, summed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) ends: Ends,
    pub(crate) started: u64,
    pub(crate) retried: u64,
    pub(crate) busy: Duration,
    pub(crate) waited: Duration,
}

impl Counters {
    pub(crate) fn merge(&mut self, other: &Self) {
        for (total, end) in self.ends.iter_mut().zip(other.ends) {
            *total += end;
        }
        self.started += other.started;
        self.retried += other.retried;
        self.busy = self.busy.saturating_add(other.busy);
        self.waited = self.waited.saturating_add(other.waited);
    }

    /// Tasks that were accepted and have ended.
    pub(crate) fn ended(&self) -> u64 {
        let refused = self.ends[EndKind::Refused as usize];
        self.ends.iter().sum::<u64>() - refused
    }

    pub(crate) fn fill(&self, sample: &mut Sample) {
        sample.started = self.started;
        sample.completed = self.ended();
        sample.failed = sample.completed - self.ends[EndKind::Completed as usize];
        sample.busy_time = self.busy;
        sample.wait_time = self.waited;
    }
}

/// Counters and distributions of many workers, summed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) counters: Counters,
    pub(crate) execution: Histogram,
    pub(crate) wait: Histogram,
}

impl Totals {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.counters.merge(&other.counters);
        self.execution.merge(&other.execution);
        self.wait.merge(&other.wait);
    }
}

/// Adds to a cell that only the caller writes.
#[inline]
fn add(cell: &AtomicU64, amount: u64) {
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
}
