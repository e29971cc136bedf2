//! What is noted while a simulation runs.

use std::time::Duration;

use tasker_core::Timestamp;
use tasker_core::scaling::Sample;
use tasker_core::supervisor::Levels;

use super::outcome::{Outcome, Run};
use super::setup::Lab;
use super::timeline::{Timeline, Workers};

/// How long no task may start late for a step to count as absorbed, at least.
const SETTLED: Duration = Duration::from_secs(5);
/// How much longer than its trace a simulation may go on, at least.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Counts and series of one simulation.
#[derive(Debug)]
pub(super) struct Tally {
    target: Duration,
    base: usize,
    last_arrival: Timestamp,
    end: Timestamp,
    calm_at: Timestamp,
    /// How long each task had waited when it first started.
    waits: Vec<u64>,
    late: u64,
    unfinished: u64,
    retries: u64,
    creations: u64,
    failed_creations: u64,
    turns: u64,
    grew: Option<bool>,
    /// Worker-nanoseconds paid so far.
    paid: u128,
    step: Option<Step>,
    timeline: Timeline,
}

/// A jump of the load, until it is absorbed.
#[derive(Clone, Copy, Debug)]
struct Step {
    at: Timestamp,
    settled: Duration,
    last_late: Timestamp,
    absorbed: Option<Duration>,
}

impl Tally {
    pub(super) fn new(lab: &Lab) -> Self {
        let last_arrival = lab.trace.end();
        let end = last_arrival.saturating_add(lab.tail);
        let step = lab.step_at.map(|at| Step {
            at,
            settled: SETTLED.max(lab.wait_target.saturating_mul(2)),
            last_late: at,
            absorbed: None,
        });
        Self {
            target: lab.wait_target,
            base: lab.config.workers,
            last_arrival,
            end,
            calm_at: lab.calm_at.unwrap_or(last_arrival),
            waits: Vec::with_capacity(lab.trace.len()),
            late: 0,
            unfinished: 0,
            retries: 0,
            creations: 0,
            failed_creations: 0,
            turns: 0,
            grew: None,
            paid: 0,
            step,
            timeline: Timeline::new(end, lab.wait_target),
        }
    }

    /// When the simulation may end, if all is done by then.
    pub(super) const fn end(&self) -> Timestamp {
        self.end
    }

    /// When it ends in any case.
    pub(super) fn limit(&self) -> Timestamp {
        let length = self.last_arrival.saturating_since(Timestamp::ZERO);
        self.end.saturating_add(PATIENCE.max(length.saturating_mul(4)))
    }

    pub(super) fn arrived(&mut self, now: Timestamp) {
        self.timeline.bin(now).arrivals += 1;
    }

    pub(super) fn queue(&mut self, now: Timestamp, queued: usize) {
        let bin = self.timeline.bin(now);
        bin.backlog = bin.backlog.max(queued);
    }

    pub(super) fn started(&mut self, now: Timestamp, waited: Duration) {
        let late = waited > self.target;
        self.wait(waited, late);
        let bin = self.timeline.bin(now);
        bin.starts += 1;
        bin.wait_sum = bin.wait_sum.saturating_add(waited);
        bin.wait_max = bin.wait_max.max(waited);
        if let Some(step) = &mut self.step {
            step.started(now, late);
        }
    }

    pub(super) fn never_started(&mut self, waited: Duration) {
        self.unfinished += 1;
        self.wait(waited, true);
    }

    pub(super) fn retried(&mut self) {
        self.retries += 1;
    }

    pub(super) fn spawned(&mut self, now: Timestamp) {
        self.creations += 1;
        self.timeline.created.push(now);
    }

    pub(super) fn creation_failed(&mut self, now: Timestamp) {
        self.failed_creations += 1;
        self.timeline.failed.push(now);
    }

    pub(super) fn scaled(&mut self, from: usize, to: usize) {
        let grows = to > from;
        self.turns += u64::from(self.grew.is_some_and(|grew| grew != grows));
        self.grew = Some(grows);
    }

    pub(super) fn levels(&mut self, now: Timestamp, levels: Levels) {
        let workers = Workers {
            at: now,
            desired: levels.target,
            live: levels.live,
            creating: levels.creating,
            destroying: levels.destroying,
        };
        self.pay_until(now);
        self.timeline.note(workers);
    }

    /// Ends with figures.
    pub(super) fn finish(mut self, end: Timestamp, never_arrived: usize, sample: &Sample) -> Run {
        self.pay_until(end);
        self.unfinished += never_arrived as u64;
        self.late += never_arrived as u64;
        let back = self.timeline.back_to(self.base, self.calm_at);
        self.timeline.finish(end);
        let tasks = self.waits.len() as u64 + never_arrived as u64;
        let sum: u128 = self.waits.iter().map(|wait| u128::from(*wait)).sum();
        let mut quantile = |q| quantile(&mut self.waits, q);
        let outcome = Outcome {
            tasks: tasks as f64,
            wait_p50: quantile(0.50),
            wait_p95: quantile(0.95),
            wait_p99: quantile(0.99),
            wait_max: quantile(1.0),
            wait_mean: Duration::from_nanos(
                u64::try_from(sum / u128::from(tasks.max(1))).unwrap_or(u64::MAX),
            ),
            late: self.late as f64,
            unfinished: self.unfinished as f64,
            retries: self.retries as f64,
            worker_seconds: self.paid as f64 / 1e9,
            work_seconds: sample.busy_time.as_secs_f64(),
            creations: self.creations as f64,
            failed_creations: self.failed_creations as f64,
            turns: self.turns as f64,
            absorb: self.step.and_then(|step| step.absorbed(end)),
            back,
        };
        Run { outcome, timeline: self.timeline }
    }

    fn wait(&mut self, waited: Duration, late: bool) {
        self.waits.push(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX));
        self.late += u64::from(late);
    }

    /// Workers are paid from the moment their creation begins until their resource is destroyed.
    fn pay_until(&mut self, now: Timestamp) {
        let Some(last) = self.timeline.workers.last() else { return };
        let nanos = now.saturating_since(self.timeline.paid_until).as_nanos();
        self.paid += nanos * last.paid() as u128;
        self.timeline.paid_until = now;
    }
}

impl Step {
    fn started(&mut self, now: Timestamp, late: bool) {
        if self.absorbed.is_some() || now < self.at {
            return;
        }
        if now.saturating_since(self.last_late) >= self.settled {
            self.absorbed = Some(self.last_late.saturating_since(self.at));
        } else if late {
            self.last_late = now;
        }
    }

    /// Nothing starts late any more once the load is over.
    fn absorbed(self, end: Timestamp) -> Option<Duration> {
        let settled = end.saturating_since(self.last_late) >= self.settled;
        self.absorbed.or_else(|| settled.then(|| self.last_late.saturating_since(self.at)))
    }
}

/// The least value that a share `q` of them do not exceed (nearest rank).
fn quantile(values: &mut [u64], q: f64) -> Duration {
    let rank = (q * values.len() as f64).ceil() as usize;
    let Some(index) = rank.max(1).checked_sub(1).filter(|index| *index < values.len()) else {
        return Duration::ZERO;
    };
    let (_, value, _) = values.select_nth_unstable(index);
    Duration::from_nanos(*value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let mut values: Vec<u64> = (1..=100).rev().collect();
        let at = |values: &mut [u64], q| quantile(values, q).as_nanos();
        assert_eq!([0.5, 0.95, 0.99, 1.0].map(|q| at(&mut values, q)), [50, 95, 99, 100]);
        assert_eq!(quantile(&mut [], 0.5), Duration::ZERO);
        assert_eq!(at(&mut [7], 0.5), 7);
    }

    #[test]
    fn a_step_is_absorbed_by_the_last_late_start_before_calm() {
        let at = |secs: u64| Timestamp::from_nanos(secs * 1_000_000_000);
        let mut step = Step { at: at(10), settled: SETTLED, last_late: at(10), absorbed: None };
        for (secs, late) in [(9, true), (11, true), (14, false), (15, true), (18, false)] {
            step.started(at(secs), late);
        }
        assert_eq!(step.absorbed(at(19)), None);
        assert_eq!(
            step.absorbed(at(20)),
            Some(Duration::from_secs(5)),
            "the load may end before more starts"
        );
        step.started(at(20), false);
        step.started(at(30), true);
        assert_eq!(step.absorbed, Some(Duration::from_secs(5)));
    }
}
