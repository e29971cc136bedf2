//! Names of workers and tasks, and why workers come and go.

use std::fmt;

/// A worker's name, unique in its pool and never used again: news of the departed is recognised as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(u64);

impl WorkerId {
    /// The id with this number; pools count from 1.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number in the id.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker-{}", self.0)
    }
}

/// A task's name, unique in its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(u64);

impl TaskId {
    /// The id with this number; pools count from 1.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number in the id.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task-{}", self.0)
    }
}

/// Why a resource is being created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpawnReason {
    /// One of the base workers the pool always keeps.
    Base,
    /// A worker added because of load.
    Burst,
    /// A worker in the place of one that was lost.
    Replacement,
    /// A resource of the reserve that serves `run`.
    Reserve,
    /// A resource for a single `run`, destroyed after it.
    Temporary,
}

/// Why a worker left the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExitReason {
    /// `check_health` called its resource unhealthy after a task's error.
    Unhealthy,
    /// A task panicked on its resource.
    Panicked,
    /// A task was dropped half-way (cancelled or timed out) and was not marked cancel-safe.
    Interrupted,
    /// A probe of the idle resource failed.
    ProbeFailed,
    /// Its resource reached `max_lifetime`.
    MaxLifetime,
    /// Its resource reached `max_uses`.
    MaxUses,
    /// The pool shrank.
    Retired,
    /// The pool stopped and no task was left.
    Drained,
    /// The pool was killed.
    Killed,
    /// The worker was given up while stuck and came back later.
    Abandoned,
    /// Its thread or task ended without saying why, as when a runtime is shut down.
    Lost,
}

impl ExitReason {
    /// Whether the worker left because its resource could no longer be trusted.
    #[must_use]
    pub const fn is_sickness(self) -> bool {
        matches!(self, Self::Unhealthy | Self::Panicked | Self::Interrupted | Self::ProbeFailed | Self::Lost)
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unhealthy => "its resource was unhealthy",
            Self::Panicked => "a task panicked",
            Self::Interrupted => "a task was interrupted half-way",
            Self::ProbeFailed => "a probe failed",
            Self::MaxLifetime => "its resource reached its maximum age",
            Self::MaxUses => "its resource reached its maximum number of uses",
            Self::Retired => "the pool shrank",
            Self::Drained => "the pool has drained",
            Self::Killed => "the pool was killed",
            Self::Abandoned => "it was abandoned while stuck",
            Self::Lost => "it ended without a word",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_show_what_they_name_and_their_number() {
        assert_eq!((WorkerId::new(7).get(), TaskId::new(8).get()), (7, 8));
        assert_eq!(
            (WorkerId::new(7).to_string(), TaskId::new(8).to_string()),
            ("worker-7".into(), "task-8".into())
        );
    }

    #[test]
    fn a_reason_to_leave_is_sickness_if_the_resource_cannot_be_trusted() {
        use ExitReason::{Interrupted, Killed, Lost, MaxUses, Panicked, ProbeFailed, Retired, Unhealthy};
        assert!(
            [Unhealthy, Panicked, Interrupted, ProbeFailed, Lost].into_iter().all(ExitReason::is_sickness)
        );
        assert!(![MaxUses, Retired, Killed].into_iter().any(ExitReason::is_sickness));
    }
}
