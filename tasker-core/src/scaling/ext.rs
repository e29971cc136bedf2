//! Policies made of policies.

use std::time::Duration;

use super::{Sample, ScalingPolicy};
use crate::{InvalidConfig, Timestamp};

impl<P: ScalingPolicy + ?Sized> ScalingPolicy for Box<P> {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        (**self).desired(now, sample)
    }

    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        (**self).next_ask(now)
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        (**self).validate()
    }
}

/// Tempers and combines policies. Every policy has these methods, a `Box<dyn ScalingPolicy>` too.
///
/// Each wraps what stands before it, so the order is that of the words:
///
/// ```
/// use std::time::Duration;
/// use tasker_core::Timestamp;
/// use tasker_core::scaling::{Fixed, Sample, ScalingPolicy, ScalingPolicyExt, Threshold};
///
/// let mut policy = Threshold::new(100)
///     .step(4)
///     .cooldown(Duration::from_secs(1), Duration::from_secs(30))
///     .max_of(Fixed::at(3))
///     .clamp(2, 12);
/// assert_eq!(policy.validate(), Ok(()));
///
/// let mut sample = Sample::default();
/// (sample.workers, sample.max_workers, sample.live, sample.queued) = (2, 16, 2, 1_000);
/// assert_eq!(policy.desired(Timestamp::ZERO, &sample), 6);
///
/// // Half a second later the backlog still calls for more, but the last change is too recent.
/// sample.live = 6;
/// let now = Timestamp::ZERO.saturating_add(Duration::from_millis(500));
/// assert_eq!(policy.desired(now, &sample), 6);
/// ```
pub trait ScalingPolicyExt: ScalingPolicy + Sized {
    /// Lets the size change only when the last change is old enough: at least `up` ago to grow, `down` to shrink.
    ///
    /// The last change may have been in either direction; the first is never delayed. In between the size asked for
    /// stays what it was, also when workers are lost and replaced. Safe values: zero up, so that a burst is met at once,
    /// and tens of seconds down. Source: the cooldown period of AWS Auto Scaling.
    fn cooldown(self, up: Duration, down: Duration) -> Cooldown<Self> {
        Cooldown { inner: self, up, down, held: None, changed: None }
    }

    /// Ignores changes by fewer than `workers` workers; 0 and 1 ignore none.
    ///
    /// A change all the way to the base workers, or to the most the pool may have, is never ignored: otherwise the last
    /// few burst workers would stay for ever. Not for policies that move in steps smaller than `workers`, as
    /// [`Threshold`](super::Threshold) may: those would rarely move at all.
    fn hysteresis(self, workers: usize) -> Hysteresis<Self> {
        Hysteresis { inner: self, workers, held: None }
    }

    /// Keeps the answer within `min..=max` workers, inside the bounds of the pool, which hold all the same.
    ///
    /// `max` must be at least 1, and `min` at most `max`; [`validate`](ScalingPolicy::validate) says so, and until
    /// then `max` wins.
    fn clamp(self, min: usize, max: usize) -> Clamp<Self> {
        Clamp { inner: self, min, max }
    }

    /// Whichever of the two wants more. Both are always asked, so each sees every sample.
    fn max_of<O: ScalingPolicy>(self, other: O) -> MaxOf<Self, O> {
        MaxOf { first: self, second: other }
    }

    /// Whichever of the two wants fewer. Both are always asked, so each sees every sample.
    ///
    /// ```
    /// use tasker_core::Timestamp;
    /// use tasker_core::scaling::{Fixed, Sample, ScalingPolicy, ScalingPolicyExt};
    ///
    /// let mut policy = Fixed::at(9).min_of(Fixed::at(5));
    /// assert_eq!(policy.desired(Timestamp::ZERO, &Sample::default()), 5);
    /// ```
    fn min_of<O: ScalingPolicy>(self, other: O) -> MinOf<Self, O> {
        MinOf { first: self, second: other }
    }

    /// Lets the size change by at most `up` workers more, or `down` workers fewer, at each ask; each at least 1.
    ///
    /// The steps are counted from the last answer, at first from the size of the pool. Safe values: `up` as the backend
    /// can take creations at once, `down` 1. Source: the scaling policies of type `Pods` of the Kubernetes
    /// HorizontalPodAutoscaler.
    ///
    /// ```
    /// use tasker_core::Timestamp;
    /// use tasker_core::scaling::{Fixed, Sample, ScalingPolicy, ScalingPolicyExt};
    ///
    /// let mut policy = Fixed::at(9).step_limit(3, 1);
    /// let mut sample = Sample::default();
    /// (sample.workers, sample.max_workers, sample.live) = (2, 16, 2);
    /// assert_eq!(policy.desired(Timestamp::ZERO, &sample), 5);
    /// assert_eq!(policy.desired(Timestamp::ZERO, &sample), 8);
    /// assert_eq!(policy.desired(Timestamp::ZERO, &sample), 9);
    /// ```
    fn step_limit(self, up: usize, down: usize) -> StepLimit<Self> {
        StepLimit { inner: self, up, down, held: None }
    }
}

impl<P: ScalingPolicy> ScalingPolicyExt for P {}

/// A policy with a minimum time between changes; see [`ScalingPolicyExt::cooldown`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Cooldown<P> {
    inner: P,
    up: Duration,
    down: Duration,
    #[cfg_attr(feature = "serde", serde(skip))]
    held: Option<usize>,
    #[cfg_attr(feature = "serde", serde(skip))]
    changed: Option<Timestamp>,
}

impl<P: ScalingPolicy> ScalingPolicy for Cooldown<P> {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let wanted = within_bounds(self.inner.desired(now, sample), sample);
        let held = held_size(self.held, sample);
        let rest = if wanted > held { self.up } else { self.down };
        let rested = self.changed.is_none_or(|changed| now.saturating_since(changed) >= rest);
        if wanted != held && rested {
            self.changed = Some(now);
            self.held = Some(wanted);
            return wanted;
        }
        self.held = Some(held);
        held
    }

    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        self.inner.next_ask(now)
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        self.inner.validate()
    }
}

/// A policy whose small changes are ignored; see [`ScalingPolicyExt::hysteresis`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Hysteresis<P> {
    inner: P,
    workers: usize,
    #[cfg_attr(feature = "serde", serde(skip))]
    held: Option<usize>,
}

impl<P: ScalingPolicy> ScalingPolicy for Hysteresis<P> {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let wanted = within_bounds(self.inner.desired(now, sample), sample);
        let held = held_size(self.held, sample);
        let at_a_bound = wanted == sample.workers || wanted == sample.max_workers;
        let size = if at_a_bound || wanted.abs_diff(held) >= self.workers { wanted } else { held };
        self.held = Some(size);
        size
    }

    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        self.inner.next_ask(now)
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        self.inner.validate()
    }
}

/// A policy with bounds of its own; see [`ScalingPolicyExt::clamp`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Clamp<P> {
    inner: P,
    min: usize,
    max: usize,
}

impl<P: ScalingPolicy> ScalingPolicy for Clamp<P> {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        self.inner.desired(now, sample).max(self.min).min(self.max)
    }

    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        self.inner.next_ask(now)
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        if self.max == 0 {
            return Err(InvalidConfig::new("max", self.max, "must be at least 1"));
        }
        if self.min > self.max {
            return Err(InvalidConfig::new("min", self.min, "must be at most `max`"));
        }
        self.inner.validate()
    }
}

/// The larger answer of two policies; see [`ScalingPolicyExt::max_of`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct MaxOf<A, B> {
    first: A,
    second: B,
}

impl<A: ScalingPolicy, B: ScalingPolicy> ScalingPolicy for MaxOf<A, B> {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let (first, second) = (self.first.desired(now, sample), self.second.desired(now, sample));
        first.max(second)
    }

    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        sooner(self.first.next_ask(now), self.second.next_ask(now))
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        self.first.validate()?;
        self.second.validate()
    }
}

/// The smaller answer of two policies; see [`ScalingPolicyExt::min_of`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct MinOf<A, B> {
    first: A,
    second: B,
}

impl<A: ScalingPolicy, B: ScalingPolicy> ScalingPolicy for MinOf<A, B> {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let (first, second) = (self.first.desired(now, sample), self.second.desired(now, sample));
        first.min(second)
    }

    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        sooner(self.first.next_ask(now), self.second.next_ask(now))
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        self.first.validate()?;
        self.second.validate()
    }
}

/// A policy that moves in bounded steps; see [`ScalingPolicyExt::step_limit`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct StepLimit<P> {
    inner: P,
    up: usize,
    down: usize,
    #[cfg_attr(feature = "serde", serde(skip))]
    held: Option<usize>,
}

impl<P: ScalingPolicy> ScalingPolicy for StepLimit<P> {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let wanted = within_bounds(self.inner.desired(now, sample), sample);
        let held = held_size(self.held, sample);
        let size = wanted.min(held.saturating_add(self.up)).max(held.saturating_sub(self.down));
        self.held = Some(size);
        size
    }

    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        self.inner.next_ask(now)
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        if self.up == 0 {
            return Err(InvalidConfig::new("up", self.up, "must be at least 1"));
        }
        if self.down == 0 {
            return Err(InvalidConfig::new("down", self.down, "must be at least 1"));
        }
        self.inner.validate()
    }
}

fn sooner(first: Option<Timestamp>, second: Option<Timestamp>) -> Option<Timestamp> {
    first.into_iter().chain(second).min()
}

/// The size last answered, or at first the pool's own, within bounds that may have moved since.
fn held_size(held: Option<usize>, sample: &Sample) -> usize {
    within_bounds(held.unwrap_or_else(|| sample.live.saturating_add(sample.creating)), sample)
}

/// Like the pool clamps, so that an answer out of bounds is not remembered as a size.
fn within_bounds(wanted: usize, sample: &Sample) -> usize {
    wanted.min(sample.max_workers).max(sample.workers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::testing::{Load, assert_survives_extremes, at, sample, simulate};
    use crate::scaling::{Fixed, RateBased, Threshold, Utilization};

    /// Answers with the number of queued tasks, and asks again at `again`.
    #[derive(Clone, Debug, Default)]
    struct Echo {
        again: Option<Timestamp>,
    }

    impl ScalingPolicy for Echo {
        fn desired(&mut self, _now: Timestamp, sample: &Sample) -> usize {
            sample.queued
        }

        fn next_ask(&self, _now: Timestamp) -> Option<Timestamp> {
            self.again
        }
    }

    fn wanting(queued: usize) -> Sample {
        Sample { live: 2, queued, ..sample(2, 20) }
    }

    #[test]
    fn cooldown_delays_growth_and_shrinking_by_their_own_times() {
        let mut policy = Echo::default().cooldown(Duration::from_secs(1), Duration::from_secs(5));
        let mut ask = |millis, wanted| policy.desired(at(millis), &wanting(wanted));
        assert_eq!(ask(0, 4), 4, "the first change is free");
        assert_eq!(ask(999, 8), 4);
        assert_eq!(ask(1_000, 8), 8);
        assert_eq!(ask(5_999, 3), 8);
        assert_eq!(ask(6_000, 3), 3);
    }

    #[test]
    fn cooldown_counts_changes_of_the_answer_within_the_bounds_only() {
        let mut policy = Echo::default().cooldown(Duration::from_secs(1), Duration::from_secs(1));
        let mut ask = |millis, wanted| policy.desired(at(millis), &wanting(wanted));
        assert_eq!(ask(0, 1_000), 20);
        assert_eq!(ask(900, 2_000), 20);
        assert_eq!(ask(1_000, 5), 5);
    }

    #[test]
    fn cooldown_holds_the_size_while_a_worker_is_being_replaced() {
        let mut policy = Echo::default().cooldown(Duration::from_secs(1), Duration::from_secs(1));
        policy.desired(at(0), &wanting(8));
        assert_eq!(policy.desired(at(10), &Sample { live: 6, ..wanting(3) }), 8);
    }

    #[test]
    fn hysteresis_ignores_small_changes_but_reaches_the_bounds() {
        let mut policy = Echo::default().hysteresis(3);
        let mut ask = |wanted| policy.desired(at(0), &wanting(wanted));
        assert_eq!(ask(4), 2);
        assert_eq!(ask(5), 5);
        assert_eq!(ask(7), 5);
        assert_eq!(ask(3), 5);
        assert_eq!(ask(19), 19);
        assert_eq!(ask(20), 20);
        assert_eq!(ask(4), 4);
        assert_eq!(ask(2), 2);
    }

    #[test]
    fn clamp_keeps_the_answer_within_its_bounds() {
        let mut policy = Echo::default().clamp(3, 6);
        assert_eq!([0, 3, 5, 6, 9].map(|wanted| policy.desired(at(0), &wanting(wanted))), [3, 3, 5, 6, 6]);
    }

    #[test]
    fn clamp_refuses_bounds_that_cross() {
        assert_eq!(Fixed::new().clamp(4, 3).validate().unwrap_err().field, "min");
        assert_eq!(Fixed::new().clamp(0, 0).validate().unwrap_err().field, "max");
        assert_eq!(Fixed::at(0).clamp(3, 4).validate().unwrap_err().field, "at");
        assert_eq!(Fixed::new().clamp(4, 3).desired(at(0), &wanting(0)), 3);
    }

    #[test]
    fn max_of_takes_the_larger_and_the_earlier() {
        let mut policy = Echo { again: Some(at(9)) }.max_of(Fixed::at(5));
        assert_eq!([1, 5, 7].map(|wanted| policy.desired(at(0), &wanting(wanted))), [5, 5, 7]);
        assert_eq!(policy.next_ask(at(0)), Some(at(9)));
        assert_eq!(policy.max_of(Echo { again: Some(at(3)) }).next_ask(at(0)), Some(at(3)));
        assert_eq!(Fixed::new().max_of(Fixed::at(0)).validate().unwrap_err().field, "at");
    }

    #[test]
    fn min_of_takes_the_smaller_and_asks_at_the_earlier() {
        let mut policy = Echo { again: Some(at(9)) }.min_of(Fixed::at(5));
        assert_eq!([1, 5, 7].map(|wanted| policy.desired(at(0), &wanting(wanted))), [1, 5, 5]);
        assert_eq!(policy.min_of(Echo { again: Some(at(3)) }).next_ask(at(0)), Some(at(3)));
        assert_eq!(Fixed::new().min_of(Fixed::at(0)).validate().unwrap_err().field, "at");
    }

    #[test]
    fn step_limit_bounds_each_change_by_its_direction() {
        let mut policy = Echo::default().step_limit(3, 1);
        let mut ask = |wanted| policy.desired(at(0), &wanting(wanted));
        assert_eq!([ask(9), ask(9), ask(9), ask(9)], [5, 8, 9, 9]);
        assert_eq!([ask(0), ask(0)], [8, 7]);
        assert_eq!(ask(usize::MAX), 10);
    }

    #[test]
    fn step_limit_refuses_steps_of_nothing() {
        let field = |up, down| Fixed::new().step_limit(up, down).validate().unwrap_err().field;
        assert_eq!((field(0, 1), field(1, 0)), ("up", "down"));
        assert_eq!(Fixed::at(0).step_limit(1, 1).validate().unwrap_err().field, "at");
    }

    #[test]
    fn a_boxed_policy_is_a_policy() {
        let boxed: Box<dyn ScalingPolicy> = Box::new(Echo { again: Some(at(4)) });
        let mut policy = boxed.clamp(0, 9).cooldown(Duration::ZERO, Duration::ZERO).hysteresis(0);
        assert_eq!(policy.desired(at(0), &wanting(7)), 7);
        assert_eq!(policy.next_ask(at(0)), Some(at(4)));
        let refused: Box<dyn ScalingPolicy> = Box::new(Threshold::new(0));
        assert!(refused.validate().is_err());
    }

    #[test]
    fn survive_extreme_samples() {
        let (up, down) = (Duration::from_secs(1), Duration::MAX);
        assert_survives_extremes(|| Threshold::new(9).cooldown(up, down).hysteresis(usize::MAX).clamp(1, 0));
        assert_survives_extremes(|| {
            RateBased::new().max_of(Utilization::new()).hysteresis(2).cooldown(down, up)
        });
        assert_survives_extremes(|| Utilization::new().min_of(Threshold::new(9)).step_limit(usize::MAX, 1));
    }

    #[test]
    fn tempered_policies_still_come_back_to_base() {
        let policy =
            Utilization::new().hysteresis(3).cooldown(Duration::from_secs(1), Duration::from_secs(5));
        let run = simulate(policy.max_of(Threshold::new(50)), Load::burst(), 3);
        assert!(run.peak() > 6, "{run:?}");
        assert!(run.back_at_base_after_load() <= 30_000, "{run:?}");
    }

    #[test]
    fn what_a_wrapper_refuses_is_what_the_policy_inside_refuses() {
        let refused: [Box<dyn ScalingPolicy>; 5] = [
            Box::new(Fixed::at(0).cooldown(Duration::ZERO, Duration::ZERO)),
            Box::new(Fixed::at(0).hysteresis(1)),
            Box::new(Fixed::at(0).clamp(1, 2)),
            Box::new(Fixed::at(0).step_limit(1, 1)),
            Box::new(Fixed::at(0).max_of(Fixed::new()).min_of(Fixed::new())),
        ];
        for policy in refused {
            assert_eq!(policy.validate().unwrap_err().field, "at", "{policy:?}");
        }
        assert_eq!(Fixed::new().clamp(3, 3).validate(), Ok(()));
    }

    #[test]
    fn a_wrapper_asks_again_when_the_policy_inside_does() {
        let echo = || Echo { again: Some(at(4)) };
        let wrapped: [Box<dyn ScalingPolicy>; 4] = [
            Box::new(echo().cooldown(Duration::ZERO, Duration::ZERO)),
            Box::new(echo().hysteresis(1)),
            Box::new(echo().clamp(1, 2)),
            Box::new(echo().step_limit(1, 1)),
        ];
        for policy in wrapped {
            assert_eq!(policy.next_ask(at(0)), Some(at(4)), "{policy:?}");
        }
    }
}
