//! What a running task knows about itself.

use std::fmt;
use std::task::Waker;
use std::time::Duration;

use crate::engine::{Hub, Post};
use crate::ids::{TaskId, WorkerId};
use crate::sync::{Arc, Lock};
use crate::task::on_cancel::{Callbacks, OnCancel};
use crate::task::{Shared, TaskCore};
use crate::time::Timestamp;

/// What a running task knows about itself.
///
/// On threads a cancelled or timed-out task goes on until it returns; a long one asks
/// [`is_cancelled`](Self::is_cancelled) now and then. On async backends such a task is dropped at its await point.
/// A task that runs while its pool drains is not told to end.
pub struct TaskContext {
    hub: Arc<Hub>,
    of: Of,
    /// Made when first asked for.
    callbacks: Lock<Option<Arc<Callbacks>>>,
}

/// What it is the context of.
enum Of {
    Run,
    /// A worker's: the attempt that it is inside of.
    Worker(Arc<Post>, Option<Inside>),
}

struct Inside {
    task: Shared,
    attempt: u32,
}

impl TaskContext {
    /// The context of what `run` runs on one resource, one task after the other; none of them is queued.
    pub(crate) fn of_runs(hub: Arc<Hub>) -> Self {
        Self { hub, of: Of::Run, callbacks: Lock::default() }
    }

    /// The context of what a worker runs, one attempt after the other.
    pub(crate) fn of_worker(hub: Arc<Hub>, post: Arc<Post>) -> Self {
        Self { hub, of: Of::Worker(post, None), callbacks: Lock::default() }
    }

    /// An attempt begins.
    #[inline]
    pub(crate) fn enter(&mut self, task: Shared, attempt: u32) {
        if let Of::Worker(_, inside) = &mut self.of {
            *inside = Some(Inside { task, attempt });
        }
    }

    /// The attempt is over; its task.
    #[inline]
    pub(crate) fn leave(&mut self) -> Option<Shared> {
        *self.callbacks.get_mut() = None;
        match &mut self.of {
            Of::Worker(_, inside) => inside.take().map(|inside| inside.task),
            Of::Run => None,
        }
    }

    #[inline]
    fn inside(&self) -> Option<&Inside> {
        match &self.of {
            Of::Worker(_, inside) => inside.as_ref(),
            Of::Run => None,
        }
    }

    /// Whether nobody waits for the result of this attempt any more: it was cancelled, timed out, its deadline
    /// passed, or the pool was killed.
    #[must_use]
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.inside().map_or_else(|| self.hub.is_killed(), |inside| inside.task.should_stop())
    }

    /// Arms a callback for when [`is_cancelled`](Self::is_cancelled) comes true; calls it at once if it is true. For
    /// threads: on async backends the waker of the task's future has the place that this needs.
    #[doc(hidden)]
    pub fn arm_on_cancel(&self, callback: Box<dyn FnOnce() + Send>) -> OnCancel<'_> {
        let callbacks = self.callbacks();
        let armed = OnCancel::arm(Arc::clone(&callbacks), callback);
        match &self.of {
            Of::Worker(post, _) => post.watch(&Waker::from(Arc::clone(&callbacks))),
            Of::Run => self.hub.runs().watch(&callbacks),
        }
        callbacks.look();
        armed
    }

    fn callbacks(&self) -> Arc<Callbacks> {
        let mut callbacks = self.callbacks.lock();
        let make = || {
            let task = self.inside().map(|inside| inside.task.clone());
            Arc::new(Callbacks::new(Arc::clone(&self.hub), task))
        };
        Arc::clone(callbacks.get_or_insert_with(make))
    }

    #[inline]
    fn core(&self) -> Option<&TaskCore> {
        self.inside().map(|inside| &*inside.task)
    }

    /// Which attempt this is, the first being 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.inside().map_or(1, |inside| inside.attempt)
    }

    /// The task's id; `None` inside `run`.
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.core().map(TaskCore::id)
    }

    /// The task's name, if it was given one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.core().and_then(|core| core.name()).map(|name| &**name)
    }

    /// The worker that runs it; `None` inside `run`.
    #[must_use]
    pub fn worker(&self) -> Option<WorkerId> {
        match &self.of {
            Of::Worker(post, _) => Some(post.id),
            Of::Run => None,
        }
    }

    /// When the task must have ended, by the pool's clock; `None` without a deadline. [`remaining`](Self::remaining) says how
    /// long that is from now.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.core().and_then(TaskCore::deadline)
    }

    /// How long the task may take still, for calls that take a time limit: until its deadline, and zero once that has
    /// passed. `None` without a deadline.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline().map(|deadline| deadline.saturating_since(self.hub.now()))
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext")
            .field("id", &self.id())
            .field("attempt", &self.attempt())
            .field("worker", &self.worker())
            .finish_non_exhaustive()
    }
}
