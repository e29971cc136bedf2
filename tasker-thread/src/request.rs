//! A task about to be submitted, with what is asked for it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use tasker_core::asynchronous::{Once, Repeatable};
use tasker_core::engine::Engine;
use tasker_core::parker::{block_on, block_on_until};
use tasker_core::queue::Ticket;
use tasker_core::submit;
use tasker_core::{LocalResource, Refusal, Refused, TaskContext, TaskError, TaskHandle, TaskOptions};

use crate::job::{self, SyncJob};

/// A task about to be submitted: what is asked for it, and then one of the ways to submit it.
///
/// Made by `pool.task()`.
#[must_use = "nothing is submitted yet"]
pub struct Request<'p, R: LocalResource, M = Repeatable> {
    engine: &'p Arc<Engine<SyncJob<R>>>,
    options: TaskOptions,
    mode: PhantomData<fn() -> M>,
}

impl<'p, R: LocalResource> Request<'p, R> {
    pub(crate) fn new(engine: &'p Arc<Engine<SyncJob<R>>>) -> Self {
        Self { engine, options: TaskOptions::default(), mode: PhantomData }
    }

    /// The task is started at most once, whatever happens; so its closure may be `FnOnce`.
    pub fn once(self) -> Request<'p, R, Once> {
        let options = self.options.without_retries();
        Request { engine: self.engine, options, mode: PhantomData }
    }

    /// How often it may be retried. Default: the pool's `max_retries`.
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = Some(retries);
        self
    }

    /// Retries an attempt that exceeded its [`timeout`](Self::timeout), on another resource, once it has come back with an
    /// error; a value that comes late is taken. An attempt that has not come back after the pool's grace time is not
    /// retried: the task ends as timed out. Without a timeout this does nothing.
    pub fn retry_on_timeout(mut self) -> Self {
        self.options.retry_on_timeout = true;
        self
    }
}

tasker_core::request_options!(Request<'_, R, M>, R: LocalResource);

/// Ways to submit, for one kind of task.
macro_rules! submit_forms {
    ($mode:ty, $call:ident, $make:ident, $attempts:literal) => {
        impl<R: LocalResource> Request<'_, R, $mode> {
            /// Submits the task and never waits: a refusal arrives in the handle.
            #[doc = $attempts]
            pub fn submit<F, T>(self, task: F) -> TaskHandle<T, R::Error>
            where
                F: $call(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
                T: Send + 'static,
            {
                submit::submit(self.engine, self.options, |core| job::$make(core, task))
            }

            /// Submits the task, or hands it back as it was if the pool does not take it. Never waits.
            ///
            /// # Errors
            ///
            /// The task, and why it was not taken. Nothing has changed.
            pub fn try_submit<F, T>(self, task: F) -> Result<TaskHandle<T, R::Error>, Refused<F>>
            where
                F: $call(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
                T: Send + 'static,
            {
                let room = self.engine.inbox.try_room(self.options.priority);
                self.with_room(room, task)
            }

            /// Submits the task, blocking until there is room in the queue: backpressure.
            ///
            /// # Errors
            ///
            /// The task, if the pool stops meanwhile, or if the wait is made inside a task of this pool and would never
            /// end ([`Refusal::WouldDeadlock`]).
            pub fn submit_wait<F, T>(self, task: F) -> Result<TaskHandle<T, R::Error>, Refused<F>>
            where
                F: $call(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
                T: Send + 'static,
            {
                let room = block_on(self.engine.room_for_thread());
                self.with_room(room, task)
            }

            /// Submits the task, blocking until there is room for at most `timeout`.
            ///
            /// # Errors
            ///
            /// The task, if there was no room in time ([`Refusal::Full`]) or the pool stops meanwhile.
            pub fn submit_timeout<F, T>(
                self,
                timeout: Duration,
                task: F,
            ) -> Result<TaskHandle<T, R::Error>, Refused<F>>
            where
                F: $call(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
                T: Send + 'static,
            {
                let clock = self.engine.hub.clock();
                let deadline = clock.now().saturating_add(timeout);
                let room = block_on_until(&**clock, deadline, self.engine.inbox.room());
                self.with_room(room.unwrap_or(Err(Refusal::Full)), task)
            }

            /// Submits the task, and calls `callback` with its result.
            pub fn submit_then<F, T>(
                self,
                task: F,
                callback: impl FnOnce(Result<T, TaskError<R::Error>>) + Send + 'static,
            ) where
                F: $call(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
                T: Send + 'static,
            {
                self.submit(task).on_complete(callback);
            }

            /// Submits many tasks with the same options as one, in their order: no other task comes in between.
            pub fn submit_all<F, T>(self, tasks: impl IntoIterator<Item = F>) -> Vec<TaskHandle<T, R::Error>>
            where
                F: $call(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
                T: Send + 'static,
            {
                let options = self.options;
                submit::submit_all(self.engine, &options, tasks.into_iter(), |core, task| {
                    job::$make(core, task)
                })
            }

            fn with_room<F, T>(
                self,
                room: Result<Ticket<SyncJob<R>>, Refusal>,
                task: F,
            ) -> Result<TaskHandle<T, R::Error>, Refused<F>>
            where
                F: $call(&mut R, &TaskContext) -> Result<T, R::Error> + Send + 'static,
                T: Send + 'static,
            {
                match room {
                    Ok(ticket) => {
                        let options = self.options;
                        Ok(submit::submit_with(self.engine, options, ticket, |core| job::$make(core, task)))
                    }
                    Err(reason) => Err(Refused { task, reason }),
                }
            }
        }
    };
}

submit_forms!(
    Repeatable,
    FnMut,
    repeatable,
    "A retry calls the same closure again: what an earlier attempt left in it is seen."
);
submit_forms!(Once, FnOnce, once, "The closure is called at most once.");

impl<R: LocalResource, M> fmt::Debug for Request<'_, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("options", &self.options).finish_non_exhaustive()
    }
}
