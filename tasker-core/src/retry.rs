//! How long to wait before another attempt: pure values, attempt in, delay out.

use std::fmt;
use std::time::Duration;

use crate::InvalidConfig;
use crate::splitmix::splitmix64;

/// Decides how long a task waits before it is attempted again.
///
/// A policy is a value: no clock, no state, and no randomness but the seed it is handed, so that the same calls give
/// the same delays and a run can be replayed. *Whether* a task is retried is not its business: that is settled by
/// the task's error and by the number of retries it may have.
pub trait RetryPolicy: fmt::Debug + Send + Sync + 'static {
    /// The delay after the attempt number `attempt` (the first is 1) has failed. `seed` differs from task to task,
    /// so that a policy with jitter can keep many of them from returning at the same moment.
    ///
    /// A graceful stop waits for the attempt, however long that is: for ever after `Duration::MAX`, unless the task has
    /// a deadline or the stop a limit.
    fn delay(&self, attempt: u32, seed: u64) -> Duration;

    /// Says which parameter makes no sense, if one does. The pool's builder asks before anything starts.
    ///
    /// # Errors
    ///
    /// The field, its value, and the rule it breaks.
    fn validate(&self) -> Result<(), InvalidConfig> {
        Ok(())
    }
}

/// No delay at all: the task may start again as soon as a worker is free. The default of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Immediate;

impl RetryPolicy for Immediate {
    fn delay(&self, _attempt: u32, _seed: u64) -> Duration {
        Duration::ZERO
    }
}

/// The same delay after every failure, without jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constant(pub Duration);

impl RetryPolicy for Constant {
    fn delay(&self, _attempt: u32, _seed: u64) -> Duration {
        self.0
    }
}

/// A delay that grows with each failure in a row, up to a maximum, less a random share.
///
/// After failure number `n` the full delay is `first * factor^(n - 1)`, at most `max`; jitter then takes away up to
/// its share of it, so `max` is never exceeded. The arithmetic is on integers and saturates: the same seed gives the
/// same delay on every machine, and no argument overflows anything.
///
/// ```
/// use std::time::Duration;
/// use tasker_core::Backoff;
///
/// let backoff = Backoff::new().first(Duration::from_millis(100)).max(Duration::from_secs(1)).jitter(0.0);
/// let delays: Vec<_> = (1..=5).map(|failure| backoff.delay(failure, 7).as_millis()).collect();
/// assert_eq!(delays, [100, 200, 400, 800, 1000]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    factor: u32,
    jitter: f64,
}

impl Backoff {
    /// 100 ms after the first failure, doubled with each further one up to 30 s, up to half of it taken off at
    /// random.
    #[must_use]
    pub const fn new() -> Self {
        Self { first: Duration::from_millis(100), max: Duration::from_secs(30), factor: 2, jitter: 0.5 }
    }

    /// The full delay after the first failure.
    #[must_use]
    pub const fn first(mut self, delay: Duration) -> Self {
        self.first = delay;
        self
    }

    /// The longest delay there can be, however many failures there were.
    #[must_use]
    pub const fn max(mut self, delay: Duration) -> Self {
        self.max = delay;
        self
    }

    /// What each further failure multiplies the delay by; 1 keeps it constant.
    #[must_use]
    pub const fn factor(mut self, factor: u32) -> Self {
        self.factor = factor;
        self
    }

    /// The share of the delay that chance may take away: 0 for none, 1 for all of it.
    #[must_use]
    pub const fn jitter(mut self, share: f64) -> Self {
        self.jitter = share;
        self
    }

    /// Says which parameter makes no sense, if one does.
    ///
    /// # Errors
    ///
    /// The field, its value, and the rule it breaks.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        if self.max < self.first {
            return Err(InvalidConfig::new(
                "max",
                format!("{:?}", self.max),
                "must not be less than the first delay",
            ));
        }
        if self.factor == 0 {
            return Err(InvalidConfig::new("factor", self.factor, "must be at least 1"));
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err(InvalidConfig::new("jitter", self.jitter, "must lie between 0 and 1"));
        }
        Ok(())
    }

    /// The delay after `failure` failures in a row (the first is 1; 0 is taken as 1), with the jitter of `seed`.
    #[must_use]
    pub fn delay(&self, failure: u32, seed: u64) -> Duration {
        let full = self.full_delay(failure);
        full.saturating_sub(share_of(full, self.jitter * unit(seed.wrapping_add(u64::from(failure)))))
    }

    fn full_delay(&self, failure: u32) -> Duration {
        let mut delay = self.first.min(self.max);
        if self.factor <= 1 || delay.is_zero() {
            return delay;
        }
        // At least doubled each time, so this ends after a hundred rounds whatever `failure` says.
        for _ in 1..failure {
            delay = delay.saturating_mul(self.factor).min(self.max);
            if delay == self.max {
                break;
            }
        }
        delay
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

impl RetryPolicy for Backoff {
    fn delay(&self, attempt: u32, seed: u64) -> Duration {
        Self::delay(self, attempt, seed)
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        Self::validate(self)
    }
}

/// The part of `whole` that `share` says, and nothing at all if `share` is no share.
fn share_of(whole: Duration, share: f64) -> Duration {
    if share >= 1.0 {
        return whole;
    }
    Duration::try_from_secs_f64(whole.as_secs_f64() * share).unwrap_or(Duration::ZERO)
}

/// A number in `0.0..1.0` from the upper 53 bits of the mixed seed.
fn unit(seed: u64) -> f64 {
    (splitmix64(seed) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn delays_grow_by_the_factor_up_to_the_maximum() {
        let backoff = Backoff::new().first(MS).max(MS * 50).factor(3).jitter(0.0);
        let delays: Vec<_> = (0..=6).map(|failure| backoff.delay(failure, 1)).collect();
        assert_eq!(delays, [MS, MS, MS * 3, MS * 9, MS * 27, MS * 50, MS * 50]);
    }

    #[test]
    fn a_factor_of_one_keeps_the_delay() {
        let backoff = Backoff::new().first(MS).factor(1).jitter(0.0);
        assert_eq!(backoff.delay(u32::MAX, 0), MS);
    }

    #[test]
    fn jitter_takes_away_at_most_its_share_and_follows_the_seed() {
        let backoff = Backoff::new().first(MS * 100).max(MS * 100).jitter(0.5);
        let delays: Vec<_> = (0..1000).map(|seed| backoff.delay(1, seed)).collect();
        assert!(delays.iter().all(|delay| (MS * 50..=MS * 100).contains(delay)));
        let mean = delays.iter().sum::<Duration>() / 1000;
        assert!((MS * 70..=MS * 80).contains(&mean), "{mean:?}");
        assert_eq!(backoff.delay(1, 42), backoff.delay(1, 42));
        assert_ne!(backoff.delay(1, 42), backoff.delay(1, 43));
    }

    #[test]
    fn extremes_overflow_nothing() {
        let extremes = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];
        for (first, max) in extremes.iter().flat_map(|first| extremes.map(|max| (*first, max))) {
            for factor in [0, 1, 2, u32::MAX] {
                for jitter in [0.0, 0.3, 1.0, -1.0, 7.0, f64::NAN, f64::INFINITY] {
                    for (failure, seed) in [(0, 0), (1, 1), (100, 7), (u32::MAX, u64::MAX)] {
                        let backoff = Backoff::new().first(first).max(max).factor(factor).jitter(jitter);
                        assert!(backoff.delay(failure, seed) <= max);
                    }
                }
            }
        }
        assert_eq!(Backoff::new().first(MS).max(Duration::MAX).jitter(0.0).delay(u32::MAX, 0), Duration::MAX);
    }

    #[test]
    fn parameters_that_make_no_sense_are_named() {
        let field = |backoff: Backoff| backoff.validate().unwrap_err().field;
        assert_eq!(field(Backoff::new().first(Duration::MAX)), "max");
        assert_eq!(field(Backoff::new().factor(0)), "factor");
        assert_eq!(field(Backoff::new().jitter(1.5)), "jitter");
        assert_eq!(field(Backoff::new().jitter(f64::NAN)), "jitter");
        assert_eq!(Backoff::new().validate(), Ok(()));
        assert_eq!(Backoff::new().first(MS).max(MS).factor(1).jitter(0.0).validate(), Ok(()));
        assert_eq!(Backoff::new().jitter(1.0).validate(), Ok(()));
    }

    #[test]
    fn policies_answer_through_the_trait() {
        let policies: [Box<dyn RetryPolicy>; 3] =
            [Box::new(Immediate), Box::new(Constant(MS)), Box::new(Backoff::new().first(MS * 2).jitter(0.0))];
        let delays: Vec<_> = policies.iter().map(|policy| policy.delay(1, 0)).collect();
        assert_eq!(delays, [Duration::ZERO, MS, MS * 2]);
        assert!(policies.iter().all(|policy| policy.validate().is_ok()));
        let refused: Box<dyn RetryPolicy> = Box::new(Backoff::new().factor(0));
        assert_eq!(refused.validate().unwrap_err().field, "factor");
    }
}
