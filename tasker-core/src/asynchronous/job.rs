//! Tasks of async pools.

use std::future::Future;

use stackfuture::StackFuture;

use crate::engine::Hub;
use crate::resource::Resource;
use crate::submit::Made;
use crate::sync::Arc;
use crate::task::job::{AnyTask, Attempt, Job, JobEnd, Work};
use crate::task::{AnyCell, Cell, Key, Sole, Task, TaskContext, TaskCore};

/// An async closure over a resource whose future is `Send`. Implemented by the compiler's async closures and by
/// functions; never by hand.
#[diagnostic::on_unimplemented(
    message = "this task's future is not `Send`",
    note = "a task must be an `async move |resource, context| ..` whose future can move between threads: keep no \
            `Rc`, `RefCell` guard or other non-`Send` value across an `.await`"
)]
pub trait AsyncTask<'a, R: 'a, T> {
    /// The future of one call. It may borrow what the closure borrows; a task that is submitted borrows nothing that
    /// is not `'static`.
    type Fut: Future<Output = T> + Send;

    /// Calls the closure.
    fn call(self, resource: &'a mut R, context: &'a TaskContext) -> Self::Fut;
}

impl<'a, R: 'a, T, F, Fut> AsyncTask<'a, R, T> for F
where
    F: FnOnce(&'a mut R, &'a TaskContext) -> Fut,
    Fut: Future<Output = T> + Send,
{
    type Fut = Fut;

    fn call(self, resource: &'a mut R, context: &'a TaskContext) -> Fut {
        self(resource, context)
    }
}

/// A closure that may be called again: each attempt runs a clone. Implemented for all that is `Clone`; never by hand.
///
/// Where the compiler refuses a closure for want of this, `submit_once` takes it.
#[diagnostic::on_unimplemented(
    message = "this task may be retried, so its closure must be `Clone`",
    label = "holds something that is not `Clone`",
    note = "a task that is started at most once may hold anything: submit it with `submit_once`, or `task().once()`",
    note = "a task that may be retried holds what is `Clone`: put what is not into an `Arc`, or make it inside the task"
)]
pub trait RetryTask: Clone {}

// Without this the compiler names what is not `Clone`, and says nothing of `submit_once`.
#[diagnostic::do_not_recommend]
impl<F: Clone> RetryTask for F {}

/// The future of one attempt. It lies with the worker, one after the other in the same place, unless it is larger than
/// most: then in a box.
pub(super) type AttemptFuture<'a, E> = StackFuture<'a, Attempt<E>, 512>;

/// A task as the queue of an async pool holds it, with its result's type hidden.
///
/// A type of its own, since the compiler cannot see that a future that holds the bare trait object is `Send`.
pub(super) struct AsyncJob<R: Resource>(pub(super) Sole<dyn AsyncWork<R>>);

impl<R: Resource> Job for AsyncJob<R> {
    type Error = R::Error;

    fn cell(&self) -> Arc<dyn AnyCell> {
        Job::cell(&self.0)
    }

    fn core(&self) -> &TaskCore {
        Job::core(&self.0)
    }

    fn fill(self, hub: &Hub, end: JobEnd<R::Error>) {
        Job::fill(self.0, hub, end);
    }
}

/// What a worker does with a task.
pub(super) trait AsyncWork<R: Resource>: AnyTask<Error = R::Error> {
    /// Calls the closure; the future leaves the value in the task.
    fn attempt<'a>(
        &self,
        key: Key<'a>,
        resource: &'a mut R,
        context: &'a TaskContext,
        last: bool,
    ) -> AttemptFuture<'a, R::Error>;
}

/// A task, for its queue and for its handle; `clone` is how a further attempt gets a closure of its own, `None` if there
/// is none.
pub(super) fn make<R, F, T>(
    cell: Cell<T, R::Error>,
    task: F,
    clone: Option<fn(&F) -> F>,
) -> Made<AsyncJob<R>, T>
where
    R: Resource,
    F: for<'a> AsyncTask<'a, R, Result<T, R::Error>> + Send + 'static,
    T: Send + 'static,
{
    let work = Work::new(Callable { task, clone });
    let (job, task) = Task::pair(cell, work, |task| task as Arc<dyn AsyncWork<R>>);
    (AsyncJob(job), task)
}

struct Callable<F> {
    task: F,
    clone: Option<fn(&F) -> F>,
}

impl<F, T> Work<Callable<F>, T> {
    /// The closure for one attempt: a clone, or the closure itself if it is the last.
    fn take(&mut self, last: bool) -> Option<F> {
        match &self.task {
            Some(Callable { task, clone: Some(clone) }) if !last => Some(clone(task)),
            _ => self.task.take().map(|callable| callable.task),
        }
    }
}

impl<R, F, T> AsyncWork<R> for Task<Work<Callable<F>, T>, T, R::Error>
where
    R: Resource,
    F: for<'a> AsyncTask<'a, R, Result<T, R::Error>> + Send + 'static,
    T: Send + 'static,
{
    fn attempt<'a>(
        &self,
        key: Key<'a>,
        resource: &'a mut R,
        context: &'a TaskContext,
        last: bool,
    ) -> AttemptFuture<'a, R::Error> {
        let work = self.work(key);
        let task = work.take(last).expect("the last attempt alone uses the task up");
        let future = task.call(resource, context);
        StackFuture::from_or_box(async move { work.note(future.await) })
    }
}
