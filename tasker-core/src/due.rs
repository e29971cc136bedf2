//! What waits for a moment: delayed tasks, retries before their next attempt, and alarms.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::time::Timestamp;

/// Items by the moment they are due; among equal moments, the first pushed goes first.
#[derive(Debug)]
pub struct DueQueue<T> {
    heap: BinaryHeap<Entry<T>>,
    next: u64,
}

#[derive(Debug)]
struct Entry<T> {
    due: Timestamp,
    sequence: u64,
    item: T,
}

impl<T> DueQueue<T> {
    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self { heap: BinaryHeap::new(), next: 0 }
    }

    /// Adds an item. `true` if it is due before all others, so that whoever waits must wait less.
    pub fn push(&mut self, due: Timestamp, item: T) -> bool {
        let first = self.next_due().is_none_or(|next| due < next);
        self.heap.push(Entry { due, sequence: self.next, item });
        self.next += 1;
        first
    }

    /// Takes the next item that is due at `now`.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<T> {
        if self.next_due()? > now {
            return None;
        }
        self.heap.pop().map(|entry| entry.item)
    }

    /// When the next item is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.heap.peek().map(|entry| entry.due)
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Keeps what `keep` accepts and returns the rest.
    pub fn sweep(&mut self, keep: &mut dyn FnMut(&T) -> bool) -> Vec<T> {
        let (kept, swept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.heap).into_iter().partition(|entry| keep(&entry.item));
        self.heap = kept.into();
        swept.into_iter().map(|entry| entry.item).collect()
    }
}

impl<T> Default for DueQueue<T> {
    fn default() -> Self {
        Self::new()
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
