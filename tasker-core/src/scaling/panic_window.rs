//! Workers by concurrency, over a long window and a short one.

use std::collections::VecDeque;
use std::time::Duration;

use super::window::{Highest, SLACK, size, whole_workers};
use super::{Sample, ScalingPolicy};
use crate::{InvalidConfig, Timestamp};

/// Follows the mean concurrency of a long window, and at once that of a short one when it shows a burst.
///
/// Concurrency is the number of tasks that run or wait. Two windows average it over the asks in them: the *stable* one,
/// and the *panic* one, which is shorter. Each wants its average divided by `per_worker`, rounded up. Then:
/// - usually the stable window decides;
/// - when the panic window wants `threshold` times the live workers or more, the policy panics: the larger of both
///   windows decides, and the size does not shrink, until a whole stable window has passed since that was last so.
///
/// Two things it does not share with Knative's defaults: it does not shrink while tasks wait, and it shrinks only to what
/// would have borne a tenth more at every ask of the last `delay`. After the load ends it is back at the base workers within two stable windows,
/// the delay, and two asks.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | [`per_worker`](Self::per_worker) | 0.7 | tasks, running or waiting, that a worker should have; above 0 |
/// | [`stable`](Self::stable) | 60 s | the long window |
/// | [`panic`](Self::panic) | 6 s | the short one; at most as long as the long one |
/// | [`delay`](Self::delay) | 30 s | how long a smaller size must have been enough; Knative: 0 s |
/// | [`threshold`](Self::threshold) | 2.0 | what the short window must want, in live workers, to panic; above 1 |
///
/// Memory is constant, about 4 KiB.
///
/// Source: the Knative Pod Autoscaler (knative.dev, "Configuring autoscaling", and
/// `pkg/autoscaler/scaling/autoscaler.go` of Knative Serving), whose defaults these are but for the delay.
///
/// ```
/// use tasker_core::Timestamp;
/// use tasker_core::scaling::{PanicWindow, Sample, ScalingPolicy};
///
/// let mut policy = PanicWindow::new();
/// let mut sample = Sample::default();
/// (sample.workers, sample.max_workers, sample.live) = (2, 16, 2);
/// (sample.busy, sample.queued) = (2, 5);
/// assert_eq!(policy.desired(Timestamp::ZERO, &sample), 10); // 7 / 0.7
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct PanicWindow {
    per_worker: f64,
    threshold: f64,
    stable: Averages,
    panic: Averages,
    #[cfg_attr(feature = "serde", serde(skip))]
    panicking: Option<Panicking>,
    #[cfg_attr(feature = "serde", serde(rename = "delay"))]
    highest: Highest,
}

#[derive(Clone, Copy, Debug)]
struct Panicking {
    /// When the short window last showed a burst.
    seen: Timestamp,
    /// The size it must not fall below.
    held: usize,
}

impl PanicWindow {
    /// The policy with its defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            per_worker: 0.7,
            threshold: 2.0,
            stable: Averages::new(Duration::from_secs(60)),
            panic: Averages::new(Duration::from_secs(6)),
            panicking: None,
            highest: Highest::new(Duration::from_secs(30)),
        }
    }

    /// How many tasks, running or waiting, a worker should have. Must be above 0.
    #[must_use]
    pub const fn per_worker(mut self, tasks: f64) -> Self {
        self.per_worker = tasks;
        self
    }

    /// The long window. Must not be zero.
    #[must_use]
    pub const fn stable(mut self, span: Duration) -> Self {
        self.stable.span = span;
        self
    }

    /// The short window. Must not be zero, nor longer than the long one.
    #[must_use]
    pub const fn panic(mut self, span: Duration) -> Self {
        self.panic.span = span;
        self
    }

    /// How many times the live workers the short window must want to panic. Must be above 1.
    #[must_use]
    pub const fn threshold(mut self, times: f64) -> Self {
        self.threshold = times;
        self
    }

    /// How long a smaller size must have been enough before workers leave; zero for not at all.
    #[must_use]
    pub const fn delay(mut self, time: Duration) -> Self {
        self.highest.set_span(time);
        self
    }

    /// The least size while panicking; zero otherwise.
    fn panic_size(&mut self, now: Timestamp, wanted: usize, sample: &Sample) -> usize {
        if wanted as f64 >= self.threshold * sample.live.max(1) as f64 {
            let held = self.panicking.map_or(0, |panicking| panicking.held);
            self.panicking = Some(Panicking { seen: now, held });
        }
        let stable = self.stable.span;
        self.panicking = self.panicking.filter(|panicking| now.saturating_since(panicking.seen) < stable);
        self.panicking.as_mut().map_or(0, |panicking| {
            panicking.held = panicking.held.max(wanted).min(sample.max_workers);
            panicking.held
        })
    }
}

impl Default for PanicWindow {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalingPolicy for PanicWindow {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let concurrency = sample.busy.saturating_add(sample.queued) as f64;
        let load = self.stable.observe(now, concurrency) / self.per_worker;
        let stable = whole_workers(load);
        let panic = whole_workers(self.panic.observe(now, concurrency) / self.per_worker);
        let wanted = stable.max(self.panic_size(now, panic, sample)).max(sample.workers);
        let spare = wanted.max(whole_workers(load * SLACK));
        let wanted = self.highest.observe(now, spare).min(size(sample)).max(wanted);
        if sample.queued > 0 { wanted.max(size(sample)) } else { wanted }
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        if !(self.per_worker > 0.0 && self.per_worker.is_finite()) {
            return Err(InvalidConfig::new("per_worker", self.per_worker, "must be above 0"));
        }
        if !(self.threshold > 1.0 && self.threshold.is_finite()) {
            return Err(InvalidConfig::new("threshold", self.threshold, "must be above 1"));
        }
        if self.panic.span.is_zero() {
            return Err(InvalidConfig::zero_time("panic"));
        }
        if self.stable.span < self.panic.span {
            let stable = format!("{:?}", self.stable.span);
            return Err(InvalidConfig::new("stable", stable, "must be at least as long as `panic`"));
        }
        Ok(())
    }
}

/// Into how many pieces a window is cut.
const PIECES: u32 = 32;

/// The average over the asks of a window: a pause in which nobody asks does not dilute it.
#[derive(Clone, Debug)]
pub(super) struct Averages {
    span: Duration,
    pieces: VecDeque<Piece>,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    start: Timestamp,
    sum: f64,
    asks: f64,
}

impl Averages {
    pub(super) const fn new(span: Duration) -> Self {
        Self { span, pieces: VecDeque::new() }
    }

    #[cfg(feature = "serde")]
    pub(super) const fn span(&self) -> Duration {
        self.span
    }

    /// Takes in a level and answers with the average, this one included.
    fn observe(&mut self, now: Timestamp, level: f64) -> f64 {
        self.pieces.retain(|piece| now.saturating_since(piece.start) <= self.span);
        let length = self.span / PIECES;
        match self.pieces.back_mut() {
            Some(latest) if now.saturating_since(latest.start) <= length => {
                latest.sum += level;
                latest.asks += 1.0;
            }
            Some(_) | None => self.pieces.push_back(Piece { start: now, sum: level, asks: 1.0 }),
        }
        let asks: f64 = self.pieces.iter().map(|piece| piece.asks).sum();
        self.pieces.iter().map(|piece| piece.sum).sum::<f64>() / asks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::testing::{Load, assert_survives_extremes, at, sample, simulate};

    fn busy(busy: usize) -> Sample {
        Sample { live: 8, busy, ..sample(2, 40) }
    }

    /// Asks every 100 ms from a moment on.
    fn ask(policy: &mut PanicWindow, from: u64, to: u64, sample: &Sample) -> usize {
        (from / 100..to / 100).map(|tick| policy.desired(at(tick * 100), sample)).last().unwrap()
    }

    #[test]
    fn the_stable_window_decides_while_nothing_bursts() {
        let mut policy = PanicWindow::new();
        assert_eq!(ask(&mut policy, 0, 60_000, &busy(7)), 10);
        assert_eq!(ask(&mut policy, 60_000, 89_000, &busy(0)), 8, "not before the delay is over");
        assert_eq!(ask(&mut policy, 89_000, 116_000, &busy(0)), 7, "half of the window was busy 30 s ago");
    }

    #[test]
    fn a_burst_twice_the_live_workers_is_followed_at_once_and_held_for_a_stable_window() {
        let mut policy = PanicWindow::new();
        ask(&mut policy, 0, 60_000, &busy(1));
        let burst = Sample { queued: 20, ..busy(8) };
        assert!(ask(&mut policy, 60_000, 63_000, &burst) >= 20);
        let peak = ask(&mut policy, 63_000, 66_000, &burst);
        assert_eq!(peak, 40);
        let peak = Sample { live: 40, ..busy(0) };
        assert_eq!(ask(&mut policy, 66_000, 126_000, &peak), 40);
        assert_eq!(ask(&mut policy, 126_000, 220_000, &peak), 2);
    }

    #[test]
    fn does_not_shrink_while_tasks_wait() {
        let mut policy = PanicWindow::new();
        assert_eq!(policy.desired(at(0), &Sample { queued: 1, ..busy(0) }), 8);
    }

    #[test]
    fn an_idle_hour_does_not_dilute_what_follows_it() {
        let burst = Sample { queued: 20, ..busy(8) };
        let mut fresh = PanicWindow::new();
        let mut rested = PanicWindow::new();
        ask(&mut rested, 0, 60_000, &busy(1));
        assert_eq!(rested.desired(at(3_660_000), &burst), fresh.desired(at(0), &burst));
    }

    #[test]
    fn refuses_parameters_that_make_no_sense() {
        let field = |policy: PanicWindow| policy.validate().unwrap_err().field;
        assert_eq!(field(PanicWindow::new().per_worker(0.0)), "per_worker");
        assert_eq!(field(PanicWindow::new().per_worker(f64::NAN)), "per_worker");
        assert_eq!(field(PanicWindow::new().threshold(1.0)), "threshold");
        assert_eq!(field(PanicWindow::new().panic(Duration::ZERO)), "panic");
        assert_eq!(field(PanicWindow::new().stable(Duration::from_secs(5))), "stable");
        assert_eq!(PanicWindow::default().validate(), Ok(()));
    }

    #[test]
    fn memory_stays_bounded_however_often_it_is_asked() {
        for step in [1, 7, 1_000, 31_250_000, 20_000_000_000] {
            let mut averages = Averages::new(Duration::from_secs(1));
            let most = (0..10_000u64).map(|i| {
                averages.observe(Timestamp::from_nanos(i * step), 1.0);
                averages.pieces.len()
            });
            assert!(most.max().unwrap() <= PIECES as usize + 2);
        }
    }

    #[test]
    fn survives_extreme_samples() {
        assert_survives_extremes(PanicWindow::new);
        assert_survives_extremes(|| {
            PanicWindow::new().stable(Duration::MAX).panic(Duration::MAX).delay(Duration::MAX)
        });
        assert_survives_extremes(|| {
            PanicWindow::new().stable(Duration::ZERO).panic(Duration::ZERO).delay(Duration::ZERO)
        });
        assert_survives_extremes(|| PanicWindow::new().per_worker(0.0).threshold(f64::NAN));
    }

    /// Windows that fit into the two minutes of a simulation.
    fn short() -> PanicWindow {
        let seconds = Duration::from_secs;
        PanicWindow::new().stable(seconds(20)).panic(seconds(2)).delay(seconds(10))
    }

    #[test]
    fn settles_on_a_constant_load() {
        for percent in (5..=95).step_by(5) {
            simulate(short(), Load::constant(percent), percent).assert_settled(6, 2);
        }
    }

    #[test]
    fn grows_with_a_burst_and_is_back_at_base_after_it() {
        let run = simulate(short(), Load::burst(), 7);
        assert!(run.peak() > 6, "{run:?}");
        assert!(run.back_at_base_after_load() <= 50_300, "{run:?}");
    }

    #[test]
    fn a_panic_is_over_a_stable_window_after_the_burst_was_last_seen() {
        let mut policy = PanicWindow::new();
        let quiet = Sample { live: 40, ..sample(2, 40) };
        assert_eq!(policy.panic_size(at(0), 20, &Sample { live: 8, ..quiet.clone() }), 20);
        assert_eq!(policy.panic_size(at(59_999), 1, &quiet), 20);
        assert_eq!(policy.panic_size(at(60_000), 1, &quiet), 0);
    }

    #[test]
    fn shrinks_to_what_would_have_borne_a_tenth_more() {
        let mut policy = PanicWindow::new().per_worker(1.0).delay(Duration::ZERO);
        let calm = Sample { live: 60, busy: 40, ..sample(2, 100) };
        assert_eq!(policy.desired(at(0), &calm), 44);
    }

    #[test]
    fn both_windows_may_be_equally_long() {
        let seconds = Duration::from_secs(9);
        assert_eq!(PanicWindow::new().stable(seconds).panic(seconds).validate(), Ok(()));
    }
}
