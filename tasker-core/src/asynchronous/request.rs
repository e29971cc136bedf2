//! A task about to be submitted, with what is asked for it.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::asynchronous::job::{self, AsyncJob};
use crate::asynchronous::pool::Inner;
use crate::asynchronous::{AsyncTask, RetryTask};
use crate::error::{Refusal, Refused, TaskError};
use crate::queue::Ticket;
use crate::resource::Resource;
use crate::submit;
use crate::sync::Arc;
use crate::task::{TaskContext, TaskHandle, TaskOptions};

/// A task that may be tried again: each attempt gets a clone of the closure.
#[derive(Debug)]
pub enum Repeatable {}

/// A task that is started at most once.
#[derive(Debug)]
pub enum Once {}

/// A task about to be submitted: what is asked for it, and then one of the ways to submit it.
///
/// Made by `pool.task()`.
#[must_use = "nothing is submitted yet"]
pub struct Request<'p, R: Resource, M = Repeatable> {
    pool: &'p Inner<R>,
    options: TaskOptions,
    mode: PhantomData<fn() -> M>,
}

impl<'p, R: Resource> Request<'p, R> {
    pub(super) fn new(pool: &'p Inner<R>) -> Self {
        Self { pool, options: TaskOptions::default(), mode: PhantomData }
    }

    /// The task is started at most once, whatever happens; so its closure need not be `Clone`.
    pub fn once(self) -> Request<'p, R, Once> {
        let options = self.options.without_retries();
        Request { pool: self.pool, options, mode: PhantomData }
    }

    /// How often it may be retried. Default: the pool's `max_retries`.
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = Some(retries);
        self
    }

    /// Retries an attempt that exceeded its [`timeout`](Self::timeout), like one whose resource was unhealthy, which this one
    /// is taken for: it is replaced, be the task `cancel_safe` or not. Without a timeout this does nothing.
    pub fn retry_on_timeout(mut self) -> Self {
        self.options.retry_on_timeout = true;
        self
    }
}

crate::request_options!(Request<'_, R, M>, R: Resource);

/// Ways to submit, for one kind of task.
macro_rules! submit_forms {
    ($mode:ty, $make:ident, [$($retry:ident)?], $attempts:literal) => {
        impl<R: Resource> Request<'_, R, $mode> {
            /// Submits the task and never waits: a refusal arrives in the handle.
            #[doc = $attempts]
            pub fn submit<F, T>(self, task: F) -> TaskHandle<T, R::Error>
            where
                F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
                    + for<'a> AsyncTask<'a, R, Result<T, R::Error>>
                    $(+ $retry)? + Send + 'static,
                T: Send + 'static,
            {
                let (pool, options) = (self.pool, self.options);
                submit::submit(&pool.engine, options, |core| job::$make(core, task))
            }

            /// Submits the task, or hands it back as it was if the pool does not take it. Never waits.
            ///
            /// # Errors
            ///
            /// The task, and why it was not taken. Nothing has changed.
            pub fn try_submit<F, T>(self, task: F) -> Result<TaskHandle<T, R::Error>, Refused<F>>
            where
                F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
                    + for<'a> AsyncTask<'a, R, Result<T, R::Error>>
                    $(+ $retry)? + Send + 'static,
                T: Send + 'static,
            {
                match self.pool.engine.inbox.try_room(self.options.priority) {
                    Ok(ticket) => Ok(self.with_ticket(ticket, task)),
                    Err(reason) => Err(Refused { task, reason }),
                }
            }

            /// Submits the task, waiting for room in the queue: backpressure.
            ///
            /// # Errors
            ///
            /// The task, if the pool stops meanwhile, or if the wait is made inside a task of this pool and might never
            /// end ([`Refusal::WouldDeadlock`]).
            ///
            /// # Cancel safety
            ///
            /// A submitter that gives up loses its place in line and its task, which was not submitted.
            pub async fn submit_wait<F, T>(self, task: F) -> Result<TaskHandle<T, R::Error>, Refused<F>>
            where
                F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
                    + for<'a> AsyncTask<'a, R, Result<T, R::Error>>
                    $(+ $retry)? + Send + 'static,
                T: Send + 'static,
            {
                match self.pool.engine.room().await {
                    Ok(ticket) => Ok(self.with_ticket(ticket, task)),
                    Err(reason) => Err(Refused { task, reason }),
                }
            }

            /// Submits the task, waiting for room for at most `timeout`.
            ///
            /// # Errors
            ///
            /// The task, if there was no room in time ([`Refusal::Full`]) or the pool stops meanwhile.
            ///
            /// # Cancel safety
            ///
            /// As [`submit_wait`](Self::submit_wait).
            pub async fn submit_timeout<F, T>(
                self,
                timeout: Duration,
                task: F,
            ) -> Result<TaskHandle<T, R::Error>, Refused<F>>
            where
                F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
                    + for<'a> AsyncTask<'a, R, Result<T, R::Error>>
                    $(+ $retry)? + Send + 'static,
                T: Send + 'static,
            {
                match self.pool.room_within(timeout).await {
                    Ok(ticket) => Ok(self.with_ticket(ticket, task)),
                    Err(reason) => Err(Refused { task, reason }),
                }
            }

            /// Submits the task, and calls `callback` with its result.
            pub fn submit_then<F, T>(
                self,
                task: F,
                callback: impl FnOnce(Result<T, TaskError<R::Error>>) + Send + 'static,
            ) where
                F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
                    + for<'a> AsyncTask<'a, R, Result<T, R::Error>>
                    $(+ $retry)? + Send + 'static,
                T: Send + 'static,
            {
                self.submit(task).on_complete(callback);
            }

            /// Submits many tasks with the same options as one, in their order: no other task comes in between.
            pub fn submit_all<F, T>(
                self,
                tasks: impl IntoIterator<Item = F>,
            ) -> Vec<TaskHandle<T, R::Error>>
            where
                F: AsyncFnOnce(&mut R, &TaskContext) -> Result<T, R::Error>
                    + for<'a> AsyncTask<'a, R, Result<T, R::Error>>
                    $(+ $retry)? + Send + 'static,
                T: Send + 'static,
            {
                let (pool, options) = (self.pool, self.options);
                let each = tasks.into_iter();
                submit::submit_all(&pool.engine, &options, each, |core, task| job::$make(core, task))
            }

            fn with_ticket<F, T>(self, ticket: Ticket<AsyncJob<R>>, task: F) -> TaskHandle<T, R::Error>
            where
                F: for<'a> AsyncTask<'a, R, Result<T, R::Error>> $(+ $retry)? + Send + 'static,
                T: Send + 'static,
            {
                let (pool, options) = (self.pool, self.options);
                submit::submit_with(&pool.engine, options, ticket, |core| job::$make(core, task))
            }
        }
    };
}

submit_forms!(
    Repeatable,
    repeatable,
    [RetryTask],
    "Each attempt runs a clone of the closure, the last one the closure itself."
);
submit_forms!(Once, once, [], "The closure is called at most once.");

impl<R: Resource> Inner<R> {
    async fn room_within(&self, timeout: Duration) -> Result<Ticket<AsyncJob<R>>, Refusal> {
        let clock = Arc::clone(&self.starter.clock);
        let mut sleep = clock.sleep_until(clock.now().saturating_add(timeout));
        let mut room = self.engine.inbox.room();
        std::future::poll_fn(|cx| {
            let polled = room.poll_room(cx.waker());
            if polled.is_ready() {
                return polled;
            }
            sleep.as_mut().poll(cx).map(|()| Err(Refusal::Full))
        })
        .await
    }
}

impl<R: Resource, M> fmt::Debug for Request<'_, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("options", &self.options).finish_non_exhaustive()
    }
}
