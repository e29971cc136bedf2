//! Chance that can be repeated: the same seed asks for the same things, though threads answer in their own order.

use std::time::Duration;

use tasker_core::splitmix;

#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another generator, whose numbers have nothing to do with this one's.
    pub(crate) const fn fork(&mut self) -> Self {
        Self(splitmix::splitmix64(self.next()))
    }

    pub(crate) const fn next(&mut self) -> u64 {
        splitmix::next(&mut self.0)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    pub(crate) fn count(&mut self, low: usize, high: usize) -> usize {
        usize::try_from(self.between(low as u64, high as u64)).unwrap_or(low)
    }

    /// Happens in `permille` of 1,000 cases.
    pub(crate) const fn happens(&mut self, permille: u64) -> bool {
        self.next() % 1000 < permille
    }

    pub(crate) const fn micros(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_micros(self.between(low, high))
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.count(0, from.len() - 1)]
    }

    /// Something in `permille` of 1,000 cases.
    pub(crate) fn sometimes<T>(&mut self, permille: u64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.happens(permille).then(|| make(self))
    }
}
