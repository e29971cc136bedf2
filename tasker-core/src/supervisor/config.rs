//! What the supervisor is told before it starts.

use std::time::Duration;

use crate::{Backoff, InvalidConfig};

/// When building a pool counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Startup {
    /// When the first worker is ready, however long that takes and however many creations fail before. The default of
    /// this type; a pool's builder begins with [`Startup::Fail`].
    #[default]
    Wait,
    /// When the first worker is ready; it fails once the first creation of every base worker has failed.
    Fail,
    /// At once. Workers are started all the same, and tasks wait for them.
    Lazy,
}

/// The settings of a [`Supervisor`](super::Supervisor).
///
/// Start from [`SupervisorConfig::new`] and assign what differs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SupervisorConfig {
    /// Base workers: the least a running pool wants. At least 1.
    pub workers: usize,
    /// The most workers that may be creating, live or destroying at once. At least `workers`.
    pub max_workers: usize,
    /// The delay before a failed creation is tried again, or a worker replaced that failed its first task.
    pub backoff: Backoff,
    /// How often in a row one worker's creation is retried before it is given up; `None` for ever.
    pub create_retries: Option<u32>,
    /// How long a creation may take; `None` for as long as it takes.
    pub create_timeout: Option<Duration>,
    /// How long a destruction may take; `None` for as long as it takes.
    pub destroy_timeout: Option<Duration>,
    /// How much longer than its timeout something may take before its worker is given up: the time a backend gets
    /// to enforce the timeout by itself.
    pub grace: Duration,
    /// The most abandoned workers there may be while workers are still replaced.
    pub max_abandoned: usize,
    /// Time between two questions to the scaling policy. Taken as 1 ms if it is less.
    pub burst_interval: Duration,
    /// When building the pool counts as done.
    pub startup: Startup,
    /// Failed creations in a row, over all workers, after which they are tried one at a time; 0 for never.
    pub breaker_threshold: u32,
    /// Where jitter comes from. Two pools with the same seed and the same events behave the same.
    pub seed: u64,
}

impl SupervisorConfig {
    /// A fixed pool of `workers`: creations are retried for ever, may take 30 s, and a breaker opens after 5 failures
    /// in a row; destructions may take 10 s; a second of grace; 8 abandoned workers at most; the policy, if there is
    /// one, is asked every 100 ms; building waits. A pool's builder sets its own grace, abandoned workers and startup.
    #[must_use]
    pub const fn new(workers: usize) -> Self {
        Self {
            workers,
            max_workers: workers,
            backoff: Backoff::new(),
            create_retries: None,
            create_timeout: Some(Duration::from_secs(30)),
            destroy_timeout: Some(Duration::from_secs(10)),
            grace: Duration::from_secs(1),
            max_abandoned: 8,
            burst_interval: Duration::from_millis(100),
            startup: Startup::Wait,
            breaker_threshold: 5,
            seed: 0,
        }
    }

    /// Says which setting makes no sense, if one does.
    ///
    /// # Errors
    ///
    /// The field, its value, and the rule it breaks.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        if self.workers == 0 {
            return Err(InvalidConfig::new("workers", self.workers, "must be at least 1"));
        }
        if self.max_workers < self.workers {
            return Err(InvalidConfig::new(
                "max_workers",
                self.max_workers,
                "must not be less than `workers`",
            ));
        }
        if self.burst_interval.is_zero() {
            return Err(InvalidConfig::zero_time("burst_interval"));
        }
        self.backoff.validate().map_err(|error| error.of("create_backoff"))
    }

    /// The same settings with the bounds put right, so that nothing further in has to doubt them.
    pub(super) fn sound(mut self) -> Self {
        self.burst_interval = self.burst_interval.max(Duration::from_millis(1));
        self.set_bounds(self.workers, self.max_workers);
        self
    }

    pub(super) fn set_bounds(&mut self, workers: usize, max_workers: usize) {
        self.workers = workers.max(1);
        self.max_workers = max_workers.max(self.workers);
    }

    pub(super) fn clamp(&self, wanted: usize) -> usize {
        wanted.clamp(self.workers, self.max_workers)
    }
}
