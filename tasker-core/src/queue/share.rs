//! Tasks that a worker has taken along, to run one after the other without asking for each.
//!
//! Whoever asks the state for a task meets all other workers there. So a worker whose tasks are short takes some more
//! along, from the front of the lane. They still wait, as far as anybody can tell: they count as waiting, can be
//! cancelled, and belong to whoever comes for them first. A worker that finds nothing else takes from the shares of
//! others, and the state takes all shares back when it has to see every task (a pause, a kill, a full queue).
//!
//! A share is filled under the state's lock alone, and never while somebody sleeps and nobody looks for tasks. A worker goes
//! to sleep under that lock too, after it has found all shares empty, and whoever takes a task and leaves others, in lanes
//! or shares, sees to it that somebody looks. So no task lies in a share while all others sleep.
//!
//! What was started from a share is noted in its tally, and the state takes note later.

use std::collections::VecDeque;
use std::fmt;

use crate::ids::WorkerId;
use crate::queue::lanes::Queued;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Lock, MutexGuard};
use crate::task::job::Job;

/// How many tasks a share holds at most.
pub(super) const LARGEST: usize = 32;

/// By how many younger tasks of its lane a task in a share may be overtaken, beside those that are in shares too, before
/// others come for it.
pub(super) const PATIENCE: u64 = 1_024;

/// The tasks that one worker has taken along. On cache lines of its own.
#[repr(align(128))]
pub struct Share<J> {
    pub(super) worker: WorkerId,
    /// Nothing was put in since its worker found it empty. Only the worker reads and writes this.
    is_bare: AtomicBool,
    held: Lock<Held<J>>,
}

/// What is behind a share's lock.
pub(super) struct Held<J> {
    /// All of one lane, the oldest first.
    pub(super) jobs: VecDeque<Queued<J>>,
    pub(super) lane: usize,
    pub(super) tally: Tally,
}

/// What became of a share's tasks since the state last took note.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Tasks that no longer wait.
    pub(super) started: usize,
    /// Those of them that took room.
    pub(super) freed: usize,
    /// Jobs thrown away, whose tasks had ended.
    pub(super) dead: usize,
}

impl<J: Job> Share<J> {
    pub(super) fn new(worker: WorkerId) -> Self {
        let held = Held { jobs: VecDeque::new(), lane: 0, tally: Tally::default() };
        Self { worker, is_bare: AtomicBool::new(true), held: Lock::new(held) }
    }

    /// Starts the next task, unless one of a higher lane is `called` for; jobs whose task has ended go to `trash`. For the
    /// worker alone.
    #[inline]
    pub(super) fn next(&self, called: impl FnOnce(usize) -> bool, trash: &mut Vec<J>) -> Option<J> {
        if self.is_bare.load(Ordering::Relaxed) {
            return None;
        }
        let mut held = self.held.lock();
        if held.jobs.is_empty() {
            self.is_bare.store(true, Ordering::Relaxed);
            return None;
        }
        if called(held.lane) { None } else { held.start(trash) }
    }

    /// Something is to be put in. For the worker alone.
    pub(super) fn fill(&self) -> MutexGuard<'_, Held<J>> {
        self.is_bare.store(false, Ordering::Relaxed);
        self.held.lock()
    }

    pub(super) fn open(&self) -> MutexGuard<'_, Held<J>> {
        self.held.lock()
    }
}

impl<J: Job> Held<J> {
    /// Starts the oldest task; but none once there is something to throw away, which takes its time.
    #[inline]
    pub(super) fn start(&mut self, trash: &mut Vec<J>) -> Option<J> {
        loop {
            let has_ended = |queued: &Queued<J>| queued.item.core().has_ended();
            if !trash.is_empty() && !self.jobs.front().is_some_and(has_ended) {
                return None;
            }
            let Queued { mut item, .. } = self.jobs.pop_front()?;
            // Which takes longer than a short task does.
            if let Some(next_but_one) = self.jobs.get(1) {
                next_but_one.item.own().prefetch();
            }
            if item.own_mut().claim() {
                self.tally.started += 1;
                self.tally.freed += usize::from(item.core().place.uncount());
                return Some(item);
            }
            self.tally.dead += 1;
            trash.push(item);
        }
    }
}

impl<J> fmt::Debug for Share<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").field("worker", &self.worker).finish_non_exhaustive()
    }
}
