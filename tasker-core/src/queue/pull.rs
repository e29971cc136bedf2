//! A worker that comes back for more: from where, and what it gets.

use std::task::Waker;

use crate::ids::WorkerId;
use crate::queue::inbox::{Inbox, throw_away};
use crate::queue::intake::Gate;
use crate::queue::share::Share;
use crate::queue::state::{Effects, State};
use crate::spin;
use crate::sync::MutexGuard;
use crate::task::current::{self, Inside};
use crate::task::job::Job;
use crate::time::Timestamp;

/// Where a worker comes from when it comes for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CameFrom {
    /// From a task, which is no longer running.
    Task,
    /// It was told to wait, or to look around.
    Wait,
    /// It has just been created, or did something else meanwhile.
    Elsewhere,
}

/// What a worker may get beside a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appetite {
    /// How many tasks it may take at once.
    pub tasks: usize,
    /// Whether it looks around for a moment rather than sleep at once.
    pub looks: bool,
}

/// What a worker gets when it comes back for more.
#[derive(Debug)]
pub enum Pull<J> {
    /// A task, claimed for this worker.
    Task(J),
    /// It should leave.
    Leave(Leave),
    /// There is nothing to do; it should look around for a moment and come again, whether or not it saw something.
    Look,
    /// There is nothing to do; its waker will be called.
    Wait,
}

/// Why a worker should leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It took a permit: the pool shrinks.
    Retired,
    /// The pool stops, and nothing is owed any more.
    Drained,
    /// The pool was killed.
    Killed,
}

/// A worker that has come, under the state's lock.
struct Visit<'a, J> {
    desk: &'a Share<J>,
    waker: &'a Waker,
    from: CameFrom,
    appetite: Appetite,
    now: Timestamp,
}

impl<J: Job> Inbox<J> {
    /// A worker comes for work, and may take along what its `appetite` says. If it is told to wait, `waker` will be called
    /// once it should come again.
    pub fn pull(
        &self,
        desk: &Share<J>,
        waker: &Waker,
        from: CameFrom,
        appetite: Appetite,
        now: Timestamp,
    ) -> Pull<J> {
        /// Tasks are short if a worker may take so many of them along.
        const SHORT: usize = 8;
        if from == CameFrom::Task {
            // As many tasks run as before.
            if let Some(job) = self.next_of(desk) {
                return Pull::Task(job);
            }
            if appetite.looks && appetite.tasks >= SHORT {
                spin::pause();
            }
        }
        let visit = Visit { desk, waker, from, appetite, now };
        let mut arrives = true;
        loop {
            let mut state = self.state.lock();
            match from {
                _ if !std::mem::take(&mut arrives) => {}
                CameFrom::Task => state.counts.running -= 1,
                CameFrom::Wait | CameFrom::Elsewhere => state.seekers.arrives(desk.worker),
            }
            let mut effects = Effects::none();
            let pull = self.serve(&mut state, &visit, &mut effects);
            state.call_for_help(&mut effects);
            let trash = std::mem::take(&mut effects.trash);
            self.leave_state(state, &mut effects);
            self.throw_away_at(desk.worker, trash);
            if let Some(pull) = pull {
                return pull;
            }
        }
    }

    /// The next task of what a worker took along, if no higher lane calls.
    #[inline]
    fn next_of(&self, desk: &Share<J>) -> Option<J> {
        loop {
            let mut trash = Vec::new();
            let job = desk.next(|lane| self.all_calls().above(lane), &mut trash);
            if job.is_some() || trash.is_empty() {
                return job;
            }
            self.throw_away_at(desk.worker, trash);
        }
    }

    /// What the worker gets; `None`: it should throw away what it has found, and ask again. That is users' code, which may
    /// take its time and even wait itself, so while it is in there it is not reckoned with, and has claimed nothing.
    fn serve(&self, state: &mut State<J>, visit: &Visit<'_, J>, effects: &mut Effects<J>) -> Option<Pull<J>> {
        let &Visit { desk, from, appetite, now, .. } = visit;
        // If nothing in the intake goes before what is here, there is no need to look; unless this was the last who looked,
        // while others sleep: then submitters may leave nothing there any more.
        let was_last = from != CameFrom::Task && state.seekers.must_be_called();
        if !was_last && state.plain_head().is_some() {
            let goes_first = |head: Option<usize>| head.is_some_and(|head| !self.intake.calls().above(head));
            let taken = state.take(desk, appetite.tasks, now, goes_first, effects);
            if taken.is_some() || !effects.trash.is_empty() {
                return taken.map(Pull::Task);
            }
        }
        loop {
            let mut gate = self.intake.shut();
            if let Some(job) = self.take_only(&mut gate, state) {
                return Some(Pull::Task(job));
            }
            if !gate.is_empty() || state.calls().any() {
                self.take_over(gate, state);
                let pull = state.next(desk, appetite.tasks, now, effects);
                if pull.is_some() || !effects.trash.is_empty() {
                    return pull;
                }
                gate = self.intake.shut();
                if !gate.is_empty() {
                    continue;
                }
            }
            return Some(self.rest(gate, state, visit));
        }
    }

    /// Starts the one task that is in the intake, if there is no other anywhere: without the detour through its lane.
    fn take_only(&self, gate: &mut Gate<J>, state: &mut State<J>) -> Option<J> {
        if gate.is_empty() || !state.is_bare() {
            return None;
        }
        // One that has ended goes to its lane, as whoever ended it expects.
        let only = self.intake.take_only(gate, |job| job.own_mut().claim())?;
        let job = state.start_at_once(only);
        self.intake.set_credit(gate, state.credit());
        Some(job)
    }

    /// Takes over what is in the intake, and lets submitters go on meanwhile.
    fn take_over(&self, mut gate: MutexGuard<'_, Gate<J>>, state: &mut State<J>) {
        self.fetch(&mut gate, state);
        self.intake.set_credit(&mut gate, state.credit());
        drop(gate);
        state.settle_in();
    }

    /// There is nothing to do, in the intake either.
    fn rest(&self, mut gate: MutexGuard<'_, Gate<J>>, state: &mut State<J>, visit: &Visit<'_, J>) -> Pull<J> {
        let worker = visit.desk.worker;
        let may_look = visit.appetite.looks && visit.from == CameFrom::Task;
        let looks = may_look && state.seekers.look(worker);
        if !looks {
            state.seekers.sleep(worker, visit.waker.clone());
        }
        self.intake.set_credit(&mut gate, state.credit());
        if looks { Pull::Look } else { Pull::Wait }
    }

    /// Drops jobs on the way of a worker, as inside of it: what they drop may use the pool.
    #[inline]
    fn throw_away_at(&self, worker: WorkerId, trash: Vec<J>) {
        if !trash.is_empty() {
            let inside = Inside { pool: self.hub.pool(), worker: Some(worker) };
            current::enter(inside, || throw_away(trash));
        }
    }
}
