//! Chance that can be repeated.

use std::time::Duration;

use tasker_core::splitmix;

/// A small generator (splitmix64): the same seed gives the same numbers on every machine. It may be fed with bytes, which
/// it takes before it goes on by itself, so that whoever changes a byte changes one decision.
#[derive(Clone, Debug)]
pub(super) struct Rng {
    state: u64,
    /// The last goes first.
    fed: Vec<u8>,
}

impl Rng {
    pub(super) const fn new(seed: u64) -> Self {
        Self { state: seed, fed: Vec::new() }
    }

    pub(super) fn fed(seed: u64, bytes: &[u8]) -> Self {
        Self { state: seed, fed: bytes.iter().rev().copied().collect() }
    }

    /// What it was fed and has not taken, the last first: so that a change of what was taken moves none of it.
    pub(super) fn left(self) -> Vec<u8> {
        self.fed
    }

    pub(super) fn next(&mut self) -> u64 {
        match self.fed.pop() {
            Some(byte) => u64::from(byte),
            None => splitmix::next(&mut self.state),
        }
    }

    /// A number less than `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.index(high - low + 1)
    }

    pub(super) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// Happens in `percent` of 100 cases.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    pub(super) fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(low + self.below(high - low + 1))
    }

    /// Something in `percent` of 100 cases.
    pub(super) fn sometimes<T>(&mut self, percent: u64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance(percent).then(|| make(self))
    }
}
