//! What the state lends to workers as shares, and how it gets it back. Why that is sound stands in [`share`](super::share).

use crate::ids::WorkerId;
use crate::queue::share::{Held, LARGEST, PATIENCE, Share};
use crate::queue::state::{Effects, State};
use crate::sync::Arc;
use crate::task::job::Job;

/// A worker's share, as the state sees it.
pub(super) struct Lent<J> {
    share: Arc<Share<J>>,
    /// What it held when the state last looked; `None` if that was nothing, and its tally is noted.
    seen: Option<Seen>,
}

/// What a share held: the lane of its tasks, and the place in line of the oldest.
#[derive(Clone, Copy)]
struct Seen {
    lane: usize,
    oldest: u64,
}

impl Seen {
    fn of<J>(held: &Held<J>) -> Option<Self> {
        held.jobs.front().map(|queued| Self { lane: held.lane, oldest: queued.sequence })
    }
}

impl<J: Job> State<J> {
    /// A share for a new worker.
    pub(super) fn open_share(&mut self, worker: WorkerId) -> Arc<Share<J>> {
        let share = Arc::new(Share::new(worker));
        self.shares.push(Lent { share: Arc::clone(&share), seen: None });
        share
    }

    /// A worker leaves for good, and its share with it.
    pub(super) fn close_share(&mut self, worker: WorkerId, effects: &mut Effects<J>) {
        // Nothing is left in it then.
        self.recall_share(worker, effects);
        self.shares.retain(|lent| lent.share.worker != worker);
    }

    /// Takes back what one worker has.
    pub(super) fn recall_share(&mut self, worker: WorkerId, effects: &mut Effects<J>) {
        if let Some(index) = self.position(worker) {
            self.recall(index, effects);
        }
    }

    /// Takes all shares back.
    pub(super) fn recall_shares(&mut self, effects: &mut Effects<J>) {
        (0..self.shares.len()).for_each(|index| self.recall(index, effects));
    }

    fn recall(&mut self, index: usize, effects: &mut Effects<J>) {
        self.look_into(index, effects, |state, held, _| state.lanes.put_back(held.lane, held.jobs.drain(..)));
    }

    /// Takes note of what was started from shares.
    pub(super) fn settle_shares(&mut self, effects: &mut Effects<J>) {
        (0..self.shares.len()).for_each(|index| self.look_into(index, effects, |_, _, _| {}));
    }

    /// The lanes of tasks that may lie in shares, one bit each.
    #[inline]
    pub(super) fn lanes_of_shares(&self) -> u8 {
        self.stocked.iter().enumerate().fold(0, |bits, (lane, &shares)| bits | u8::from(shares > 0) << lane)
    }

    /// The lowest lane of which tasks may lie in shares.
    pub(super) fn lowest_shared(&self) -> Option<usize> {
        self.stocked.iter().rposition(|&shares| shares > 0)
    }

    /// Takes note of what a share holds.
    fn note(&mut self, index: usize, seen: Option<Seen>) {
        if let Some(before) = std::mem::replace(&mut self.shares[index].seen, seen) {
            self.stocked[before.lane] -= 1;
        }
        if let Some(seen) = seen {
            self.stocked[seen.lane] += 1;
        }
    }

    /// Starts the next task of a share, if one goes before the lanes, of which `head` is the next, for the worker that has
    /// this share.
    pub(super) fn take_of_shares(
        &mut self,
        desk: &Share<J>,
        head: Option<usize>,
        effects: &mut Effects<J>,
    ) -> Option<J> {
        // A look at an empty share is remembered, so this ends.
        while let Some(index) = self.choose(desk, head) {
            let started = self.take_from(index, desk, effects);
            if started.is_some() || !effects.trash.is_empty() {
                return started;
            }
        }
        None
    }

    /// The share to take from: the highest lane goes first, then the worker's own; that of another goes before the lanes
    /// if they have nothing as high, or if it was overtaken too often.
    fn choose(&self, desk: &Share<J>, head: Option<usize>) -> Option<usize> {
        if self.lanes_of_shares() == 0 {
            return None;
        }
        let front = head.and_then(|head| self.lanes.front(head));
        let is_own = |index: usize| self.shares[index].share.worker == desk.worker;
        let goes_first = |&(index, seen): &(usize, Seen)| {
            let Some(head) = head else { return true };
            let is_late = front.is_some_and(|front| seen.oldest.saturating_add(PATIENCE) < front);
            seen.lane < head || (seen.lane == head && (is_own(index) || is_late))
        };
        let stocked = self.shares.iter().enumerate().filter_map(|(index, lent)| Some((index, lent.seen?)));
        stocked
            .filter(goes_first)
            .min_by_key(|&(index, seen)| (seen.lane, !is_own(index)))
            .map(|(index, _)| index)
    }

    /// Starts the oldest task of a share. A worker that has nothing itself takes half of what another has.
    fn take_from(&mut self, index: usize, desk: &Share<J>, effects: &mut Effects<J>) -> Option<J> {
        let own = self.position(desk.worker)?;
        let mut started = None;
        let mut loot = None;
        let is_bare = self.shares[own].seen.is_none();
        self.look_into(index, effects, |state, held, effects| {
            started = state.start(held, effects);
            if is_bare && started.is_some() {
                let half = held.jobs.len() / 2;
                loot = Some((held.lane, held.jobs.drain(..half).collect()));
            }
        });
        if let Some((lane, jobs)) = loot {
            let mut held = desk.fill();
            (held.lane, held.jobs) = (lane, jobs);
            let seen = Seen::of(&held);
            drop(held);
            self.note(own, seen);
        }
        started
    }

    /// Lets a worker that has just taken a task of `lane` take more along, up to its `appetite`: not more than half of
    /// what falls to each worker that is awake, and nothing while somebody waits for what would lie there.
    pub(super) fn lend(&mut self, desk: &Share<J>, lane: usize, appetite: usize) {
        let awake = self.shares.len().saturating_sub(self.seekers.asleep());
        let backlog = self.counts.waiting[lane] / (2 * awake).max(1);
        let count = appetite.min(LARGEST).saturating_sub(1).min(backlog);
        let is_wanted = self.seekers.must_be_called() || self.permits > 0 || self.room.is_wanted();
        if count == 0 || is_wanted || self.lanes.plain_head() != Some(lane) {
            return;
        }
        let Some(own) = self.position(desk.worker).filter(|&own| self.shares[own].seen.is_none()) else {
            return;
        };
        let mut held = desk.fill();
        held.lane = lane;
        self.lanes.take_along(lane, count, &mut held.jobs);
        held.jobs.iter().take(2).for_each(|queued| queued.item.own().prefetch());
        let seen = Seen::of(&held);
        drop(held);
        self.note(own, seen);
    }

    fn start(&mut self, held: &mut Held<J>, effects: &mut Effects<J>) -> Option<J> {
        let job = held.start(&mut effects.trash);
        self.counts.running += usize::from(job.is_some());
        job
    }

    fn position(&self, worker: WorkerId) -> Option<usize> {
        self.shares.iter().position(|lent| lent.share.worker == worker)
    }

    /// Does something with a share that may hold something, and takes note of what became of its tasks.
    fn look_into(
        &mut self,
        index: usize,
        effects: &mut Effects<J>,
        f: impl FnOnce(&mut Self, &mut Held<J>, &mut Effects<J>),
    ) {
        if self.shares[index].seen.is_none() {
            return;
        }
        let share = Arc::clone(&self.shares[index].share);
        let mut held = share.open();
        f(self, &mut held, effects);
        let tally = std::mem::take(&mut held.tally);
        self.counts.waiting[held.lane] -= tally.started;
        self.dead -= isize::try_from(tally.dead).unwrap_or(isize::MAX);
        self.give_room(tally.freed, effects);
        let seen = Seen::of(&held);
        drop(held);
        self.note(index, seen);
    }
}
