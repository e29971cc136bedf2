//! Tasks of thread pools.

use std::sync::Arc;

use tasker_core::task::job::{Attempt, Job, JobEnd, Work};
use tasker_core::task::{AnyCell, Cell, TaskCore};
use tasker_core::{LocalResource, TaskContext};

/// A task with its result's type hidden.
pub(crate) trait SyncWork<R: LocalResource>: Send {
    fn cell(&self) -> Arc<dyn AnyCell>;
    fn core(&self) -> &TaskCore;
    fn attempt(&mut self, resource: &mut R, context: &TaskContext) -> Attempt<R::Error>;
    fn fill(self: Box<Self>, end: JobEnd<R::Error>);
}

/// A task as the queue of a thread pool holds it.
pub(crate) struct SyncJob<R: LocalResource>(pub(crate) Box<dyn SyncWork<R>>);

/// Calls the closure: in place if it may be called again, taking it if not.
type Call<F, R, T, E> = fn(&mut Option<F>, &mut R, &TaskContext) -> Result<T, E>;

impl<R: LocalResource> SyncJob<R> {
    /// A task that may be called again: state that an earlier attempt left in the closure is seen by the next.
    pub(crate) fn repeatable<F, T>(cell: Arc<Cell<T, R::Error>>, task: F) -> Self
    where
        F: FnMut(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
        T: Send + 'static,
    {
        Self::new(cell, task, |task, resource, context| {
            task.as_mut().expect("a repeatable task is never used up")(resource, context)
        })
    }

    /// A task that is called at most once.
    pub(crate) fn once<F, T>(cell: Arc<Cell<T, R::Error>>, task: F) -> Self
    where
        F: FnOnce(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
        T: Send + 'static,
    {
        Self::new(cell, task, |task, resource, context| {
            task.take().expect("a once task is attempted once")(resource, context)
        })
    }

    fn new<F, T>(cell: Arc<Cell<T, R::Error>>, task: F, call: Call<F, R, T, R::Error>) -> Self
    where
        F: Send + 'static,
        T: Send + 'static,
    {
        Self(Box::new(Typed { work: Work::new(cell, task), call }))
    }
}

impl<R: LocalResource> Job for SyncJob<R> {
    type Error = R::Error;

    fn cell(&self) -> Arc<dyn AnyCell> {
        self.0.cell()
    }

    fn core(&self) -> &TaskCore {
        self.0.core()
    }

    fn fill(self, end: JobEnd<R::Error>) {
        self.0.fill(end);
    }
}

struct Typed<F, R: LocalResource, T> {
    work: Work<F, T, R::Error>,
    call: Call<F, R, T, R::Error>,
}

impl<R, F, T> SyncWork<R> for Typed<F, R, T>
where
    R: LocalResource,
    F: Send + 'static,
    T: Send + 'static,
{
    fn cell(&self) -> Arc<dyn AnyCell> {
        Arc::clone(&self.work.cell) as _
    }

    fn core(&self) -> &TaskCore {
        self.work.cell.core()
    }

    fn attempt(&mut self, resource: &mut R, context: &TaskContext) -> Attempt<R::Error> {
        let result = (self.call)(&mut self.work.task, resource, context);
        self.work.note(result)
    }

    fn fill(mut self: Box<Self>, end: JobEnd<R::Error>) {
        self.work.fill(end);
    }
}
