//! What happened in one step, in the order it happened: what the invariants are checked on.

use tasker_core::engine::Msg;
use tasker_core::metrics::EndKind;
use tasker_core::{Refusal, Timestamp, WorkerId};

use super::script::Brings;

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) enum Fact {
    /// The pool took a task.
    Arrived { task: usize },
    /// The pool did not take it.
    Refused { task: usize },
    /// A task ended.
    Ended { task: usize, how: EndKind },
    /// Its owner is about to cancel it.
    Cancels { task: usize },
    /// The pool was paused or resumed.
    Pauses(bool),
    /// A worker began an attempt on its resource.
    Started { task: usize, worker: WorkerId, attempt: u32, resource: Option<usize> },
    /// An attempt came back; `None` if it was interrupted.
    CameBack { task: usize, worker: WorkerId, result: Option<Brings> },
    /// The task waits for its next attempt, which begins no sooner than `due`.
    Requeued { task: usize, due: Timestamp },
    /// A worker with the task was dropped.
    Lost { task: Option<usize> },
    /// The control loop is about to see a message.
    Delivered(Msg),
    /// The control loop has made a turn.
    Turned,
    /// A worker was started.
    Launched(WorkerId),
    /// A worker could not be started.
    LaunchFailed,
    /// A resource was made, by a worker or for `run`.
    Created { resource: usize, worker: Option<WorkerId> },
    /// A resource must not be used any more.
    Sickened { resource: usize },
    /// A resource's destruction began.
    Destroys { resource: usize },
    /// A resource was dropped with whoever held it.
    Dropped { resource: usize },
    /// A `run` began to use a resource.
    RunStarted { resource: usize },
    /// Someone who asked for room, or waited for it, was refused.
    NoRoom { why: Refusal },
    /// Someone got room for a task; with the place in line of one who waited for it.
    GotRoom { place: Option<u64> },
    /// A task is about to be submitted by someone who was given room before.
    SpendsRoom,
    /// A task is about to wait for another, on its worker.
    Nests { worker: WorkerId, target: usize },
    /// It does not wait any more; `refused`: it was told that it would wait for ever.
    NestOver { worker: WorkerId, refused: bool },
    /// A worker's resource was looked at while idle, and is good.
    Probed { worker: WorkerId },
    /// A `run` gave its resource back to the reserve.
    PutBack { resource: usize },
    /// Nothing can move before time does.
    Quiet,
    /// The pool has ended.
    Over,
    /// Everything is gone.
    Finished,
}
