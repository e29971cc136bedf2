//! Workers without a task: those that sleep until they are called, and those that are about to look.

use std::task::Waker;

use crate::ids::WorkerId;

/// Workers without a task.
///
/// Who *looks* will come for tasks by itself: it looks around for a moment before it sleeps, or was just called and is on its
/// way. As long as a thread looks, nobody is called: not for a single task, which that one will take, nor for many, since
/// whoever takes one of them calls the next ([`State::call_for_help`](super::state::State::call_for_help)). So at most one
/// wake-up is on its way at a time, and none where tasks follow each other closely.
///
/// A thread that was called comes as soon as the system lets it. A task of a runtime may have to wait for the end of another
/// on the same thread, however long that takes, so workers that are such tasks are called one for each task.
#[derive(Default)]
pub(super) struct Seekers {
    asleep: Vec<(WorkerId, Waker)>,
    looking: Vec<WorkerId>,
    /// They look around, and so are threads.
    are_threads: bool,
}

impl Seekers {
    /// How many may look around at a time. More would take the cores from those that work.
    const LOOKING: usize = 2;

    /// A worker goes to sleep.
    pub(super) fn sleep(&mut self, worker: WorkerId, waker: Waker) {
        self.asleep.push((worker, waker));
    }

    /// A worker looks around, unless enough do.
    pub(super) fn look(&mut self, worker: WorkerId) -> bool {
        self.are_threads = true;
        let may = self.looking.len() < Self::LOOKING;
        if may {
            self.looking.push(worker);
        }
        may
    }

    /// A worker comes, or is not to be reckoned with any more.
    pub(super) fn arrives(&mut self, worker: WorkerId) {
        self.looking.retain(|&looking| looking != worker);
        self.asleep.retain(|(asleep, _)| *asleep != worker);
    }

    /// Calls the one that went to sleep last, if somebody has to be called.
    pub(super) fn call_one(&mut self) -> Option<Waker> {
        if !self.must_be_called() {
            return None;
        }
        let (worker, waker) = self.asleep.pop()?;
        self.looking.push(worker);
        Some(waker)
    }

    /// Calls `count` that sleep, whatever they are to come for.
    pub(super) fn call(&mut self, count: usize) -> impl Iterator<Item = Waker> {
        let keep = self.asleep.len().saturating_sub(count);
        self.asleep.split_off(keep).into_iter().map(|(_, waker)| waker)
    }

    /// Calls all that sleep.
    pub(super) fn call_all(&mut self) -> impl Iterator<Item = Waker> {
        self.call(usize::MAX)
    }

    /// Whether somebody has to be called for a new task.
    #[inline]
    pub(super) fn must_be_called(&self) -> bool {
        !self.asleep.is_empty() && (self.looking.is_empty() || !self.are_threads)
    }

    /// How many sleep.
    pub(super) fn asleep(&self) -> usize {
        self.asleep.len()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.asleep.len() + self.looking.len()
    }
}
