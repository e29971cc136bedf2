//! How long something takes.

use std::time::Duration;

use super::chance::{Rng, exp, power};

/// A distribution of durations: how long tasks run, or how long resources take to create.
///
/// ```
/// use std::time::Duration;
/// use tasker_testkit::lab::Dist;
///
/// let tails = Dist::pareto(Duration::from_millis(200), 1.5, Duration::from_secs(30));
/// assert_eq!(Dist::exponential(Duration::from_secs(2)).mean(), Duration::from_secs(2));
/// assert!(tails.mean() <= Duration::from_millis(200));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dist(Shape);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Constant(f64),
    Uniform {
        low: f64,
        high: f64,
    },
    Exponential {
        mean: f64,
    },
    LogNormal {
        median: f64,
        sigma: f64,
    },
    Pareto {
        least: f64,
        shape: f64,
        most: f64,
    },
    /// Quantiles at equal distances, the least and the greatest among them; evenly spread in between.
    Measured([f64; QUANTILES]),
}

/// How many quantiles are kept of what was measured.
const QUANTILES: usize = 21;

impl Dist {
    /// No time at all.
    pub const ZERO: Self = Self(Shape::Constant(0.0));

    /// Always the same.
    #[must_use]
    pub const fn constant(duration: Duration) -> Self {
        Self(Shape::Constant(duration.as_secs_f64()))
    }

    /// Anything from `low` to `high`, all alike.
    #[must_use]
    pub const fn uniform(low: Duration, high: Duration) -> Self {
        Self(Shape::Uniform { low: low.as_secs_f64(), high: high.as_secs_f64() })
    }

    /// Exponential, as of tasks whose end does not depend on how long they have run.
    #[must_use]
    pub const fn exponential(mean: Duration) -> Self {
        Self(Shape::Exponential { mean: mean.as_secs_f64() })
    }

    /// Log-normal: half are shorter than `median`, and the logarithm deviates by `sigma`.
    #[must_use]
    pub const fn log_normal(median: Duration, sigma: f64) -> Self {
        Self(Shape::LogNormal { median: median.as_secs_f64(), sigma })
    }

    /// Pareto: a heavy tail, cut off at `most`. The mean, if it were not cut off, is `mean`. `shape` must be above 1;
    /// the lower, the heavier the tail.
    #[must_use]
    pub const fn pareto(mean: Duration, shape: f64, most: Duration) -> Self {
        let least = mean.as_secs_f64() * (shape - 1.0) / shape;
        Self(Shape::Pareto { least, shape, most: most.as_secs_f64() })
    }

    /// As measured: by 21 quantiles, 5 % apart, evenly spread in between. Of nothing measured it is [`Dist::ZERO`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use tasker_testkit::lab::Dist;
    ///
    /// let measured: Vec<_> = (1..=9).map(Duration::from_secs).collect();
    /// let mean = Dist::measured(&measured).mean();
    /// assert!(mean.abs_diff(Duration::from_secs(5)) < Duration::from_micros(1));
    /// ```
    #[must_use]
    pub fn measured(times: &[Duration]) -> Self {
        let mut sorted: Vec<_> = times.iter().map(Duration::as_secs_f64).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else { return Self::ZERO };
        let quantile = |index: usize| {
            let rank = index as f64 / (QUANTILES - 1) as f64 * last as f64;
            between(&sorted, rank)
        };
        Self(Shape::Measured(std::array::from_fn(quantile)))
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> Duration {
        seconds(match self.0 {
            Shape::Constant(value) => value,
            Shape::Uniform { low, high } => (low + high) / 2.0,
            Shape::Exponential { mean } => mean,
            Shape::LogNormal { median, sigma } => median * exp(sigma * sigma / 2.0),
            Shape::Pareto { least, shape, most } => {
                let cut = power(least / most, shape);
                (least * shape - most * cut) / (shape - 1.0)
            }
            Shape::Measured(quantiles) => {
                let pairs = quantiles.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0);
                pairs.sum::<f64>() / (QUANTILES - 1) as f64
            }
        })
    }

    /// A duration that nine of ten do not exceed, by draws of its own.
    pub(super) fn high(&self) -> Duration {
        let mut rng = Rng::new(9, "high");
        let mut draws: Vec<_> = (0..1_000).map(|_| self.draw(&mut rng)).collect();
        draws.sort_unstable();
        draws[900]
    }

    pub(super) fn draw(&self, rng: &mut Rng) -> Duration {
        seconds(match self.0 {
            Shape::Constant(value) => value,
            Shape::Uniform { low, high } => low + (high - low) * rng.unit(),
            Shape::Exponential { mean } => mean * rng.exponential(),
            Shape::LogNormal { median, sigma } => median * exp(sigma * rng.normal()),
            Shape::Pareto { least, shape, most } => (least / power(rng.unit(), 1.0 / shape)).min(most),
            Shape::Measured(quantiles) => between(&quantiles, rng.unit() * (QUANTILES - 1) as f64),
        })
    }
}

/// The value at a rank that need not be whole, of at least one.
fn between(sorted: &[f64], rank: f64) -> f64 {
    let below = (rank as usize).min(sorted.len() - 1);
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (rank - below as f64)
}

/// A duration of so many seconds; nonsense becomes none, and what is too long the longest.
pub(super) fn seconds(value: f64) -> Duration {
    if value.is_nan() || value <= 0.0 {
        return Duration::ZERO;
    }
    let nanos = value * 1e9;
    if nanos >= u64::MAX as f64 { Duration::from_nanos(u64::MAX) } else { Duration::from_nanos(nanos as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_mean_that_is_told() {
        let ms = Duration::from_millis;
        let all = [
            Dist::constant(ms(100)),
            Dist::uniform(ms(50), ms(150)),
            Dist::exponential(ms(100)),
            Dist::log_normal(ms(60), 1.0),
            Dist::pareto(ms(100), 1.8, Duration::from_secs(20)),
            Dist::measured(&[ms(10), ms(10), ms(200), ms(15), ms(12)]),
            Dist::measured(&[ms(7)]),
            Dist::measured(&[]),
        ];
        for dist in all {
            let mut rng = Rng::new(3, "draws");
            let mean = (0..200_000).map(|_| dist.draw(&mut rng).as_secs_f64()).sum::<f64>() / 200_000.0;
            let told = dist.mean().as_secs_f64();
            assert!((mean - told).abs() <= 0.04 * told, "{dist:?}: {mean} {told}");
        }
    }

    #[test]
    fn what_was_measured_is_drawn_between_its_extremes_and_as_often() {
        let measured: Vec<_> =
            (0..1_000).map(|i| Duration::from_millis(if i < 900 { 100 } else { 5_000 })).collect();
        let (dist, mut rng) = (Dist::measured(&measured), Rng::new(5, "measured"));
        let draws: Vec<_> = (0..10_000).map(|_| dist.draw(&mut rng)).collect();
        let long = draws.iter().filter(|draw| **draw > Duration::from_secs(1)).count();
        assert!((850..1_150).contains(&long), "{long}");
        let (least, most) = (draws.iter().min().unwrap(), draws.iter().max().unwrap());
        assert!(*least >= measured[0] && *most <= measured[999], "{least:?} {most:?}");
    }

    #[test]
    fn nine_of_ten_are_no_higher_than_the_high() {
        let high = Dist::exponential(Duration::from_secs(1)).high().as_secs_f64();
        assert!((2.0..2.7).contains(&high), "{high}");
        assert_eq!(Dist::constant(Duration::from_secs(1)).high(), Duration::from_secs(1));
    }

    #[test]
    fn nonsense_becomes_no_time_or_the_longest() {
        assert_eq!(seconds(f64::NAN), Duration::ZERO);
        assert_eq!(seconds(-1.0), Duration::ZERO);
        assert_eq!(seconds(f64::INFINITY), Duration::from_nanos(u64::MAX));
    }
}
