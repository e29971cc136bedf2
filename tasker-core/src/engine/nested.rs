//! Tasks that wait for their own pool: for another task of it, or for room in its queue.
//!
//! A worker inside such a wait cannot run anything. If every worker the pool may have is, nobody is left to run what
//! they wait for, or to make room: the wait that would make it so is refused. If only every worker the pool *has* is,
//! the supervisor is asked for one more. If none can be had, since the pool was made smaller or creations were given up,
//! the wait that began last is given up.
//!
//! A wait is over once its target's result is there, or its room was granted, whether or not the waiter has moved
//! since; and it ends with the attempt it was made in, since a handle may leave its task unresolved.

use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;

use crate::engine::{Hub, Interrupt, Msg};
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
    waits: BTreeMap<Target, WorkerId>,
    /// How to call those who wait, the last that began at the end.
    wakers: Vec<(Target, Waker)>,
    /// Waits that would never end, and of which the waiter does not know yet.
    hopeless: BTreeSet<Target>,
    /// How many waits each worker is inside of. One worker may await many things at once, and is blocked once.
    blocked: BTreeMap<WorkerId, usize>,
}

impl Nested {
    /// How many workers are inside a nested wait.
    pub(crate) fn blocked(&self) -> usize {
        if self.count.load(Ordering::Acquire) == 0 { 0 } else { self.state.lock().blocked.len() }
    }

    /// The wait for this is over.
    #[inline]
    pub(crate) fn leave(&self, target: Target) {
        self.change(|state| state.remove(target));
    }

    /// Whatever the worker waited for, it does not any more.
    #[inline]
    pub(crate) fn clear(&self, worker: WorkerId) {
        self.change(|state| {
            if state.blocked.remove(&worker).is_some() {
                let State { waits, wakers, hopeless, .. } = state;
                waits.retain(|_, waiter| *waiter != worker);
                wakers.retain(|(target, _)| waits.contains_key(target));
                hopeless.retain(|target| waits.contains_key(target));
            }
        });
    }

    fn change(&self, f: impl FnOnce(&mut State)) {
        if self.count.load(Ordering::Acquire) > 0 {
            let mut state = self.state.lock();
            f(&mut state);
            self.count.store(state.waits.len(), Ordering::Release);
        }
    }

    /// Tells the wait that began last that it would never end: for when all workers are blocked and no other will come, though
    /// that could not be seen as it began.
    pub(crate) fn give_up_last(&self) {
        let mut state = self.state.lock();
        if !state.hopeless.is_empty() {
            return;
        }
        let Some((target, waker)) = state.wakers.pop() else { return };
        state.hopeless.insert(target);
        drop(state);
        super::quietly(|| waker.wake());
    }

    /// Notes the wait unless it would leave none of `workers` unblocked; how many are blocked then.
    fn enter(&self, worker: WorkerId, target: Target, workers: usize, waker: &Waker) -> Result<usize, ()> {
        let mut state = self.state.lock();
        if state.waits.get(&target) == Some(&worker) {
            if state.hopeless.contains(&target) {
                state.remove(target);
                self.count.store(state.waits.len(), Ordering::Release);
                return Err(());
            }
            state.renew(target, waker);
            return Ok(0);
        }
        state.remove(target);
        let blocked = state.blocked.len() + usize::from(!state.blocked.contains_key(&worker));
        if blocked < workers {
            state.waits.insert(target, worker);
            state.wakers.push((target, waker.clone()));
            *state.blocked.entry(worker).or_default() += 1;
        }
        self.count.store(state.waits.len(), Ordering::Release);
        if blocked < workers { Ok(blocked) } else { Err(()) }
    }
}

impl State {
    fn renew(&mut self, target: Target, waker: &Waker) {
        if let Some((_, kept)) = self.wakers.iter_mut().find(|(waits, _)| *waits == target) {
            kept.clone_from(waker);
        }
    }

    fn remove(&mut self, target: Target) {
        let Some(worker) = self.waits.remove(&target) else { return };
        self.wakers.retain(|(waits, _)| *waits != target);
        self.hopeless.remove(&target);
        if let Some(count) = self.blocked.get_mut(&worker) {
            *count -= 1;
            if *count == 0 {
                self.blocked.remove(&worker);
            }
        }
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

    /// The worker that asks; an abandoned one was replaced, and does not count any more.
    fn current_worker(&self) -> Option<WorkerId> {
        let worker = current::inside_of(self.pool()).and_then(|inside| inside.worker)?;
        (!self.is_abandoned(worker)).then_some(worker)
    }

    fn is_abandoned(&self, worker: WorkerId) -> bool {
        self.roster().post(worker).is_some_and(|post| post.interrupted() == Some(Interrupt::Abandon))
    }

    fn block(&self, worker: WorkerId, target: Target, waker: &Waker) -> Result<(), ()> {
        let live = self.board().levels().live;
        let (_, max_workers) = self.board().bounds();
        let blocked = self.nested().enter(worker, target, max_workers.max(live), waker)?;
        if self.is_abandoned(worker) {
            // Just now, and perhaps cleared before it was noted.
            self.nested().clear(worker);
        } else if blocked > 0 && blocked >= live {
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

impl RoomBlock {
    /// Whether the wait would never end.
    pub(crate) fn is_given_up(&self) -> bool {
        self.hub.nested().state.lock().hopeless.contains(&Target::Room(self.place))
    }
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

    fn enter(nested: &Nested, worker: WorkerId, target: Target, workers: usize) -> Result<usize, ()> {
        nested.enter(worker, target, workers, Waker::noop())
    }

    #[test]
    fn the_wait_that_began_last_is_given_up_when_it_looks_again_and_counts_no_more() {
        let nested = Nested::default();
        assert_eq!(enter(&nested, A, task(1), 3), Ok(1));
        assert_eq!(enter(&nested, B, task(2), 3), Ok(2));
        nested.give_up_last();
        assert_eq!(enter(&nested, A, task(1), 2), Ok(0));
        assert_eq!(enter(&nested, B, task(2), 2), Err(()));
        assert_eq!(nested.blocked(), 1);
        nested.give_up_last();
        nested.leave(task(1));
        assert_eq!(enter(&nested, A, task(1), 2), Ok(1), "its wait had ended by itself");
    }

    #[test]
    fn a_worker_counts_once_however_much_it_waits_for() {
        let nested = Nested::default();
        for id in 1..=3 {
            assert_eq!(enter(&nested, A, task(id), 2), Ok(1));
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
        assert_eq!(enter(&nested, A, task(1), 2), Ok(1));
        assert_eq!(enter(&nested, B, task(2), 2), Err(()));
        assert_eq!(nested.blocked(), 1);
        nested.leave(task(1));
        assert_eq!(enter(&nested, B, task(2), 2), Ok(1));
    }

    #[test]
    fn a_handle_that_moves_to_another_worker_blocks_that_one_only() {
        let nested = Nested::default();
        assert_eq!(enter(&nested, A, task(1), 3), Ok(1));
        assert_eq!(enter(&nested, B, task(1), 3), Ok(1));
        nested.clear(A);
        assert_eq!(nested.blocked(), 1);
        nested.clear(B);
        assert_eq!(nested.blocked(), 0);
        nested.leave(task(1));
    }

    #[test]
    fn a_wait_for_room_blocks_like_one_for_a_task_and_is_no_other_of_its_number() {
        let nested = Nested::default();
        assert_eq!(enter(&nested, A, Target::Room(1), 2), Ok(1));
        nested.leave(task(1));
        assert_eq!(enter(&nested, B, task(1), 2), Err(()));
        nested.leave(Target::Room(1));
        assert_eq!(enter(&nested, B, task(1), 2), Ok(1));
    }
}
