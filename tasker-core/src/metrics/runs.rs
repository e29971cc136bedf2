//! The count of what `run` runs.

use crate::engine::Hub;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Lock, Weak};
use crate::task::Callbacks;

/// The count of what `run` has run.
#[derive(Debug, Default)]
pub struct Runs {
    completed: AtomicU64,
    failed: AtomicU64,
    begun: AtomicU64,
    /// What wants to be told of a kill.
    watching: Lock<Vec<Weak<Callbacks>>>,
}

impl Runs {
    /// A `run` wants to be told of a kill. The caller looks afterwards whether there was one.
    pub(crate) fn watch(&self, callbacks: &Arc<Callbacks>) {
        let mut watching = self.watching.lock();
        watching.retain(|callbacks| callbacks.strong_count() > 0);
        watching.push(Arc::downgrade(callbacks));
    }

    /// Tells of a kill.
    pub(crate) fn tell_of_kill(&self) {
        let watching = std::mem::take(&mut *self.watching.lock());
        watching.iter().filter_map(Weak::upgrade).for_each(|callbacks| callbacks.call());
    }

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
pub struct RunUnderWay<'a> {
    hub: &'a Hub,
    completed: bool,
}

impl<'a> RunUnderWay<'a> {
    /// Counts a `run` that has its resource.
    pub fn begin(hub: &'a Hub) -> Self {
        hub.runs().begun.fetch_add(1, Ordering::AcqRel);
        Self { hub, completed: false }
    }

    /// Counts its end.
    pub fn end(mut self, completed: bool) {
        self.completed = completed;
    }
}

impl Drop for RunUnderWay<'_> {
    fn drop(&mut self) {
        let runs = self.hub.runs();
        let end = if self.completed { &runs.completed } else { &runs.failed };
        end.fetch_add(1, Ordering::AcqRel);
    }
}
