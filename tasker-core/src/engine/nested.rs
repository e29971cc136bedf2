//! Tasks that wait for their own pool: for another task of it, or for room in its queue.
//!
//! A worker inside such a wait cannot run anything. If every worker the pool may have is, nobody is left to run what
//! they wait for, or to make room: the wait that would make it so is refused. If only every worker the pool *has* is,
//! the supervisor is asked for one more.
//!
//! Both can come true later, too: a resize leaves the pool no more workers than wait, or one that did not wait leaves. So
//! the control loop looks after each turn; where nobody can be added it wakes those who wait, each of them looks
//! again, and the first is refused.
//!
//! A wait is over once its target's result is there, or its room was granted, whether or not the waiter has moved
//! since; and it ends with the attempt it was made in, since a handle may leave its task unresolved.

use std::collections::BTreeMap;
use std::task::Waker;

use crate::engine::{Hub, Msg};
use crate::ids::{TaskId, WorkerId};
use crate::supervisor::Event;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Arc, Lock};
use crate::task::{TaskCore, current};

/// Which workers are inside nested waits.
#[derive(Debug, Default)]
pub(crate) struct Nested {
    state: Lock<State>,
    /// How many waits there are; most pools never have one, and look no further.
    count: AtomicUsize,
}

/// What a worker waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// The end of a task.
    Task(TaskId),
    /// Room in the queue, at this place in line.
    Room(u64),
}

#[derive(Debug, Default)]
struct State {
    /// Who waits for what; a task has one handle, and a place in line one owner, and so one waiter at most.
    waits: BTreeMap<Target, Wait>,
    /// How many waits each worker is inside of. One worker may await many things at once, and is blocked once.
    blocked: BTreeMap<WorkerId, usize>,
}

#[derive(Debug)]
struct Wait {
    worker: WorkerId,
    /// Has the waiter look again.
    waker: Waker,
}

impl Nested {
    /// How many workers are inside a nested wait.
    pub(crate) fn blocked(&self) -> usize {
        self.state.lock().blocked.len()
    }

    /// Whether so many workers or more are, and any at all.
    pub(crate) fn blocks(&self, workers: usize) -> bool {
        self.count.load(Ordering::Acquire) > 0 && self.blocked() >= workers.max(1)
    }

    /// Has all who wait look again whether they may.
    pub(crate) fn wake(&self) {
        let wakers: Vec<_> = self.state.lock().waits.values().map(|wait| wait.waker.clone()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The wait for this is over.
    pub(crate) fn leave(&self, target: Target) {
        self.change(|state| state.remove(target));
    }

    /// Whatever the worker waited for, it does not any more.
    pub(crate) fn clear(&self, worker: WorkerId) {
        self.change(|state| {
            let mut gone = BTreeMap::new();
            if state.blocked.remove(&worker).is_some() {
                let waits = std::mem::take(&mut state.waits);
                let (of_worker, others) = waits.into_iter().partition(|(_, wait)| wait.worker == worker);
                state.waits = others;
                gone = of_worker;
            }
            gone
        });
    }

    /// What is removed is dropped without the lock: so are the wakers in it.
    fn change<T>(&self, f: impl FnOnce(&mut State) -> T) {
        if self.count.load(Ordering::Acquire) > 0 {
            let mut state = self.state.lock();
            let removed = f(&mut state);
            self.count.store(state.waits.len(), Ordering::Release);
            drop(state);
            drop(removed);
        }
    }

    /// Notes the wait unless it leaves none of `workers` unblocked. A wait that is noted already is looked at anew.
    fn enter(&self, worker: WorkerId, target: Target, workers: usize, waker: &Waker) -> Result<(), ()> {
        let mut state = self.state.lock();
        let before = state.remove(target);
        let blocked = state.blocked.len() + usize::from(!state.blocked.contains_key(&worker));
        if blocked < workers {
            state.waits.insert(target, Wait { worker, waker: waker.clone() });
            *state.blocked.entry(worker).or_default() += 1;
        }
        self.count.store(state.waits.len(), Ordering::Release);
        drop(state);
        drop(before);
        if blocked < workers { Ok(()) } else { Err(()) }
    }
}

impl State {
    fn remove(&mut self, target: Target) -> Option<Wait> {
        let wait = self.waits.remove(&target)?;
        if let Some(count) = self.blocked.get_mut(&wait.worker) {
            *count -= 1;
            if *count == 0 {
                self.blocked.remove(&wait.worker);
            }
        }
        Some(wait)
    }
}

impl Hub {
    /// Notes that the current thread, if it is inside a task of this pool, is about to wait for `target`. Whoever
    /// calls this looks afterwards whether the result is there: only later ones end the wait.
    ///
    /// # Errors
    ///
    /// If that wait would never end.
    pub(crate) fn enter_nested(&self, target: &TaskCore, waker: &Waker) -> Result<(), ()> {
        let Some(worker) = self.current_worker() else { return Ok(()) };
        match self.block(worker, Target::Task(target.id), waker) {
            // Its result is about to be there.
            Err(()) if target.has_ended() => Ok(()),
            noted => noted,
        }
    }

    /// Notes that the current thread, if it is inside a task of this pool, is about to wait for room, at this place in
    /// line. The wait lasts as long as what is returned.
    ///
    /// # Errors
    ///
    /// If that wait would never end.
    pub(crate) fn enter_room(self: &Arc<Self>, place: u64, waker: &Waker) -> Result<Option<RoomBlock>, ()> {
        let Some(worker) = self.current_worker() else { return Ok(None) };
        self.block(worker, Target::Room(place), waker)?;
        Ok(Some(RoomBlock { hub: Arc::clone(self), place }))
    }

    fn current_worker(&self) -> Option<WorkerId> {
        current::inside_of(self.pool()).and_then(|inside| inside.worker)
    }

    fn block(&self, worker: WorkerId, target: Target, waker: &Waker) -> Result<(), ()> {
        let (_, max_workers) = self.board().bounds();
        let most = max_workers.max(self.board().levels().live);
        self.nested().enter(worker, target, most, waker)?;
        // The levels of now: the control loop shows new ones before it looks who is blocked.
        if self.nested().blocks(self.board().levels().live) {
            self.post(Msg::Event(Event::Blocked));
        }
        Ok(())
    }
}

/// A worker waits for room in the queue while this is there.
#[derive(Debug)]
pub(crate) struct RoomBlock {
    hub: Arc<Hub>,
    place: u64,
}

impl Drop for RoomBlock {
    fn drop(&mut self) {
        self.hub.nested().leave(Target::Room(self.place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: WorkerId = WorkerId::new(1);
    const B: WorkerId = WorkerId::new(2);

    const fn task(id: u64) -> Target {
        Target::Task(TaskId::new(id))
    }

    fn enter(nested: &Nested, worker: WorkerId, target: Target, workers: usize) -> Result<(), ()> {
        nested.enter(worker, target, workers, Waker::noop())
    }

    #[test]
    fn a_worker_counts_once_however_much_it_waits_for() {
        let nested = Nested::default();
        for id in 1..=3 {
            assert_eq!(enter(&nested, A, task(id), 2), Ok(()));
        }
        nested.leave(task(1));
        nested.leave(task(2));
        assert_eq!(nested.blocked(), 1);
        nested.leave(task(3));
        assert_eq!(nested.blocked(), 0);
    }

    #[test]
    fn the_wait_that_would_block_the_last_worker_is_refused_and_not_counted() {
        let nested = Nested::default();
        assert_eq!(enter(&nested, A, task(1), 2), Ok(()));
        assert_eq!(enter(&nested, B, task(2), 2), Err(()));
        assert_eq!(nested.blocked(), 1);
        nested.leave(task(1));
        assert_eq!(enter(&nested, B, task(2), 2), Ok(()));
    }

    #[test]
    fn a_handle_that_moves_to_another_worker_blocks_that_one_only() {
        let nested = Nested::default();
        assert_eq!(enter(&nested, A, task(1), 3), Ok(()));
        assert_eq!(enter(&nested, B, task(1), 3), Ok(()));
        nested.clear(A);
        assert_eq!(nested.blocked(), 1);
        nested.clear(B);
        assert_eq!(nested.blocked(), 0);
        nested.leave(task(1));
    }

    #[test]
    fn a_wait_for_room_blocks_like_one_for_a_task_and_is_no_other_of_its_number() {
        let nested = Nested::default();
        assert_eq!(enter(&nested, A, Target::Room(1), 2), Ok(()));
        nested.leave(task(1));
        assert_eq!(enter(&nested, B, task(1), 2), Err(()));
        nested.leave(Target::Room(1));
        assert_eq!(enter(&nested, B, task(1), 2), Ok(()));
    }

    #[test]
    fn of_waits_that_are_too_many_by_now_the_first_that_looks_again_is_refused() {
        let nested = Nested::default();
        assert_eq!(enter(&nested, A, task(1), 3), Ok(()));
        assert_eq!(enter(&nested, B, task(2), 3), Ok(()));
        assert!(nested.blocks(2) && !nested.blocks(3));
        assert_eq!(enter(&nested, B, task(2), 2), Err(()));
        assert_eq!(enter(&nested, A, task(1), 2), Ok(()));
        assert!(!nested.blocks(2));
    }
}
