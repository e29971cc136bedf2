//! Where submitters leave tasks without meeting the workers.
//!
//! Workers share one lock, the state's. A submitter that took it too would wait for them, and they for it; so it takes the
//! lock of the intake alone, as long as it has *credit*: room that the state has set aside. Whoever holds the state takes
//! the intake over before it looks at anything, except a worker for which nothing in the intake can go first; so all
//! tasks are seen in their order.
//!
//! Credit can be set aside for a task that is about to come, so that there will be room for it. Who takes the intake over
//! makes a grant of that, and from then on the task comes through the state. Two look at the intake without taking it over:
//! a worker that starts the only task there is, and one that finds nothing and goes to sleep. What was set aside stays where
//! it is then; so a task that comes for it looks whether there is credit still (`is_open`), or a sleeper is to be called.
//!
//! Without credit a submitter goes through the state. There is none when a submission has consequences: somebody waits
//! for a task, or for room, or for news; the queue is full; or the pool takes no more.

use crate::ids::TaskId;
use crate::queue::arrivals::{Arrival, Arrivals};
use crate::queue::state::Calls;
use crate::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use crate::sync::{Lock, MutexGuard, OwnLine};
use crate::task::job::Job;

/// Where submitters leave tasks without meeting the workers. On cache lines of its own, and what workers look at on
/// another.
#[repr(align(128))]
pub(super) struct Intake<J> {
    gate: Lock<Gate<J>>,
    sign: OwnLine<Sign>,
}

/// What can be seen of the intake from outside. Written under its lock, and only when it changes.
struct Sign {
    /// What is inside, as [`Calls`].
    calls: AtomicU8,
    /// There was no credit when it was last given. Whoever believes it goes through the state, which is never wrong.
    is_closed: AtomicBool,
}

/// Room that was set aside. Whoever takes the intake over makes a grant of it.
#[derive(Clone, Copy)]
pub(super) struct Aside {
    round: u64,
}

/// What is behind the intake's lock.
pub(super) struct Gate<J> {
    pub(super) jobs: Arrivals<J>,
    /// How many more may be left here.
    pub(super) credit: usize,
    /// There was credit when it was last given, less what is here and what was set aside.
    pub(super) is_open: bool,
    /// Room that was set aside of the credit, since `round` began.
    pub(super) aside: usize,
    /// How often the state has taken note of what was set aside.
    round: u64,
    /// The id of the last task, if they get theirs here.
    last: u64,
}

impl<J: Job> Intake<J> {
    pub(super) fn new() -> Self {
        Self {
            gate: Lock::new(Gate {
                jobs: Arrivals::new(),
                credit: 0,
                is_open: false,
                aside: 0,
                round: 0,
                last: 0,
            }),
            sign: OwnLine(Sign { calls: AtomicU8::new(0), is_closed: AtomicBool::new(true) }),
        }
    }

    /// Leaves a task that goes to its lane as it comes; hands it back if there is no credit. `true`: it is the only one
    /// here.
    pub(super) fn leave(&self, job: J) -> Result<bool, J> {
        if !self.is_open() {
            return Err(job);
        }
        let mut gate = self.gate.lock();
        if gate.credit == 0 {
            return Err(job);
        }
        gate.credit -= 1;
        Ok(self.put(&mut gate, job))
    }

    /// Whether there may be credit, as far as can be seen from outside.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        !self.sign.0.is_closed.load(Ordering::Relaxed)
    }

    /// Sets room aside for a task that is about to come, if there is credit.
    pub(super) fn set_aside(&self) -> Option<Aside> {
        if !self.is_open() {
            return None;
        }
        let mut gate = self.gate.lock();
        gate.credit = gate.credit.checked_sub(1)?;
        gate.aside += 1;
        Some(Aside { round: gate.round })
    }

    /// [`leave`](Self::leave), with room that was set aside; hands the task back if the state has to know of it.
    pub(super) fn leave_aside(&self, job: J, aside: Aside) -> Result<bool, J> {
        let mut gate = self.gate.lock();
        if gate.round != aside.round || !gate.is_open {
            return Err(job);
        }
        gate.aside -= 1;
        Ok(self.put(&mut gate, job))
    }

    /// Room that was set aside is not needed. `false`: by now it is the state's, as a grant.
    pub(super) fn give_back(&self, aside: Aside) -> bool {
        let mut gate = self.gate.lock();
        let is_here = gate.round == aside.round;
        if is_here {
            gate.aside -= 1;
            gate.credit += usize::from(gate.is_open);
        }
        is_here
    }

    /// Puts a task in whatever the credit. `true`: it is the only one here.
    pub(super) fn put(&self, gate: &mut Gate<J>, job: J) -> bool {
        let core = job.core();
        core.name_it(|| gate.next_id());
        core.place.accept(true);
        let (priority, at) = (core.priority(), core.submitted);
        let calls = Calls(self.sign.0.calls.load(Ordering::Relaxed));
        let with_mine = calls.and(Calls::lane(priority.lane()));
        if with_mine != calls {
            self.sign.0.calls.store(with_mine.0, Ordering::Release);
        }
        gate.jobs.push(Arrival { job, priority, at })
    }

    /// The lanes of the tasks inside, as far as can be seen from outside.
    pub(super) fn calls(&self) -> Calls {
        Calls(self.sign.0.calls.load(Ordering::Acquire))
    }

    /// Keeps submitters out.
    pub(super) fn shut(&self) -> MutexGuard<'_, Gate<J>> {
        self.gate.lock()
    }

    /// Takes all tasks out, into `jobs`, which is empty. The caller gives credit for what comes then.
    pub(super) fn take_over(&self, gate: &mut Gate<J>, jobs: &mut Arrivals<J>) {
        std::mem::swap(&mut gate.jobs, jobs);
        self.has_nothing();
    }

    /// Takes out the one task inside, if there is no other and `take` says so.
    pub(super) fn take_only(
        &self,
        gate: &mut Gate<J>,
        take: impl FnOnce(&mut J) -> bool,
    ) -> Option<Arrival<J>> {
        let only = gate.jobs.take_only(take)?;
        self.has_nothing();
        Some(only)
    }

    fn has_nothing(&self) {
        let calls = &self.sign.0.calls;
        if calls.load(Ordering::Relaxed) != 0 {
            // After what the caller has said of them: workers look here first.
            calls.store(0, Ordering::Release);
        }
    }

    /// Says how many tasks may be left here, with those that are.
    pub(super) fn set_credit(&self, gate: &mut Gate<J>, credit: usize) {
        gate.credit = credit.saturating_sub(gate.jobs.len() + gate.aside);
        gate.is_open = credit > 0;
        let (is_closed, closed) = (&self.sign.0.is_closed, gate.credit == 0);
        if is_closed.load(Ordering::Relaxed) != closed {
            is_closed.store(closed, Ordering::Relaxed);
        }
    }
}

impl<J> Gate<J> {
    /// The id of a new task. In the order in which they come.
    pub(super) const fn next_id(&mut self) -> TaskId {
        self.last += 1;
        TaskId::new(self.last)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Has the caller take note of the room that was set aside: how much that is.
    pub(super) fn take_aside(&mut self) -> usize {
        let aside = std::mem::take(&mut self.aside);
        self.round += u64::from(aside > 0);
        aside
    }
}
