//! What a running task knows about itself.

use std::fmt;

use crate::ids::{TaskId, WorkerId};
use crate::sync::Arc;
use crate::task::cell::AnyCell;
use crate::time::Timestamp;

/// What a running task knows about itself.
///
/// On threads a cancelled or timed-out task goes on until it returns; a long one asks
/// [`is_cancelled`](Self::is_cancelled) now and then. On async backends such a task is dropped at its await point.
/// A task that runs while its pool drains is not told to end.
pub struct TaskContext {
    cell: Option<Arc<dyn AnyCell>>,
    attempt: u32,
    worker: Option<WorkerId>,
    killed: Option<Arc<crate::engine::Hub>>,
}

impl TaskContext {
    pub(crate) fn of(cell: Arc<dyn AnyCell>, attempt: u32, worker: WorkerId) -> Self {
        Self { cell: Some(cell), attempt, worker: Some(worker), killed: None }
    }

    /// The context of a `run`, which is no queued task.
    #[doc(hidden)]
    pub fn of_run(hub: Arc<crate::engine::Hub>) -> Self {
        Self { cell: None, attempt: 1, worker: None, killed: Some(hub) }
    }

    /// Whether nobody waits for the result of this attempt any more: it was cancelled, timed out, its deadline
    /// passed, or the pool was killed.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        match (&self.cell, &self.killed) {
            (Some(cell), _) => cell.core().should_stop(),
            (None, Some(hub)) => hub.is_killed(),
            (None, None) => false,
        }
    }

    /// Which attempt this is, the first being 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The task's id; `None` inside `run`.
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.cell.as_ref().map(|cell| cell.core().id)
    }

    /// The task's name, if it was given one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.cell.as_ref().and_then(|cell| cell.core().options.name.as_deref())
    }

    /// The worker that runs it; `None` inside `run`.
    #[must_use]
    pub const fn worker(&self) -> Option<WorkerId> {
        self.worker
    }

    /// When the task must have ended, by the pool's clock.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.cell.as_ref().and_then(|cell| cell.core().deadline())
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext")
            .field("id", &self.id())
            .field("attempt", &self.attempt)
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}
