//! Tasks of thread pools.

use tasker_core::submit::Made;
use tasker_core::task::job::{AnyTask, Attempt};
use tasker_core::task::{Key, Sole, Task, TaskCore, Work};
use tasker_core::{LocalResource, TaskContext};

/// A task as the queue of a thread pool holds it, with its result's type hidden.
pub(crate) type SyncJob<R> = Sole<dyn SyncWork<R>>;

/// What a worker does with a task.
pub(crate) trait SyncWork<R: LocalResource>: AnyTask<Error = R::Error> {
    /// Calls the closure and leaves the value in the task.
    fn attempt(&self, key: Key<'_>, resource: &mut R, context: &TaskContext) -> Attempt<R::Error>;
}

/// A task that may be called again: state that an earlier attempt left in the closure is seen by the next.
pub(crate) fn repeatable<R, F, T>(core: TaskCore, task: F) -> Made<SyncJob<R>, T>
where
    R: LocalResource,
    F: FnMut(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
    T: Send + 'static,
{
    make(core, Repeatable(task))
}

/// A task that is called at most once.
pub(crate) fn once<R, F, T>(core: TaskCore, task: F) -> Made<SyncJob<R>, T>
where
    R: LocalResource,
    F: FnOnce(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
    T: Send + 'static,
{
    make(core, Once(task))
}

struct Repeatable<F>(F);
struct Once<F>(F);

/// How a closure is called: in place if it may be called again, taking it if not.
trait Call<R: LocalResource, T>: Send + Sized + 'static {
    fn call(
        work: &mut Work<Self, T, R::Error>,
        resource: &mut R,
        context: &TaskContext,
    ) -> Result<T, R::Error>;
}

impl<R, F, T> Call<R, T> for Repeatable<F>
where
    R: LocalResource,
    F: FnMut(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
{
    fn call(
        work: &mut Work<Self, T, R::Error>,
        resource: &mut R,
        context: &TaskContext,
    ) -> Result<T, R::Error> {
        match work {
            Work::Todo(Self(task)) => task(resource, context),
            Work::Done(_) | Work::Gone => unreachable!("a task that has ended is not called"),
        }
    }
}

impl<R, F, T> Call<R, T> for Once<F>
where
    R: LocalResource,
    F: FnOnce(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
{
    fn call(
        work: &mut Work<Self, T, R::Error>,
        resource: &mut R,
        context: &TaskContext,
    ) -> Result<T, R::Error> {
        let Self(task) = work.take().expect("a once task is attempted once");
        task(resource, context)
    }
}

fn make<R, W, T>(core: TaskCore, work: W) -> Made<SyncJob<R>, T>
where
    R: LocalResource,
    W: Call<R, T>,
    T: Send + 'static,
{
    Task::pair(core, work, |task| task as &mut (dyn SyncWork<R> + 'static))
}

impl<R, W, T> SyncWork<R> for Task<W, T, R::Error>
where
    R: LocalResource,
    W: Call<R, T>,
    T: Send + 'static,
{
    fn attempt(&self, key: Key<'_>, resource: &mut R, context: &TaskContext) -> Attempt<R::Error> {
        let work = self.work(key);
        let result = W::call(work, resource, context);
        work.note(result)
    }
}
