//! A task as the queue and the workers hold it.

use std::fmt;

use crate::engine::Hub;
use crate::error::TaskError;
use crate::sync::Arc;
use crate::task::sole::{Close, Key, Sole, Task};
use crate::task::{AnyCell, TaskCore};

/// A task as the queue and the workers hold it: its result's type is hidden inside.
///
/// A job that is dropped before its task has ended resolves its handle as killed, so that no handle is forgotten
/// wherever a job may be lost; but only [`Owed`](crate::engine::Owed) tells the pool of that.
pub trait Job: Send + 'static {
    /// The error of the pool's resource.
    type Error: fmt::Debug + fmt::Display + Send + 'static;

    /// The task's state.
    fn cell(&self) -> Arc<dyn AnyCell>;

    /// The part of the state that does not depend on the result.
    fn core(&self) -> &TaskCore;

    /// Puts the end into the handle of a task of this pool. For the winner of the task's end alone.
    fn fill(self, hub: &Hub, end: JobEnd<Self::Error>);
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

/// The work of a task: what the tasks of all backends are made of.
#[derive(Debug)]
pub struct Work<F, T> {
    /// What to call; gone once the last permitted attempt has taken it.
    pub task: Option<F>,
    /// The value of the attempt that succeeded.
    pub value: Option<T>,
}

impl<F, T> Work<F, T> {
    /// Work that has not started.
    pub const fn new(task: F) -> Self {
        Self { task: Some(task), value: None }
    }

    /// Notes what an attempt returned.
    pub fn note<E>(&mut self, result: Result<T, E>) -> Attempt<E> {
        match result {
            Ok(value) => {
                self.value = Some(value);
                Attempt::Value
            }
            Err(error) => Attempt::Error(error),
        }
    }
}

/// A task, whatever its work and its result: what the [`Job`] of every backend needs of it.
pub trait AnyTask: Close + Send + Sync {
    /// The error of the pool's resource.
    type Error: fmt::Debug + fmt::Display + Send + 'static;

    /// The part of the state that does not depend on the result.
    fn core(&self) -> &TaskCore;

    /// Its cell, shared.
    fn cell(self: Arc<Self>) -> Arc<dyn AnyCell>;

    /// Puts the end into the handle.
    ///
    /// # Panics
    ///
    /// If the end is [`JobEnd::Value`] and no attempt succeeded.
    fn fill(&self, key: Key<'_>, hub: &Hub, end: JobEnd<Self::Error>);
}

impl<F, T, E> AnyTask for Task<Work<F, T>, T, E>
where
    F: Send + 'static,
    T: Send + 'static,
    E: fmt::Debug + fmt::Display + Send + 'static,
{
    type Error = E;

    fn core(&self) -> &TaskCore {
        self.cell().core()
    }

    fn cell(self: Arc<Self>) -> Arc<dyn AnyCell> {
        self
    }

    fn fill(&self, key: Key<'_>, hub: &Hub, end: JobEnd<E>) {
        let value = &mut self.work(key).value;
        let result = match end {
            JobEnd::Value => Ok(value.take().expect("an attempt left its value")),
            JobEnd::Error(error) => Err(error),
        };
        self.cell().fill(hub, result);
    }
}

impl<D: ?Sized + AnyTask + 'static> Job for Sole<D> {
    type Error = D::Error;

    fn cell(&self) -> Arc<dyn AnyCell> {
        self.share().cell()
    }

    fn core(&self) -> &TaskCore {
        (**self).core()
    }

    fn fill(mut self, hub: &Hub, end: JobEnd<D::Error>) {
        let (task, key) = self.open();
        task.fill(key, hub, end);
    }
}

impl<F, T, E> Close for Task<Work<F, T>, T, E> {
    fn close(&self, key: Key<'_>) {
        self.cell().lose();
        let Work { task, value } = self.work(key);
        drop((task.take(), value.take()));
    }
}
