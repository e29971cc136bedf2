//! What follows from an attempt: for its task, and for the resource it ran on. Pure, and the same on every backend.

use crate::ids::ExitReason;

/// What came of an attempt, as far as the decision cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned a value.
    Value,
    /// It returned an error, and the resource is healthy.
    HealthyError,
    /// It returned an error, and the resource is unhealthy.
    UnhealthyError,
    /// It panicked.
    Panicked,
    /// It was dropped at an await point.
    Interrupted,
}

/// What is known about the attempt's task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whether the task's end was decided while it ran: it was cancelled, expired, or killed.
    pub ended: bool,
    /// Whether the attempt timed out and the task is to be retried for that.
    pub timed_out: bool,
    /// Whether the resource is still good after the task was dropped at an await point.
    pub cancel_safe: bool,
    /// The attempt's number, the first being 1.
    pub attempt: u32,
    /// How many retries the task may have.
    pub max_retries: u32,
}

/// What becomes of the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskVerdict {
    /// Its handle gets what the attempt brought.
    Resolve,
    /// It is tried again, on another resource.
    Retry,
    /// Its end was decided before; what the attempt brought is dropped.
    Drop,
}

/// What becomes of task and resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What becomes of the task.
    pub task: TaskVerdict,
    /// Why the resource is replaced, if it is.
    pub replace: Option<ExitReason>,
}

/// Decides what follows from an attempt.
///
/// ```
/// use tasker_core::ExitReason;
/// use tasker_core::decide::{decide, Facts, Outcome, TaskVerdict};
///
/// let facts = Facts { ended: false, timed_out: false, cancel_safe: false, attempt: 1, max_retries: 1 };
/// let verdict = decide(Outcome::UnhealthyError, facts);
/// assert_eq!(verdict.task, TaskVerdict::Retry);
/// assert_eq!(verdict.replace, Some(ExitReason::Unhealthy));
///
/// let last = Facts { attempt: 2, ..facts };
/// assert_eq!(decide(Outcome::UnhealthyError, last).task, TaskVerdict::Resolve);
/// ```
#[must_use]
#[inline]
pub fn decide(outcome: Outcome, facts: Facts) -> Verdict {
    let task = task_verdict(outcome, facts);
    // A retry is for another resource, whatever may still be good about this one.
    let elsewhere = (task == TaskVerdict::Retry).then_some(ExitReason::Interrupted);
    Verdict { task, replace: replacement(outcome, facts).or(elsewhere) }
}

fn task_verdict(outcome: Outcome, facts: Facts) -> TaskVerdict {
    if facts.ended {
        return TaskVerdict::Drop;
    }
    let retryable = match outcome {
        Outcome::Value | Outcome::Panicked => false,
        Outcome::UnhealthyError => true,
        Outcome::HealthyError | Outcome::Interrupted => facts.timed_out,
    };
    if retryable && facts.attempt <= facts.max_retries { TaskVerdict::Retry } else { TaskVerdict::Resolve }
}

const fn replacement(outcome: Outcome, facts: Facts) -> Option<ExitReason> {
    match outcome {
        Outcome::Value | Outcome::HealthyError => None,
        Outcome::UnhealthyError => Some(ExitReason::Unhealthy),
        Outcome::Panicked => Some(ExitReason::Panicked),
        Outcome::Interrupted if facts.cancel_safe => None,
        Outcome::Interrupted => Some(ExitReason::Interrupted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Facts =
        Facts { ended: false, timed_out: false, cancel_safe: false, attempt: 1, max_retries: 3 };

    #[test]
    fn a_value_and_a_healthy_error_go_to_the_caller_and_change_nothing() {
        for outcome in [Outcome::Value, Outcome::HealthyError] {
            assert_eq!(decide(outcome, FIRST), Verdict { task: TaskVerdict::Resolve, replace: None });
        }
    }

    #[test]
    fn an_unhealthy_error_replaces_the_resource_and_retries_until_no_retry_is_left() {
        for attempt in 1..=5 {
            let verdict = decide(Outcome::UnhealthyError, Facts { attempt, ..FIRST });
            let expected = if attempt <= 3 { TaskVerdict::Retry } else { TaskVerdict::Resolve };
            assert_eq!((verdict.task, verdict.replace), (expected, Some(ExitReason::Unhealthy)));
        }
    }

    #[test]
    fn no_retries_means_none() {
        let verdict = decide(Outcome::UnhealthyError, Facts { max_retries: 0, ..FIRST });
        assert_eq!(verdict.task, TaskVerdict::Resolve);
    }

    #[test]
    fn a_panic_is_never_retried() {
        let verdict = decide(Outcome::Panicked, FIRST);
        assert_eq!(verdict, Verdict { task: TaskVerdict::Resolve, replace: Some(ExitReason::Panicked) });
    }

    #[test]
    fn a_task_that_ended_meanwhile_is_never_retried() {
        let outcomes = [
            Outcome::Value,
            Outcome::HealthyError,
            Outcome::UnhealthyError,
            Outcome::Panicked,
            Outcome::Interrupted,
        ];
        for outcome in outcomes {
            let verdict = decide(outcome, Facts { ended: true, timed_out: true, ..FIRST });
            assert_eq!(verdict.task, TaskVerdict::Drop);
        }
    }

    #[test]
    fn an_interrupted_attempt_keeps_its_resource_only_if_it_is_cancel_safe() {
        let ended = Facts { ended: true, ..FIRST };
        assert_eq!(decide(Outcome::Interrupted, ended).replace, Some(ExitReason::Interrupted));
        assert_eq!(decide(Outcome::Interrupted, Facts { cancel_safe: true, ..ended }).replace, None);
    }

    #[test]
    fn a_timed_out_attempt_is_retried_if_it_was_asked_for() {
        let timed_out = Facts { timed_out: true, ..FIRST };
        assert_eq!(decide(Outcome::Interrupted, timed_out).task, TaskVerdict::Retry);
        let safe = decide(Outcome::Interrupted, Facts { cancel_safe: true, ..timed_out });
        assert_eq!(safe.replace, Some(ExitReason::Interrupted), "the retry goes to another resource");
        assert_eq!(decide(Outcome::Value, timed_out).task, TaskVerdict::Resolve, "a late value is a value");
    }
}
