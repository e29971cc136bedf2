//! The count of what `run` runs.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Lock, Weak};
use crate::task::Callbacks;

/// The count of what `run` has run. Written under the lock of the pool's reserve alone, so that storing is enough.
#[derive(Debug, Default)]
pub struct Runs {
    completed: AtomicU64,
    failed: AtomicU64,
    begun: AtomicU64,
    /// What wants to be told of a kill.
    watching: Lock<Vec<Weak<Callbacks>>>,
}

impl Runs {
    /// A `run` has its resource.
    #[inline]
    pub(crate) fn begin(&self) {
        add_one(&self.begun);
    }

    /// A `run` ends with a value.
    #[inline]
    pub(crate) fn complete(&self) {
        add_one(&self.completed);
    }

    /// A `run` ends without one.
    pub(crate) fn fail(&self) {
        add_one(&self.failed);
    }

    /// A `run` wants to be told of a kill. The caller looks afterwards whether there was one.
    pub(crate) fn watch(&self, callbacks: &Arc<Callbacks>) {
        let mut watching = self.watching.lock();
        watching.retain(|callbacks| callbacks.strong_count() > 0);
        watching.push(Arc::downgrade(callbacks));
    }

    /// Tells of a kill.
    pub(crate) fn tell_of_kill(&self) {
        let watching = std::mem::take(&mut *self.watching.lock());
        watching.iter().filter_map(Weak::upgrade).for_each(|callbacks| callbacks.look());
    }

    /// Tasks that returned a value, those that did not, and all that have begun: never fewer than the others together.
    pub(crate) fn read(&self) -> (u64, u64, u64) {
        // Ends before beginnings, so that no reader finds more of the former.
        let (completed, failed) =
            (self.completed.load(Ordering::Acquire), self.failed.load(Ordering::Acquire));
        (completed, failed, self.begun.load(Ordering::Acquire))
    }
}

#[inline]
fn add_one(cell: &AtomicU64) {
    cell.store(cell.load(Ordering::Relaxed) + 1, Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Desk;

    #[test]
    fn each_run_counts_as_begun_and_once_as_ended() {
        let runs = Runs::default();
        (0..6).for_each(|_| runs.begin());
        (0..3).for_each(|_| runs.complete());
        (0..2).for_each(|_| runs.fail());
        assert_eq!(runs.read(), (3, 2, 6));
    }

    #[test]
    fn those_that_are_gone_are_not_told_of_a_kill_and_take_no_place() {
        let (runs, hub) = (Runs::default(), Desk::new().hub);
        let watch = || {
            let callbacks = Arc::new(Callbacks::new(Arc::clone(&hub), None));
            runs.watch(&callbacks);
            callbacks
        };
        let _first = watch();
        drop(watch());
        let _last = watch();
        assert_eq!(runs.watching.lock().len(), 2);
        runs.tell_of_kill();
        assert_eq!(runs.watching.lock().len(), 0, "there is but one kill");
    }
}
