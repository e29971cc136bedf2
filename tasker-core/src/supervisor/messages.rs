//! What the supervisor hears and what it answers.

use std::sync::Arc;

use crate::{ExitReason, PoolEvent, SpawnReason, Timestamp, WorkerId};

/// A fact about workers or a wish of the pool's owner.
///
/// News of a worker that is not, or no longer, in a state where it makes sense changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The worker has created its resource.
    Ready(WorkerId),
    /// The worker could not create its resource and ends; there is nothing to destroy.
    CreateFailed(WorkerId, Arc<str>),
    /// The worker completed its first task on this resource.
    FirstTaskDone(WorkerId),
    /// The worker takes no more tasks and begins to destroy its resource.
    Leaving(WorkerId, ExitReason),
    /// The worker is gone. Without a [`Leaving`](Self::Leaving) before it, the worker was lost.
    Exited(WorkerId),
    /// The worker's task ran past its timeout and the grace time, and cannot be interrupted.
    Stuck(WorkerId),
    /// The worker has waited for a task for the burst idle timeout.
    Idle(WorkerId),
    /// Work arrived while [`wants_busy`](super::Supervisor::wants_busy) held.
    Busy,
    /// Every live worker is inside a task that waits for another task of this pool.
    Blocked,
    /// The queue is closed and no task is waiting, delayed or running. To be reported before the last worker
    /// reports that it is [leaving](Self::Leaving) as [drained](ExitReason::Drained): until then tasks may be owed,
    /// and the last worker is replaced.
    Drained,
    /// Stop gracefully, and kill at the deadline if there is one.
    Stop {
        /// When the stop turns into a kill.
        deadline: Option<Timestamp>,
    },
    /// Stop now: drop waiting tasks and cancel running ones.
    Kill,
    /// New bounds for the number of workers. Only while running.
    Resize {
        /// Base workers, taken as 1 if less.
        workers: usize,
        /// The most workers, taken as `workers` if less.
        max_workers: usize,
    },
    /// Have at least this many workers soon, within the bounds. Only while running.
    WarmUp(usize),
}

/// Something the supervisor wants done. Commands are to be carried out in order; none of them is answered, their
/// effect comes back as an [`Event`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start a worker, which creates its resource and reports [`Event::Ready`] or [`Event::CreateFailed`]. If the
    /// start itself fails, that is a failed creation.
    Spawn {
        /// The new worker's id, never used before.
        worker: WorkerId,
        /// What the worker is needed for.
        reason: SpawnReason,
        /// Which attempt at filling this place it is, from 1.
        attempt: u32,
    },
    /// Hand out this many permits to leave: whichever workers next look for a task take one, and leave as
    /// [`ExitReason::Retired`].
    Retire(usize),
    /// Take back as many of the permits as nobody has taken, at most this many.
    Recall(usize),
    /// Accept no more tasks; those accepted still run.
    CloseQueue,
    /// Accept no more tasks, and answer and drop all that have not started, delayed ones too.
    DiscardQueue,
    /// Ask running tasks to stop.
    CancelRunning,
    /// Wait for this worker no longer. If it comes back, it destroys its resource, takes no task, and its
    /// [`Event::Exited`] is still wanted.
    Abandon(WorkerId),
    /// Building the pool is done, or has failed with this error. Given exactly once.
    Started(Result<(), Arc<str>>),
    /// The pool cannot serve: nobody is left to try, this being the last error. A kill follows by itself.
    Fail(Arc<str>),
    /// Tell whoever listens.
    Emit(PoolEvent),
    /// Everybody is gone but those abandoned. The last command there is.
    Terminate,
}

/// How far a pool is on its way from start to end; it only ever moves down this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Serving; wants between `workers` and `max_workers` workers.
    Running,
    /// Stopping gracefully: the accepted tasks are run, then the workers leave.
    Draining,
    /// Stopping at once: waiting for running tasks to notice and for resources to be destroyed.
    Killing,
    /// Over.
    Ended,
}

/// How many workers there are of each kind, at one moment.
///
/// Whenever the supervisor has dealt with an event of a pool that is running or draining and not over its target,
/// `target = creating + live - retiring + backing_off + given_up`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Levels {
    /// Live workers up to the number of base workers.
    pub base: usize,
    /// Live workers beyond it.
    pub burst: usize,
    /// Workers whose resource is ready: `base + burst`. Includes those about to take a permit to leave.
    pub live: usize,
    /// Workers creating their resource.
    pub creating: usize,
    /// Workers destroying their resource.
    pub destroying: usize,
    /// Workers wanted that are not started yet, for a backoff or for want of room.
    pub backing_off: usize,
    /// Workers given up while stuck that have not come back. Outside of `max_workers`.
    pub abandoned: usize,
    /// Permits to leave that no worker is known to have taken.
    pub retiring: usize,
    /// Workers wanted.
    pub target: usize,
    /// Workers wanted whose creation failed more often than it is retried.
    pub given_up: usize,
    /// Workers that a warm-up still waits for; 0 once they are live, or cannot be had in full.
    pub warming: usize,
    /// Warm-ups asked for so far.
    pub warm_ups: u64,
}
