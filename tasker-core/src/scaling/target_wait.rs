//! Workers by the time tasks should wait at most.

use std::time::Duration;

use super::window::{Need, Recent, Window, size};
use super::{Sample, ScalingPolicy};
use crate::{InvalidConfig, Timestamp};

/// As many workers as keep the waiting time near a target, new workers' creation time counted.
///
/// Over a window it measures the arrival rate λ and the mean execution time S. It needs the larger of:
/// - λS workers: what arrives keeps so many busy;
/// - while the queue Q is more than the present workers do in `target`: λS + QS / (`target` + C), C being the mean time
///   a creation took, so that what waits, and what arrives meanwhile, is done within the target from the moment the
///   workers asked for are ready. A slower creation asks for fewer workers, since most of the queue is gone before they
///   come;
/// - one more than there are, while tasks wait and the window saw no completion.
///
/// It grows only for tasks that wait, at most to twice the live workers per ask, and does not shrink while tasks wait
/// longer than the target, reckoned by Little's law. It shrinks only to the highest need of the whole window and a tenth
/// more. After the load ends it is back at the base workers within two windows, plus two asks.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `target` | required, above zero | how long tasks should wait at most |
/// | [`window`](Self::window) | 10 s | how far back it looks, and how long a need is remembered |
///
/// Memory is constant, about 20 KiB.
///
/// Source: Little's law, L = λW: the tasks queued and running are the arrival rate times their time in the pool
/// (J. D. C. Little, "A Proof for the Queuing Formula: L = λW", Operations Research 9:3, 1961).
///
/// ```
/// use std::time::Duration;
/// use tasker_core::Timestamp;
/// use tasker_core::scaling::{Sample, ScalingPolicy, TargetWait};
///
/// let mut policy = TargetWait::new(Duration::from_secs(1));
/// let mut sample = Sample::default();
/// (sample.workers, sample.max_workers, sample.live, sample.busy) = (2, 16, 4, 4);
/// (sample.created, sample.create_time) = (4, Duration::from_secs(4));
/// assert_eq!(policy.desired(Timestamp::ZERO, &sample), 4);
///
/// // A second later 80 tasks have come, four workers did 40 of a tenth of a second each, and 60 wait.
/// let now = Timestamp::ZERO.saturating_add(Duration::from_secs(1));
/// (sample.arrived, sample.completed, sample.queued) = (40, 40, 60);
/// sample.busy_time = Duration::from_secs(4);
/// // 4 for the arrivals, and 6 s of work to clear within the target and the second a creation takes.
/// assert_eq!(policy.desired(now, &sample), 7);
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct TargetWait {
    target: Duration,
    #[cfg_attr(feature = "serde", serde(default = "TargetWait::ten_seconds"))]
    window: Window,
    /// The last known mean execution time, in seconds.
    #[cfg_attr(feature = "serde", serde(skip))]
    service: Option<f64>,
}

impl TargetWait {
    /// Keeps the waiting time near `target`, which must not be zero, with a window of 10 seconds.
    #[must_use]
    pub const fn new(target: Duration) -> Self {
        Self { target, window: Self::ten_seconds(), service: None }
    }

    /// How far back it looks, and how long a need is remembered. Longer is calmer. Must not be zero.
    #[must_use]
    pub const fn window(mut self, span: Duration) -> Self {
        self.window.set_span(span);
        self
    }

    const fn ten_seconds() -> Window {
        Window::new(Duration::from_secs(10))
    }

    fn need(&mut self, recent: Recent, sample: &Sample) -> Need {
        if recent.completed > 0.0 && recent.work > 0.0 {
            self.service = Some(recent.work / recent.completed);
        }
        let Some(service) = self.service else {
            let stuck = if sample.queued > 0 { size(sample).saturating_add(1) } else { 0 };
            return Need { load: 0.0, least: stuck.max(sample.busy) };
        };
        let load = if recent.elapsed > 0.0 { recent.arrived / recent.elapsed * service } else { 0.0 };
        let backlog = sample.queued as f64 * service;
        let target = self.target.as_secs_f64();
        let clearing =
            if self.is_late(service, sample) { backlog / (target + creation(sample)) } else { 0.0 };
        Need { load: load + clearing, least: sample.busy }
    }

    /// Whether the last task of the queue will wait longer than the target.
    fn is_late(&self, service: f64, sample: &Sample) -> bool {
        sample.queued as f64 * service > sample.live as f64 * self.target.as_secs_f64()
    }
}

impl ScalingPolicy for TargetWait {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let Some(recent) = self.window.observe(now, sample) else {
            return size(sample).max(sample.workers);
        };
        let need = self.need(recent, sample);
        let wanted = self.window.answer(sample, need);
        let late = sample.queued > 0 && self.service.is_none_or(|service| self.is_late(service, sample));
        if late { wanted.max(size(sample)) } else { wanted }
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        if self.target.is_zero() {
            return Err(InvalidConfig::zero_time("target"));
        }
        if self.window.span().is_zero() {
            return Err(InvalidConfig::zero_time("window"));
        }
        Ok(())
    }
}

/// Mean seconds a creation took; nothing is known before the first.
fn creation(sample: &Sample) -> f64 {
    if sample.created == 0 { 0.0 } else { sample.create_time.as_secs_f64() / sample.created as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::testing::{Load, assert_survives_extremes, at, sample, simulate};

    /// Four workers did 40 tasks of 100 ms in a second, 60 wait, and a creation takes so long.
    fn asked(target: Duration, creation: Duration) -> usize {
        let mut policy = TargetWait::new(target);
        let start = Sample { live: 4, busy: 4, created: 4, create_time: creation * 4, ..sample(2, 20) };
        policy.desired(at(0), &start);
        let busy_time = Duration::from_secs(4);
        let now = Sample { arrived: 40, completed: 40, queued: 60, busy_time, ..start };
        policy.desired(at(1_000), &now)
    }

    #[test]
    fn clears_the_backlog_within_the_target_and_a_creation() {
        let second = Duration::from_secs(1);
        assert_eq!(asked(second, Duration::ZERO), 8, "4 + 6 / 1 would be 10, twice the live are 8");
        assert_eq!(asked(second, second), 7);
        assert_eq!(asked(second, second * 5), 5);
    }

    #[test]
    fn a_backlog_within_the_target_adds_none() {
        assert_eq!(asked(Duration::from_secs(2), Duration::ZERO), 4);
    }

    #[test]
    fn a_cold_start_with_tasks_waiting_adds_one() {
        let mut policy = TargetWait::new(Duration::from_secs(1));
        let cold = Sample { live: 2, busy: 2, queued: 50, arrived: 52, ..sample(2, 20) };
        assert_eq!(policy.desired(at(0), &cold), 3);
    }

    #[test]
    fn refuses_times_of_zero() {
        let field = |policy: TargetWait| policy.validate().unwrap_err().field;
        assert_eq!(field(TargetWait::new(Duration::ZERO)), "target");
        assert_eq!(field(TargetWait::new(Duration::MAX).window(Duration::ZERO)), "window");
        assert_eq!(TargetWait::new(Duration::from_nanos(1)).validate(), Ok(()));
    }

    #[test]
    fn survives_extreme_samples() {
        assert_survives_extremes(|| TargetWait::new(Duration::from_millis(100)));
        assert_survives_extremes(|| TargetWait::new(Duration::MAX).window(Duration::MAX));
        assert_survives_extremes(|| TargetWait::new(Duration::ZERO).window(Duration::ZERO));
    }

    #[test]
    fn settles_on_a_constant_load() {
        for percent in (5..=95).step_by(5) {
            let policy = || TargetWait::new(Duration::from_millis(500));
            simulate(policy(), Load::constant(percent).service(10), percent).assert_settled(2, 1);
            simulate(policy(), Load::constant(percent), percent).assert_settled(2, 1);
        }
    }

    #[test]
    fn grows_with_a_burst_and_is_back_at_base_after_it() {
        let run = simulate(TargetWait::new(Duration::from_millis(100)), Load::burst(), 7);
        assert!(run.peak() > 6, "{run:?}");
        assert!(run.back_at_base_after_load() <= 20_300, "{run:?}");
    }

    #[test]
    fn what_waits_no_longer_than_the_target_is_not_late() {
        let late = |queued, target| {
            let policy = TargetWait::new(Duration::from_millis(target));
            policy.is_late(0.5, &Sample { live: 4, queued, ..sample(2, 20) })
        };
        assert!(!late(8, 1_000), "four seconds of work for four workers");
        assert!(late(9, 1_000) && !late(9, 2_000));
    }

    #[test]
    fn needs_the_load_and_those_who_clear_the_backlog() {
        let recent = Recent { elapsed: 2.0, arrived: 30.0, completed: 20.0, work: 10.0, waited: 0.0 };
        let mut policy = TargetWait::new(Duration::from_secs(2));
        let pool = Sample {
            live: 4,
            busy: 3,
            queued: 40,
            created: 2,
            create_time: Duration::from_secs(16),
            ..sample(2, 20)
        };
        let need = policy.need(recent, &pool);
        assert_eq!(
            (need.load, need.least),
            (7.5 + 20.0 / (2.0 + 8.0), 3),
            "15 a second of half a second each"
        );
        let calm = Sample { queued: 16, ..pool };
        assert_eq!(policy.need(recent, &calm).load, 7.5);
        let silent = Recent { arrived: 10.0, completed: 0.0, work: 0.0, ..recent };
        assert_eq!(policy.need(silent, &calm).load, 2.5, "what a task takes is remembered");
        assert_eq!(policy.need(Recent { elapsed: 0.0, ..recent }, &calm).load, 0.0);
    }

    #[test]
    fn before_the_first_task_ended_one_is_added_while_tasks_wait() {
        let need = |recent: Recent, queued| {
            let cold = Sample { live: 4, creating: 1, busy: 3, queued, ..sample(2, 20) };
            TargetWait::new(Duration::from_secs(1)).need(recent, &cold).least
        };
        let nothing = Recent { elapsed: 1.0, ..Recent::default() };
        assert_eq!((need(nothing, 1), need(nothing, 0)), (6, 3));
        assert_eq!(need(Recent { completed: 3.0, ..nothing }, 1), 6, "tasks that took no time");
        assert_eq!(need(Recent { work: 3.0, ..nothing }, 1), 6, "work that brought no task to its end");
    }

    #[test]
    fn does_not_shrink_while_tasks_are_late() {
        let mut policy = TargetWait::new(Duration::from_secs(1));
        let create_time = Duration::from_secs(1_000);
        let pool = Sample { live: 8, busy: 1, created: 1, create_time, ..sample(2, 20) };
        let asked = |policy: &mut TargetWait, second, queued| {
            let busy_time = Duration::from_secs(second);
            policy.desired(
                at(second * 1_000),
                &Sample { queued, completed: second, arrived: second, busy_time, ..pool.clone() },
            )
        };
        (0..60).for_each(|second| _ = asked(&mut policy, second, 0));
        assert_eq!(asked(&mut policy.clone(), 60, 9), 8, "nine seconds of work for eight workers");
        assert!(asked(&mut policy, 60, 8) < 8);
    }

    #[test]
    fn idle_workers_leave_although_no_task_has_ever_run() {
        let mut policy = TargetWait::new(Duration::from_secs(1));
        let idle = Sample { live: 8, ..sample(2, 20) };
        assert_eq!((0..60).map(|second| policy.desired(at(second * 1_000), &idle)).last(), Some(2));
    }
}
