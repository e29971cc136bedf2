//! What is left to chance.

use crate::splitmix;

pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(splitmix::splitmix64(seed))
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        (splitmix::next(&mut self.0) % count as u64) as usize
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(super) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// The index of one of `count`, if there is any.
    pub(super) fn index(&mut self, count: usize) -> Option<usize> {
        (count > 0).then(|| self.below(count))
    }

    /// Takes one out, if there is any.
    pub(super) fn take<T>(&mut self, from: &mut Vec<T>) -> Option<T> {
        self.index(from.len()).map(|index| from.swap_remove(index))
    }
}
