//! Where a task's owner and its worker meet: its state, and the slot of its result.

use std::fmt;
use std::task::{Poll, Waker};

use crate::engine::{Hub, Target, quietly};
use crate::error::TaskError;
use crate::sync::{Arc, Lock};
use crate::task::state::{Finished, TaskCore};
use crate::task::{End, Task};

/// What a handle's owner may have called when the task ends.
pub(crate) type Callback<T, E> = Box<dyn FnOnce(Result<T, TaskError<E>>) + Send>;

enum Slot<T, E> {
    Empty(Option<Waker>),
    Callback(Callback<T, E>),
    Detached,
    Full(Result<T, TaskError<E>>),
    Taken,
}

impl<T, E> Slot<T, E> {
    fn take(&mut self) -> Option<Result<T, TaskError<E>>> {
        match std::mem::replace(self, Self::Taken) {
            Self::Full(result) => Some(result),
            Self::Empty(_) | Self::Callback(_) | Self::Detached | Self::Taken => None,
        }
    }
}

/// What is left to do, under no lock, once a result has its place.
enum Next<T, E> {
    /// It is there; whoever waits is woken.
    Wake(Option<Waker>),
    Call(Callback<T, E>, Result<T, TaskError<E>>),
    /// Nobody wants it.
    Drop(Result<T, TaskError<E>>),
}

/// A task's state and the place of its result.
pub struct Cell<T, E> {
    core: TaskCore,
    slot: Lock<Slot<T, E>>,
}

impl<T, E> fmt::Debug for Cell<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell").field("core", &self.core).finish_non_exhaustive()
    }
}

/// A cell whatever its result: what can end a task early.
pub trait AnyCell: Send + Sync + fmt::Debug {
    /// The part that does not depend on the result.
    fn core(&self) -> &TaskCore;

    /// Ends the task of this pool, if it has not ended. `true` if this call ended it.
    #[doc(hidden)]
    fn end_early(&self, hub: &Hub, end: End) -> bool;
}

impl<W: Send, T: Send, E: Send> AnyCell for Task<W, T, E> {
    fn core(&self) -> &TaskCore {
        self.cell().core()
    }

    fn end_early(&self, hub: &Hub, end: End) -> bool {
        self.cell().cut(hub, end).is_some()
    }
}

/// A task whatever its work: what its handle needs.
pub trait HasCell<T, E>: Send + Sync {
    /// Its state, and the slot of its result.
    fn cell(&self) -> &Cell<T, E>;

    /// The same task, whatever its result.
    fn any(self: Arc<Self>) -> Arc<dyn AnyCell>;
}

impl<W, T, E> HasCell<T, E> for Task<W, T, E>
where
    W: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn cell(&self) -> &Cell<T, E> {
        Self::cell(self)
    }

    fn any(self: Arc<Self>) -> Arc<dyn AnyCell> {
        self
    }
}

impl<T, E> Cell<T, E> {
    pub(crate) fn new(core: TaskCore) -> Self {
        Self { core, slot: Lock::new(Slot::Empty(None)) }
    }

    /// The part that does not depend on the result.
    pub fn core(&self) -> &TaskCore {
        &self.core
    }

    /// Ends the task with `end`, tells the running attempt, and gives its place in the queue back.
    pub(crate) fn cut(&self, hub: &Hub, end: End) -> Option<Finished> {
        let was = self.core.finish()?;
        hub.count_end(&self.core, end.kind());
        self.fill(hub, Err(end.into()));
        match was {
            Finished::Waiting => hub.forfeit(&self.core),
            Finished::Running => hub.roster().wake_attempt(&self.core),
        }
        Some(was)
    }

    /// Puts the result where the handle finds it. For whoever decided the task's end, alone.
    pub(crate) fn fill(&self, hub: &Hub, result: Result<T, TaskError<E>>) {
        match self.put(result) {
            Next::Wake(waker) => {
                // Whoever waits for it is not blocked any more, though it may take a while to notice.
                hub.nested().leave(Target::Task(self.core.id));
                if let Some(waker) = waker {
                    hub.guard("Waker::wake", || waker.wake());
                }
            }
            Next::Call(callback, result) => {
                hub.guard("on_complete", || callback(result));
            }
            Next::Drop(result) => {
                hub.guard("drop of a result", || drop(result));
            }
        }
    }

    /// Resolves the handle of a task that was lost, out of sight of its pool.
    pub(crate) fn lose(&self) {
        // The first look costs less, and is usually all it takes.
        if self.core.has_ended() || self.core.finish().is_none() {
            return;
        }
        let next = self.put(Err(TaskError::Killed));
        quietly(|| match next {
            Next::Wake(waker) => waker.into_iter().for_each(Waker::wake),
            Next::Call(callback, result) => callback(result),
            Next::Drop(result) => drop(result),
        });
    }

    fn put(&self, result: Result<T, TaskError<E>>) -> Next<T, E> {
        let mut slot = self.slot.lock();
        match std::mem::replace(&mut *slot, Slot::Taken) {
            Slot::Empty(waker) => {
                *slot = Slot::Full(result);
                Next::Wake(waker)
            }
            Slot::Callback(callback) => Next::Call(callback, result),
            Slot::Detached | Slot::Taken | Slot::Full(_) => Next::Drop(result),
        }
    }

    /// The result, if it is there; otherwise leaves `waker` to be woken by it.
    pub(crate) fn poll_take(&self, waker: &Waker) -> Poll<Result<T, TaskError<E>>> {
        let mut slot = self.slot.lock();
        match &mut *slot {
            Slot::Empty(kept) => {
                match kept {
                    Some(kept) if kept.will_wake(waker) => {}
                    kept => *kept = Some(waker.clone()),
                }
                Poll::Pending
            }
            Slot::Full(_) | Slot::Callback(_) | Slot::Detached | Slot::Taken => {
                let taken = slot.take();
                drop(slot);
                Poll::Ready(taken.expect("a task's result can be taken only once"))
            }
        }
    }

    /// Whether a result waits to be taken.
    pub(crate) fn is_full(&self) -> bool {
        matches!(&*self.slot.lock(), Slot::Full(_))
    }

    /// Nobody will take the result.
    pub(crate) fn detach(&self) {
        let mut slot = self.slot.lock();
        if matches!(&*slot, Slot::Callback(_)) {
            return;
        }
        let before = std::mem::replace(&mut *slot, Slot::Detached);
        drop(slot);
        drop(before);
    }

    /// Calls `callback` with the result, now or when it comes.
    pub(crate) fn on_complete(&self, hub: &Hub, callback: Callback<T, E>) {
        let mut slot = self.slot.lock();
        match std::mem::replace(&mut *slot, Slot::Detached) {
            Slot::Full(result) => {
                drop(slot);
                hub.guard("on_complete", || callback(result));
            }
            Slot::Empty(_) => *slot = Slot::Callback(callback),
            before @ (Slot::Callback(_) | Slot::Detached | Slot::Taken) => *slot = before,
        }
    }
}
