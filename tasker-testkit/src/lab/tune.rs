//! Looking for the parameters of a policy.

use super::chance::Rng;
use super::choice::{Choice, Unit, is_target};
use super::outcome::Outcome;
use super::setup::Lab;

/// Points that are tried all over the ranges of the parameters, after the defaults.
const ABROAD: usize = 48;
/// Rounds in which the best is improved, each with a smaller reach.
const ROUNDS: i32 = 6;
/// Points a round.
const NEARBY: usize = 8;

/// Parameters that were tried, with the mean outcome over the labs.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The policy.
    pub choice: Choice,
    /// What it made of the load.
    pub outcome: Outcome,
}

/// What tuning found.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned {
    /// The fewest worker-seconds that keep the wait target for 99 of 100 tasks; or, if nothing that was tried does, the
    /// shortest wait.
    pub best: Trial,
    /// Whether the best keeps the target.
    pub keeps_target: bool,
    /// All that nothing else beats in both p99 wait and worker-seconds, the cheapest first.
    pub front: Vec<Trial>,
    /// How many parameter sets were tried.
    pub tried: usize,
}

/// Looks for the parameters with the fewest worker-seconds that keep the wait target of the labs: p99 of the wait no
/// longer than the target, in the mean over the labs.
///
/// Random search all over the ranges (Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", 2012), then
/// around the best with a reach that halves. A parameter that is the wait target itself is set to it and left alone.
/// The same seed finds the same.
#[must_use]
pub fn tune(labs: &[Lab], start: &Choice, seed: u64) -> Tuned {
    let mut rng = Rng::new(seed, "tuning");
    let target = labs.iter().map(Lab::target).min().unwrap_or_default();
    let start = start.clone().with_target(target);
    let mut trials = vec![try_out(labs, start.clone())];
    for _ in 0..ABROAD {
        let values: Vec<_> = draw(&start, &mut rng);
        attempt(labs, &start, &values, &mut trials);
    }
    for round in 0..ROUNDS {
        let reach = 0.5_f64.powi(round + 1);
        for _ in 0..NEARBY {
            let centre = trials[best(&trials, labs)].choice.clone();
            let values = near(&centre, reach, &mut rng);
            attempt(labs, &start, &values, &mut trials);
        }
    }
    let best = trials[best(&trials, labs)].clone();
    let keeps_target = best.outcome.wait_p99 <= target;
    Tuned { keeps_target, front: front(&trials), tried: trials.len(), best }
}

fn attempt(labs: &[Lab], start: &Choice, values: &[f64], trials: &mut Vec<Trial>) {
    let choice = start.with(values);
    let known = trials.iter().any(|trial| trial.choice == choice);
    if !known && choice.build().validate().is_ok() {
        trials.push(try_out(labs, choice));
    }
}

fn try_out(labs: &[Lab], choice: Choice) -> Trial {
    let outcomes: Vec<_> = labs.iter().map(|lab| lab.run(choice.build()).outcome).collect();
    Trial { choice, outcome: Outcome::mean(&outcomes) }
}

fn best(trials: &[Trial], labs: &[Lab]) -> usize {
    let target = labs.iter().map(Lab::target).min().unwrap_or_default();
    let rank = |index: &usize| {
        let outcome = &trials[*index].outcome;
        let over = outcome.wait_p99.saturating_sub(target).as_secs_f64();
        (over, outcome.worker_seconds)
    };
    let first = |a: &usize, b: &usize| {
        let (a, b) = (rank(a), rank(b));
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
    };
    (0..trials.len()).min_by(first).unwrap_or(0)
}

fn front(trials: &[Trial]) -> Vec<Trial> {
    let beaten = |one: &Trial| {
        trials.iter().any(|other| {
            let (a, b) = (&other.outcome, &one.outcome);
            let no_worse = a.wait_p99 <= b.wait_p99 && a.worker_seconds <= b.worker_seconds;
            no_worse && (a.wait_p99 < b.wait_p99 || a.worker_seconds < b.worker_seconds)
        })
    };
    let mut front: Vec<_> = trials.iter().filter(|trial| !beaten(trial)).cloned().collect();
    front.sort_by(|a, b| a.outcome.worker_seconds.total_cmp(&b.outcome.worker_seconds));
    front.dedup_by(|a, b| a.outcome == b.outcome);
    front
}

fn draw(start: &Choice, rng: &mut Rng) -> Vec<f64> {
    moved(start, |_, low, high| low + (high - low) * rng.unit())
}

fn near(centre: &Choice, reach: f64, rng: &mut Rng) -> Vec<f64> {
    moved(centre, |at, low, high| (at + (high - low) * reach * (rng.unit() - 0.5)).clamp(low, high))
}

/// Moves each parameter but the wait target, on a scale on which its range is even: counts and times by their root.
fn moved(choice: &Choice, mut to: impl FnMut(f64, f64, f64) -> f64) -> Vec<f64> {
    let params = choice.kind().params.iter().zip(choice.values());
    params
        .map(|(param, &value)| {
            if is_target(param.name) {
                return value;
            }
            let (low, high) = param.range;
            match param.unit {
                Unit::Number => round(to(value, low, high)),
                Unit::Count | Unit::Seconds => {
                    let root = to(value.max(0.0).sqrt(), low.sqrt(), high.sqrt());
                    round(root * root)
                }
            }
        })
        .collect()
}

/// To three digits: nobody wants to paste more.
fn round(value: f64) -> f64 {
    let scale = [1e5, 1e4, 1e3, 1e2, 1e1].into_iter().find(|scale| value * scale < 1e3).unwrap_or(1.0);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::lab::{Load, Resources};

    #[test]
    fn tuning_keeps_the_target_for_less_than_the_defaults_cost() {
        let load = Load::poisson(100.0).lasting(Duration::from_secs(60));
        let lab = Lab::new(load.trace(1))
            .workers(8)
            .max_workers(32)
            .wait_target(Duration::from_millis(200))
            .resources(Resources::new());
        let start: Choice = "utilization".parse().unwrap();
        let tuned = tune(&[lab], &start, 1);
        assert!(tuned.keeps_target && tuned.tried > 50, "{tuned:?}");
        let cheapest = tuned.front.first().unwrap();
        assert!(cheapest.outcome.worker_seconds <= tuned.best.outcome.worker_seconds);
        let pairs = tuned.front.windows(2);
        assert!(pairs.into_iter().all(|pair| pair[0].outcome.wait_p99 >= pair[1].outcome.wait_p99));
    }

    #[test]
    fn values_are_rounded_to_three_digits() {
        assert_eq!([0.123_456, 7.891_23, 45.678, 1234.5].map(round), [0.123, 7.89, 45.7, 1235.0]);
    }
}
