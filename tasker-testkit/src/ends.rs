//! What a pool has counted, kind by kind.

use tasker_core::{EndKind, Metrics};

/// How many of the tasks that a pool took have ended in which way.
#[must_use]
pub const fn ends_by_kind(metrics: &Metrics) -> [(EndKind, u64); 8] {
    [
        (EndKind::Completed, metrics.completed),
        (EndKind::Failed, metrics.failed),
        (EndKind::Panicked, metrics.panicked),
        (EndKind::Cancelled, metrics.cancelled),
        (EndKind::TimedOut, metrics.timed_out),
        (EndKind::Expired, metrics.expired),
        (EndKind::Displaced, metrics.displaced),
        (EndKind::Killed, metrics.killed),
    ]
}
