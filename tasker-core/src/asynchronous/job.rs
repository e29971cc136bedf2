//! Tasks of async pools.

use std::future::Future;
use std::pin::Pin;

use stackfuture::StackFuture;

use crate::resource::Resource;
use crate::submit::Made;
use crate::task::job::{AnyTask, Attempt, Job};
use crate::task::{Key, Sole, Task, TaskContext, TaskCore, Work};

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

/// Where the future of an attempt is put, so that it is not moved about.
pub(super) type Place<'p, 'a, E> = Pin<&'p mut Option<AttemptFuture<'a, E>>>;

/// A task as the queue of an async pool holds it, with its result's type hidden.
///
/// A type of its own, since the compiler cannot see that a future that holds the bare trait object is `Send`.
pub(super) struct AsyncJob<R: Resource>(pub(super) Sole<dyn AsyncWork<R>>);

impl<R: Resource> Job for AsyncJob<R> {
    type Error = R::Error;
    type Task = dyn AsyncWork<R>;

    #[inline]
    fn own(&self) -> &Sole<Self::Task> {
        &self.0
    }

    #[inline]
    fn own_mut(&mut self) -> &mut Sole<Self::Task> {
        &mut self.0
    }

    #[inline]
    fn into_own(self) -> Sole<Self::Task> {
        self.0
    }
}

/// What a worker does with a task.
pub(super) trait AsyncWork<R: Resource>: AnyTask<Error = R::Error> {
    /// Calls the closure and puts its future in its place; that leaves the value in the task.
    fn attempt<'a>(
        &self,
        key: Key<'a>,
        resource: &'a mut R,
        context: &'a TaskContext,
        last: bool,
        place: Place<'_, 'a, R::Error>,
    );
}

/// A task of which each attempt but the last runs a clone.
pub(super) struct Cloned<F>(F);

/// A task that is attempted at most once.
pub(super) struct Single<F>(F);

/// How an attempt gets the closure that it runs.
pub(super) trait Attempts: Send + Sized + 'static {
    /// The closure.
    type Task: Send + 'static;

    /// Takes the closure out, or a clone that leaves it there for further attempts.
    fn closure<T, E>(work: &mut Work<Self, T, E>, last: bool) -> Option<Self::Task>;
}

impl<F: Clone + Send + 'static> Attempts for Cloned<F> {
    type Task = F;

    fn closure<T, E>(work: &mut Work<Self, T, E>, last: bool) -> Option<F> {
        match work {
            Work::Todo(Self(task)) if !last => Some(task.clone()),
            Work::Todo(_) | Work::Done(_) | Work::Gone => work.take().map(|Self(task)| task),
        }
    }
}

impl<F: Send + 'static> Attempts for Single<F> {
    type Task = F;

    fn closure<T, E>(work: &mut Work<Self, T, E>, _: bool) -> Option<F> {
        work.take().map(|Self(task)| task)
    }
}

/// A task that may be retried, for its queue and for its handle.
pub(super) fn repeatable<R, F, T>(core: TaskCore, task: F) -> Made<AsyncJob<R>, T>
where
    R: Resource,
    F: for<'a> AsyncTask<'a, R, Result<T, R::Error>> + RetryTask + Send + 'static,
    T: Send + 'static,
{
    make(core, Cloned(task))
}

/// A task that is attempted at most once, for its queue and for its handle.
pub(super) fn once<R, F, T>(core: TaskCore, task: F) -> Made<AsyncJob<R>, T>
where
    R: Resource,
    F: for<'a> AsyncTask<'a, R, Result<T, R::Error>> + Send + 'static,
    T: Send + 'static,
{
    make(core, Single(task))
}

fn make<R, W, T>(core: TaskCore, work: W) -> Made<AsyncJob<R>, T>
where
    R: Resource,
    W: Attempts<Task: for<'a> AsyncTask<'a, R, Result<T, R::Error>>>,
    T: Send + 'static,
{
    let (job, taker) = Task::pair(core, work, |task| task as &mut (dyn AsyncWork<R> + 'static));
    (AsyncJob(job), taker)
}

impl<R, W, T> AsyncWork<R> for Task<W, T, R::Error>
where
    R: Resource,
    W: Attempts<Task: for<'a> AsyncTask<'a, R, Result<T, R::Error>>>,
    T: Send + 'static,
{
    fn attempt<'a>(
        &self,
        key: Key<'a>,
        resource: &'a mut R,
        context: &'a TaskContext,
        last: bool,
        mut place: Place<'_, 'a, R::Error>,
    ) {
        let work = self.work(key);
        let task = W::closure(work, last).expect("the last attempt alone uses the task up");
        let future = task.call(resource, context);
        place.set(Some(StackFuture::from_or_box(async move { work.note(future.await) })));
    }
}
