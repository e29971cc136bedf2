//! A task as the queue and the workers hold it.

use std::fmt;

use crate::engine::Hub;
use crate::error::TaskError;
use crate::sync::Arc;
use crate::task::sole::{Close, Key, Sole, Task, Work};
use crate::task::{End, TaskCore};

/// A task as the queue and the workers hold it: its result's type is hidden inside.
///
/// A job that is dropped before its task has ended resolves its handle as killed, so that no handle is forgotten
/// wherever a job may be lost; but only [`Owed`](crate::engine::Owed) tells the pool of that.
pub trait Job: Send + Sized + 'static {
    /// The error of the pool's resource.
    type Error: fmt::Debug + fmt::Display + Send + 'static;
    /// The task, whatever its result.
    type Task: AnyTask<Error = Self::Error> + ?Sized;

    /// The task's owner.
    fn own(&self) -> &Sole<Self::Task>;

    /// The task's owner, to work with.
    fn own_mut(&mut self) -> &mut Sole<Self::Task>;

    /// The task's owner, for good.
    fn into_own(self) -> Sole<Self::Task>;

    /// The part of the state that everybody may see.
    #[inline]
    fn core(&self) -> &TaskCore {
        self.own().core()
    }

    /// Puts the end into the handle of a task of this pool. For the winner of the task's end alone.
    #[inline]
    fn fill(self, hub: &Hub, end: JobEnd<Self::Error>) {
        let mut own = self.into_own();
        if let JobEnd::Error(error) = end {
            let (task, key) = own.open();
            task.fail(key, error);
        }
        hub.publish_result(own);
    }

    /// Tells the handle of a task of this pool of an end that is not its own doing. For the winner of the task's end alone.
    fn end_early(self, hub: &Hub, end: &End) {
        let own = self.into_own();
        let waker = own.publish_early(own.core().note(end));
        hub.wake_waiter(own.core(), waker);
    }
}

impl<D: ?Sized + AnyTask + 'static> Job for Sole<D> {
    type Error = D::Error;
    type Task = D;

    #[inline]
    fn own(&self) -> &Self {
        self
    }

    #[inline]
    fn own_mut(&mut self) -> &mut Self {
        self
    }

    #[inline]
    fn into_own(self) -> Self {
        self
    }
}

/// How a job that a worker ran ends.
#[derive(Debug)]
pub enum JobEnd<E> {
    /// With the value that the last attempt left in the job.
    Value,
    /// With an error.
    Error(TaskError<E>),
}

/// What came of one attempt.
#[derive(Debug)]
pub enum Attempt<E> {
    /// It left a value in the job.
    Value,
    /// It returned an error.
    Error(E),
    /// It panicked.
    Panicked(Arc<str>),
    /// It was dropped at an await point, since nobody waits for it any more.
    Interrupted,
}

impl<W, T, E> Work<W, T, E> {
    /// Notes what an attempt returned.
    #[inline]
    pub fn note(&mut self, result: Result<T, E>) -> Attempt<E> {
        match result {
            Ok(value) => {
                self.leave(Ok(value));
                Attempt::Value
            }
            Err(error) => Attempt::Error(error),
        }
    }
}

/// A task, whatever its work and its result: what the [`Job`] of every backend needs of it.
pub trait AnyTask: Close {
    /// The error of the pool's resource.
    type Error: fmt::Debug + fmt::Display + Send + 'static;

    /// Leaves an error as its result.
    fn fail(&self, key: Key<'_>, error: TaskError<Self::Error>);
}

impl<W, T, E> AnyTask for Task<W, T, E>
where
    W: Send + 'static,
    T: Send + 'static,
    E: fmt::Debug + fmt::Display + Send + 'static,
{
    type Error = E;

    fn fail(&self, key: Key<'_>, error: TaskError<E>) {
        self.work(key).leave(Err(error));
    }
}
