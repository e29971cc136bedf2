//! Workers by the length of the queue.

use super::{Sample, ScalingPolicy};
use crate::{InvalidConfig, Timestamp};

/// Adds workers while the backlog is above a threshold, lets them go when it is below half of it.
///
/// Each time it is asked:
/// - more than `backlog` tasks waiting: `step` workers more;
/// - fewer than half as many: `step` burst workers fewer, down to the base workers;
/// - in between: the size stays.
///
/// The backlog is [`Sample::queued`], over all lanes. [`Sample::delayed`] does not count: no worker, however many there
/// are, may start those tasks yet. The size it starts from is what the pool has or is about to have,
/// [`Sample::live`] + [`Sample::creating`].
///
/// The rule looks at the queue alone. Under a steady load that the base workers cannot carry it therefore hovers: it
/// grows until the queue is gone, shrinks, and grows again. Creations that take longer than the burst interval are
/// added to at every ask. Where creating is dear, temper it with
/// [`cooldown`](super::ScalingPolicyExt::cooldown), or use [`Utilization`](super::Utilization), which settles.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `backlog` | required, > 0 | waiting tasks above which workers are added |
/// | [`step`](Self::step) | 1 | workers added or let go per ask |
///
/// Source: the burst rule of the Go library tasker, v1.0.0 (`BurstTaskThreshold`, `BurstWorkerCount`).
///
/// ```
/// use tasker_core::Timestamp;
/// use tasker_core::scaling::{Sample, ScalingPolicy, Threshold};
///
/// let mut policy = Threshold::new(100).step(4);
/// let mut sample = Sample::default();
/// (sample.workers, sample.max_workers, sample.live) = (4, 16, 8);
///
/// sample.queued = 101;
/// assert_eq!(policy.desired(Timestamp::ZERO, &sample), 12);
/// sample.queued = 50;
/// assert_eq!(policy.desired(Timestamp::ZERO, &sample), 8);
/// sample.queued = 49;
/// assert_eq!(policy.desired(Timestamp::ZERO, &sample), 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Threshold {
    backlog: usize,
    #[cfg_attr(feature = "serde", serde(default = "Threshold::one"))]
    step: usize,
}

impl Threshold {
    /// Adds a worker whenever more than `backlog` tasks wait. Must be at least 1.
    #[must_use]
    pub const fn new(backlog: usize) -> Self {
        Self { backlog, step: 1 }
    }

    /// Adds and lets go `workers` at a time instead of one. Must be at least 1.
    #[must_use]
    pub const fn step(mut self, workers: usize) -> Self {
        self.step = workers;
        self
    }

    #[cfg(feature = "serde")]
    const fn one() -> usize {
        1
    }
}

impl ScalingPolicy for Threshold {
    fn desired(&mut self, _now: Timestamp, sample: &Sample) -> usize {
        let size = sample.live.saturating_add(sample.creating);
        // Doubling the backlog instead of halving the threshold keeps a threshold of 1 able to shrink.
        let wanted = if sample.queued > self.backlog {
            size.saturating_add(self.step)
        } else if sample.queued.saturating_mul(2) < self.backlog {
            size.saturating_sub(self.step)
        } else {
            size
        };
        wanted.max(sample.workers)
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        if self.backlog == 0 {
            return Err(InvalidConfig::new("backlog", 0, "must be at least 1"));
        }
        if self.step == 0 {
            return Err(InvalidConfig::new("step", 0, "must be at least 1"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::testing::{Load, assert_survives_extremes, sample, simulate};

    fn ask(mut policy: Threshold, live: usize, creating: usize, queued: usize) -> usize {
        let sample = Sample { live, creating, queued, ..sample(2, 20) };
        policy.desired(Timestamp::ZERO, &sample)
    }

    #[test]
    fn adds_a_step_above_the_threshold_only() {
        let policy = Threshold::new(10).step(3);
        assert_eq!(ask(policy, 2, 0, 10), 2);
        assert_eq!(ask(policy, 2, 0, 11), 5);
        assert_eq!(ask(policy, 2, 3, 11), 8, "workers being created count");
    }

    #[test]
    fn retires_a_step_below_half_the_threshold_down_to_the_base() {
        let policy = Threshold::new(10).step(3);
        assert_eq!(ask(policy, 9, 0, 5), 9);
        assert_eq!(ask(policy, 9, 0, 4), 6);
        assert_eq!(ask(policy, 4, 0, 0), 2);
        assert_eq!(ask(policy, 2, 0, 0), 2);
    }

    #[test]
    fn a_threshold_of_one_can_shrink() {
        assert_eq!(ask(Threshold::new(1), 4, 0, 0), 3);
    }

    #[test]
    fn tasks_that_wait_for_a_delay_are_no_backlog() {
        let sample = Sample { live: 2, delayed: 1_000, ..sample(2, 20) };
        assert_eq!(Threshold::new(10).desired(Timestamp::ZERO, &sample), 2);
    }

    #[test]
    fn refuses_zeros() {
        assert_eq!(Threshold::new(0).validate().unwrap_err().field, "backlog");
        assert_eq!(Threshold::new(1).step(0).validate().unwrap_err().field, "step");
        assert_eq!(Threshold::new(1).validate(), Ok(()));
    }

    #[test]
    fn survives_extreme_samples() {
        assert_survives_extremes(|| Threshold::new(100).step(4));
        assert_survives_extremes(|| Threshold::new(usize::MAX).step(usize::MAX));
    }

    #[test]
    fn carries_a_constant_load_with_a_bounded_backlog() {
        for percent in (5..=95).step_by(10) {
            let run = simulate(Threshold::new(20), Load::constant(percent), percent);
            assert!(run.backlog_after(20_000) < 200, "{percent} %: {run:?}");
        }
    }

    #[test]
    fn grows_with_a_burst_and_is_back_at_base_after_it() {
        let run = simulate(Threshold::new(20).step(2), Load::burst(), 7);
        assert!(run.peak() > 6, "{run:?}");
        assert!(run.back_at_base_after_load() <= 5_000, "{run:?}");
    }
}
