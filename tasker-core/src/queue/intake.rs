//! Where submitters leave tasks without meeting the workers.
//!
//! Workers share one lock, the state's. A submitter that took it too would wait for them, and they for it; so it takes the
//! lock of the intake alone, as long as it has *credit*: room that the state has set aside. Whoever holds the state takes
//! the intake over before it looks at anything, except a worker for which nothing in the intake can go first; so all
//! tasks are seen in their order.
//!
//! Without credit a submitter goes through the state. There is none when a submission has consequences: somebody waits
//! for a task, or for room, or for news; the queue is full; or the pool takes no more.

use crate::ids::TaskId;
use crate::queue::state::{Arrival, Calls};
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Lock, MutexGuard, OwnLine};
use crate::task::job::Job;

/// Where submitters leave tasks without meeting the workers. On cache lines of its own, and what workers look at on
/// another.
#[repr(align(128))]
pub(super) struct Intake<J> {
    gate: Lock<Gate<J>>,
    /// What is inside, as [`Calls`]. Written under the lock, and only when it changes.
    calls: OwnLine<AtomicU8>,
}

/// What is behind the intake's lock.
pub(super) struct Gate<J> {
    jobs: Vec<Arrival<J>>,
    /// How many more may be left here.
    credit: usize,
    /// The id of the last task, if they get theirs here.
    last: u64,
}

impl<J: Job> Intake<J> {
    pub(super) fn new() -> Self {
        Self {
            gate: Lock::new(Gate { jobs: Vec::new(), credit: 0, last: 0 }),
            calls: OwnLine(AtomicU8::new(0)),
        }
    }

    /// Leaves a task that goes to its lane as it comes; hands it back if there is no credit. `true`: it is the only one
    /// here.
    pub(super) fn leave(&self, job: J) -> Result<bool, J> {
        let mut gate = self.gate.lock();
        if gate.credit == 0 {
            return Err(job);
        }
        gate.credit -= 1;
        let core = job.core();
        core.name_it(|| gate.next_id());
        core.place.accept(true);
        let (priority, at) = (core.priority(), core.submitted);
        let calls = Calls(self.calls.0.load(Ordering::Relaxed));
        let with_mine = calls.and(Calls::lane(priority.lane()));
        if with_mine != calls {
            self.calls.0.store(with_mine.0, Ordering::Release);
        }
        gate.jobs.push(Arrival { job, priority, at });
        Ok(gate.jobs.len() == 1)
    }

    /// The lanes of the tasks inside, as far as can be seen from outside.
    pub(super) fn calls(&self) -> Calls {
        Calls(self.calls.0.load(Ordering::Acquire))
    }

    /// Keeps submitters out.
    pub(super) fn shut(&self) -> MutexGuard<'_, Gate<J>> {
        self.gate.lock()
    }

    /// Takes all tasks out, into `jobs`, which is empty. The caller gives credit for what comes then.
    pub(super) fn take_over(&self, gate: &mut Gate<J>, jobs: &mut Vec<Arrival<J>>) {
        std::mem::swap(&mut gate.jobs, jobs);
        if self.calls.0.load(Ordering::Relaxed) != 0 {
            // After what the caller has said of them: workers look here first.
            self.calls.0.store(0, Ordering::Release);
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

    pub(super) fn set_credit(&mut self, credit: usize) {
        self.credit = credit;
    }
}
