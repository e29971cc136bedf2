//! Where tasks wait for workers, and workers for tasks.

use std::fmt;
use std::time::Duration;

use crate::engine::{EndKind, Hub, Msg};
use crate::error::Refusal;
use crate::ids::WorkerId;
use crate::queue::intake::{Aside, Gate, Intake};
use crate::queue::room::Room;
use crate::queue::state::{Calls, Effects, Phase, State};
use crate::queue::{RoomWait, Share, Ticket};
use crate::supervisor::Event;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Arc, Lock, MutexGuard, OwnLine};
use crate::task::job::Job;
use crate::task::{End, Priority, TaskCore, TaskInfo};
use crate::time::Timestamp;

/// Takes messages for the control loop. May be called under the inbox's lock: it must neither block nor call back.
pub trait Mail: Send + Sync + fmt::Debug {
    /// Puts `msg` where the control loop finds it.
    fn post(&self, msg: Msg);
}

/// A user's own order within a lane: the lower rank goes first.
pub type Rank = Arc<dyn Fn(&TaskInfo) -> u64 + Send + Sync>;

/// What to do when the queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// Refuse the new task.
    #[default]
    Reject,
    /// Take the new task in the place of the oldest of the lowest lane, unless all that wait are more urgent. Delayed
    /// tasks and retries are never displaced.
    DropOldest,
}

/// How soon a task that was taken may be started, as far as can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comes {
    /// Nobody was woken for it and no other waits before it, so a busy worker may be about to take it.
    Soon,
    /// A worker that slept was called for it.
    Called,
    /// Others go before it, or nobody knows.
    Later,
}

/// How the queue is set up.
#[derive(Clone, Debug, Default)]
pub struct QueueSettings {
    /// How many tasks may wait; `None`: any number.
    pub capacity: Option<usize>,
    /// What to do when it is full.
    pub overflow: Overflow,
    /// How long a task waits before it counts as one lane higher.
    pub ageing: Option<Duration>,
}

/// Levels and counters of the queue, all of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tasks waiting to start, by lane.
    pub waiting: [usize; 3],
    /// Tasks waiting for their delay or their next attempt.
    pub delayed: usize,
    /// Tasks with a worker.
    pub running: usize,
    /// Workers without a task: asleep here, looking around, or called and on their way.
    pub idle: usize,
    /// Tasks accepted so far.
    pub arrived: u64,
    /// Whether tasks are kept from starting.
    pub paused: bool,
}

impl Counts {
    /// Tasks waiting to start, in all lanes.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.waiting.iter().sum()
    }
}

/// Where tasks wait for workers, and workers for tasks.
///
/// Lock order: the state, then the intake, then a share.
pub struct Inbox<J: Job> {
    pub(super) intake: Intake<J>,
    pub(super) state: Lock<State<J>>,
    /// What a worker should come for behind the state's lock, as the last who held it saw it.
    calls: OwnLine<AtomicU8>,
    pub(super) hub: Arc<Hub>,
}

impl<J: Job> Inbox<J> {
    /// The empty inbox of a pool.
    pub fn new(settings: &QueueSettings, hub: Arc<Hub>) -> Self {
        Self {
            intake: Intake::new(),
            state: Lock::new(State::new(settings)),
            calls: OwnLine(AtomicU8::new(0)),
            hub,
        }
    }

    /// What is behind the lock.
    #[cfg(test)]
    pub(super) fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock()
    }

    /// What others see while the intake is taken over.
    #[cfg(test)]
    pub(super) fn calls_while_fetched(&self) -> Calls {
        let (mut state, mut gate) = (self.state.lock(), self.intake.shut());
        self.fetch(&mut gate, &mut state);
        let calls = self.all_calls();
        state.settle_in();
        self.intake.set_credit(&mut gate, state.credit());
        drop(gate);
        self.leave_state(state, &mut Effects::none());
        calls
    }

    /// Whether a worker that came now might get something: for one that looks for a while before it asks.
    pub fn beckons(&self) -> bool {
        self.all_calls().any()
    }

    /// What a worker should come for, the intake's tasks included.
    pub(super) fn all_calls(&self) -> Calls {
        self.intake.calls().and(self.calls())
    }

    fn calls(&self) -> Calls {
        Calls(self.calls.0.load(Ordering::Acquire))
    }

    /// Takes a task, or hands it back with the reason. A task that comes with a ticket is refused only by a kill.
    pub fn submit(
        &self,
        job: J,
        rank: u64,
        now: Timestamp,
        ticket: Option<Ticket<J>>,
    ) -> Result<Comes, (J, Refusal)> {
        let has_ticket = ticket.is_some();
        let is_plain = rank == 0 && job.core().delay().is_none();
        let left = if is_plain { self.leave_in_intake(job, ticket.as_ref()) } else { Err(job) };
        let job = match left {
            Ok(alone) => {
                if let Some(ticket) = ticket {
                    ticket.spend();
                }
                return Ok(if alone && !self.calls().any() { Comes::Soon } else { Comes::Later });
            }
            Err(job) => job,
        };
        let taken = self.with_gate(|state, gate, effects| {
            if is_plain && !has_ticket && state.is_bare() && state.room.admits() {
                // Whoever comes for it takes it from there.
                self.intake.put(gate, job);
                return Ok(if state.call_for_one(effects) { Comes::Called } else { Comes::Later });
            }
            job.core().name_it(|| gate.next_id());
            state.take_in(job, rank, now, has_ticket, effects).map(|()| Comes::Later)
        });
        if let Some(ticket) = ticket {
            ticket.spend();
        }
        taken
    }

    /// Leaves a task without asking the state, if that is possible. `true`: it is the only one there.
    #[inline]
    fn leave_in_intake(&self, job: J, ticket: Option<&Ticket<J>>) -> Result<bool, J> {
        match ticket.map(Ticket::aside) {
            None => self.intake.leave(job),
            Some(Some(aside)) => self.intake.leave_aside(job, aside),
            Some(None) => Err(job),
        }
    }

    /// Takes many tasks, with their ranks, as one: no other comes in between. Returns those that were refused.
    pub fn submit_batch(&self, jobs: Vec<(J, u64)>, now: Timestamp) -> Vec<(J, Refusal)> {
        self.with_gate(|state, gate, effects| {
            jobs.into_iter()
                .filter_map(|(job, rank)| {
                    job.core().name_it(|| gate.next_id());
                    state.take_in(job, rank, now, false, effects).err()
                })
                .collect()
        })
    }

    /// Asks for room for a task of this priority without waiting for it.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn try_room(self: &Arc<Self>, priority: Priority) -> Result<Ticket<J>, Refusal> {
        if let Some(ticket) = self.room_aside() {
            return Ok(ticket);
        }
        self.with(|state, effects| {
            state.admit(priority, effects)?;
            state.room.grant(1);
            Ok(())
        })?;
        Ok(Ticket::new(Arc::clone(self), None))
    }

    /// Whether tasks may be left without asking anybody, as far as can be seen from outside.
    pub(crate) fn has_credit(&self) -> bool {
        self.intake.is_open()
    }

    /// Room that nobody has to be asked for.
    pub(super) fn room_aside(self: &Arc<Self>) -> Option<Ticket<J>> {
        self.intake.set_aside().map(|aside| Ticket::new(Arc::clone(self), Some(aside)))
    }

    /// Waits for room, in turn. See [`RoomWait`] for what happens when it is dropped.
    pub fn room(self: &Arc<Self>) -> RoomWait<J> {
        RoomWait::new(Arc::clone(self))
    }

    /// A new worker's place for what it takes along.
    pub fn open_share(&self, worker: WorkerId) -> Arc<Share<J>> {
        self.with(|state, _| state.open_share(worker))
    }

    /// Takes what is in the intake. Whoever has tasks of a lower lane in its share goes on seeing that higher ones wait,
    /// until `leave_state` says what does.
    pub(super) fn fetch(&self, gate: &mut Gate<J>, state: &mut State<J>) {
        let calls = self.intake.calls();
        if state.lowest_shared().is_some_and(|lane| calls.above(lane)) {
            self.call(calls.and(self.calls()));
        }
        state.room.grant(gate.take_aside());
        self.intake.take_over(gate, &mut state.incoming);
    }

    /// A worker leaves for good; `finished` says whether it comes from a task.
    pub fn leave(&self, worker: WorkerId, finished: bool) {
        self.with(|state, effects| {
            if finished {
                state.counts.running -= 1;
            }
            state.seekers.arrives(worker);
            state.close_share(worker, effects);
            state.notice_drained(effects);
        });
    }

    /// A worker that was told to wait does something else first, and is not to be woken for a task.
    pub fn step_aside(&self, worker: WorkerId) {
        self.with(|state, _| state.seekers.arrives(worker));
    }

    /// Puts a running task back for its next attempt at `due`. `None` if it waits now; the job if the pool is dead
    /// or the task has ended meanwhile.
    pub fn retry(&self, job: J, rank: u64, due: Option<Timestamp>, now: Timestamp) -> Option<J> {
        self.with(|state, effects| {
            if state.phase == Phase::Dead || !job.core().again() {
                return Some(job);
            }
            state.place(job, rank, due.filter(|&due| due > now), now, effects);
            None
        })
    }

    /// A waiting task has ended; its place is given back.
    pub(crate) fn forfeit(&self, core: &TaskCore) {
        self.with(|state, effects| {
            if !core.place.is_accepted() {
                return;
            }
            state.uncount(core, effects);
            state.dead += 1;
            state.sweep_if_worth(effects);
            state.notice_drained(effects);
        });
    }

    /// Moves delayed tasks that are due to their lanes; returns when the next one is.
    pub fn release_due(&self, now: Timestamp) -> Option<Timestamp> {
        self.with(|state, effects| {
            while let Some((job, rank)) = state.delayed.pop_due(now) {
                state.release(job, rank, now, effects);
            }
            state.delayed.next_due()
        })
    }

    /// Hands out `permits` to leave; idle workers take them at once.
    pub fn retire(&self, permits: usize) {
        self.with(|state, effects| {
            state.permits = state.permits.saturating_add(permits);
            effects.wake_all = state.seekers.call(permits).collect();
        });
    }

    /// Takes back up to `permits` that no worker has taken.
    pub fn recall(&self, permits: usize) {
        self.with(|state, _| state.permits = state.permits.saturating_sub(permits));
    }

    /// Nothing starts, or tasks start again. `false` if that changes nothing, as in a pool that stops.
    pub fn pause(&self, paused: bool) -> bool {
        self.with(|state, effects| {
            if state.phase != Phase::Open || state.paused == paused {
                return false;
            }
            state.paused = paused;
            state.recall_shares(effects);
            if !paused {
                // Beside those to whom the shares gave room.
                effects.wake_all.extend(state.seekers.call_all());
            }
            true
        })
    }

    /// Whether tasks may start.
    pub fn is_paused(&self) -> bool {
        self.with(|state, _| state.paused)
    }

    /// Takes no more submits. Workers go on until nothing is owed.
    pub fn close(&self) {
        self.with(|state, effects| {
            if state.phase == Phase::Open {
                state.phase = Phase::Closing;
                state.paused = false;
                effects.wake_all = state.seekers.call_all().collect();
                effects.wake_all.extend(state.room.close());
            }
            state.notice_drained(effects);
        });
    }

    /// Takes no more submits and starts nothing that waits: a kill has begun.
    pub fn halt(&self) {
        self.with(|state, effects| {
            if state.phase == Phase::Open {
                state.phase = Phase::Closing;
                effects.wake_all.extend(state.room.close());
            }
            state.paused = false;
            state.halted = true;
            state.recall_shares(effects);
        });
    }

    /// Ends everything that waits; the caller must fill the returned jobs, each of whose end is decided.
    /// Whoever comes later is told `refusal`.
    pub fn discard(&self, refusal: Refusal) -> Vec<J> {
        self.with(|state, effects| {
            state.phase = Phase::Dead;
            state.refusal = refusal;
            effects.wake_all = state.seekers.call_all().collect();
            effects.wake_all.extend(state.room.close());
            state.recall_shares(effects);
            let jobs = state.empty();
            let mut ended = Vec::with_capacity(jobs.len());
            for job in jobs {
                if job.core().finish().is_some() {
                    state.uncount(job.core(), effects);
                    ended.push(job);
                } else {
                    state.dead -= 1;
                    effects.trash.push(job);
                }
            }
            ended
        })
    }

    /// A worker was given up while it ran a task: that task is no longer owed, and what it took along is for others.
    pub fn give_up_running(&self, worker: WorkerId) {
        self.with(|state, effects| {
            state.counts.running -= 1;
            state.recall_share(worker, effects);
            state.notice_drained(effects);
        });
    }

    /// Asks to be told of the next arrival. `false` if there is something to do already.
    pub fn arm_quiet(&self) -> bool {
        self.with(|state, _| {
            state.quiet = state.owed() == 0;
            state.quiet
        })
    }

    /// Levels and counters of this moment.
    pub fn counts(&self) -> Counts {
        self.with(|state, effects| {
            state.settle_shares(effects);
            Counts { idle: state.seekers.count(), paused: state.paused, ..state.counts }
        })
    }

    /// Tasks accepted so far, and how many a second of late.
    pub fn arrivals(&self, now: Timestamp) -> (u64, f64) {
        let (arrived, window) = self.with(|state, _| (state.counts.arrived, state.arrivals.clone()));
        (arrived, window.rate(now))
    }

    pub(super) fn with_room<T>(&self, f: impl FnOnce(&mut Room, Option<Refusal>) -> T) -> T {
        self.with(|state, effects| {
            if !state.room.admits() {
                state.recall_shares(effects);
            }
            let refusal = (state.phase != Phase::Open).then_some(state.refusal);
            f(&mut state.room, refusal)
        })
    }

    pub(super) fn return_room(&self, aside: Option<Aside>) {
        if aside.is_some_and(|aside| self.intake.give_back(aside)) {
            return;
        }
        self.return_grant();
    }

    pub(super) fn return_grant(&self) {
        self.with(|state, effects| {
            state.room.ungrant();
            effects.wake_room = state.room.pass_on();
            state.notice_drained(effects);
        });
    }

    /// Does something with the state, having taken the intake over and keeping submitters out of it.
    fn with<T>(&self, f: impl FnOnce(&mut State<J>, &mut Effects<J>) -> T) -> T {
        self.with_gate(|state, _, effects| f(state, effects))
    }

    fn with_gate<T>(&self, f: impl FnOnce(&mut State<J>, &mut Gate<J>, &mut Effects<J>) -> T) -> T {
        let (mut state, mut effects) = (self.state.lock(), Effects::none());
        let mut gate = self.intake.shut();
        self.fetch(&mut gate, &mut state);
        state.settle_in();
        let result = f(&mut state, &mut gate, &mut effects);
        state.call_for_help(&mut effects);
        self.intake.set_credit(&mut gate, state.credit());
        drop(gate);
        self.leave_state(state, &mut effects);
        result
    }

    #[inline]
    pub(super) fn leave_state(&self, state: MutexGuard<'_, State<J>>, effects: &mut Effects<J>) {
        self.call(state.calls());
        if effects.drained {
            // Under the lock: the supervisor hears of it before it hears of any worker that left for this reason.
            self.hub.post(Msg::Event(Event::Drained));
        }
        for _ in &effects.displaced {
            // Under the lock, too: the pool may drain without them, and its report has to count them.
            self.hub.early().count(EndKind::Displaced);
        }
        drop(state);
        if let Some(waker) = effects.wake.take() {
            waker.wake();
        }
        if !effects.are_none() {
            self.apply(effects);
        }
    }

    /// Written only when it changes: everybody who looks keeps a copy.
    fn call(&self, calls: Calls) {
        if self.calls.0.load(Ordering::Relaxed) != calls.0 {
            self.calls.0.store(calls.0, Ordering::Release);
        }
    }

    /// Does what few have to.
    #[cold]
    fn apply(&self, effects: &mut Effects<J>) {
        let wakers = effects.wake_room.take().into_iter().chain(std::mem::take(&mut effects.wake_all));
        wakers.for_each(|waker| crate::engine::quietly(|| waker.wake()));
        if effects.busy {
            self.hub.post(Msg::Event(Event::Busy));
        }
        if effects.nudge {
            self.hub.post(Msg::Nudge);
        }
        for job in std::mem::take(&mut effects.displaced) {
            self.hub.tell_of_early_end(job.core(), EndKind::Displaced);
            crate::engine::quietly(|| job.end_early(&self.hub, &End::Displaced));
        }
        throw_away(std::mem::take(&mut effects.trash));
    }
}

/// Drops jobs whose tasks have ended: users' code, so under no lock.
#[inline]
pub(super) fn throw_away<J>(trash: Vec<J>) {
    trash.into_iter().for_each(|job| crate::engine::quietly(|| drop(job)));
}

impl<J: Job> fmt::Debug for Inbox<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
