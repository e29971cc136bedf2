//! A task as the queue and the workers hold it.

use std::fmt;

use crate::error::TaskError;
use crate::sync::Arc;
use crate::task::cell::{AnyCell, Cell, End, TaskCore};

/// A task as the queue and the workers hold it: its result's type is hidden inside.
///
/// A job that is dropped before its task has ended resolves its handle as killed, so that no handle is forgotten
/// wherever a job may be lost.
pub trait Job: Send + 'static {
    /// The error of the pool's resource.
    type Error: fmt::Debug + fmt::Display + Send + 'static;

    /// The task's state.
    fn cell(&self) -> Arc<dyn AnyCell>;

    /// The part of the state that does not depend on the result.
    fn core(&self) -> &TaskCore;

    /// Puts the end into the handle. For the winner of the task's end alone.
    fn fill(self, end: JobEnd<Self::Error>);
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

/// The work and its state: what the job types of all backends are made of.
pub struct Work<F, T, E> {
    /// The task's state, shared with its handle.
    pub cell: Arc<Cell<T, E>>,
    /// What to call; gone once the last permitted attempt has taken it.
    pub task: Option<F>,
    /// The value of the attempt that succeeded.
    pub value: Option<T>,
}

impl<F, T, E> Work<F, T, E> {
    /// Work that has not started.
    pub const fn new(cell: Arc<Cell<T, E>>, task: F) -> Self {
        Self { cell, task: Some(task), value: None }
    }

    /// Notes what an attempt returned.
    pub fn note(&mut self, result: Result<T, E>) -> Attempt<E> {
        match result {
            Ok(value) => {
                self.value = Some(value);
                Attempt::Value
            }
            Err(error) => Attempt::Error(error),
        }
    }

    /// Puts the end into the handle.
    ///
    /// # Panics
    ///
    /// If the end is [`JobEnd::Value`] and no attempt succeeded.
    pub fn fill(&mut self, end: JobEnd<E>) {
        let result = match end {
            JobEnd::Value => Ok(self.value.take().expect("an attempt left its value")),
            JobEnd::Error(error) => Err(error),
        };
        self.cell.fill(result);
    }
}

impl<F, T, E> Drop for Work<F, T, E> {
    fn drop(&mut self) {
        self.cell.cut(End::Killed);
    }
}

impl<F, T, E> fmt::Debug for Work<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("cell", &self.cell).finish_non_exhaustive()
    }
}
