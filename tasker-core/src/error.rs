//! What can go wrong, one enum an operation.

use std::fmt;
use std::time::Duration;

use crate::config_error::InvalidConfig;
use crate::sync::Arc;

/// Why a task has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError<E> {
    /// The task returned this error, and its resource was healthy.
    #[error("the task failed: {0}")]
    Failed(E),
    /// The task's error made its resource unhealthy (or `check_health` panicked), and no retry was left.
    #[error("the task failed on an unhealthy resource in each of {attempts} attempts, at last: {error}")]
    Exhausted {
        /// The error of the last attempt.
        error: E,
        /// How many attempts were made.
        attempts: u32,
    },
    /// The task panicked. Its resource was replaced, and the task is not retried.
    #[error("the task panicked: {message}")]
    Panicked {
        /// What the panic said.
        message: Arc<str>,
    },
    /// The task was cancelled through its handle.
    #[error("the task was cancelled")]
    Cancelled,
    /// An attempt ran longer than the task's `timeout`.
    #[error("the task ran longer than its timeout of {after:?}")]
    TimedOut {
        /// The timeout.
        after: Duration,
    },
    /// The task had not ended at its `deadline`.
    #[error("the task's deadline passed{}", hint(create_error.as_deref()))]
    Expired {
        /// The last error of creating a resource, if the pool had no worker then.
        create_error: Option<Arc<str>>,
    },
    /// The queue was full, and a newer task took this one's place.
    #[error("the task gave its place in the full queue to a newer one")]
    Displaced,
    /// The pool did not take the task.
    #[error("the pool did not take the task: {0}")]
    Refused(Refusal),
    /// The pool was killed, or its runtime ended, before the task had.
    #[error("the pool was killed before the task had ended")]
    Killed,
    /// Every worker gave up creating its resource.
    #[error("no worker is left: creating resources failed, at last: {last_error}")]
    NoWorkers {
        /// The last error of creating a resource.
        last_error: Arc<str>,
    },
    /// The wait might never have ended: it was made inside a task, and with it every worker the pool may have would
    /// wait for a task of the pool. The task itself still runs once a worker is free, and a handle that was awaited by
    /// `&mut` can be awaited again.
    #[error(
        "waiting here would deadlock: every worker the pool may have would wait for one of its tasks; raise \
         max_workers, or give tasks that others wait for a pool of their own"
    )]
    WouldDeadlock,
}

impl<E> TaskError<E> {
    /// The task's own error, if it ended with one.
    ///
    /// ```
    /// use tasker_core::TaskError;
    ///
    /// assert_eq!(TaskError::Failed("no such row").task_error(), Some(&"no such row"));
    /// assert_eq!(TaskError::<&str>::Cancelled.task_error(), None);
    /// ```
    pub const fn task_error(&self) -> Option<&E> {
        if let Self::Failed(error) | Self::Exhausted { error, .. } = self { Some(error) } else { None }
    }

    /// The same, taken out.
    ///
    /// # Errors
    ///
    /// What else happened, if the task has no error of its own.
    pub fn into_task_error(self) -> Result<E, Self> {
        if let Self::Failed(error) | Self::Exhausted { error, .. } = self { Ok(error) } else { Err(self) }
    }
}

/// So that `?` takes a refusal and an end alike, as in `pool.try_submit(task)?.await?`.
impl<E> From<Refusal> for TaskError<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The same, without the task.
impl<F, E> From<Refused<F>> for TaskError<E> {
    fn from(refused: Refused<F>) -> Self {
        Self::Refused(refused.reason)
    }
}

fn hint(create_error: Option<&str>) -> String {
    create_error.map(|error| format!("; no worker came up, at last: {error}")).unwrap_or_default()
}

/// Why a pool does not take a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// As many tasks wait as its capacity allows. Wait with `submit_wait`, or raise `capacity`.
    #[error("its queue is full; wait with submit_wait, or raise its capacity")]
    Full,
    /// It is stopping, or has stopped.
    #[error("it is stopping or has stopped")]
    Stopping,
    /// Every worker gave up creating its resource.
    #[error("every worker gave up creating its resource")]
    NoWorkers,
    /// Its queue is full, and waiting for room might never have ended: the wait was made inside a task, and with it
    /// every worker the pool may have would wait for a task of the pool or for room in its queue. Only waits without a
    /// time limit are refused so.
    #[error("its queue is full, and waiting for room here would deadlock")]
    WouldDeadlock,
}

/// A task that was not taken, handed back as it was.
pub struct Refused<F> {
    /// The task.
    pub task: F,
    /// Why it was not taken.
    pub reason: Refusal,
}

impl<F> fmt::Debug for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("reason", &self.reason).finish_non_exhaustive()
    }
}

impl<F> fmt::Display for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the pool did not take the task: {}", self.reason)
    }
}

impl<F> std::error::Error for Refused<F> {}

/// Why a pool could not be built. Nothing of it is left running.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError<E> {
    /// A setting makes no sense.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// No base worker could create its resource; this is the last error.
    #[error("no worker could create its resource: {0}")]
    Create(E),
    /// No base worker could create its resource, for a reason other than an error of its own: it took too long,
    /// panicked, its thread could not be started, or the pool was stopped meanwhile.
    #[error("no worker could create its resource: {0}")]
    Start(Arc<str>),
    /// There is no runtime to run on, or it did not start the pool's control loop.
    #[error("the pool's control loop could not be started: {0}")]
    Runtime(Arc<str>),
}

/// Why `run` has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError<E> {
    /// The task returned this error.
    #[error("the task failed: {0}")]
    Failed(E),
    /// The task panicked. Its resource was destroyed.
    #[error("the task panicked: {message}")]
    Panicked {
        /// What the panic said.
        message: Arc<str>,
    },
    /// No resource was free, and creating one failed.
    #[error("creating a resource failed: {0}")]
    Create(E),
    /// No resource was free, and creating one panicked or took too long; or the pool has no reserve to run on.
    #[error("no resource to run on: {0}")]
    Start(Arc<str>),
    /// The pool is stopping or has stopped.
    #[error("the pool is stopping or has stopped")]
    Stopping,
    /// The pool was killed while the task ran.
    #[error("the pool was killed before the task had ended")]
    Killed,
}

/// Why `stop` or `kill` returned without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// It was called inside a task of the same pool, or a callback or method that the pool called, which the stop would
    /// have to wait for. The stop has begun.
    #[error("the stop has begun, but a task of the pool cannot wait for its end")]
    InsideTask,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_task_says_that_no_worker_came_up() {
        let expired =
            |create_error: Option<Arc<str>>| TaskError::<String>::Expired { create_error }.to_string();
        assert_eq!(expired(None), "the task's deadline passed");
        assert_eq!(
            expired(Some("refused".into())),
            "the task's deadline passed; no worker came up, at last: refused"
        );
    }

    #[test]
    fn the_error_of_a_task_can_be_had_alone() {
        let failed = || TaskError::Failed("no such row");
        let exhausted = || TaskError::Exhausted { error: "gone", attempts: 4 };
        assert_eq!(
            [failed(), exhausted()].map(|error| error.task_error().copied()),
            [Some("no such row"), Some("gone")]
        );
        assert_eq!([failed(), exhausted()].map(TaskError::into_task_error), [Ok("no such row"), Ok("gone")]);
        assert_eq!(TaskError::<&str>::Killed.task_error(), None);
        assert_eq!(TaskError::<&str>::Killed.into_task_error(), Err(TaskError::Killed));
    }

    #[test]
    fn a_refusal_is_an_end_too() {
        let refused = TaskError::<()>::Refused(Refusal::Stopping);
        assert_eq!(TaskError::from(Refusal::Stopping), refused);
        assert_eq!(TaskError::from(Refused { task: (), reason: Refusal::Stopping }), refused);
    }

    #[test]
    fn a_refused_task_is_handed_back_and_needs_no_debug() {
        struct Opaque;
        let refused = Refused { task: Opaque, reason: Refusal::Full };
        assert_eq!(format!("{refused:?}"), "Refused { reason: Full, .. }");
        let full =
            "the pool did not take the task: its queue is full; wait with submit_wait, or raise its capacity";
        assert_eq!(refused.to_string(), full);
        assert_eq!(TaskError::<String>::from(refused.reason).to_string(), full);
        let Opaque = refused.task;
    }
}
