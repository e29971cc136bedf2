//! Workers by additive increase and multiplicative decrease.

use std::time::Duration;

use super::window::{Window, size};
use super::{Sample, ScalingPolicy};
use crate::{InvalidConfig, Timestamp};

/// Adds a few workers while tasks wait too long, lets a share of them go while they are not needed.
///
/// Each time it is asked:
/// - the queue is longer than `wait_target` of work, reckoned from the completions of the last 10 s, and nobody is
///   being created: `add` workers more;
/// - for a whole `rest` no task waited, and fewer workers than a share `keep` were busy at every ask: that share is kept;
/// - otherwise the size stays.
///
/// It knows nothing of rates to come, so a large step is climbed one `add` per creation: slow, but no faster than the
/// backend can take. Workers that are being created are waited for before more are asked for.
///
/// After the load ends, `n` workers are back at the base after `ln(n / base) / ln(1 / keep)` rests, rounded up, plus one.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | [`add`](Self::add) | 1 | workers added per ask |
/// | [`keep`](Self::keep) | 0.75 | share of the workers kept when they shrink; above 0, below 1 |
/// | [`wait_target`](Self::wait_target) | 100 ms | waiting time above which workers are added |
/// | [`rest`](Self::rest) | 10 s | how long a smaller size must have been enough |
///
/// Source: D.-M. Chiu and R. Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance in
/// Computer Networks", Computer Networks and ISDN Systems 17:1, 1989, with workers in the place of packets.
///
/// ```
/// use tasker_core::Timestamp;
/// use tasker_core::scaling::{Aimd, Sample, ScalingPolicy};
///
/// let mut policy = Aimd::new().add(2);
/// let mut sample = Sample::default();
/// (sample.workers, sample.max_workers, sample.live, sample.busy, sample.queued) = (2, 16, 2, 2, 30);
/// assert_eq!(policy.desired(Timestamp::ZERO, &sample), 4);
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Aimd {
    add: usize,
    keep: f64,
    wait_target: Duration,
    rest: Duration,
    #[cfg_attr(feature = "serde", serde(skip, default = "Aimd::ten_seconds"))]
    window: Window,
    #[cfg_attr(feature = "serde", serde(skip))]
    calm: Option<Calm>,
}

/// A time in which no task waited.
#[derive(Clone, Copy, Debug)]
struct Calm {
    since: Timestamp,
    busy: usize,
}

impl Aimd {
    /// The policy with its defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            add: 1,
            keep: 0.75,
            wait_target: Duration::from_millis(100),
            rest: Duration::from_secs(10),
            window: Self::ten_seconds(),
            calm: None,
        }
    }

    /// How many workers are added at a time. Must be at least 1.
    #[must_use]
    pub const fn add(mut self, workers: usize) -> Self {
        self.add = workers;
        self
    }

    /// The share of the workers that is kept when they shrink: above 0, below 1.
    #[must_use]
    pub const fn keep(mut self, share: f64) -> Self {
        self.keep = share;
        self
    }

    /// The waiting time above which workers are added. Must not be zero.
    #[must_use]
    pub const fn wait_target(mut self, target: Duration) -> Self {
        self.wait_target = target;
        self
    }

    /// How long a smaller size must have been enough. Must not be zero.
    #[must_use]
    pub const fn rest(mut self, time: Duration) -> Self {
        self.rest = time;
        self
    }

    const fn ten_seconds() -> Window {
        Window::new(Duration::from_secs(10))
    }

    /// Whether the queue holds more than the target of work.
    fn late(&mut self, now: Timestamp, sample: &Sample) -> bool {
        let recent = self.window.observe(now, sample).unwrap_or_default();
        let allowed = if recent.elapsed > 0.0 {
            recent.completed / recent.elapsed * self.wait_target.as_secs_f64()
        } else {
            0.0
        };
        sample.queued as f64 > allowed
    }

    fn shrunk(&mut self, now: Timestamp, sample: &Sample) -> Option<usize> {
        let calm = self.calm.get_or_insert(Calm { since: now, busy: 0 });
        calm.busy = calm.busy.max(sample.busy);
        if now.saturating_since(calm.since) < self.rest {
            return None;
        }
        let kept = (size(sample) as f64 * self.keep).floor() as usize;
        let enough = calm.busy < kept.max(1);
        *calm = Calm { since: now, busy: sample.busy };
        enough.then_some(kept)
    }
}

impl Default for Aimd {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalingPolicy for Aimd {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let size = size(sample);
        let late = self.late(now, sample);
        if sample.queued > 0 {
            self.calm = None;
            let more = if late && sample.creating == 0 { self.add } else { 0 };
            return size.saturating_add(more).max(sample.workers);
        }
        self.shrunk(now, sample).unwrap_or(size).max(sample.workers)
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        if self.add == 0 {
            return Err(InvalidConfig::new("add", 0, "must be at least 1"));
        }
        if !(self.keep > 0.0 && self.keep < 1.0) {
            return Err(InvalidConfig::new("keep", self.keep, "must be above 0 and below 1"));
        }
        if self.wait_target.is_zero() {
            return Err(InvalidConfig::zero_time("wait_target"));
        }
        if self.rest.is_zero() {
            return Err(InvalidConfig::zero_time("rest"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::testing::{Load, assert_survives_extremes, at, sample, simulate};

    #[test]
    fn adds_while_tasks_wait_and_nobody_is_being_created() {
        let mut policy = Aimd::new().add(2);
        let late = Sample { live: 4, busy: 4, queued: 9, ..sample(2, 20) };
        assert_eq!(policy.desired(at(0), &late), 6);
        assert_eq!(policy.desired(at(100), &Sample { creating: 2, ..late.clone() }), 6);
        assert_eq!(policy.desired(at(200), &Sample { live: 6, ..late }), 8);
    }

    #[test]
    fn a_queue_within_the_target_adds_none() {
        let mut policy = Aimd::new().wait_target(Duration::from_secs(1));
        let start = Sample { live: 4, busy: 4, queued: 5, ..sample(2, 20) };
        policy.desired(at(0), &start);
        let later = Sample { queued: 40, completed: 40, arrived: 75, ..start };
        assert_eq!(policy.desired(at(1_000), &later), 4, "40/s: 40 wait a second");
        assert_eq!(policy.desired(at(1_001), &Sample { queued: 41, ..later }), 5);
    }

    #[test]
    fn keeps_a_share_once_it_was_enough_for_a_whole_rest() {
        let mut policy = Aimd::new();
        let calm = Sample { live: 8, busy: 5, ..sample(2, 20) };
        policy.desired(at(0), &calm);
        assert_eq!(policy.desired(at(9_999), &calm), 8);
        assert_eq!(policy.desired(at(10_000), &calm), 6);
        policy.desired(at(10_100), &Sample { live: 6, ..calm.clone() });
        assert_eq!(policy.desired(at(20_100), &Sample { live: 6, ..calm }), 6, "four would not be enough");
    }

    #[test]
    fn a_task_that_waits_begins_the_rest_anew() {
        let mut policy = Aimd::new();
        let calm = Sample { live: 8, busy: 2, ..sample(2, 20) };
        policy.desired(at(0), &calm);
        policy.desired(at(4_000), &Sample { queued: 1, creating: 1, ..calm.clone() });
        assert_eq!(policy.desired(at(11_000), &calm), 8);
        assert_eq!(policy.desired(at(21_000), &calm), 6);
    }

    #[test]
    fn refuses_parameters_that_make_no_sense() {
        let field = |policy: Aimd| policy.validate().unwrap_err().field;
        assert_eq!(field(Aimd::new().add(0)), "add");
        for share in [0.0, 1.0, -1.0, f64::NAN] {
            assert_eq!(field(Aimd::new().keep(share)), "keep");
        }
        assert_eq!(field(Aimd::new().wait_target(Duration::ZERO)), "wait_target");
        assert_eq!(field(Aimd::new().rest(Duration::ZERO)), "rest");
        assert_eq!(Aimd::default().validate(), Ok(()));
    }

    #[test]
    fn survives_extreme_samples() {
        assert_survives_extremes(Aimd::new);
        assert_survives_extremes(|| Aimd::new().add(usize::MAX).keep(f64::NAN).rest(Duration::ZERO));
        assert_survives_extremes(|| Aimd::new().wait_target(Duration::MAX).rest(Duration::MAX));
    }

    #[test]
    fn settles_on_a_constant_load_that_it_can_catch_up_with() {
        for percent in (5..=80).step_by(5) {
            simulate(Aimd::new(), Load::constant(percent).service(10), percent).assert_settled(2, 2);
            simulate(Aimd::new(), Load::constant(percent), percent).assert_settled(2, 2);
        }
    }

    #[test]
    fn grows_with_a_burst_and_is_back_at_base_after_it() {
        let run = simulate(Aimd::new(), Load::burst(), 7);
        assert!(run.peak() > 6, "{run:?}");
        assert!(run.back_at_base_after_load() <= 80_000, "{run:?}");
    }

    #[test]
    fn what_a_queue_may_be_follows_from_the_rate_of_completions() {
        let mut policy = Aimd::new().wait_target(Duration::from_millis(500));
        let start = Sample { live: 4, busy: 4, queued: 1, creating: 1, ..sample(2, 20) };
        policy.desired(at(0), &start);
        let later = |queued| Sample { queued, completed: 80, arrived: 120, creating: 0, ..start.clone() };
        assert!(!policy.clone().late(at(4_000), &later(10)), "20 a second: 10 wait half a second");
        assert!(policy.late(at(4_000), &later(11)));
    }
}
