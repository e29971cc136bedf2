//! Room in the queue: how many tasks may wait, and who waits for room.
//!
//! Room that becomes free is granted to the submitter that has stood in line longest. A grant belongs to its
//! submitter until it is used or dropped, so a newcomer cannot take it, and one that gave up loses none.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::engine::{Hub, RoomBlock};
use crate::error::Refusal;
use crate::queue::Inbox;
use crate::queue::intake::Aside;
use crate::sync::Arc;
use crate::task::job::Job;

/// The count of room. Kept under the inbox's lock.
#[derive(Debug)]
pub(super) struct Room {
    capacity: Option<usize>,
    pub(super) used: usize,
    /// Grants not used yet, to waiters that know of them or do not yet.
    granted: usize,
    /// Waiters whose grant they have not seen.
    told: Vec<u64>,
    waiters: VecDeque<Waiter>,
    next: u64,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    waker: Waker,
    /// If a worker of the pool waits here, it is blocked.
    blocks: Option<RoomBlock>,
}

impl Room {
    pub(super) const fn new(capacity: Option<usize>) -> Self {
        Self { capacity, used: 0, granted: 0, told: Vec::new(), waiters: VecDeque::new(), next: 1 }
    }

    #[inline]
    pub(super) const fn granted(&self) -> usize {
        self.granted
    }

    #[inline]
    fn has_free(&self) -> bool {
        self.capacity.is_none_or(|capacity| self.used + self.granted < capacity)
    }

    /// Whether a newcomer may have room: there is some, and nobody waits for it.
    #[inline]
    pub(super) fn admits(&self) -> bool {
        self.waiters.is_empty() && self.has_free()
    }

    /// Whether somebody waits for room.
    #[inline]
    pub(super) fn is_wanted(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// How many newcomers may have room without asking.
    #[inline]
    pub(super) fn spare(&self) -> usize {
        if self.waiters.is_empty() {
            self.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(self.used + self.granted))
        } else {
            0
        }
    }

    #[inline]
    pub(super) fn take(&mut self) {
        self.used += 1;
    }

    #[inline]
    pub(super) fn take_many(&mut self, count: usize) {
        self.used += count;
    }

    pub(super) fn grant(&mut self, count: usize) {
        self.granted += count;
    }

    /// Grants a newcomer room, if it may have some.
    fn grant_to_newcomer(&mut self) -> bool {
        let admits = self.admits();
        self.grant(usize::from(admits));
        admits
    }

    /// A grant was used, or comes back.
    pub(super) fn ungrant(&mut self) {
        self.granted -= 1;
    }

    /// Room became free and is taken again at once, by whoever made it free.
    pub(super) fn hand_over(&mut self) {
        self.used -= 1;
    }

    /// Room became free, so many times; the caller passes it on.
    #[inline]
    pub(super) fn free(&mut self, count: usize) {
        self.used -= count;
    }

    /// Grants free room to the waiter that has waited longest; its waker.
    #[inline]
    pub(super) fn pass_on(&mut self) -> Option<Waker> {
        if self.is_wanted() && self.has_free() { self.grant_first() } else { None }
    }

    fn grant_first(&mut self) -> Option<Waker> {
        let waiter = self.waiters.pop_front()?;
        self.granted += 1;
        self.told.push(waiter.id);
        Some(waiter.waker)
    }

    /// Whether waiter `id` was granted room; it knows of it now.
    fn learn(&mut self, id: u64) -> bool {
        let position = self.told.iter().position(|&told| told == id);
        position.map(|index| self.told.swap_remove(index)).is_some()
    }

    /// Stands in line, at the end or where `id` stands already. What was there before goes to `replaced`: wakers are
    /// users', and dropped under no lock.
    ///
    /// # Errors
    ///
    /// If that would block the last worker that could make room: it does not stand there then.
    fn wait(
        &mut self,
        id: &mut Option<u64>,
        waker: &Waker,
        hub: Option<&Arc<Hub>>,
        replaced: &mut Vec<Waker>,
    ) -> Result<(), ()> {
        let place = *id.get_or_insert_with(|| {
            self.next += 1;
            self.next
        });
        let index = self.waiters.iter().position(|waiter| waiter.id == place).unwrap_or_else(|| {
            self.waiters.push_back(Waiter { id: place, waker: waker.clone(), blocks: None });
            self.waiters.len() - 1
        });
        let waiter = &mut self.waiters[index];
        if !waiter.waker.will_wake(waker) {
            replaced.push(std::mem::replace(&mut waiter.waker, waker.clone()));
        }
        // Noted anew each time: it may be polled inside of another task than before.
        let given_up = waiter.blocks.take().is_some_and(|block| block.is_given_up());
        let noted = if given_up { Err(()) } else { hub.map_or(Ok(None), |hub| hub.enter_room(place, waker)) };
        match noted {
            Ok(blocks) => {
                waiter.blocks = blocks;
                Ok(())
            }
            Err(()) => {
                replaced.extend(self.waiters.remove(index).map(|waiter| waiter.waker));
                *id = None;
                Err(())
            }
        }
    }

    /// It stands in line no more; what it left is dropped under no lock.
    fn forget(&mut self, id: u64) -> Option<Waiter> {
        let index = self.waiters.iter().position(|waiter| waiter.id == id)?;
        self.waiters.remove(index)
    }

    /// Nobody gets room any more; returns all who wait for it. Room whose waiter has not seen it is taken back: there
    /// is no telling when that waiter looks, and a stop would wait for its task.
    pub(super) fn close(&mut self) -> Vec<Waker> {
        self.granted -= std::mem::take(&mut self.told).len();
        self.waiters.drain(..).map(|waiter| waiter.waker).collect()
    }
}

/// Room in the queue that belongs to its holder until a task is put there.
pub struct Ticket<J: Job> {
    inbox: Arc<Inbox<J>>,
    /// Where that room is, unless it was granted.
    aside: Option<Aside>,
    used: bool,
}

impl<J: Job> Ticket<J> {
    pub(super) const fn new(inbox: Arc<Inbox<J>>, aside: Option<Aside>) -> Self {
        Self { inbox, aside, used: false }
    }

    pub(super) const fn aside(&self) -> Option<Aside> {
        self.aside
    }

    pub(super) fn spend(mut self) {
        self.used = true;
    }
}

impl<J: Job> Drop for Ticket<J> {
    fn drop(&mut self) {
        if !self.used {
            self.inbox.return_room(self.aside);
        }
    }
}

impl<J: Job> fmt::Debug for Ticket<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

/// Waits for room in the queue, in turn.
///
/// # Cancel safety
///
/// Dropping it gives its turn, or the room it was granted and has not seen, to the next in line.
#[must_use]
pub struct RoomWait<J: Job> {
    inbox: Arc<Inbox<J>>,
    id: Option<u64>,
    /// Room that was found before it was waited for.
    found: Option<Ticket<J>>,
    /// Where a worker that waits is noted as blocked.
    hub: Option<Arc<Hub>>,
}

impl<J: Job> RoomWait<J> {
    pub(super) const fn new(inbox: Arc<Inbox<J>>) -> Self {
        Self { inbox, id: None, found: None, hub: None }
    }

    /// It may last for ever: inside a task of this pool it blocks the worker, and is refused where it would block the
    /// last that could make room.
    pub(crate) fn endless(mut self, hub: &Arc<Hub>) -> Self {
        self.hub = Some(Arc::clone(hub));
        self
    }

    /// Whether there is no room at once, but may be later. If there is, it is kept.
    pub(crate) fn has_to_wait(&mut self) -> bool {
        self.found = self.inbox.room_aside();
        if self.found.is_some() {
            return false;
        }
        let (is_open, granted) = self.inbox.with_room(|room, refusal| {
            let is_open = refusal.is_none();
            (is_open, is_open && room.grant_to_newcomer())
        });
        self.found = granted.then(|| Ticket::new(Arc::clone(&self.inbox), None));
        is_open && !granted
    }

    /// The room, if it is there; otherwise `waker` is called when it may be.
    pub fn poll_room(&mut self, waker: &Waker) -> Poll<Result<Ticket<J>, Refusal>> {
        let found = self.found.take();
        if let Some(ticket) = found.or_else(|| self.id.is_none().then(|| self.inbox.room_aside()).flatten()) {
            return Poll::Ready(Ok(ticket));
        }
        let mut replaced = Vec::new();
        let polled = self.inbox.with_room(|room, refusal| {
            if self.id.is_some_and(|id| room.learn(id)) {
                self.id = None;
                return Poll::Ready(Ok(()));
            }
            if let Some(refusal) = refusal {
                return Poll::Ready(Err(refusal));
            }
            if self.id.is_none() && room.grant_to_newcomer() {
                return Poll::Ready(Ok(()));
            }
            match room.wait(&mut self.id, waker, self.hub.as_ref(), &mut replaced) {
                Ok(()) => Poll::Pending,
                Err(()) => Poll::Ready(Err(Refusal::WouldDeadlock)),
            }
        });
        polled.map_ok(|()| Ticket::new(Arc::clone(&self.inbox), None))
    }
}

impl<J: Job> Future for RoomWait<J> {
    type Output = Result<Ticket<J>, Refusal>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_room(cx.waker())
    }
}

impl<J: Job> Drop for RoomWait<J> {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let (left, granted) = self.inbox.with_room(|room, _| (room.forget(id), room.learn(id)));
        crate::engine::quietly(|| drop(left));
        if granted {
            self.inbox.return_grant();
        }
    }
}

impl<J: Job> fmt::Debug for RoomWait<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomWait").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::WorkerId;
    use crate::queue::QueueSettings;
    use crate::task::Priority;
    use crate::task::current::{self, Inside};
    use crate::testing::{Bell, Desk, NoJob};

    fn wait(room: &mut Room, id: &mut Option<u64>) -> Arc<Bell> {
        let bell = Arc::<Bell>::default();
        room.wait(id, &bell.waker(), None, &mut Vec::new()).expect("nobody is blocked by it");
        bell
    }

    #[test]
    fn room_is_what_is_neither_used_nor_granted() {
        let mut room = Room::new(Some(3));
        assert_eq!((room.granted(), room.spare(), room.admits()), (0, 3, true));
        room.take();
        room.grant(1);
        assert_eq!((room.granted(), room.spare(), room.admits()), (1, 1, true));
        room.take();
        assert_eq!((room.granted(), room.spare(), room.admits()), (1, 0, false));
        room.ungrant();
        assert_eq!((room.granted(), room.spare(), room.admits()), (0, 1, true));
        room.hand_over();
        assert_eq!(room.spare(), 2);
        room.free(1);
        assert!(room.pass_on().is_none(), "nobody waits");
        assert_eq!(room.spare(), 3);
    }

    #[test]
    fn without_a_capacity_there_is_always_room() {
        let mut room = Room::new(None);
        (0..100).for_each(|_| room.take());
        assert_eq!((room.spare(), room.admits()), (usize::MAX, true));
    }

    #[test]
    fn free_room_goes_to_whoever_has_waited_longest() {
        let mut room = Room::new(Some(2));
        room.take();
        room.take();
        let (mut first, mut second) = (None, None);
        assert!(!room.is_wanted());
        let bells = [wait(&mut room, &mut first), wait(&mut room, &mut second)];
        let (first, second) = (first.expect("it stands in line"), second.expect("it stands in line"));
        assert!(room.is_wanted() && room.pass_on().is_none(), "there is none yet");
        room.free(1);
        room.pass_on().expect("somebody waits").wake();
        assert_eq!(bells.each_ref().map(|bell| bell.rung()), [1, 0]);
        assert_eq!((room.granted(), room.is_wanted()), (1, true));
        assert!(!room.learn(second) && room.learn(first) && !room.learn(first), "one learns of it, once");
        room.free(1);
        room.pass_on().expect("somebody waits").wake();
        assert_eq!(bells.each_ref().map(|bell| bell.rung()), [1, 1]);
        assert_eq!((room.granted(), room.is_wanted()), (2, false));
    }

    #[test]
    fn a_newcomer_gets_nothing_while_somebody_waits() {
        let mut room = Room::new(Some(2));
        wait(&mut room, &mut None);
        assert_eq!((room.admits(), room.spare()), (false, 0));
    }

    #[test]
    fn who_waits_again_keeps_its_place_and_is_called_by_its_latest_waker() {
        let mut room = Room::new(Some(1));
        let (mut first, mut second) = (None, None);
        let (before, other) = (wait(&mut room, &mut first), wait(&mut room, &mut second));
        let place = first;
        let latest = wait(&mut room, &mut first);
        assert_eq!(first, place);
        room.pass_on().expect("there is room").wake();
        assert_eq!([before, other, latest].map(|bell| bell.rung()), [0, 0, 1]);
    }

    #[test]
    fn who_is_forgotten_stands_in_line_no_more() {
        let mut room = Room::new(Some(1));
        let (mut first, mut second) = (None, None);
        let (gone, next) = (wait(&mut room, &mut first), wait(&mut room, &mut second));
        room.forget(first.expect("it stands in line"));
        room.pass_on().expect("there is room").wake();
        assert_eq!((gone.rung(), next.rung()), (0, 1));
    }

    #[test]
    fn closing_takes_back_what_was_granted_unseen_and_wakes_all_who_wait() {
        let mut room = Room::new(Some(3));
        (0..3).for_each(|_| room.grant(1));
        let (mut told, mut waiting) = (None, None);
        wait(&mut room, &mut told);
        let bell = wait(&mut room, &mut waiting);
        room.ungrant();
        room.pass_on().expect("there is room");
        assert_eq!(room.granted(), 3);
        room.close().into_iter().for_each(Waker::wake);
        assert_eq!((room.granted(), bell.rung(), room.is_wanted()), (2, 1, false));
        assert!(!room.learn(told.expect("it stood in line")));
    }

    /// The inbox of a pool of one worker, with room for one task.
    fn inbox(desk: &Desk) -> Arc<Inbox<NoJob>> {
        let settings = QueueSettings { capacity: Some(1), ..QueueSettings::default() };
        Arc::new(Inbox::new(&settings, Arc::clone(&desk.hub)))
    }

    #[test]
    fn a_ticket_that_is_dropped_gives_its_room_to_the_next_in_line() {
        let inbox = inbox(&Desk::new());
        let ticket = inbox.try_room(Priority::Normal).expect("there is room");
        let (mut wait, bell) = (inbox.room(), Arc::<Bell>::default());
        assert!(wait.poll_room(&bell.waker()).is_pending());
        drop(ticket);
        assert_eq!(bell.rung(), 1);
        assert!(inbox.try_room(Priority::Normal).is_err(), "it is granted already");
        assert!(matches!(wait.poll_room(Waker::noop()), Poll::Ready(Ok(_))));
        assert!(inbox.try_room(Priority::Normal).is_ok(), "that ticket was dropped, too");
    }

    #[test]
    fn a_ticket_that_was_spent_gives_nothing_back() {
        let inbox = inbox(&Desk::new());
        inbox.try_room(Priority::Normal).expect("there is room").spend();
        assert!(inbox.try_room(Priority::Normal).is_err());
    }

    #[test]
    fn a_wait_that_is_given_up_keeps_neither_its_turn_nor_its_room() {
        let inbox = inbox(&Desk::new());
        let ticket = inbox.try_room(Priority::Normal).expect("there is room");
        let (mut first, mut second, mut third) = (inbox.room(), inbox.room(), inbox.room());
        let bells: [Arc<Bell>; 3] = Default::default();
        for (wait, bell) in [&mut first, &mut second, &mut third].into_iter().zip(&bells) {
            assert!(wait.poll_room(&bell.waker()).is_pending());
        }
        drop(first);
        drop(ticket);
        drop(second);
        assert_eq!(bells.each_ref().map(|bell| bell.rung()), [0, 1, 1]);
        drop(third);
        assert!(inbox.try_room(Priority::Normal).is_ok());
    }

    #[test]
    fn a_wait_that_would_block_the_last_worker_is_refused_and_stands_in_no_line() {
        let desk = Desk::new();
        let inbox = inbox(&desk);
        let ticket = inbox.try_room(Priority::Normal).expect("there is room");
        let task = Inside { pool: desk.hub.pool(), worker: Some(WorkerId::new(1)) };
        let mut endless = inbox.room().endless(&desk.hub);
        let polled = current::enter(task, || endless.poll_room(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Err(Refusal::WouldDeadlock))));
        assert!(endless.poll_room(Waker::noop()).is_pending(), "outside of a task it may wait");
        drop(endless);
        drop(ticket);
        assert!(inbox.try_room(Priority::Normal).is_ok());
    }

    /// A waker that looks at the queue when it is dropped, as one may that is the last owner of a future.
    struct Looks(Arc<Inbox<NoJob>>, Arc<Bell>);

    impl std::task::Wake for Looks {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Looks {
        fn drop(&mut self) {
            assert_eq!(self.0.counts().queued(), 0);
            self.1.waker().wake();
        }
    }

    #[test]
    fn a_waker_that_is_replaced_or_left_is_dropped_under_no_lock() {
        let inbox = inbox(&Desk::new());
        let _ticket = inbox.try_room(Priority::Normal).expect("there is room");
        let (mut wait, dropped) = (inbox.room(), Arc::<Bell>::default());
        for _ in 0..2 {
            let looks = Arc::new(Looks(Arc::clone(&inbox), Arc::clone(&dropped)));
            assert!(wait.poll_room(&Waker::from(looks)).is_pending());
        }
        assert_eq!(dropped.rung(), 1);
        drop(wait);
        assert_eq!(dropped.rung(), 2);
    }
}
