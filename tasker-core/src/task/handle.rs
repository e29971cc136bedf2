//! What a submitter holds.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::engine::{Hub, Target};
use crate::error::TaskError;
use crate::ids::TaskId;
use crate::parker::Parker;
use crate::spin::spin_until;
use crate::sync::Arc;
use crate::task::state::Finished;
use crate::task::{Cell, End, HasCell};

/// A submitted task: awaitable from any runtime, blockable from any thread.
///
/// A handle always resolves: with the task's value or with a [`TaskError`] that says what happened instead.
/// Dropping it detaches the task, which runs on; ask [`cancel_on_drop`](Self::cancel_on_drop) for the other way.
///
/// # Cancel safety
///
/// Dropping the handle while it is awaited gives the result up, not the task. To give up only the wait, await
/// `&mut handle`.
///
/// # Panics
///
/// Polling it again after it gave its result.
#[must_use = "dropping a handle detaches its task; say so with `.detach()`"]
pub struct TaskHandle<T, E> {
    task: Arc<dyn HasCell<T, E>>,
    hub: Arc<Hub>,
    cancel_on_drop: bool,
    /// It may be noted as one that a task of the same pool waits for.
    nested: bool,
    /// No task waited before it and nobody was woken for it: the result may come sooner than whoever blocks would sleep.
    is_next: bool,
    /// The result was taken, or never will be there: nothing is left to give up.
    is_over: bool,
}

/// What became of a [`TaskHandle::cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The task had not started, and never will.
    BeforeStart,
    /// The task was running. Its handle is resolved; the attempt is dropped at its next await point on async
    /// backends, and told through its context on threads.
    WhileRunning,
    /// The task had ended already; its result stands.
    TooLate,
}

impl<T, E> TaskHandle<T, E> {
    pub(crate) fn new(task: Arc<dyn HasCell<T, E>>, hub: Arc<Hub>, is_next: bool) -> Self {
        Self { task, hub, cancel_on_drop: false, nested: false, is_next, is_over: false }
    }

    fn cell(&self) -> &Cell<T, E> {
        self.task.cell()
    }

    /// The task's id, as events and reports name it.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.cell().core().id
    }

    /// Whether the result is there to be taken without waiting.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.cell().is_full()
    }

    /// Ends the task, if it has not ended, with [`TaskError::Cancelled`]. Its handle resolves at once, whether or not its
    /// worker has come back.
    pub fn cancel(&self) -> CancelOutcome {
        match self.cell().cut(&self.hub, End::Cancelled) {
            Some(Finished::Waiting) => CancelOutcome::BeforeStart,
            Some(Finished::Running) => {
                self.hub.arm_grace(self.cell().core());
                CancelOutcome::WhileRunning
            }
            None => CancelOutcome::TooLate,
        }
    }

    /// Lets the task run without anybody waiting for its result.
    pub fn detach(mut self) {
        self.cancel_on_drop = false;
    }

    /// Cancels the task when this handle is dropped before the result was taken.
    pub fn cancel_on_drop(mut self) -> Self {
        self.cancel_on_drop = true;
        self
    }

    /// Calls `callback` with the result once it is there: right here if it is there already, else on whatever brings the
    /// task's end about (its worker, whoever cancels or displaces it, the control loop). So it should be short.
    ///
    /// A panic in the callback is reported as an event and harms nobody. If the result was taken before, the callback
    /// is dropped.
    pub fn on_complete(mut self, callback: impl FnOnce(Result<T, TaskError<E>>) + Send + 'static)
    where
        T: 'static,
        E: 'static,
    {
        self.cancel_on_drop = false;
        self.cell().on_complete(&self.hub, Box::new(callback));
    }

    /// Blocks the current thread until the result is there. Not for use inside async code, where `.await` is.
    ///
    /// # Errors
    ///
    /// What became of the task instead of a value.
    ///
    /// # Panics
    ///
    /// If the result was taken before.
    pub fn wait(mut self) -> Result<T, TaskError<E>> {
        if self.is_next {
            let core = self.cell().core();
            // How long a task runs is not known: a fraction of what a worker is given.
            spin_until(self.hub.spin() / 4, || core.has_ended());
        }
        Parker::with_current(|parker| {
            let waker = parker.waker();
            loop {
                if let Poll::Ready(result) = self.poll_result(&waker) {
                    return result;
                }
                parker.park();
            }
        })
    }

    /// Blocks for at most `timeout` by the pool's clock; `None` if the result was not there by then. The task goes on,
    /// and a later wait gets its result. Not for use inside async code.
    ///
    /// # Errors
    ///
    /// What became of the task instead of a value.
    ///
    /// # Panics
    ///
    /// If the result was taken before.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Option<Result<T, TaskError<E>>> {
        let clock = Arc::clone(self.hub.clock());
        let deadline = clock.now().saturating_add(timeout);
        Parker::with_current(|parker| {
            let waker = parker.waker();
            loop {
                if let Poll::Ready(result) = self.poll_result(&waker) {
                    return Some(result);
                }
                if clock.now() >= deadline {
                    self.leave_nested();
                    return None;
                }
                clock.park_until(parker, deadline);
            }
        })
    }

    fn poll_result(&mut self, waker: &std::task::Waker) -> Poll<Result<T, TaskError<E>>> {
        let mut polled = self.cell().poll_take(waker);
        if polled.is_pending() {
            if self.hub.enter_nested(self.cell().core(), waker).is_err() {
                return Poll::Ready(Err(TaskError::WouldDeadlock));
            }
            self.nested = true;
            if self.cell().is_full() {
                polled = self.cell().poll_take(waker);
            }
        }
        if polled.is_ready() {
            self.leave_nested();
            self.cancel_on_drop = false;
            self.is_over = true;
        }
        polled
    }

    fn leave_nested(&mut self) {
        if std::mem::take(&mut self.nested) {
            self.hub.nested().leave(Target::Task(self.id()));
        }
    }
}

impl<T, E> Future for TaskHandle<T, E> {
    type Output = Result<T, TaskError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_result(cx.waker())
    }
}

impl<T, E> Drop for TaskHandle<T, E> {
    fn drop(&mut self) {
        if self.cancel_on_drop {
            self.cancel();
        }
        self.leave_nested();
        if !self.is_over {
            self.cell().detach();
        }
    }
}

impl<T, E> fmt::Debug for TaskHandle<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle").field("id", &self.id()).finish_non_exhaustive()
    }
}
