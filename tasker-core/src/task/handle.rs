//! What a submitter holds.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::engine::{Seat, Target, is_in_stream, quietly, try_here};
use crate::error::TaskError;
use crate::ids::TaskId;
use crate::parker::Parker;
use crate::queue::Comes;
use crate::spin::{spin_until, yield_until};
use crate::sync::Arc;
use crate::task::{End, Finished, Taker, on_complete};

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
    task: Taker<T, E>,
    hub: Seat,
    cancel_on_drop: bool,
    /// It may be noted as one that a task of the same pool waits for.
    nested: bool,
    comes: Comes,
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
    pub(crate) const fn new(task: Taker<T, E>, hub: Seat, comes: Comes) -> Self {
        Self { task, hub, cancel_on_drop: false, nested: false, comes }
    }

    /// The task's id, as events and reports name it.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task.core().id()
    }

    /// Whether the result is there to be taken without waiting.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_ready()
    }

    /// Ends the task, if it has not ended, with [`TaskError::Cancelled`]. Its handle resolves at once, whether or not its
    /// worker has come back.
    pub fn cancel(&self) -> CancelOutcome {
        match self.task.cut(&self.hub, &End::Cancelled) {
            Some(Finished::Waiting) => CancelOutcome::BeforeStart,
            Some(Finished::Running) => {
                self.hub.arm_grace(self.task.core());
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
        T: Send + 'static,
        E: Send + 'static,
    {
        self.cancel_on_drop = false;
        on_complete::call(self, callback);
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
        self.look_again();
        if let Some(result) = self.take_ready() {
            self.cancel_on_drop = false;
            return result;
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

    /// Looks again before this thread sleeps, where that pays.
    fn look_again(&self) {
        let (rounds, is_ready) = (self.hub.spin(), || self.task.is_ready());
        if rounds == 0 || is_ready() {
            return;
        }
        match self.comes {
            // How long a task runs is not known: a fraction of what a worker is given.
            Comes::Soon => {
                spin_until(rounds / 4, is_ready);
            }
            // Inside of a task of the same pool a wait is to be noted at once.
            _ if self.hub.is_inside() => {}
            // It takes its time to come: up to what it takes to sleep, and to be called in turn.
            Comes::Called => try_here(|| spin_until(rounds.saturating_mul(4), is_ready)),
            Comes::Later if is_in_stream(self.hub.pool(), self.id()) => {
                yield_until(rounds, is_ready);
            }
            Comes::Later => {}
        }
    }

    fn poll_result(&mut self, waker: &Waker) -> Poll<Result<T, TaskError<E>>> {
        if !self.task.is_ready() && self.task.listen(waker) {
            if self.hub.enter_nested(self.task.core(), waker).is_err() {
                return Poll::Ready(Err(TaskError::WouldDeadlock));
            }
            self.nested = true;
        }
        // It may have come meanwhile.
        let Some(result) = self.take_ready() else { return Poll::Pending };
        self.leave_nested();
        self.cancel_on_drop = false;
        Poll::Ready(result)
    }

    /// The result, if it is there.
    pub(super) fn take_ready(&mut self) -> Option<Result<T, TaskError<E>>> {
        self.task.take(&self.hub)
    }

    pub(super) const fn hub(&self) -> &Seat {
        &self.hub
    }

    /// Has `waker` called when the result is there. `false`: it is there already.
    pub(super) fn listen(&mut self, waker: &Waker) -> bool {
        self.task.listen(waker)
    }

    /// Has nobody called any more.
    pub(super) fn unlisten(&mut self) {
        let waker = self.task.unlisten();
        quietly(|| drop(waker));
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
    }
}

impl<T, E> fmt::Debug for TaskHandle<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle").field("id", &self.id()).finish_non_exhaustive()
    }
}
