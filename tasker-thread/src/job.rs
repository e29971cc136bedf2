//! Tasks of thread pools.

use std::sync::Arc;

use tasker_core::submit::Made;
use tasker_core::task::job::{AnyTask, Attempt, Work};
use tasker_core::task::{Cell, Key, Sole, Task};
use tasker_core::{LocalResource, TaskContext};

/// A task as the queue of a thread pool holds it, with its result's type hidden.
pub(crate) type SyncJob<R> = Sole<dyn SyncWork<R>>;

/// What a worker does with a task.
pub(crate) trait SyncWork<R: LocalResource>: AnyTask<Error = R::Error> {
    /// Calls the closure and leaves the value in the task.
    fn attempt(&self, key: Key<'_>, resource: &mut R, context: &TaskContext) -> Attempt<R::Error>;
}

/// A task that may be called again: state that an earlier attempt left in the closure is seen by the next.
pub(crate) fn repeatable<R, F, T>(cell: Cell<T, R::Error>, task: F) -> Made<SyncJob<R>, T>
where
    R: LocalResource,
    F: FnMut(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
    T: Send + 'static,
{
    make(cell, task, |task, resource, context| {
        task.as_mut()
            .map(|callable| (callable.task)(resource, context))
            .expect("a repeatable task is never used up")
    })
}

/// A task that is called at most once.
pub(crate) fn once<R, F, T>(cell: Cell<T, R::Error>, task: F) -> Made<SyncJob<R>, T>
where
    R: LocalResource,
    F: FnOnce(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
    T: Send + 'static,
{
    make(cell, task, |task, resource, context| {
        (task.take().expect("a once task is attempted once").task)(resource, context)
    })
}

/// Calls the closure: in place if it may be called again, taking it if not.
type Call<F, R, T, E> = fn(&mut Option<Callable<F, R, T, E>>, &mut R, &TaskContext) -> Result<T, E>;

struct Callable<F, R, T, E> {
    task: F,
    call: Call<F, R, T, E>,
}

fn make<R, F, T>(cell: Cell<T, R::Error>, task: F, call: Call<F, R, T, R::Error>) -> Made<SyncJob<R>, T>
where
    R: LocalResource,
    F: Send + 'static,
    T: Send + 'static,
{
    let (job, task) =
        Task::pair(cell, Work::new(Callable { task, call }), |task| task as Arc<dyn SyncWork<R>>);
    (job, task)
}

impl<R, F, T> SyncWork<R> for Task<Work<Callable<F, R, T, R::Error>, T>, T, R::Error>
where
    R: LocalResource,
    F: Send + 'static,
    T: Send + 'static,
{
    fn attempt(&self, key: Key<'_>, resource: &mut R, context: &TaskContext) -> Attempt<R::Error> {
        let work = self.work(key);
        let Some(Callable { call, .. }) = &work.task else {
            unreachable!("a used-up task is not tried again")
        };
        let call = *call;
        let result = call(&mut work.task, resource, context);
        work.note(result)
    }
}
