//! Loads made by rule and by chance.

use std::time::Duration;

use tasker_core::{Priority, Timestamp};

use super::chance::{Rng, sine};
use super::dist::{Dist, seconds};
use super::trace::{Task, Trace};

/// A load to be drawn: when tasks arrive, how long they run, how urgent they are.
///
/// Rates are in tasks per second. Unless it says otherwise, arrivals are a Poisson process with that rate, drawn by
/// thinning (Lewis and Shedler, "Simulation of Nonhomogeneous Poisson Processes by Thinning", 1979). The same seed
/// draws the same trace on every machine.
///
/// ```
/// use std::time::Duration;
/// use tasker_testkit::lab::{Dist, Load};
///
/// let load = Load::step(20.0, 120.0, Duration::from_secs(60))
///     .service(Dist::exponential(Duration::from_millis(100)))
///     .lasting(Duration::from_secs(120));
/// let trace = load.trace(7);
/// assert!((7_500..9_300).contains(&trace.len()), "about 60 * 20 + 60 * 120: {}", trace.len());
/// assert_eq!(trace, load.trace(7));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    arrivals: Arrivals,
    service: Dist,
    lasting: Duration,
    high: f64,
    low: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Arrivals {
    /// Evenly spaced.
    Even(f64),
    /// From each moment on, in seconds, this rate.
    Pieces(Vec<(f64, f64)>),
    Ramp {
        from: f64,
        to: f64,
        begin: f64,
        end: f64,
    },
    Diurnal {
        mean: f64,
        swing: f64,
        period: f64,
    },
    /// Two rates, each kept for an exponentially distributed time.
    Bursts {
        calm: f64,
        burst: f64,
        calm_for: f64,
        burst_for: f64,
    },
}

impl Load {
    /// Evenly spaced arrivals.
    #[must_use]
    pub fn constant(rate: f64) -> Self {
        Self::of(Arrivals::Even(rate))
    }

    /// Arrivals that know nothing of each other.
    #[must_use]
    pub fn poisson(rate: f64) -> Self {
        Self::of(Arrivals::Pieces(vec![(0.0, rate)]))
    }

    /// One rate until `at`, another from then on.
    #[must_use]
    pub fn step(before: f64, after: f64, at: Duration) -> Self {
        Self::pieces(&[(Duration::ZERO, before), (at, after)])
    }

    /// A rate that goes evenly from one value to another between two moments.
    #[must_use]
    pub fn ramp(from: f64, to: f64, begin: Duration, end: Duration) -> Self {
        Self::of(Arrivals::Ramp { from, to, begin: begin.as_secs_f64(), end: end.as_secs_f64() })
    }

    /// A short warm-up of 10 s at `calm`, nothing at all for `idle`, then `peak` for `length`, then `calm` again.
    #[must_use]
    pub fn spike(calm: f64, idle: Duration, peak: f64, length: Duration) -> Self {
        let warm = Duration::from_secs(10);
        let spike = warm.saturating_add(idle);
        Self::pieces(&[
            (Duration::ZERO, calm),
            (warm, 0.0),
            (spike, peak),
            (spike.saturating_add(length), calm),
        ])
    }

    /// `low` and `high` in turn, each for `half` a period, for as long as the load lasts.
    #[must_use]
    pub fn square(low: f64, high: f64, half: Duration) -> Self {
        let half = half.max(Duration::from_millis(1));
        let piece = |turn: u32| (half.saturating_mul(turn), if turn % 2 == 0 { low } else { high });
        Self::pieces(&(0..1_000).map(piece).collect::<Vec<_>>())
    }

    /// A rate that swings by `swing` around `mean`, once in a `period`, beginning at its least.
    #[must_use]
    pub fn diurnal(mean: f64, swing: f64, period: Duration) -> Self {
        Self::of(Arrivals::Diurnal { mean, swing, period: period.as_secs_f64() })
    }

    /// Correlated bursts: a Markov-modulated Poisson process that is calm and bursting in turn, each for an
    /// exponentially distributed time of this mean (Fischer and Meier-Hellstern, "The Markov-modulated Poisson process
    /// (MMPP) cookbook", 1993).
    #[must_use]
    pub fn bursts(calm: f64, burst: f64, calm_for: Duration, burst_for: Duration) -> Self {
        let (calm_for, burst_for) = (calm_for.as_secs_f64(), burst_for.as_secs_f64());
        Self::of(Arrivals::Bursts { calm, burst, calm_for, burst_for })
    }

    /// A rate from each moment on; the first moment should be zero.
    #[must_use]
    pub fn pieces(rates: &[(Duration, f64)]) -> Self {
        Self::of(Arrivals::Pieces(rates.iter().map(|(from, rate)| (from.as_secs_f64(), *rate)).collect()))
    }

    /// How long tasks run. Default: 100 ms, exponentially distributed.
    #[must_use]
    pub const fn service(mut self, service: Dist) -> Self {
        self.service = service;
        self
    }

    /// How long tasks arrive. Default: 60 s.
    #[must_use]
    pub const fn lasting(mut self, lasting: Duration) -> Self {
        self.lasting = lasting;
        self
    }

    /// The shares of urgent tasks and of those that may wait. Default: all tasks are normal.
    #[must_use]
    pub const fn priorities(mut self, high: f64, low: f64) -> Self {
        self.high = high;
        self.low = low;
        self
    }

    /// How long tasks arrive.
    #[must_use]
    pub const fn length(&self) -> Duration {
        self.lasting
    }

    /// Draws the tasks.
    #[must_use]
    pub fn trace(&self, seed: u64) -> Trace {
        let mut services = Rng::new(seed, "services");
        let mut priorities = Rng::new(seed, "priorities");
        self.moments(seed)
            .into_iter()
            .map(|at| Task {
                arrival: Timestamp::ZERO.saturating_add(seconds(at)),
                service: self.service.draw(&mut services),
                priority: self.priority(&mut priorities),
            })
            .collect()
    }

    const fn of(arrivals: Arrivals) -> Self {
        let service = Dist::exponential(Duration::from_millis(100));
        Self { arrivals, service, lasting: Duration::from_secs(60), high: 0.0, low: 0.0 }
    }

    fn priority(&self, rng: &mut Rng) -> Priority {
        if self.high + self.low <= 0.0 {
            return Priority::Normal;
        }
        let drawn = rng.unit();
        if drawn <= self.high {
            Priority::High
        } else if drawn <= self.high + self.low {
            Priority::Low
        } else {
            Priority::Normal
        }
    }

    fn moments(&self, seed: u64) -> Vec<f64> {
        let end = self.lasting.as_secs_f64();
        let mut rng = Rng::new(seed, "arrivals");
        match &self.arrivals {
            Arrivals::Even(rate) => {
                let count = (rate * end) as u64;
                (0..count).map(|index| index as f64 / rate).collect()
            }
            Arrivals::Bursts { calm, burst, calm_for, burst_for } => {
                let pieces = sojourns(end, [(*calm, *calm_for), (*burst, *burst_for)], seed);
                thinned(end, calm.max(*burst), &mut rng, rate_of(&pieces))
            }
            Arrivals::Pieces(pieces) => {
                let most = pieces.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
                thinned(end, most, &mut rng, rate_of(pieces))
            }
            Arrivals::Ramp { from, to, begin, end: until } => {
                let slope = (to - from) / (until - begin).max(1e-9);
                let rate = |at: f64| from + slope * (at.clamp(*begin, until.max(*begin)) - begin);
                thinned(end, from.max(*to), &mut rng, rate)
            }
            Arrivals::Diurnal { mean, swing, period } => {
                let rate = |at: f64| mean + swing * sine(at / period - 0.25);
                thinned(end, mean + swing.abs(), &mut rng, rate)
            }
        }
    }
}

/// The moments of a Poisson process with this rate, which is at most `most`.
fn thinned(end: f64, most: f64, rng: &mut Rng, mut rate: impl FnMut(f64) -> f64) -> Vec<f64> {
    let mut moments = Vec::new();
    if most <= 0.0 {
        return moments;
    }
    let mut at = rng.exponential() / most;
    while at < end {
        if rng.unit() * most <= rate(at) {
            moments.push(at);
        }
        at += rng.exponential() / most;
    }
    moments
}

/// The rate at moments that are asked for in order.
fn rate_of(pieces: &[(f64, f64)]) -> impl FnMut(f64) -> f64 {
    let mut index = 0;
    move |at| {
        while pieces.get(index + 1).is_some_and(|(from, _)| *from <= at) {
            index += 1;
        }
        pieces.get(index).map_or(0.0, |(_, rate)| *rate)
    }
}

fn sojourns(end: f64, states: [(f64, f64); 2], seed: u64) -> Vec<(f64, f64)> {
    let mut rng = Rng::new(seed, "bursts");
    let mut pieces = Vec::new();
    let mut at = 0.0;
    for (rate, mean) in states.into_iter().cycle() {
        if at >= end {
            break;
        }
        pieces.push((at, rate));
        at += (rng.exponential() * mean).max(1e-6);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn arrivals(trace: &Trace, from: u64, to: u64) -> usize {
        let at = |task: &Task| task.arrival.as_nanos() / 1_000_000_000;
        trace.tasks().iter().filter(|task| (from..to).contains(&at(task))).count()
    }

    #[test]
    fn constant_arrivals_are_evenly_spaced() {
        let trace = Load::constant(4.0).lasting(SECOND).trace(1);
        let at: Vec<_> = trace.tasks().iter().map(|task| task.arrival.as_nanos() / 1_000_000).collect();
        assert_eq!(at, [0, 250, 500, 750]);
    }

    #[test]
    fn each_load_follows_its_rate() {
        let near = |count: usize, expected: f64| (count as f64 / expected - 1.0).abs() < 0.15;
        let step = Load::step(10.0, 100.0, SECOND * 30).lasting(SECOND * 60).trace(1);
        assert!(near(arrivals(&step, 0, 30), 300.0) && near(arrivals(&step, 30, 60), 3_000.0));
        let ramp = Load::ramp(0.0, 100.0, SECOND * 20, SECOND * 40).lasting(SECOND * 60).trace(1);
        assert_eq!(arrivals(&ramp, 0, 20), 0);
        assert!(near(arrivals(&ramp, 20, 40), 1_000.0) && near(arrivals(&ramp, 40, 60), 2_000.0));
        let spike = Load::spike(10.0, SECOND * 3_600, 200.0, SECOND * 5).lasting(SECOND * 3_625).trace(1);
        assert_eq!(arrivals(&spike, 10, 3_610), 0);
        assert!(near(arrivals(&spike, 3_610, 3_615), 1_000.0) && arrivals(&spike, 3_615, 3_625) < 140);
        let square = Load::square(10.0, 200.0, SECOND * 10).lasting(SECOND * 40).trace(1);
        assert!(near(arrivals(&square, 10, 20), 2_000.0) && arrivals(&square, 20, 30) < 140);
        let day = Load::diurnal(100.0, 100.0, SECOND * 40).lasting(SECOND * 40).trace(1);
        assert!(near(arrivals(&day, 0, 40), 4_000.0) && arrivals(&day, 0, 2) < 20);
    }

    #[test]
    fn bursts_come_together() {
        let trace = Load::bursts(5.0, 100.0, SECOND * 20, SECOND * 5).lasting(SECOND * 2_000).trace(2);
        let mean = trace.len() as f64 / 2_000.0;
        assert!((18.0..30.0).contains(&mean), "{mean}");
        let counts: Vec<_> = (0..2_000).map(|second| arrivals(&trace, second, second + 1) as f64).collect();
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 2_000.0;
        assert!(variance > 10.0 * mean, "a Poisson process would have {mean}, not {variance}");
    }

    #[test]
    fn priorities_have_their_shares() {
        let trace = Load::poisson(100.0).priorities(0.2, 0.3).lasting(SECOND * 100).trace(1);
        let share = |priority| {
            let count = trace.tasks().iter().filter(|task| task.priority == priority).count();
            count as f64 / trace.len() as f64
        };
        assert!((share(Priority::High) - 0.2).abs() < 0.02 && (share(Priority::Low) - 0.3).abs() < 0.02);
    }
}
