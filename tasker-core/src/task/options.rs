//! What may be asked for a single task.

use std::time::Duration;

use crate::ids::TaskId;
use crate::sync::Arc;
use crate::task::Priority;
use crate::time::Timestamp;

/// What may be asked for a single task. Pools offer each of these on `pool.task()`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TaskOptions {
    /// How urgent it is.
    pub priority: Priority,
    /// How often it may be retried; `None`: the pool's `max_retries`.
    pub retries: Option<u32>,
    /// How long one attempt may run; `None`: as long as it takes.
    pub timeout: Option<Duration>,
    /// How long after its submission it must have ended, whether it ran or not.
    pub deadline: Option<Duration>,
    /// How long after its submission it may start; until then it waits, and takes room in the queue.
    pub delay: Option<Duration>,
    /// A name for traces, events and the stop report.
    pub name: Option<Arc<str>>,
    /// Whether the resource is still good after the task was dropped at an await point.
    pub cancel_safe: bool,
    /// Whether an attempt that timed out is retried like one whose resource was unhealthy.
    pub retry_on_timeout: bool,
}

impl TaskOptions {
    /// The same options for a task that is started at most once.
    #[must_use]
    pub fn without_retries(self) -> Self {
        Self { retries: Some(0), ..self }
    }
}

/// What is known of a task from outside: for a user's own order, for collectors and reports.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Its id, unique in the pool.
    pub id: TaskId,
    /// Its name, if it was given one.
    pub name: Option<Arc<str>>,
    /// How urgent it is.
    pub priority: Priority,
    /// When it was submitted.
    pub submitted: Timestamp,
    /// When it must have ended.
    pub deadline: Option<Timestamp>,
    /// Attempts started so far.
    pub attempts: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_without_retries_is_otherwise_the_same() {
        let options = TaskOptions { retries: Some(3), cancel_safe: true, ..TaskOptions::default() };
        let once = options.without_retries();
        assert_eq!((once.retries, once.cancel_safe), (Some(0), true));
    }
}
