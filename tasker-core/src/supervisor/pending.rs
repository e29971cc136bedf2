//! Workers that are wanted and not started yet.

use std::collections::VecDeque;

use crate::Timestamp;

use super::workers::Place;

#[derive(Clone, Copy, Debug)]
struct Waiting {
    place: Place,
    until: Timestamp,
}

/// The places to fill, the soonest first; those due at the same moment in the order they came.
#[derive(Debug, Default)]
pub(super) struct Pending {
    queue: VecDeque<Waiting>,
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// When the next place is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.queue.front().map(|waiting| waiting.until)
    }

    pub(super) fn push(&mut self, place: Place, until: Timestamp) {
        let at = self.queue.partition_point(|waiting| waiting.until <= until);
        self.queue.insert(at, Waiting { place, until });
    }

    /// Takes the place that is due next.
    pub(super) fn take(&mut self) -> Option<Place> {
        self.queue.pop_front().map(|waiting| waiting.place)
    }

    /// Drops the places due last, or adds fresh ones due now, until there are `count`.
    pub(super) fn fit(&mut self, count: usize, now: Timestamp) {
        self.queue.truncate(count);
        while self.queue.len() < count {
            self.push(Place::default(), now);
        }
    }

    /// Ends every backoff.
    pub(super) fn hurry(&mut self, now: Timestamp) {
        for waiting in &mut self.queue {
            waiting.until = waiting.until.min(now);
        }
    }
}
