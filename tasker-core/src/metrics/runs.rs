//! The count of what `run` runs.

use crate::engine::Hub;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering};

/// The count of what `run` has run.
#[derive(Debug, Default)]
pub struct Runs {
    completed: AtomicU64,
    failed: AtomicU64,
    begun: AtomicU64,
}

impl Runs {
    /// Tasks that returned a value, those that did not, and all that have begun: never fewer than the others together.
    pub(crate) fn read(&self) -> (u64, u64, u64) {
        // Ends before beginnings, so that no reader finds more of the former.
        let (completed, failed) =
            (self.completed.load(Ordering::Acquire), self.failed.load(Ordering::Acquire));
        (completed, failed, self.begun.load(Ordering::Acquire))
    }
}

/// A `run` under way. Dropped before it has completed, it counts as failed.
#[derive(Debug)]
pub struct RunUnderWay {
    hub: Arc<Hub>,
    completed: bool,
}

impl RunUnderWay {
    /// Counts a `run` that has its resource.
    pub fn begin(hub: &Arc<Hub>) -> Self {
        hub.runs().begun.fetch_add(1, Ordering::AcqRel);
        Self { hub: Arc::clone(hub), completed: false }
    }

    /// Counts its end.
    pub fn end(mut self, completed: bool) {
        self.completed = completed;
    }
}

impl Drop for RunUnderWay {
    fn drop(&mut self) {
        let runs = self.hub.runs();
        let end = if self.completed { &runs.completed } else { &runs.failed };
        end.fetch_add(1, Ordering::AcqRel);
    }
}
