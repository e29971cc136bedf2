//! Tasks that wait for their own pool: for another task of it, or for room in its queue.
//!
//! A worker inside such a wait cannot run anything. If every worker the pool may have is, nobody is left to run what
//! they wait for, or to make room: the wait that would make it so is refused. If only every worker the pool *has* is,
//! the supervisor is asked for one more. If none can be had, since the pool was made smaller or creations were given up,
//! the wait that began last is given up.
//!
//! A wait is over once its target's result is there, or its room was granted, whether or not the waiter has moved
//! since; and it ends with the attempt it was made in, since a handle may leave its task unresolved.

use std::collections::BTreeMap;
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
    /// A task has one handle, and a place in line one owner, and so one waiter at most.
    waits: BTreeMap<Target, Wait>,
    /// Waits that have begun so far.
    begun: u64,
    /// How many waits each worker is inside of. One worker may await many things at once, and is blocked once.
    blocked: BTreeMap<WorkerId, usize>,
}

#[derive(Debug)]
struct Wait {
    worker: WorkerId,
    /// Calls the waiter. Cloned and dropped under no lock, since it may be a user's.
    waker: Waker,
    /// How many waits had begun before it.
    place: u64,
    /// It would never end, which the waiter does not know yet.
    hopeless: bool,
}

impl Nested {
    /// How many workers are inside a nested wait.
    pub(crate) fn blocked(&self) -> usize {
        if self.count.load(Ordering::Acquire) == 0 { 0 } else { self.state.lock().blocked.len() }
    }

    /// The wait for this is over.
    #[inline]
    pub(crate) fn leave(&self, target: Target) {
        drop(self.change(|state| state.remove(target)));
    }

    /// Whatever the worker waited for, it does not any more.
    #[inline]
    pub(crate) fn clear(&self, worker: WorkerId) {
        drop(self.change(|state| state.clear(worker)));
    }

    #[inline]
    fn change<T>(&self, f: impl FnOnce(&mut State) -> T) -> Option<T> {
        if self.count.load(Ordering::Acquire) == 0 { None } else { Some(self.change_state(f)) }
    }

    fn change_state<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        let changed = f(&mut state);
        self.count.store(state.waits.len(), Ordering::Release);
        changed
    }

    /// Tells the wait that began last that it would never end: for when all workers are blocked and no other will come, though
    /// that could not be seen as it began.
    pub(crate) fn give_up_last(&self) {
        let mut state = self.state.lock();
        if state.waits.values().any(|wait| wait.hopeless) {
            return;
        }
        let Some(last) = state.waits.values_mut().max_by_key(|wait| wait.place) else { return };
        last.hopeless = true;
        let waker = last.waker.clone();
        drop(state);
        super::quietly(|| waker.wake());
    }

    /// Notes the wait unless it would leave none of `workers` unblocked; how many are blocked then.
    fn enter(&self, worker: WorkerId, target: Target, workers: usize, waker: &Waker) -> Result<usize, ()> {
        let waker = waker.clone();
        let mut state = self.state.lock();
        if let Some(wait) =
            state.waits.get_mut(&target).filter(|wait| wait.worker == worker && !wait.hopeless)
        {
            let before = std::mem::replace(&mut wait.waker, waker);
            drop(state);
            drop(before);
            return Ok(0);
        }
        let before = state.remove(target);
        let is_hopeless = before.as_ref().is_some_and(|wait| wait.worker == worker);
        let entered = if is_hopeless { Err(waker) } else { state.begin(worker, target, workers, waker) };
        self.count.store(state.waits.len(), Ordering::Release);
        drop(state);
        drop(before);
        entered.map_err(drop)
    }
}

impl State {
    /// Hands the waker back if the wait would leave none of `workers` unblocked; how many are blocked otherwise.
    fn begin(
        &mut self,
        worker: WorkerId,
        target: Target,
        workers: usize,
        waker: Waker,
    ) -> Result<usize, Waker> {
        let blocked = self.blocked.len() + usize::from(!self.blocked.contains_key(&worker));
        if blocked >= workers {
            return Err(waker);
        }
        self.waits.insert(target, Wait { worker, waker, place: self.begun, hopeless: false });
        self.begun += 1;
        *self.blocked.entry(worker).or_default() += 1;
        Ok(blocked)
    }

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

    fn clear(&mut self, worker: WorkerId) -> BTreeMap<Target, Wait> {
        if self.blocked.remove(&worker).is_none() {
            return BTreeMap::new();
        }
        let (over, others) =
            std::mem::take(&mut self.waits).into_iter().partition(|(_, wait)| wait.worker == worker);
        self.waits = others;
        over
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
        match self.block(worker, Target::Task(target.id()), waker) {
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

    /// Whether the current thread is inside of a task of this pool: where it waits for another, that is to be noted at once.
    pub(crate) fn is_inside(&self) -> bool {
        current::inside_of(self.pool()).is_some()
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
        let state = self.hub.nested().state.lock();
        state.waits.get(&Target::Room(self.place)).is_some_and(|wait| wait.hopeless)
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
    use crate::supervisor::{Levels, Phase};
    use crate::task::current::Inside;
    use crate::testing::Desk;

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

    /// A pool of so many workers that are live, of two it may have.
    fn desk(live: usize) -> Desk {
        let desk = Desk::new();
        desk.hub.board().show(Levels { live, ..Levels::default() }, Phase::Running, (2, 2));
        desk
    }

    /// A worker waits for room at this place in line.
    fn enter_room(desk: &Desk, worker: WorkerId, place: u64) -> Result<Option<RoomBlock>, ()> {
        let inside = Inside { pool: desk.hub.pool(), worker: Some(worker) };
        current::enter(inside, || desk.hub.enter_room(place, Waker::noop()))
    }

    #[test]
    fn a_wait_for_room_is_given_up_only_when_it_is_hopeless() {
        let desk = desk(2);
        let block = enter_room(&desk, A, 7).expect("another is left").expect("inside a task");
        assert!(!block.is_given_up());
        desk.hub.nested().give_up_last();
        assert!(block.is_given_up());
        drop(block);
        assert_eq!(desk.hub.nested().blocked(), 0);
    }

    #[test]
    fn one_more_worker_is_asked_for_once_all_there_are_have_begun_to_wait() {
        for (live, asked) in [(2, 0), (1, 1), (0, 1)] {
            let desk = desk(live);
            // The second time it only looks again.
            let waits = [(); 2].map(|()| desk.hub.block(A, task(1), Waker::noop()));
            assert_eq!(waits, [Ok(()), Ok(())]);
            let mail = desk.mail.take();
            assert_eq!(mail.len(), asked, "{live} live: {mail:?}");
            assert!(mail.iter().all(|msg| matches!(msg, Msg::Event(Event::Blocked))), "{mail:?}");
        }
    }
}
