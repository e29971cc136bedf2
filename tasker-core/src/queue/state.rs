//! What is behind the inbox's lock: the lanes, who waits, and the counts that have to agree with both.
//!
//! Nothing here calls out. What has to be done outside of the lock is put into [`Effects`].

use std::task::Waker;

use crate::due::DueQueue;
use crate::error::Refusal;
use crate::metrics::RateWindow;
use crate::queue::arrivals::{Arrival, Arrivals};
use crate::queue::inbox::{Counts, Overflow, QueueSettings};
use crate::queue::room::Room;
use crate::queue::seekers::Seekers;
use crate::queue::share::Share;
use crate::queue::sharing::Lent;
use crate::queue::{Lanes, Leave, Pull, Queue};
use crate::task::job::Job;
use crate::task::{Priority, TaskCore};
use crate::time::Timestamp;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// No more submits; what is owed still runs.
    Closing,
    /// Nothing runs any more.
    Dead,
}

/// What is behind the inbox's lock.
pub(super) struct State<J: Job> {
    pub(super) lanes: Lanes<J>,
    /// With the ranks they have in their lanes later.
    pub(super) delayed: DueQueue<(J, u64)>,
    pub(super) counts: Counts,
    pub(super) arrivals: RateWindow,
    /// Jobs in the lanes whose task has ended, less those of whose end the count has not heard yet.
    pub(super) dead: isize,
    pub(super) room: Room,
    pub(super) seekers: Seekers,
    pub(super) permits: usize,
    pub(super) paused: bool,
    /// A kill is on its way: nothing starts any more.
    pub(super) halted: bool,
    pub(super) phase: Phase,
    /// Why nothing is taken any more, once that is so.
    pub(super) refusal: Refusal,
    pub(super) overflow: Overflow,
    /// The control loop wants to hear of the next arrival.
    pub(super) quiet: bool,
    pub(super) drained: bool,
    /// Tasks on their way from the intake; empty between two sections.
    pub(super) incoming: Arrivals<J>,
    /// What each worker may have taken along.
    pub(super) shares: Vec<Lent<J>>,
    /// In how many shares tasks of each lane lay, when the state last looked.
    pub(super) stocked: [usize; 3],
}

/// What a worker should come for, as those outside of the lock may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Calls(pub(super) u8);

impl Calls {
    /// Beside the lanes, one bit each.
    const OTHER: u8 = 1 << 3;

    #[inline]
    fn new(lanes: u8, other: bool) -> Self {
        Self(if other { lanes | Self::OTHER } else { lanes })
    }

    /// A task of this lane.
    #[inline]
    pub(super) const fn lane(lane: usize) -> Self {
        Self(1 << lane)
    }

    /// These and others.
    #[inline]
    pub(super) const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether there is anything to come for.
    #[inline]
    pub(super) const fn any(self) -> bool {
        self.0 != 0
    }

    /// Whether a task of a higher lane than this one waits.
    #[inline]
    pub(super) const fn above(self, lane: usize) -> bool {
        // The higher lane has the lower number.
        self.0 & ((1 << lane) - 1) != 0
    }
}

/// What to do once the lock is released.
pub(super) struct Effects<J> {
    pub(super) wake: Option<Waker>,
    pub(super) wake_room: Option<Waker>,
    pub(super) wake_all: Vec<Waker>,
    pub(super) busy: bool,
    pub(super) drained: bool,
    /// A delayed task is due before all others.
    pub(super) nudge: bool,
    /// Tasks that gave their places to newer ones; their ends are decided.
    pub(super) displaced: Vec<J>,
    pub(super) trash: Vec<J>,
}

impl<J: Job> Effects<J> {
    pub(super) const fn none() -> Self {
        Self {
            wake: None,
            wake_room: None,
            wake_all: Vec::new(),
            busy: false,
            drained: false,
            nudge: false,
            displaced: Vec::new(),
            trash: Vec::new(),
        }
    }
}

impl<J> Effects<J> {
    /// Whether there is nothing to do, as after most tasks.
    pub(super) fn are_none(&self) -> bool {
        let nobody = self.wake.is_none() && self.wake_room.is_none() && self.wake_all.is_empty();
        nobody && !self.busy && !self.nudge && self.displaced.is_empty() && self.trash.is_empty()
    }
}

impl<J: Job> State<J> {
    /// An empty queue.
    pub(super) fn new(settings: &QueueSettings) -> Self {
        Self {
            lanes: Lanes::new(settings.ageing),
            delayed: DueQueue::new(),
            counts: Counts::default(),
            arrivals: RateWindow::new(Timestamp::ZERO),
            dead: 0,
            room: Room::new(settings.capacity),
            seekers: Seekers::default(),
            permits: 0,
            paused: false,
            halted: false,
            phase: Phase::Open,
            refusal: Refusal::Stopping,
            overflow: settings.overflow,
            quiet: false,
            drained: false,
            incoming: Arrivals::new(),
            shares: Vec::new(),
            stocked: [0; 3],
        }
    }

    /// How many tasks may be left in the intake without anybody having to know.
    pub(super) fn credit(&self) -> usize {
        /// So that nobody holds both locks for long to take them over.
        const AT_MOST: usize = 1_024;
        let matters = self.phase != Phase::Open || self.quiet || self.seekers.must_be_called();
        // What is on its way from the intake has no room yet.
        if matters { 0 } else { self.room.spare().saturating_sub(self.incoming.len()).min(AT_MOST) }
    }

    /// Puts what comes from the intake into its lanes.
    pub(super) fn settle_in(&mut self) {
        let Some((first, last)) = self.incoming.span() else { return };
        let count = self.incoming.len();
        let together = self.arrivals.are_together(first, last);
        if together {
            self.arrivals.record(first, count as u64);
        }
        self.room.take_many(count);
        self.counts.arrived += count as u64;
        let mut incoming = std::mem::replace(&mut self.incoming, Arrivals::new());
        for Arrival { job, priority, at } in incoming.drain() {
            if !together {
                self.arrivals.record(at, 1);
            }
            self.enter_lane(job, priority, 0, at);
        }
        self.incoming = incoming;
    }

    /// Whether a task that comes now could start at once, with nothing before it.
    #[inline]
    pub(super) fn is_bare(&self) -> bool {
        self.may_start() && !self.calls().any()
    }

    /// A task that comes from the intake is claimed already: it waits no more, and takes no room.
    #[inline]
    pub(super) fn start_at_once(&mut self, Arrival { job, at, .. }: Arrival<J>) -> J {
        self.arrivals.record(at, 1);
        self.counts.arrived += 1;
        self.counts.running += 1;
        job.core().place.uncount();
        job
    }

    /// Tasks that must still end by a worker's doing, or are about to come.
    pub(super) fn owed(&self) -> usize {
        self.counts.queued() + self.counts.delayed + self.counts.running + self.room.granted()
    }

    pub(super) fn notice_drained(&mut self, effects: &mut Effects<J>) {
        // A kill that is on its way ends the workers itself; the control loop has not heard of it.
        if self.phase == Phase::Closing && !self.halted && !self.drained && self.owed() == 0 {
            self.drained = true;
            effects.drained = true;
            effects.wake_all.extend(self.seekers.call_all());
        }
    }

    /// Whether there is room for a newcomer, made by displacing another if need be.
    pub(super) fn admit(&mut self, priority: Priority, effects: &mut Effects<J>) -> Result<(), Refusal> {
        if self.phase != Phase::Open {
            return Err(self.refusal);
        }
        if self.room.admits() {
            return Ok(());
        }
        self.settle_shares(effects);
        if self.room.admits() {
            return Ok(());
        }
        let displaced = match self.overflow {
            Overflow::DropOldest => {
                self.recall_shares(effects);
                self.evict(priority, effects)
            }
            Overflow::Reject => None,
        };
        effects.displaced.push(displaced.ok_or(Refusal::Full)?);
        Ok(())
    }

    pub(super) fn take_in(
        &mut self,
        job: J,
        rank: u64,
        now: Timestamp,
        has_ticket: bool,
        effects: &mut Effects<J>,
    ) -> Result<(), (J, Refusal)> {
        let admitted = if has_ticket { self.redeem() } else { self.admit(job.core().priority(), effects) };
        match admitted {
            Ok(()) => {
                self.accept(job, rank, now, effects);
                Ok(())
            }
            Err(refusal) => Err((job, refusal)),
        }
    }

    /// A ticket is used.
    fn redeem(&mut self) -> Result<(), Refusal> {
        self.room.ungrant();
        if self.phase == Phase::Dead { Err(self.refusal) } else { Ok(()) }
    }

    fn accept(&mut self, job: J, rank: u64, now: Timestamp, effects: &mut Effects<J>) {
        self.room.take();
        self.counts.arrived += 1;
        self.arrivals.record(now, 1);
        let core = job.core();
        core.place.accept(true);
        let due = core.delay().map(|delay| now.saturating_add(delay)).filter(|&due| due > now);
        self.place(job, rank, due, now, effects);
        effects.busy |= std::mem::take(&mut self.quiet);
    }

    /// Puts a task into its lane, or into the delayed lane until `due`.
    pub(super) fn place(
        &mut self,
        job: J,
        rank: u64,
        due: Option<Timestamp>,
        now: Timestamp,
        effects: &mut Effects<J>,
    ) {
        let core = job.core();
        core.place.set_delayed(due.is_some());
        if let Some(due) = due {
            self.counts.delayed += 1;
            effects.nudge |= self.delayed.push(due, (job, rank));
        } else {
            core.set_queued_at(now);
            let priority = core.priority();
            self.enter_lane(job, priority, rank, now);
        }
    }

    #[inline]
    fn enter_lane(&mut self, job: J, priority: Priority, rank: u64, now: Timestamp) {
        self.counts.waiting[priority.lane()] += 1;
        self.lanes.push(priority, rank, now, job);
    }

    pub(super) fn release(&mut self, job: J, rank: u64, now: Timestamp, effects: &mut Effects<J>) {
        if job.core().has_ended() {
            self.dead -= 1;
            effects.trash.push(job);
            return;
        }
        self.counts.delayed -= 1;
        self.place(job, rank, None, now, effects);
    }

    /// What a worker gets, if there is anything.
    pub(super) fn next(
        &mut self,
        desk: &Share<J>,
        appetite: usize,
        now: Timestamp,
        effects: &mut Effects<J>,
    ) -> Option<Pull<J>> {
        if self.phase == Phase::Dead {
            return Some(Pull::Leave(Leave::Killed));
        }
        if self.permits > 0 {
            self.permits -= 1;
            return Some(Pull::Leave(Leave::Retired));
        }
        if let Some(job) = self.take(desk, appetite, now, |_| true, effects) {
            return Some(Pull::Task(job));
        }
        self.notice_drained(effects);
        self.drained.then_some(Pull::Leave(Leave::Drained))
    }

    /// Calls a worker if tasks wait that nobody will come for by himself. Done at the end of whatever is done under the
    /// lock: so no task waits while a worker sleeps.
    #[inline]
    pub(super) fn call_for_help(&mut self, effects: &mut Effects<J>) {
        if self.seekers.must_be_called() && self.may_start() && self.is_stocked() {
            effects.wake = self.seekers.call_one();
            let others = (1..self.counts.queued()).map_while(|_| self.seekers.call_one());
            effects.wake_all.extend(others);
        }
    }

    /// Calls a worker for a task that was left in the intake, and whoever wants to hear of an arrival. `true`: there is one.
    pub(super) fn call_for_one(&mut self, effects: &mut Effects<J>) -> bool {
        effects.wake = self.seekers.call_one();
        effects.busy |= std::mem::take(&mut self.quiet);
        effects.wake.is_some()
    }

    /// Whether there is something to take. Not the counts: a task that was cancelled just now may count still, and would
    /// call one worker after the other for nothing.
    fn is_stocked(&self) -> bool {
        !self.lanes.is_empty() || self.lanes_of_shares() != 0
    }

    fn may_start(&self) -> bool {
        !self.paused && !self.halted
    }

    /// What a worker should come for.
    pub(super) fn calls(&self) -> Calls {
        let lanes = if self.may_start() { self.lanes.stocked() | self.lanes_of_shares() } else { 0 };
        Calls::new(lanes, self.permits > 0 || self.phase != Phase::Open)
    }

    /// The lane of the next task, if a worker may take it and its order does not depend on time or rank.
    pub(super) fn plain_head(&self) -> Option<usize> {
        if self.phase == Phase::Dead || self.permits > 0 { None } else { self.lanes.plain_head() }
    }

    /// Starts the next task for the worker with this share; may put more into the share. Nothing if that is a task of which
    /// `goes_first`, told what the highest lane with a task is, says no.
    pub(super) fn take(
        &mut self,
        desk: &Share<J>,
        appetite: usize,
        now: Timestamp,
        goes_first: impl Fn(Option<usize>) -> bool,
        effects: &mut Effects<J>,
    ) -> Option<J> {
        if !self.may_start() {
            return None;
        }
        loop {
            let head = self.lanes.next_lane(now);
            // Asked again for each: the one before may have been cancelled, and this one of a lower lane.
            if !goes_first(head) {
                return None;
            }
            if let Some(job) = self.take_of_shares(desk, head, effects) {
                return Some(job);
            }
            let lane = head?;
            // Nothing is started before what has ended is thrown away, which takes its time.
            if !effects.trash.is_empty() && !self.lanes.peek(lane).is_some_and(|job| job.core().has_ended()) {
                return None;
            }
            let mut job = self.lanes.pop(now)?;
            if job.own_mut().claim() {
                self.uncount(job.core(), effects);
                self.counts.running += 1;
                self.lend(desk, lane, appetite);
                return Some(job);
            }
            self.dead -= 1;
            effects.trash.push(job);
        }
    }

    /// A task no longer waits.
    #[inline]
    pub(super) fn uncount(&mut self, core: &TaskCore, effects: &mut Effects<J>) {
        if self.take_out(core) {
            self.give_room(1, effects);
        }
    }

    /// Room became free, so many times.
    #[inline]
    pub(super) fn give_room(&mut self, count: usize, effects: &mut Effects<J>) {
        self.room.free(count);
        while let Some(waker) = self.room.pass_on() {
            effects.wake_all.extend(effects.wake_room.replace(waker));
        }
    }

    /// A task no longer waits; `true` if it took room, which the caller gives away.
    #[inline]
    fn take_out(&mut self, core: &TaskCore) -> bool {
        if core.place.is_delayed() {
            self.counts.delayed -= 1;
        } else {
            self.counts.waiting[core.priority().lane()] -= 1;
        }
        core.place.uncount()
    }

    /// Takes a task out for a newcomer, which gets its room: those who wait for room have no claim to it.
    fn evict(&mut self, floor: Priority, effects: &mut Effects<J>) -> Option<J> {
        loop {
            let victim = self.lanes.evict(floor, &mut |job: &J| job.core().place.is_counted())?;
            if victim.core().finish().is_some() {
                if self.take_out(victim.core()) {
                    self.room.hand_over();
                }
                return Some(victim);
            }
            self.dead -= 1;
            effects.trash.push(victim);
        }
    }

    pub(super) fn empty(&mut self) -> Vec<J> {
        let mut jobs = self.lanes.sweep(&mut |_| false);
        jobs.extend(self.delayed.sweep(&mut |_| false).into_iter().map(|(job, _)| job));
        jobs
    }

    /// Dead jobs are thrown away when popped; when they outnumber the living it is time to look for them.
    pub(super) fn sweep_if_worth(&mut self, effects: &mut Effects<J>) {
        const WORTH_IT: usize = 64;
        let living = self.counts.queued() + self.counts.delayed;
        let dead = usize::try_from(self.dead).unwrap_or(0);
        if dead < WORTH_IT || dead <= living {
            return;
        }
        let mut swept = self.lanes.sweep(&mut |job| !job.core().has_ended());
        let delayed = self.delayed.sweep(&mut |(job, _)| !job.core().has_ended());
        swept.extend(delayed.into_iter().map(|(job, _)| job));
        self.dead -= isize::try_from(swept.len()).unwrap_or(isize::MAX);
        effects.trash.append(&mut swept);
    }
}
