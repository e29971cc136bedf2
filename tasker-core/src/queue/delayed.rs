//! Tasks that may not start yet: delayed ones, and retries that wait for their next attempt.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::time::Timestamp;

/// Items by the moment they are due; among equal moments, the first pushed goes first.
#[derive(Debug)]
pub(super) struct DelayedLane<T> {
    heap: BinaryHeap<Entry<T>>,
    next: u64,
}

#[derive(Debug)]
struct Entry<T> {
    due: Timestamp,
    sequence: u64,
    rank: u64,
    item: T,
}

impl<T> DelayedLane<T> {
    pub(super) const fn new() -> Self {
        Self { heap: BinaryHeap::new(), next: 0 }
    }

    /// Adds an item, with the rank it has in its lane later.
    pub(super) fn push(&mut self, due: Timestamp, rank: u64, item: T) {
        self.heap.push(Entry { due, sequence: self.next, rank, item });
        self.next += 1;
    }

    /// Takes the next item that is due at `now`, and its rank.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<(T, u64)> {
        if self.next_due()? > now {
            return None;
        }
        self.heap.pop().map(|entry| (entry.item, entry.rank))
    }

    /// When the next item is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.heap.peek().map(|entry| entry.due)
    }

    /// Keeps what `keep` accepts and returns the rest.
    pub(super) fn sweep(&mut self, keep: &mut dyn FnMut(&T) -> bool) -> Vec<T> {
        let (kept, swept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.heap).into_iter().partition(|entry| keep(&entry.item));
        self.heap = kept.into();
        swept.into_iter().map(|entry| entry.item).collect()
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reversed, since the heap's greatest comes first.
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.sequence).cmp(&(self.due, self.sequence))
    }
}
