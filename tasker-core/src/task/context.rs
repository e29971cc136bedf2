//! What a running task knows about itself.

use std::fmt;
use std::task::Waker;

use crate::engine::Hub;
use crate::ids::{TaskId, WorkerId};
use crate::sync::{Arc, Lock};
use crate::task::cell::AnyCell;
use crate::task::on_cancel::{Callbacks, OnCancel};
use crate::time::Timestamp;

/// What a running task knows about itself.
///
/// On threads a cancelled or timed-out task goes on until it returns; a long one asks
/// [`is_cancelled`](Self::is_cancelled) now and then. On async backends such a task is dropped at its await point.
/// A task that runs while its pool drains is not told to end.
pub struct TaskContext {
    of: Of,
    attempt: u32,
    worker: Option<WorkerId>,
    /// Made when first asked for.
    callbacks: Lock<Option<Arc<Callbacks>>>,
}

/// What it is the context of.
enum Of {
    Task(Arc<dyn AnyCell>),
    Run(Arc<Hub>),
}

impl TaskContext {
    pub(crate) fn of(cell: Arc<dyn AnyCell>, attempt: u32, worker: WorkerId) -> Self {
        Self { of: Of::Task(cell), attempt, worker: Some(worker), callbacks: Lock::default() }
    }

    /// The context of a `run`, which is no queued task.
    #[doc(hidden)]
    pub fn of_run(hub: Arc<Hub>) -> Self {
        Self { of: Of::Run(hub), attempt: 1, worker: None, callbacks: Lock::default() }
    }

    /// Whether nobody waits for the result of this attempt any more: it was cancelled, timed out, its deadline
    /// passed, or the pool was killed.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        match &self.of {
            Of::Task(cell) => cell.core().should_stop(),
            Of::Run(hub) => hub.is_killed(),
        }
    }

    /// Arms a callback for when [`is_cancelled`](Self::is_cancelled) comes true; calls it at once if it is true. For
    /// threads: on async backends the waker of the task's future has the place that this needs.
    #[doc(hidden)]
    pub fn arm_on_cancel(&self, callback: Box<dyn FnOnce() + Send>) -> OnCancel<'_> {
        let callbacks = self.callbacks();
        let armed = OnCancel::arm(Arc::clone(&callbacks), callback);
        if let Of::Task(cell) = &self.of {
            cell.core().watch(&Waker::from(Arc::clone(&callbacks)));
        }
        if self.is_cancelled() {
            callbacks.call();
        }
        armed
    }

    /// Calls the armed callbacks. For whoever sees to a `run`'s being told of a kill.
    #[doc(hidden)]
    #[must_use]
    pub fn cancel_waker(&self) -> Waker {
        Waker::from(self.callbacks())
    }

    fn callbacks(&self) -> Arc<Callbacks> {
        let hub = match &self.of {
            Of::Task(cell) => &cell.core().hub,
            Of::Run(hub) => hub,
        };
        let mut callbacks = self.callbacks.lock();
        Arc::clone(callbacks.get_or_insert_with(|| Arc::new(Callbacks::new(Arc::clone(hub)))))
    }

    fn cell(&self) -> Option<&Arc<dyn AnyCell>> {
        match &self.of {
            Of::Task(cell) => Some(cell),
            Of::Run(_) => None,
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
        self.cell().map(|cell| cell.core().id)
    }

    /// The task's name, if it was given one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.cell().and_then(|cell| cell.core().options.name.as_deref())
    }

    /// The worker that runs it; `None` inside `run`.
    #[must_use]
    pub const fn worker(&self) -> Option<WorkerId> {
        self.worker
    }

    /// When the task must have ended, by the pool's clock.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.cell().and_then(|cell| cell.core().deadline())
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
