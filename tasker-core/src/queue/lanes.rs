//! Strict priorities, FIFO within one, with optional ageing.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::queue::Queue;
use crate::task::Priority;
use crate::time::Timestamp;

/// One lane a priority: the higher lane is looked at first, and within a lane the lowest rank, then the oldest.
///
/// With ageing, an item counts as one lane higher for each full ageing period it has waited, and among items that
/// count as equally high the older goes first, so that nothing starves.
///
/// ```
/// use tasker_core::{Priority, Timestamp};
/// use tasker_core::queue::{Lanes, Queue};
///
/// let mut lanes = Lanes::new(None);
/// lanes.push(Priority::Low, 0, Timestamp::ZERO, "sweep");
/// lanes.push(Priority::High, 0, Timestamp::ZERO, "serve");
/// assert_eq!(lanes.pop(Timestamp::ZERO), Some("serve"));
/// assert_eq!(lanes.pop(Timestamp::ZERO), Some("sweep"));
/// assert_eq!(lanes.pop(Timestamp::ZERO), None);
/// ```
#[derive(Debug)]
pub struct Lanes<T> {
    lanes: [Lane<T>; 3],
    /// The lanes that are not empty, one bit each.
    stocked: u8,
    /// No item was ever ranked, and none ages: what is next depends on nothing but which lanes are empty.
    is_plain: bool,
    next: u64,
    ageing: Option<Duration>,
}

/// An item that waits, and its place in line.
#[derive(Debug)]
pub(super) struct Queued<T> {
    /// Whoever was pushed first has the lowest.
    pub(super) sequence: u64,
    pushed: Timestamp,
    pub(super) item: T,
}

/// Items of equal rank, the usual case, stay in a plain FIFO; a ranked item switches the lane to a map.
#[derive(Debug)]
enum Lane<T> {
    Fifo(VecDeque<Queued<T>>),
    Ranked(BTreeMap<(u64, u64), Queued<T>>),
}

impl<T> Lanes<T> {
    /// Empty lanes; `ageing` is how long an item waits before it counts as one lane higher.
    #[must_use]
    pub fn new(ageing: Option<Duration>) -> Self {
        let lanes = std::array::from_fn(|_| Lane::Fifo(VecDeque::new()));
        Self { lanes, stocked: 0, is_plain: ageing.is_none(), next: 0, ageing }
    }

    /// How many items were ever pushed.
    #[cfg(test)]
    pub(super) const fn pushed(&self) -> u64 {
        self.next
    }

    /// The lane of the next item, if that does not depend on anything but which lanes are empty: no item is ranked or
    /// ages.
    #[inline]
    pub(super) fn plain_head(&self) -> Option<usize> {
        if self.is_plain { self.highest() } else { None }
    }

    /// The lanes that are not empty, one bit each.
    #[inline]
    pub(super) const fn stocked(&self) -> u8 {
        self.stocked
    }

    /// The highest lane that is not empty.
    #[inline]
    fn highest(&self) -> Option<usize> {
        // The higher lane has the lower number.
        (self.stocked != 0).then(|| self.stocked.trailing_zeros() as usize)
    }

    /// Takes note of whether a lane is empty.
    #[inline]
    fn note(&mut self, lane: usize) {
        let bit = u8::from(self.lanes[lane].len() > 0) << lane;
        self.stocked = self.stocked & !(1 << lane) | bit;
    }

    /// The place in line of the next item of a lane.
    pub(super) fn front(&self, lane: usize) -> Option<u64> {
        self.lanes[lane].head().map(|(sequence, _)| sequence)
    }

    /// The next item of a lane.
    pub(super) fn peek(&self, lane: usize) -> Option<&T> {
        self.lanes[lane].first().map(|queued| &queued.item)
    }

    /// Moves the next `count` items of a lane that has no ranks to `taken`.
    pub(super) fn take_along(&mut self, lane: usize, count: usize, taken: &mut VecDeque<Queued<T>>) {
        if let Lane::Fifo(items) = &mut self.lanes[lane] {
            taken.extend(items.drain(..count.min(items.len())));
        }
        self.note(lane);
    }

    /// Puts items back where they were taken from, each into its place in line.
    pub(super) fn put_back(&mut self, lane: usize, taken: impl DoubleEndedIterator<Item = Queued<T>>) {
        for queued in taken.rev() {
            match &mut self.lanes[lane] {
                Lane::Fifo(items) => {
                    let place = items.partition_point(|item| item.sequence < queued.sequence);
                    items.insert(place, queued);
                }
                Lane::Ranked(items) => {
                    items.insert((0, queued.sequence), queued);
                }
            }
        }
        self.note(lane);
    }

    /// The lane of the next item.
    #[inline]
    pub(super) fn next_lane(&self, now: Timestamp) -> Option<usize> {
        let Some(period) = self.ageing else { return self.highest() };
        let heads = self.lanes.iter().enumerate().filter_map(|(index, lane)| Some((index, lane.head()?)));
        heads
            .min_by_key(|&(index, (sequence, pushed))| (aged(index, period, now, pushed), sequence))
            .map(|(index, _)| index)
    }
}

/// The lane an item of lane `index` counts as, having waited since `pushed`.
fn aged(index: usize, period: Duration, now: Timestamp, pushed: Timestamp) -> usize {
    let periods = now.saturating_since(pushed).as_nanos() / period.as_nanos().max(1);
    index.saturating_sub(usize::try_from(periods).unwrap_or(usize::MAX))
}

impl<T: Send> Queue<T> for Lanes<T> {
    #[inline]
    fn push(&mut self, priority: Priority, rank: u64, now: Timestamp, item: T) {
        let (lane, sequence) = (priority.lane(), self.next);
        self.next += 1;
        self.is_plain &= rank == 0;
        self.stocked |= 1 << lane;
        self.lanes[lane].push(rank, Queued { sequence, pushed: now, item });
    }

    fn pop(&mut self, now: Timestamp) -> Option<T> {
        let lane = self.next_lane(now)?;
        let popped = self.lanes[lane].pop();
        self.note(lane);
        popped
    }

    fn evict(&mut self, floor: Priority, choose: &mut dyn FnMut(&T) -> bool) -> Option<T> {
        (floor.lane()..self.lanes.len()).rev().find_map(|lane| {
            let evicted = self.lanes[lane].evict(choose);
            self.note(lane);
            evicted
        })
    }

    fn sweep(&mut self, keep: &mut dyn FnMut(&T) -> bool) -> Vec<T> {
        let swept = self.lanes.iter_mut().flat_map(|lane| lane.sweep(keep)).collect();
        (0..self.lanes.len()).for_each(|lane| self.note(lane));
        swept
    }

    fn len(&self, priority: Priority) -> usize {
        self.lanes[priority.lane()].len()
    }

    fn is_empty(&self) -> bool {
        self.stocked == 0
    }
}

impl<T> Lane<T> {
    fn len(&self) -> usize {
        match self {
            Self::Fifo(items) => items.len(),
            Self::Ranked(items) => items.len(),
        }
    }

    fn first(&self) -> Option<&Queued<T>> {
        match self {
            Self::Fifo(items) => items.front(),
            Self::Ranked(items) => items.first_key_value().map(|(_, queued)| queued),
        }
    }

    fn head(&self) -> Option<(u64, Timestamp)> {
        self.first().map(|queued| (queued.sequence, queued.pushed))
    }

    #[inline]
    fn push(&mut self, rank: u64, queued: Queued<T>) {
        if rank != 0 {
            self.rank();
        }
        match self {
            Self::Fifo(items) => items.push_back(queued),
            Self::Ranked(items) => {
                items.insert((rank, queued.sequence), queued);
            }
        }
    }

    fn rank(&mut self) {
        if let Self::Fifo(items) = self {
            let items = std::mem::take(items);
            *self = Self::Ranked(items.into_iter().map(|queued| ((0, queued.sequence), queued)).collect());
        }
    }

    fn pop(&mut self) -> Option<T> {
        match self {
            Self::Fifo(items) => items.pop_front().map(|queued| queued.item),
            Self::Ranked(items) => items.pop_first().map(|(_, queued)| queued.item),
        }
    }

    fn evict(&mut self, choose: &mut dyn FnMut(&T) -> bool) -> Option<T> {
        match self {
            Self::Fifo(items) => {
                let index = items.iter().position(|queued| choose(&queued.item))?;
                items.remove(index).map(|queued| queued.item)
            }
            Self::Ranked(items) => {
                let oldest =
                    items.iter().filter(|(_, queued)| choose(&queued.item)).min_by_key(|(key, _)| key.1);
                let key = *oldest?.0;
                items.remove(&key).map(|queued| queued.item)
            }
        }
    }

    fn sweep(&mut self, keep: &mut dyn FnMut(&T) -> bool) -> Vec<T> {
        match self {
            Self::Fifo(items) => {
                let (kept, swept): (VecDeque<_>, VecDeque<_>) =
                    std::mem::take(items).into_iter().partition(|queued| keep(&queued.item));
                *items = kept;
                swept.into_iter().map(|queued| queued.item).collect()
            }
            Self::Ranked(items) => {
                let (kept, swept): (BTreeMap<_, _>, BTreeMap<_, _>) =
                    std::mem::take(items).into_iter().partition(|(_, queued)| keep(&queued.item));
                *items = kept;
                swept.into_values().map(|queued| queued.item).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::ZERO.saturating_add(Duration::from_millis(millis))
    }

    #[test]
    fn a_higher_lane_goes_first_and_within_a_lane_the_oldest() {
        let mut lanes = Lanes::new(None);
        for (priority, item) in [
            (Priority::Low, 1),
            (Priority::Normal, 2),
            (Priority::High, 3),
            (Priority::Normal, 4),
            (Priority::High, 5),
        ] {
            lanes.push(priority, 0, at(0), item);
        }
        let order: Vec<_> = std::iter::from_fn(|| lanes.pop(at(0))).collect();
        assert_eq!(order, [3, 5, 2, 4, 1]);
    }

    #[test]
    fn a_lower_rank_goes_first_within_its_lane_only() {
        let mut lanes = Lanes::new(None);
        lanes.push(Priority::Normal, 0, at(0), "first of rank 0");
        lanes.push(Priority::Normal, 9, at(0), "rank 9");
        lanes.push(Priority::Normal, 3, at(0), "rank 3");
        lanes.push(Priority::Normal, 0, at(0), "second of rank 0");
        lanes.push(Priority::High, 99, at(0), "high");
        let order: Vec<_> = std::iter::from_fn(|| lanes.pop(at(0))).collect();
        assert_eq!(order, ["high", "first of rank 0", "second of rank 0", "rank 3", "rank 9"]);
    }

    #[test]
    fn an_aged_low_item_overtakes_younger_high_ones() {
        let mut lanes = Lanes::new(Some(Duration::from_millis(10)));
        lanes.push(Priority::Low, 0, at(0), "low");
        lanes.push(Priority::High, 0, at(19), "high");
        assert_eq!(lanes.pop(at(19)), Some("high"), "one period makes it normal only");
        lanes.push(Priority::High, 0, at(20), "high");
        assert_eq!(lanes.pop(at(20)), Some("low"), "two periods make it as high, and it is older");
    }

    #[test]
    fn eviction_takes_the_oldest_of_the_lowest_lane_but_none_above_the_floor() {
        let mut lanes = Lanes::new(None);
        lanes.push(Priority::High, 0, at(0), 1);
        lanes.push(Priority::Normal, 0, at(0), 2);
        lanes.push(Priority::Normal, 0, at(0), 3);
        assert_eq!(lanes.evict(Priority::Low, &mut |_| true), None);
        assert_eq!(lanes.evict(Priority::Normal, &mut |&item| item != 2), Some(3));
        assert_eq!(lanes.evict(Priority::High, &mut |_| true), Some(2));
        assert_eq!(lanes.evict(Priority::High, &mut |_| true), Some(1));
        assert!(lanes.is_empty());
    }

    #[test]
    fn what_is_taken_along_and_put_back_has_its_old_place() {
        for first_goes_back_first in [false, true] {
            let mut lanes = Lanes::new(None);
            (0..6).for_each(|item| lanes.push(Priority::Normal, 0, at(0), item));
            let mut taken = [VecDeque::new(), VecDeque::new()];
            taken.iter_mut().for_each(|taken| lanes.take_along(1, 2, taken));
            assert_eq!((lanes.front(1), lanes.len(Priority::Normal)), (Some(4), 2));
            assert_eq!((lanes.peek(1), lanes.peek(0)), (Some(&4), None));
            if !first_goes_back_first {
                taken.reverse();
            }
            taken.into_iter().for_each(|taken| lanes.put_back(1, taken.into_iter()));
            let order: Vec<_> = std::iter::from_fn(|| lanes.pop(at(0))).collect();
            assert_eq!(order, [0, 1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn no_more_is_taken_along_than_there_is() {
        let mut lanes = Lanes::new(None);
        (0..3).for_each(|item| lanes.push(Priority::Normal, 0, at(0), item));
        let mut taken = VecDeque::new();
        lanes.take_along(1, 9, &mut taken);
        assert_eq!((taken.len(), lanes.front(1), lanes.is_empty()), (3, None, true));
    }

    #[test]
    fn the_next_lane_is_known_without_looking_at_items_unless_they_are_ranked_or_age() {
        let mut lanes = Lanes::new(None);
        assert_eq!((lanes.plain_head(), lanes.next_lane(at(0)), lanes.stocked()), (None, None, 0));
        lanes.push(Priority::Low, 0, at(0), ());
        assert_eq!((lanes.plain_head(), lanes.next_lane(at(0)), lanes.stocked()), (Some(2), Some(2), 0b100));
        lanes.push(Priority::Normal, 0, at(0), ());
        assert_eq!((lanes.plain_head(), lanes.next_lane(at(0)), lanes.stocked()), (Some(1), Some(1), 0b110));
        lanes.push(Priority::High, 5, at(0), ());
        assert_eq!((lanes.plain_head(), lanes.next_lane(at(0)), lanes.stocked()), (None, Some(0), 0b111));
        let mut ageing = Lanes::new(Some(Duration::from_millis(10)));
        ageing.push(Priority::Low, 0, at(0), ());
        assert_eq!((ageing.plain_head(), ageing.next_lane(at(0))), (None, Some(2)));
    }

    #[test]
    fn whether_a_lane_is_empty_is_known_whatever_was_done_to_it() {
        let stocked = |lanes: &Lanes<u8>| {
            let seen = Priority::ALL.map(|priority| lanes.len(priority) > 0);
            let bits = (0..3).map(|lane| lanes.stocked() >> lane & 1 == 1).collect::<Vec<_>>();
            assert_eq!(bits, seen);
            assert_eq!(lanes.is_empty(), !seen.contains(&true));
            lanes.stocked()
        };
        for rank in [0, 1] {
            let mut lanes = Lanes::new(None);
            let push = |lanes: &mut Lanes<u8>, priority| lanes.push(priority, rank, at(0), 7);
            push(&mut lanes, Priority::Low);
            push(&mut lanes, Priority::Normal);
            assert_eq!(stocked(&lanes), 0b110);
            assert!(lanes.evict(Priority::Normal, &mut |_| true).is_some());
            assert_eq!(stocked(&lanes), 0b010);
            assert!(lanes.evict(Priority::Normal, &mut |_| false).is_none());
            assert_eq!(stocked(&lanes), 0b010);
            assert_eq!(lanes.sweep(&mut |_| false), [7]);
            assert_eq!(stocked(&lanes), 0);
            push(&mut lanes, Priority::High);
            push(&mut lanes, Priority::High);
            assert!(lanes.pop(at(0)).is_some());
            assert_eq!(stocked(&lanes), 0b001);
            assert!(lanes.pop(at(0)).is_some());
            assert_eq!(stocked(&lanes), 0);
        }
        let (mut lanes, mut taken) = (Lanes::new(None), VecDeque::new());
        lanes.push(Priority::Normal, 0, at(0), 7);
        lanes.take_along(1, 1, &mut taken);
        assert_eq!(stocked(&lanes), 0);
        lanes.put_back(1, taken.into_iter());
        assert_eq!(stocked(&lanes), 0b010);
    }

    #[test]
    fn an_item_may_wait_for_any_number_of_periods() {
        let mut lanes = Lanes::new(Some(Duration::from_nanos(1)));
        lanes.push(Priority::Low, 0, at(0), "low");
        lanes.push(Priority::High, 0, Timestamp::MAX, "high");
        assert_eq!(lanes.pop(Timestamp::MAX), Some("low"));
    }

    #[test]
    fn what_is_put_back_into_a_lane_that_has_ranks_by_now_goes_before_ranked_items() {
        let mut lanes = Lanes::new(None);
        (0..3).for_each(|item| lanes.push(Priority::Normal, 0, at(0), item));
        let mut taken = VecDeque::new();
        lanes.take_along(1, 2, &mut taken);
        lanes.push(Priority::Normal, 5, at(0), 9);
        lanes.put_back(1, taken.into_iter());
        let order: Vec<_> = std::iter::from_fn(|| lanes.pop(at(0))).collect();
        assert_eq!(order, [0, 1, 2, 9]);
    }

    #[test]
    fn a_sweep_returns_what_is_not_kept_and_keeps_the_order_of_the_rest() {
        for rank in [0, 7] {
            let mut lanes = Lanes::new(None);
            (0..6).for_each(|item| lanes.push(Priority::Normal, rank, at(0), item));
            assert_eq!(lanes.sweep(&mut |item| item % 2 == 0), [1, 3, 5]);
            let order: Vec<_> = std::iter::from_fn(|| lanes.pop(at(0))).collect();
            assert_eq!(order, [0, 2, 4]);
        }
    }
}
