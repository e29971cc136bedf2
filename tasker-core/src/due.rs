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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    fn queue(items: impl IntoIterator<Item = (u64, char)>) -> DueQueue<char> {
        let mut queue = DueQueue::new();
        items.into_iter().for_each(|(due, item)| _ = queue.push(at(due), item));
        queue
    }

    #[test]
    fn what_is_due_first_comes_first_and_of_one_moment_what_was_pushed_first() {
        let mut queue = queue("cdefgh".chars().map(|item| (5, item)).chain([(3, 'a'), (3, 'b')]));
        let order: String = std::iter::from_fn(|| queue.pop_due(at(5))).collect();
        assert_eq!(order, "abcdefgh");
    }

    #[test]
    fn nothing_comes_before_its_moment() {
        let mut queue = queue([(3, 'a')]);
        assert_eq!((queue.pop_due(at(2)), queue.next_due()), (None, Some(at(3))));
        assert_eq!((queue.pop_due(at(3)), queue.next_due()), (Some('a'), None));
    }

    #[test]
    fn a_push_says_whether_it_is_due_before_all_others() {
        let mut queue = DueQueue::default();
        assert_eq!([5, 5, 7, 4].map(|due| queue.push(at(due), ())), [true, false, false, true]);
    }

    #[test]
    fn a_sweep_returns_what_is_not_kept_and_keeps_the_order_of_the_rest() {
        let mut queue = queue([(3, 'c'), (1, 'a'), (2, 'x'), (1, 'b')]);
        assert_eq!(queue.sweep(&mut |&item| item != 'x'), ['x']);
        assert_eq!((queue.len(), queue.is_empty()), (3, false));
        let order: String = std::iter::from_fn(|| queue.pop_due(at(3))).collect();
        assert_eq!((order.as_str(), queue.len(), queue.is_empty()), ("abc", 0, true));
    }

    /// The heap never asks, but an order without the equality that goes with it would be none.
    #[test]
    fn entries_are_equal_if_neither_goes_before_the_other() {
        let entry = |due, sequence| Entry { due: at(due), sequence, item: () };
        assert!(entry(1, 2) == entry(1, 2));
        assert!(entry(1, 2) != entry(1, 3) && entry(1, 2) != entry(2, 2));
    }
}
