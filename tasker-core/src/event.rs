//! What a pool says about itself while it runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::{ExitReason, SpawnReason, TaskId, Timestamp, WorkerId};

/// Something that happened in a pool and that its owner may want to log, count or alert on.
///
/// Events tell; they ask nothing, and a pool works the same whether or not somebody listens. Errors appear as shared
/// text, because the typed error has gone to the one caller it belongs to. The `Display` form is a plain sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolEvent {
    /// A worker was started and begins to create its resource.
    #[non_exhaustive]
    WorkerStarted {
        /// The new worker.
        worker: WorkerId,
        /// What it is needed for.
        reason: SpawnReason,
        /// Which attempt this is at filling its place, from 1; more than 1 after failures in a row.
        attempt: u32,
    },
    /// A worker's resource exists; it takes tasks from now on.
    #[non_exhaustive]
    WorkerReady {
        /// The worker.
        worker: WorkerId,
        /// Time from its start to now.
        took: Duration,
    },
    /// A worker could not create its resource, or was given up while trying.
    #[non_exhaustive]
    CreationFailed {
        /// The worker, which is gone.
        worker: WorkerId,
        /// Which attempt this was, from 1.
        attempt: u32,
        /// The error's text.
        error: Arc<str>,
        /// The delay before the next attempt; `None` if there will be none.
        retry_in: Option<Duration>,
    },
    /// A worker left because its resource could not be trusted any more; another takes its place.
    #[non_exhaustive]
    WorkerReplaced {
        /// The worker that left.
        worker: WorkerId,
        /// Why it left.
        why: ExitReason,
    },
    /// A worker left for a reason that is no illness, or while the pool no longer replaces anybody. One that left for
    /// its resource's age or uses is followed by another.
    #[non_exhaustive]
    WorkerRetired {
        /// The worker that left.
        worker: WorkerId,
        /// Why it left.
        why: ExitReason,
    },
    /// A worker was given up: it had been stuck in a creation, a task or a destruction for too long. It counts
    /// against the limit of abandoned workers until it comes back.
    #[non_exhaustive]
    WorkerAbandoned {
        /// The worker that was given up.
        worker: WorkerId,
    },
    /// A worker is stuck, but so many have been abandoned already that it keeps its place and is not replaced.
    /// Said once, until one of the abandoned comes back.
    #[non_exhaustive]
    AbandonedLimitReached {
        /// Abandoned workers now.
        abandoned: usize,
        /// The most there may be.
        limit: usize,
    },
    /// A resource's destruction failed, panicked or took too long. It is not tried again.
    #[non_exhaustive]
    DestroyFailed {
        /// The worker that owned the resource; `None` for one that served `run`.
        worker: Option<WorkerId>,
        /// The error's text.
        error: Arc<str>,
    },
    /// A task failed on a resource that turned out sick, or timed out and had asked to be retried for that. It will be
    /// attempted again elsewhere.
    #[non_exhaustive]
    TaskRetried {
        /// The task.
        task: TaskId,
        /// The name its submitter gave it.
        name: Option<Arc<str>>,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// The delay before it may start again.
        delay: Duration,
        /// The error's text.
        error: Arc<str>,
    },
    /// The pool wants another number of workers than before.
    #[non_exhaustive]
    Scaled {
        /// Workers wanted until now.
        from: usize,
        /// Workers wanted from now on.
        to: usize,
        /// Who changed it.
        why: ScaleReason,
    },
    /// Creations keep failing: until one succeeds, they are tried one at a time.
    #[non_exhaustive]
    BreakerOpened {
        /// Creations that failed in a row.
        failures: u32,
    },
    /// A creation succeeded after the breaker had opened; all waiting workers are started again.
    BreakerClosed,
    /// A graceful stop began: no more tasks are accepted, the accepted ones still run.
    #[non_exhaustive]
    Stopping {
        /// When the stop turns into a kill; `None` if it may take as long as it takes.
        deadline: Option<Timestamp>,
    },
    /// All accepted tasks are done; the workers destroy their resources and leave.
    Drained,
    /// The pool was killed: waiting tasks are answered and dropped, running ones are asked to stop.
    Killed,
    /// The pool has ended: its workers and its reserve are gone, or given up. Nothing follows.
    Ended,
    /// No more tasks are started until the pool is resumed.
    Paused,
    /// Tasks are started again.
    Resumed,
    /// A function given by the user panicked; the pool used a safe answer instead.
    #[non_exhaustive]
    CallbackPanicked {
        /// Which function, as in `ScalingPolicy::desired`.
        callback: &'static str,
        /// The panic's message.
        message: Arc<str>,
    },
    /// The pool suspects something wrong with its configuration or surroundings.
    Diagnosis(Diagnosis),
}

impl fmt::Display for PoolEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WorkerStarted { .. }
            | Self::WorkerReady { .. }
            | Self::CreationFailed { .. }
            | Self::WorkerReplaced { .. }
            | Self::WorkerRetired { .. }
            | Self::WorkerAbandoned { .. } => self.fmt_worker(f),
            Self::AbandonedLimitReached { abandoned, limit } => {
                write!(
                    f,
                    "a stuck worker is not replaced: {abandoned} of at most {limit} are abandoned already"
                )
            }
            Self::DestroyFailed { worker: Some(worker), error } => {
                write!(f, "{worker} failed to destroy its resource: {error}")
            }
            Self::DestroyFailed { worker: None, error } => {
                write!(f, "a resource of the reserve failed to be destroyed: {error}")
            }
            Self::TaskRetried { task, name, attempt, delay, error } => {
                let name = name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
                let when = if delay.is_zero() { "at once".into() } else { format!("in {delay:?}") };
                write!(f, "{task}{name} is retried {when} after attempt {attempt} failed: {error}")
            }
            Self::Scaled { from, to, why } => write!(f, "workers wanted: {to} instead of {from} ({why})"),
            Self::BreakerOpened { failures } => {
                write!(f, "{failures} creations failed in a row: they are now tried one at a time")
            }
            Self::BreakerClosed => f.write_str("a creation succeeded: all workers are started again"),
            Self::Stopping { deadline: None } => f.write_str("the pool is stopping"),
            Self::Stopping { deadline: Some(at) } => {
                write!(
                    f,
                    "the pool is stopping, until {:?} on its clock",
                    at.saturating_since(Timestamp::ZERO)
                )
            }
            Self::Drained => f.write_str("all accepted tasks are done"),
            Self::Killed => f.write_str("the pool was killed"),
            Self::Ended => f.write_str("the last worker is gone"),
            Self::Paused => f.write_str("the pool is paused"),
            Self::Resumed => f.write_str("the pool goes on"),
            Self::CallbackPanicked { callback, message } => write!(f, "`{callback}` panicked: {message}"),
            Self::Diagnosis(diagnosis) => write!(f, "{diagnosis}"),
        }
    }
}

impl PoolEvent {
    fn fmt_worker(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::WorkerStarted { worker, reason, attempt } = self {
            write!(f, "{worker} was started as {}, attempt {attempt}", purpose(*reason))?;
        }
        if let Self::WorkerReady { worker, took } = self {
            write!(f, "{worker} became ready after {took:?}")?;
        }
        if let Self::CreationFailed { worker, attempt, error, retry_in } = self {
            write!(f, "{worker} failed to create its resource, attempt {attempt}: {error}; ")?;
            match retry_in {
                Some(delay) => write!(f, "tried again in {delay:?}")?,
                None => f.write_str("not tried again")?,
            }
        }
        if let Self::WorkerReplaced { worker, why } = self {
            write!(f, "{worker} left and is replaced: {why}")?;
        }
        if let Self::WorkerRetired { worker, why } = self {
            write!(f, "{worker} left: {why}")?;
        }
        if let Self::WorkerAbandoned { worker } = self {
            write!(f, "{worker} was stuck and is abandoned")?;
        }
        Ok(())
    }
}

const fn purpose(reason: SpawnReason) -> &'static str {
    match reason {
        SpawnReason::Base => "a base worker",
        SpawnReason::Burst => "a burst worker",
        SpawnReason::Replacement => "a replacement",
        SpawnReason::Reserve => "a resource of the reserve",
        SpawnReason::Temporary => "a temporary resource",
    }
}

/// Who changed the number of workers a pool wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScaleReason {
    /// The scaling policy, at a tick.
    Policy,
    /// A resize.
    Resize,
    /// A warm-up.
    WarmUp,
    /// A worker had been idle for long enough, in a pool above its base.
    Idle,
    /// Every worker was inside a task that waits for another task of the pool.
    Blocked,
}

impl fmt::Display for ScaleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Policy => "asked for by the scaling policy",
            Self::Resize => "the pool was resized",
            Self::WarmUp => "the pool was warmed up",
            Self::Idle => "a burst worker was idle",
            Self::Blocked => "all workers wait for tasks of their own pool",
        })
    }
}

/// A suspicion the pool has about its configuration or surroundings, with the likely cause and the way to fix it.
///
/// Each is raised once and again only after the trouble had gone away.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Diagnosis {
    /// At least 3 creations in a row have failed, over all workers, so that lost workers are not replaced.
    #[non_exhaustive]
    WorkerReplacementFailure {
        /// Creations that failed in a row.
        failures: u32,
        /// The text of the last error.
        last_error: Arc<str>,
    },
    /// The number of workers has not followed the backlog for 10 ticks in a row. Only pools whose `max_workers`
    /// is above their `workers` have ticks.
    #[non_exhaustive]
    BurstScalingStuck {
        /// Workers wanted.
        desired: usize,
        /// Workers there are.
        live: usize,
        /// Tasks waiting to start.
        queued: usize,
        /// The most workers the pool may have.
        max_workers: usize,
    },
    /// A stop reached its deadline with workers left.
    #[non_exhaustive]
    ShutdownTimeout {
        /// Time since the stop began.
        waited: Duration,
        /// Workers that had not left.
        workers_left: usize,
    },
}

impl Diagnosis {
    /// What usually is behind it.
    #[must_use]
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::WorkerReplacementFailure { .. } => {
                "`create` fails each time a worker is to be replaced: what it connects to is down, refuses, or ran \
                 out of room"
            }
            Self::BurstScalingStuck { desired, live, .. } if *desired > *live => {
                "workers are wanted but do not come up: their creation fails or is slow, or workers that leave are \
                 slow to destroy their resource and hold their room"
            }
            Self::BurstScalingStuck { .. } => {
                "the pool is at its maximum and more work arrives than it can do, or its workers wait for each other"
            }
            Self::ShutdownTimeout { .. } => {
                "tasks do not end or ignore their cancellation, or `destroy` is slow"
            }
        }
    }

    /// What to look at and change.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::WorkerReplacementFailure { .. } => {
                "look at the last error; check address, credentials and limits of what `create` connects to; the \
                 pool goes on by itself once a creation succeeds"
            }
            Self::BurstScalingStuck { desired, live, .. } if *desired > *live => {
                "look at the events of failed creations; set `create_timeout` and `destroy_timeout`; make `create` \
                 faster or call `warm_up` before the load comes"
            }
            Self::BurstScalingStuck { .. } => {
                "raise `max_workers`, make tasks shorter, or bound what is submitted; check the policy's threshold, \
                 step and interval"
            }
            Self::ShutdownTimeout { .. } => {
                "let long tasks check for cancellation and give them a timeout; set `destroy_timeout`; give \
                 `stop_within` more time"
            }
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WorkerReplacementFailure { failures, last_error } => {
                write!(
                    f,
                    "workers are not replaced, {failures} creations failed in a row, last: {last_error}"
                )?;
            }
            Self::BurstScalingStuck { desired, live, queued, max_workers } => write!(
                f,
                "scaling is stuck: {queued} tasks wait for {live} workers, {desired} are wanted, \
                 {max_workers} allowed"
            )?,
            Self::ShutdownTimeout { waited, workers_left } => {
                write!(f, "the stop ran out of time after {waited:?} with {workers_left} workers left")?;
            }
        }
        write!(f, "; likely cause: {}; to fix it: {}", self.cause(), self.fix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_that_do_not_come_up_are_told_from_a_pool_at_its_maximum() {
        let stuck = |desired, live| {
            let stuck = Diagnosis::BurstScalingStuck { desired, live, queued: 9, max_workers: 3 };
            [stuck.cause(), stuck.fix()]
        };
        assert_eq!(stuck(3, 1), stuck(3, 2));
        assert_eq!(stuck(3, 3), stuck(2, 3));
        let ([missing, wait], [full, raise]) = (stuck(3, 2), stuck(3, 3));
        assert!(missing.contains("do not come up") && wait.contains("`create_timeout`"));
        assert!(full.contains("at its maximum") && raise.contains("`max_workers`"));
    }

    #[test]
    fn events_read_as_sentences() {
        let worker = WorkerId::new(3);
        let started = PoolEvent::WorkerStarted { worker, reason: SpawnReason::Burst, attempt: 2 };
        assert_eq!(started.to_string(), "worker-3 was started as a burst worker, attempt 2");
        let retried = PoolEvent::TaskRetried {
            task: TaskId::new(9),
            name: Some("import".into()),
            attempt: 1,
            delay: Duration::from_millis(5),
            error: "reset".into(),
        };
        assert_eq!(retried.to_string(), "task-9 (import) is retried in 5ms after attempt 1 failed: reset");
        let failed =
            PoolEvent::CreationFailed { worker, attempt: 4, error: "refused".into(), retry_in: None };
        assert_eq!(
            failed.to_string(),
            "worker-3 failed to create its resource, attempt 4: refused; not tried again"
        );
    }

    #[test]
    fn what_befalls_workers_and_the_pool_reads_as_a_sentence() {
        let (worker, error) = (WorkerId::new(3), || Arc::from("reset"));
        let deadline = Some(Timestamp::ZERO.saturating_add(Duration::from_secs(7)));
        let rows = [
            (
                PoolEvent::WorkerReady { worker, took: Duration::from_secs(1) },
                "worker-3 became ready after 1s",
            ),
            (
                PoolEvent::WorkerReplaced { worker, why: ExitReason::Unhealthy },
                "worker-3 left and is replaced: its resource was unhealthy",
            ),
            (
                PoolEvent::WorkerRetired { worker, why: ExitReason::Drained },
                "worker-3 left: the pool has drained",
            ),
            (PoolEvent::WorkerAbandoned { worker }, "worker-3 was stuck and is abandoned"),
            (
                PoolEvent::AbandonedLimitReached { abandoned: 2, limit: 2 },
                "a stuck worker is not replaced: 2 of at most 2 are abandoned already",
            ),
            (
                PoolEvent::DestroyFailed { worker: Some(worker), error: error() },
                "worker-3 failed to destroy its resource: reset",
            ),
            (
                PoolEvent::DestroyFailed { worker: None, error: error() },
                "a resource of the reserve failed to be destroyed: reset",
            ),
            (
                PoolEvent::BreakerOpened { failures: 5 },
                "5 creations failed in a row: they are now tried one at a time",
            ),
            (PoolEvent::Stopping { deadline: None }, "the pool is stopping"),
            (PoolEvent::Stopping { deadline }, "the pool is stopping, until 7s on its clock"),
            (
                PoolEvent::CallbackPanicked { callback: "on_complete", message: error() },
                "`on_complete` panicked: reset",
            ),
        ];
        for (event, sentence) in rows {
            assert_eq!(event.to_string(), sentence);
        }
    }

    #[test]
    fn every_diagnosis_says_what_was_seen_its_cause_and_its_fix() {
        let (failures, last_error) = (3, Arc::from("refused"));
        let all = [
            Diagnosis::WorkerReplacementFailure { failures, last_error },
            Diagnosis::BurstScalingStuck { desired: 4, live: 1, queued: 90, max_workers: 4 },
            Diagnosis::BurstScalingStuck { desired: 4, live: 4, queued: 90, max_workers: 4 },
            Diagnosis::ShutdownTimeout { waited: Duration::from_secs(9), workers_left: 3 },
        ];
        let seen = [
            "workers are not replaced, 3 creations failed in a row, last: refused",
            "scaling is stuck: 90 tasks wait for 1 workers, 4 are wanted, 4 allowed",
            "scaling is stuck: 90 tasks wait for 4 workers, 4 are wanted, 4 allowed",
            "the stop ran out of time after 9s with 3 workers left",
        ];
        for (diagnosis, seen) in all.into_iter().zip(seen) {
            let text = PoolEvent::Diagnosis(diagnosis.clone()).to_string();
            assert!(text.starts_with(seen), "{text}");
            assert!(text.contains(diagnosis.cause()) && text.contains(diagnosis.fix()), "{text}");
        }
    }

    #[test]
    fn a_diagnosis_tells_a_slow_creation_from_a_full_pool() {
        let slow = Diagnosis::BurstScalingStuck { desired: 4, live: 1, queued: 90, max_workers: 4 };
        let full = Diagnosis::BurstScalingStuck { desired: 4, live: 4, queued: 90, max_workers: 4 };
        assert_ne!(slow.cause(), full.cause());
        assert_ne!(slow.fix(), full.fix());
    }
}
