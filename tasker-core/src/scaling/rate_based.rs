//! Workers by the rates of arrival and completion.

use std::time::Duration;

use super::window::{Need, Recent, Window, size};
use super::{Sample, ScalingPolicy};
use crate::{InvalidConfig, Timestamp};

/// Compares the rate at which tasks arrive with the rate at which the workers could complete them.
///
/// Over a window it measures the *throughput a worker*: completions per second of execution, so what one worker
/// completes when it is never idle. Capacity is that times the workers there are; demand is the arrival rate, plus what
/// clears the present queue within one window. Then:
/// - demand above capacity: `ceil(deficit / throughput)` workers more;
/// - capacity above demand, and nothing queued: `floor(surplus / throughput)` workers fewer;
/// - nothing completed in the window but tasks waiting: one worker more.
///
/// Measuring execution rather than dividing completions by workers is what lets it shrink: a pool that keeps up
/// completes exactly what arrives, however many of its workers idle.
///
/// To be safe untuned it grows only if more tasks wait or run than it has workers, at most to twice the live workers
/// per ask, and it shrinks only to the highest need of the whole window and a tenth more, never below the workers busy
/// in it. After the
/// load ends it is back at the base workers within two windows, plus two asks.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | [`window`](Self::window) | 10 s | how far back rates look; also the time in which a queue is to be cleared |
///
/// A window should hold many tasks: over a few, random arrivals are not a steady load. While fewer than 64 tasks ended
/// in it, rates are therefore taken over a longer time, until so many did or up to eight windows, unless a whole window
/// saw no task at all. Even so, choose one ten times the usual task or longer.
///
/// Memory is constant, about 20 KiB, whatever the window and however often it is asked. Asks rarer than the window
/// compare with the ask before.
///
/// Source: the rule of the Go library tasker, v2.0.0, with windows in the place of lifetime averages; the delay before
/// shrinking is the stabilization window of the Kubernetes HorizontalPodAutoscaler.
///
/// ```
/// use std::time::Duration;
/// use tasker_core::Timestamp;
/// use tasker_core::scaling::{RateBased, Sample, ScalingPolicy};
///
/// let mut policy = RateBased::new();
/// let mut sample = Sample::default();
/// (sample.workers, sample.max_workers, sample.live, sample.busy) = (2, 16, 2, 2);
/// assert_eq!(policy.desired(Timestamp::ZERO, &sample), 2);
///
/// // A second later 30 tasks came, and two busy workers did 20: ten a second each. Ten wait.
/// let now = Timestamp::ZERO.saturating_add(Duration::from_secs(1));
/// (sample.arrived, sample.completed, sample.queued) = (30, 20, 10);
/// sample.busy_time = Duration::from_secs(2);
/// assert_eq!(policy.desired(now, &sample), 4); // 30/s, and 1/s to clear the queue in ten
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct RateBased {
    window: Window,
}

impl RateBased {
    /// The policy with a window of 10 seconds.
    #[must_use]
    pub const fn new() -> Self {
        Self { window: Window::new(Duration::from_secs(10)) }
    }

    /// How far back rates look. Longer is calmer, shorter reacts sooner. Must not be zero.
    #[must_use]
    pub const fn window(mut self, span: Duration) -> Self {
        self.window.set_span(span);
        self
    }

    fn need(&self, recent: Recent, sample: &Sample) -> Need {
        if recent.completed <= 0.0 || recent.work <= 0.0 {
            let stuck = if sample.queued > 0 { size(sample).saturating_add(1) } else { 0 };
            return Need { load: 0.0, least: stuck.max(sample.busy) };
        }
        let throughput = recent.completed / recent.work;
        let clearing = sample.queued as f64 / self.window.span().as_secs_f64();
        let demand = recent.arrived / recent.elapsed + clearing;
        // Size plus ceil(deficit / throughput), and size minus floor(surplus / throughput), are both this rounded up.
        Need { load: demand / throughput, least: sample.busy }
    }
}

impl Default for RateBased {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalingPolicy for RateBased {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let Some(recent) = self.window.observe(now, sample) else {
            return size(sample).max(sample.workers);
        };
        let need = self.need(recent, sample);
        let wanted = self.window.answer(sample, need);
        if sample.queued > 0 { wanted.max(size(sample)) } else { wanted }
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        if self.window.span().is_zero() {
            return Err(InvalidConfig::zero_time("window"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::testing::{Load, assert_survives_extremes, sample, simulate};

    fn at(seconds: u64) -> Timestamp {
        Timestamp::ZERO.saturating_add(Duration::from_secs(seconds))
    }

    /// A pool of `live` workers that a second ago knew nothing, and what it is told to be now.
    fn after_a_second(live: usize, now: Sample) -> usize {
        let mut policy = RateBased::new();
        policy.desired(at(0), &Sample { live, busy: now.busy, ..sample(2, 20) });
        policy.desired(at(1), &Sample { live, workers: 2, max_workers: 20, ..now })
    }

    #[test]
    fn short_adds_the_deficit_over_the_throughput_of_a_worker() {
        let now = Sample {
            busy: 4,
            queued: 30,
            arrived: 70,
            completed: 40,
            busy_time: Duration::from_secs(4),
            ..Sample::default()
        };
        assert_eq!(after_a_second(4, now), 8, "ceil((70 + 3 - 40) / 10) = 4 more");
    }

    #[test]
    fn nothing_done_but_tasks_waiting_adds_one() {
        let now = Sample { busy: 4, queued: 30, arrived: 34, ..Sample::default() };
        assert_eq!(after_a_second(4, now), 5);
    }

    #[test]
    fn nothing_done_and_nothing_waiting_adds_none() {
        assert_eq!(after_a_second(4, Sample { busy: 3, arrived: 3, ..Sample::default() }), 3);
    }

    #[test]
    fn over_removes_the_surplus_over_the_throughput_of_a_worker() {
        let now = Sample {
            arrived: 45,
            completed: 45,
            busy_time: Duration::from_millis(4_500),
            ..Sample::default()
        };
        assert_eq!(after_a_second(8, now.clone()), 5, "floor((80 - 45) / 10) = 3 fewer");
        assert_eq!(after_a_second(8, Sample { queued: 1, ..now }), 8, "not while tasks wait");
    }

    #[test]
    fn a_clock_that_stands_still_keeps_the_size() {
        let mut policy = RateBased::new();
        let now = Sample { live: 5, queued: 9, busy: 5, ..sample(2, 20) };
        policy.desired(at(1), &now);
        assert_eq!(policy.desired(at(1), &now), 5);
    }

    #[test]
    fn refuses_an_empty_window() {
        assert_eq!(RateBased::new().window(Duration::ZERO).validate().unwrap_err().field, "window");
        assert_eq!(RateBased::default().validate(), Ok(()));
    }

    #[test]
    fn survives_extreme_samples() {
        assert_survives_extremes(RateBased::new);
        assert_survives_extremes(|| RateBased::new().window(Duration::MAX));
        assert_survives_extremes(|| RateBased::new().window(Duration::from_nanos(1)));
        assert_survives_extremes(|| RateBased::new().window(Duration::ZERO));
    }

    #[test]
    fn settles_on_a_constant_load() {
        for percent in (5..=95).step_by(5) {
            simulate(RateBased::new(), Load::constant(percent).service(10), percent).assert_settled(2, 1);
            simulate(RateBased::new(), Load::constant(percent).service(100), percent).assert_settled(2, 1);
        }
    }

    #[test]
    fn settles_on_long_tasks() {
        for percent in (5..=95).step_by(5) {
            for service in [1_000, 5_000] {
                simulate(RateBased::new(), Load::constant(percent).service(service), percent)
                    .assert_settled(6, 6);
            }
        }
    }

    #[test]
    fn settles_on_batches() {
        for percent in (5..=95).step_by(5) {
            simulate(RateBased::new(), Load::constant(percent).batch(10), percent).assert_settled(2, 1);
        }
    }

    #[test]
    fn grows_with_a_burst_and_is_back_at_base_after_it() {
        let run = simulate(RateBased::new(), Load::burst(), 7);
        assert!(run.peak() > 6, "{run:?}");
        assert!(run.back_at_base_after_load() <= 20_300, "{run:?}");
    }
}
