//! Who waits for a resource, and in which order they are served.
//!
//! What becomes free is promised to whoever has waited longest. A promise belongs to its waiter until it is redeemed or
//! given up, so a newcomer cannot take it, and a waiter that does not look holds up nobody behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;

/// Those who wait, first come first served. Kept under the reserve's lock.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// By the number they drew.
    waiting: BTreeMap<u64, Waker>,
    /// Those who were promised a resource and have not taken it.
    promised: BTreeSet<u64>,
}

impl Queue {
    /// Whether anybody waits to be promised one.
    pub(super) fn has_waiters(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether a newcomer may have one of `free` resources: nobody waits, and not all are promised.
    pub(super) fn admits(&self, free: usize) -> bool {
        self.waiting.is_empty() && self.promised.len() < free
    }

    /// How many were promised a resource and have not taken it.
    pub(super) fn promised(&self) -> usize {
        self.promised.len()
    }

    /// Redeems the promise made to `id`, if one was.
    pub(super) fn redeem(&mut self, id: u64) -> bool {
        self.promised.remove(&id)
    }

    /// Stands in line, behind everybody with a lower number.
    /// Returns the waker that it had before, to be dropped under no lock.
    #[must_use]
    pub(super) fn wait(&mut self, id: u64, waker: Waker) -> Option<Waker> {
        self.waiting.insert(id, waker)
    }

    /// Promises what of `free` resources is not promised yet; returns the waiters to wake.
    pub(super) fn promise(&mut self, free: usize) -> Vec<Waker> {
        let mut served = Vec::new();
        while self.promised.len() < free {
            let Some((id, waker)) = self.waiting.pop_first() else { break };
            self.promised.insert(id);
            served.push(waker);
        }
        served
    }

    /// `id` gives up its place, or what it was promised; whether it was promised something, and its waker, to be dropped
    /// under no lock.
    pub(super) fn leave(&mut self, id: u64) -> (bool, Option<Waker>) {
        let waker = self.waiting.remove(&id);
        (self.promised.remove(&id), waker)
    }

    /// Nobody is served any more; returns all who wait.
    pub(super) fn close(&mut self) -> impl Iterator<Item = Waker> + use<> {
        self.promised.clear();
        std::mem::take(&mut self.waiting).into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(ids: impl IntoIterator<Item = u64>) -> Queue {
        let mut line = Queue::default();
        ids.into_iter().for_each(|id| assert!(line.wait(id, Waker::noop().clone()).is_none()));
        line
    }

    #[test]
    fn what_becomes_free_is_promised_in_the_order_of_the_line() {
        let mut line = line([1, 2, 3]);
        assert_eq!(line.promise(1).len(), 1);
        assert_eq!((line.promise(1).len(), line.promised()), (0, 1), "it is promised already");
        assert!(!line.redeem(2) && line.redeem(1));
        assert_eq!((line.promise(2).len(), line.promised()), (2, 2));
        assert!(line.redeem(3) && line.redeem(2));
    }

    #[test]
    fn a_newcomer_takes_nothing_that_others_wait_for_or_were_promised() {
        let mut line = line([1]);
        assert!(!line.admits(1), "somebody waits");
        line.promise(1);
        assert!(!line.admits(1), "it is promised");
        assert!(line.admits(2), "a second is not");
        line.redeem(1);
        assert!(line.admits(1) && !line.admits(0));
    }

    #[test]
    fn who_gives_up_gives_back_what_it_was_promised() {
        let mut line = line([1, 2, 3]);
        line.promise(1);
        assert!(line.leave(1).0 && !line.leave(2).0);
        assert_eq!(line.promise(1).len(), 1);
        assert!(!line.redeem(1) && !line.redeem(2) && line.redeem(3));
    }

    #[test]
    fn closing_wakes_all_who_wait_and_breaks_all_promises() {
        let mut line = line([1, 2, 3]);
        line.promise(1);
        assert_eq!((line.close().count(), line.promised(), line.promise(9).len()), (2, 0, 0));
    }
}
