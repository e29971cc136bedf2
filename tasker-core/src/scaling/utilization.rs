//! Workers by how busy they are and how long tasks wait.

use std::time::Duration;

use super::window::{Need, Recent, Window, size};
use super::{Sample, ScalingPolicy};
use crate::{InvalidConfig, Timestamp};

/// Keeps workers busy for a share of their time, and the mean wait short.
///
/// Over a window it measures the *load*, the execution time per second, which is the mean number of busy workers, and
/// the *wait*, the mean time in the queue. It needs the larger of:
/// - `load / busy_share` workers, so that arrivals seldom find all of them busy;
/// - while the mean wait is above `wait_target`: `load * (1 + w / wait_target)` workers, `w` being the queue divided by
///   the completion rate, so that what waits is done within the target while arrivals are served as well;
/// - one more than there are, while tasks wait and the window saw no completion (a cold start, or long tasks);
/// - the workers that are busy.
///
/// It is safe without tuning:
/// - it grows only for tasks that wait: callers that submit one task after the other get no second worker, however busy
///   the first is, and there are never more workers than tasks to run;
/// - it grows at most to twice the live workers: what is being created is seen at work before more is asked for;
/// - it shrinks only to the highest need of the whole window and a tenth more, so a regular load moves nothing;
/// - after the load ends it is back at the base workers within two windows, plus two asks;
/// - running tasks count while they run, and a long task that ends is not mistaken for a sudden load.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | [`busy_share`](Self::busy_share) | 0.7 | share of their time workers should be busy |
/// | [`wait_target`](Self::wait_target) | 100 ms | mean time in the queue above which workers are added |
/// | [`window`](Self::window) | 10 s | how far back it looks, and how long a need is remembered |
///
/// A window should hold many tasks: over a few, random arrivals are not a steady load. While fewer than 64 tasks ended
/// in it, rates are therefore taken over a longer time, until so many did or up to eight windows, unless a whole window
/// saw no task at all. Even so, choose one ten times the usual task or longer.
///
/// Memory is constant, about 20 KiB.
///
/// Source: Little's law, L = λW, taken twice: busy workers = completion rate × execution time, tasks queued = arrival
/// rate × wait (J. D. C. Little, "A Proof for the Queuing Formula: L = λW", Operations Research 9:3, 1961). The ratio
/// of a measure to its target and the delay before shrinking are those of the Kubernetes HorizontalPodAutoscaler.
///
/// ```
/// use std::time::Duration;
/// use tasker_core::Timestamp;
/// use tasker_core::scaling::{Sample, ScalingPolicy, Utilization};
///
/// let mut policy = Utilization::new();
/// let mut sample = Sample::default();
/// (sample.workers, sample.max_workers, sample.live, sample.busy) = (4, 16, 4, 4);
/// assert_eq!(policy.desired(Timestamp::ZERO, &sample), 4);
///
/// // Four workers were busy for a second and did 40 tasks; two more wait.
/// let now = Timestamp::ZERO.saturating_add(Duration::from_secs(1));
/// (sample.arrived, sample.completed, sample.queued) = (46, 40, 2);
/// sample.busy_time = Duration::from_secs(4);
/// assert_eq!(policy.desired(now, &sample), 6); // 4 / 0.7
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Utilization {
    busy_share: f64,
    wait_target: Duration,
    window: Window,
}

impl Utilization {
    /// The policy with its defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            busy_share: 0.7,
            wait_target: Duration::from_millis(100),
            window: Window::new(Duration::from_secs(10)),
        }
    }

    /// The share of their time workers should be busy: above 0, at most 1. Less is more headroom for bursts.
    #[must_use]
    pub const fn busy_share(mut self, share: f64) -> Self {
        self.busy_share = share;
        self
    }

    /// The mean time in the queue above which workers are added. Must not be zero; [`Duration::MAX`] turns this part
    /// of the rule off.
    #[must_use]
    pub const fn wait_target(mut self, target: Duration) -> Self {
        self.wait_target = target;
        self
    }

    /// How far back it looks, and how long a need is remembered. Longer is calmer. Must not be zero.
    #[must_use]
    pub const fn window(mut self, span: Duration) -> Self {
        self.window.set_span(span);
        self
    }

    fn need(&self, recent: Recent, sample: &Sample) -> Need {
        let load = if recent.elapsed > 0.0 { recent.work / recent.elapsed } else { 0.0 };
        let stuck = sample.queued > 0 && recent.completed <= 0.0;
        let more = if stuck { size(sample).saturating_add(1) } else { 0 };
        let load = f64::max(load / self.busy_share, self.load_of_waiting(load, recent, sample));
        Need { load, least: sample.busy.max(more) }
    }

    fn load_of_waiting(&self, load: f64, recent: Recent, sample: &Sample) -> f64 {
        let target = self.wait_target.as_secs_f64();
        if recent.completed <= 0.0 || recent.waited / recent.completed <= target {
            return 0.0;
        }
        let wait = sample.queued as f64 * recent.elapsed / recent.completed;
        load * (1.0 + wait / target)
    }
}

impl Default for Utilization {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalingPolicy for Utilization {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let Some(recent) = self.window.observe(now, sample) else {
            return size(sample).max(sample.workers);
        };
        let need = self.need(recent, sample);
        self.window.answer(sample, need)
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        if !(self.busy_share > 0.0 && self.busy_share <= 1.0) {
            return Err(InvalidConfig::new("busy_share", self.busy_share, "must be above 0 and at most 1"));
        }
        if self.wait_target.is_zero() {
            return Err(InvalidConfig::zero_time("wait_target"));
        }
        if self.window.span().is_zero() {
            return Err(InvalidConfig::zero_time("window"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::testing::{
        Load, assert_serves_one_after_the_other, assert_survives_extremes, at, sample, simulate,
    };

    #[test]
    fn a_cold_start_with_tasks_waiting_adds_one() {
        let mut policy = Utilization::new();
        let cold = Sample { live: 2, busy: 2, queued: 50, arrived: 52, ..sample(2, 20) };
        assert_eq!(policy.desired(at(0), &cold), 3);
        assert_eq!(policy.desired(at(100), &Sample { creating: 1, ..cold }), 4);
    }

    #[test]
    fn adds_nothing_before_the_base_workers_are_ready() {
        let mut policy = Utilization::new();
        let starting = Sample { creating: 4, queued: 1_000, arrived: 1_000, ..sample(4, 20) };
        for tick in 0..50 {
            assert_eq!(policy.desired(at(tick * 100), &starting), 4);
        }
    }

    #[test]
    fn tasks_one_after_the_other_get_no_second_worker() {
        assert_serves_one_after_the_other(Utilization::new());
    }

    #[test]
    fn long_tasks_hold_their_workers_although_none_completes() {
        let mut policy = Utilization::new();
        let long = Sample { live: 8, busy: 7, arrived: 7, ..sample(2, 20) };
        for tick in 0..10_000 {
            let wanted = policy.desired(at(tick * 100), &long);
            assert!((7..=8).contains(&wanted), "{wanted}");
        }
    }

    #[test]
    fn the_end_of_a_long_task_adds_no_workers() {
        let mut policy = Utilization::new();
        let before = Sample { live: 4, busy: 4, completed: 100, ..sample(4, 20) };
        policy.desired(at(0), &before);
        policy.desired(at(100), &before);
        let busy_time = Duration::from_secs(3_600);
        let after = Sample { busy: 3, completed: 101, busy_time, ..before };
        assert_eq!(policy.desired(at(200), &after), 4);
    }

    #[test]
    fn a_mean_wait_above_the_target_adds_in_proportion() {
        let mut policy = Utilization::new();
        let start = Sample { live: 4, busy: 4, queued: 20, ..sample(4, 20) };
        policy.desired(at(0), &start);
        let busy_time = Duration::from_secs(4);
        let later = Sample { queued: 5, arrived: 80, completed: 40, busy_time, ..start };
        assert_eq!(
            policy.clone().desired(at(1_000), &later),
            8,
            "5 waiting, 40/s: 125 ms; doubling is the limit"
        );
        let calm = policy.wait_target(Duration::from_secs(1)).desired(at(1_000), &later);
        assert_eq!(calm, 6, "4 / 0.7");
    }

    #[test]
    fn shrinks_only_once_the_whole_window_needed_less() {
        let mut policy = Utilization::new();
        let busy = Sample { live: 8, busy: 8, ..sample(2, 20) };
        policy.desired(at(0), &busy);
        policy.desired(at(100), &busy);
        let idle = Sample { busy: 0, ..busy };
        for tick in 2..=98 {
            assert_eq!(policy.desired(at(tick * 100), &idle), 8, "tick {tick}");
        }
        let end = (99..=220).map(|tick| policy.desired(at(tick * 100), &idle)).last();
        assert_eq!(end, Some(2));
    }

    #[test]
    fn refuses_shares_and_times_that_make_no_sense() {
        for share in [0.0, -0.1, 1.01, f64::NAN, f64::INFINITY] {
            assert_eq!(Utilization::new().busy_share(share).validate().unwrap_err().field, "busy_share");
        }
        let refused = |policy: Utilization| policy.validate().unwrap_err().field;
        assert_eq!(refused(Utilization::new().wait_target(Duration::ZERO)), "wait_target");
        assert_eq!(refused(Utilization::new().window(Duration::ZERO)), "window");
        assert_eq!(Utilization::default().busy_share(1.0).validate(), Ok(()));
    }

    #[test]
    fn survives_extreme_samples() {
        assert_survives_extremes(Utilization::new);
        assert_survives_extremes(|| Utilization::new().window(Duration::MAX).wait_target(Duration::MAX));
        assert_survives_extremes(|| Utilization::new().window(Duration::ZERO).wait_target(Duration::ZERO));
        assert_survives_extremes(|| Utilization::new().busy_share(0.0));
    }

    #[test]
    fn settles_on_a_constant_load() {
        for percent in (5..=95).step_by(5) {
            simulate(Utilization::new(), Load::constant(percent).service(10), percent).assert_settled(2, 1);
            simulate(Utilization::new(), Load::constant(percent).service(100), percent).assert_settled(2, 1);
        }
    }

    #[test]
    fn settles_on_long_tasks() {
        for percent in (5..=95).step_by(5) {
            for service in [1_000, 5_000] {
                simulate(Utilization::new(), Load::constant(percent).service(service), percent)
                    .assert_settled(6, 6);
            }
        }
    }

    #[test]
    fn settles_on_batches() {
        for percent in (5..=95).step_by(5) {
            simulate(Utilization::new(), Load::constant(percent).batch(10), percent).assert_settled(2, 1);
        }
    }

    #[test]
    fn grows_with_a_burst_and_is_back_at_base_after_it() {
        let run = simulate(Utilization::new(), Load::burst(), 7);
        assert!(run.peak() > 6, "{run:?}");
        assert!(run.back_at_base_after_load() <= 20_300, "{run:?}");
    }

    #[test]
    fn a_queue_counts_by_how_long_it_takes_at_the_rate_of_completions() {
        let policy = Utilization::new().wait_target(Duration::from_millis(250));
        let recent = Recent { elapsed: 4.0, arrived: 80.0, completed: 80.0, work: 12.0, waited: 40.0 };
        let pool = Sample { live: 4, busy: 3, queued: 10, ..sample(2, 20) };
        // Ten at twenty a second are half a second, twice the target: three times the load.
        assert_eq!(policy.load_of_waiting(3.0, recent, &pool), 9.0);
        assert_eq!(policy.need(recent, &pool).load, 9.0);
        let patient = Recent { waited: 20.0, ..recent };
        assert_eq!(policy.load_of_waiting(3.0, patient, &pool), 0.0, "a quarter of a second on average");
    }
}
