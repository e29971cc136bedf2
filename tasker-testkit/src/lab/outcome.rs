//! How a simulation went, in figures.

use std::time::Duration;

use super::setup::Prices;
use super::timeline::Timeline;

/// A simulation that was run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What came of it.
    pub outcome: Outcome,
    /// How it went over time.
    pub timeline: Timeline,
}

/// What a policy made of a load: what tasks waited, and what workers cost. Or the means of several simulations.
///
/// A task's wait is from its arrival to its first start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Tasks that arrived.
    pub tasks: f64,
    /// Half waited no longer than this.
    pub wait_p50: Duration,
    /// 95 of 100 waited no longer than this.
    pub wait_p95: Duration,
    /// 99 of 100 waited no longer than this.
    pub wait_p99: Duration,
    /// None waited longer than this.
    pub wait_max: Duration,
    /// The mean wait.
    pub wait_mean: Duration,
    /// Tasks that waited longer than the target.
    pub late: f64,
    /// Tasks that were not started when the simulation was given up. They are late, too.
    pub unfinished: f64,
    /// Attempts that were followed by another.
    pub retries: f64,
    /// Worker-seconds paid: from the beginning of each creation to the end of each destruction.
    pub worker_seconds: f64,
    /// Worker-seconds in which a task ran.
    pub work_seconds: f64,
    /// Creations begun, beside the base workers a pool begins with: the churn.
    pub creations: f64,
    /// Creations that failed.
    pub failed_creations: f64,
    /// How often the number of workers wanted fell after it had risen, or rose after it had fallen: the oscillation.
    pub turns: f64,
    /// Time from the jump of the load to the last task that started late, before 5 s (and twice the wait target)
    /// without one. `None` without a jump, or if it never came to that.
    pub absorb: Option<Duration>,
    /// Time from the end of the load until there were no more than the base workers; `None` if that was never.
    pub back: Option<Duration>,
}

impl Outcome {
    /// The share of tasks that waited longer than the target.
    #[must_use]
    pub fn late_share(&self) -> f64 {
        if self.tasks > 0.0 { self.late / self.tasks } else { 0.0 }
    }

    /// The share of the paid time in which a task ran.
    #[must_use]
    pub fn busy_share(&self) -> f64 {
        if self.worker_seconds > 0.0 { self.work_seconds / self.worker_seconds } else { 0.0 }
    }

    /// The cost, in worker-seconds.
    #[must_use]
    pub fn cost(&self, prices: Prices) -> f64 {
        self.worker_seconds + prices.late * self.late + prices.creation * self.creations
    }

    /// Whether this is no worse than the other in p99 wait, worker-seconds and creations, and better in one.
    #[must_use]
    pub fn dominates(&self, other: &Self) -> bool {
        let no_worse = self.wait_p99 <= other.wait_p99
            && self.worker_seconds <= other.worker_seconds
            && self.creations <= other.creations;
        let better = self.wait_p99 < other.wait_p99
            || self.worker_seconds < other.worker_seconds
            || self.creations < other.creations;
        no_worse && better
    }

    /// The mean of each figure. A time that one of them did not reach is not reached in the mean.
    #[must_use]
    pub fn mean(outcomes: &[Self]) -> Self {
        let count = outcomes.len().max(1) as f64;
        let number = |figure: fn(&Self) -> f64| outcomes.iter().map(figure).sum::<f64>() / count;
        let time = |figure: fn(&Self) -> Duration| {
            Duration::from_secs_f64(outcomes.iter().map(|o| figure(o).as_secs_f64()).sum::<f64>() / count)
        };
        let reached = |figure: fn(&Self) -> Option<Duration>| {
            let all: Option<Vec<_>> = outcomes.iter().map(figure).collect();
            let sum: f64 = all?.iter().map(Duration::as_secs_f64).sum();
            Some(Duration::from_secs_f64(sum / count))
        };
        Self {
            tasks: number(|o| o.tasks),
            wait_p50: time(|o| o.wait_p50),
            wait_p95: time(|o| o.wait_p95),
            wait_p99: time(|o| o.wait_p99),
            wait_max: time(|o| o.wait_max),
            wait_mean: time(|o| o.wait_mean),
            late: number(|o| o.late),
            unfinished: number(|o| o.unfinished),
            retries: number(|o| o.retries),
            worker_seconds: number(|o| o.worker_seconds),
            work_seconds: number(|o| o.work_seconds),
            creations: number(|o| o.creations),
            failed_creations: number(|o| o.failed_creations),
            turns: number(|o| o.turns),
            absorb: reached(|o| o.absorb),
            back: reached(|o| o.back),
        }
    }
}
