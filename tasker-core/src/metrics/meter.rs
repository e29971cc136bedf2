//! Counters with one writer each.
//!
//! A worker counts into cells of its own, which nobody else writes, and a reader sums over workers: no cache line is
//! shared by two writers, and nothing is locked on the task path. What happens off that path (a cancel, an expiry, a
//! kill) is counted in shared cells.

use std::time::Duration;

use crate::sync::atomic::{AtomicU64, Ordering};

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

/// Adds to a cell that only the caller writes.
pub(crate) fn add(cell: &AtomicU64, amount: u64) {
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
}

/// Nanoseconds of a duration, saturating.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
