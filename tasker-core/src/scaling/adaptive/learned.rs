//! What tasks and creations take, learned from samples.

use crate::scaling::Sample;

/// So many tasks, over so many seconds, and the mean of a period is trusted, and the one before it forgotten.
const ENOUGH: f64 = 500.0;
const LONG: f64 = 20.0;
/// Creations whose mean is kept.
const CREATIONS: f64 = 8.0;

/// The mean execution time, over one to two periods of 500 tasks and 20 seconds or more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Service {
    older: Period,
    newer: Period,
}

#[derive(Clone, Copy, Debug, Default)]
struct Period {
    tasks: f64,
    time: f64,
    /// Worker-seconds of attempts that ended.
    reported: f64,
    /// Worker-seconds by the number of busy workers seen at the asks.
    seen: f64,
}

impl Service {
    /// What the counters say before the first ask.
    pub(super) fn begin(&mut self, sample: &Sample) {
        let reported = sample.busy_time.as_secs_f64();
        self.newer = Period { tasks: sample.completed as f64, time: 0.0, reported, seen: reported };
    }

    pub(super) fn observe(&mut self, time: f64, before: &Sample, sample: &Sample) {
        let reported = sample.busy_time.saturating_sub(before.busy_time);
        self.newer.tasks += sample.completed.saturating_sub(before.completed) as f64;
        self.newer.reported += reported.as_secs_f64();
        self.newer.seen += (before.busy as f64 + sample.busy as f64) / 2.0 * time;
        self.newer.time += time;
        if self.newer.tasks >= ENOUGH && self.newer.time >= LONG {
            self.older = std::mem::take(&mut self.newer);
        }
    }

    /// Seconds a task takes, over all its attempts; `None` while nothing ran.
    pub(super) fn mean(self, busy: usize) -> Option<f64> {
        let tasks = self.older.tasks + self.newer.tasks;
        let reported = self.older.reported + self.newer.reported;
        let seen = self.older.seen + self.newer.seen;
        // The first tasks to end are the short ones; while they are few, those that still run count too.
        let work = if tasks < 4.0 * busy as f64 { reported.max(seen) } else { reported };
        (work > 0.0 && work.is_finite()).then(|| work / tasks.max(1.0))
    }
}

/// The mean time of the last few creations.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Creation {
    mean: Option<f64>,
}

impl Creation {
    pub(super) fn observe(&mut self, before: &Sample, sample: &Sample) {
        let count = sample.created.saturating_sub(before.created);
        if count == 0 {
            return;
        }
        let took = sample.create_time.saturating_sub(before.create_time).as_secs_f64();
        if took <= 0.0 {
            // Workers that were there from the first do not say what it takes to make one.
            return;
        }
        let (count, latest) = (count as f64, took / count as f64);
        let mean = self.mean.unwrap_or(latest);
        self.mean = Some(mean + (latest - mean) * (count / CREATIONS).min(1.0));
    }

    pub(super) fn is_known(self) -> bool {
        self.mean.is_some()
    }

    /// Seconds; nothing is known before the first.
    pub(super) fn mean(self) -> f64 {
        self.mean.unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ran(tasks: u64, millis: u64, busy: usize) -> Sample {
        Sample { busy, completed: tasks, busy_time: Duration::from_millis(millis), ..Sample::default() }
    }

    #[test]
    fn service_is_work_over_tasks() {
        let mut service = Service::default();
        assert_eq!(service.mean(0), None);
        service.begin(&ran(10, 1_000, 1));
        assert_eq!(service.mean(1), Some(0.1));
        service.observe(1.0, &ran(10, 1_000, 1), &ran(30, 5_000, 1));
        assert_eq!(service.mean(1), Some(5.0 / 30.0));
    }

    #[test]
    fn tasks_that_still_run_are_not_taken_for_short_ones() {
        let mut service = Service::default();
        service.observe(10.0, &ran(0, 0, 4), &ran(2, 100, 4));
        assert_eq!(service.mean(4), Some(20.0));
    }

    #[test]
    fn old_tasks_are_forgotten() {
        let mut service = Service::default();
        let mut before = Sample::default();
        for tick in 1..=40 {
            let slow = 20_000u64.saturating_sub(tick * 1_000);
            let sample = ran(tick * 100, before.busy_time.as_millis() as u64 + 1_000 + slow, 0);
            service.observe(1.0, &before, &sample);
            before = sample;
        }
        assert_eq!(service.mean(0), Some(0.01));
    }

    #[test]
    fn creations_are_averaged_over_the_last_few() {
        let mut creation = Creation::default();
        let made =
            |created, secs| Sample { created, create_time: Duration::from_secs(secs), ..Sample::default() };
        assert_eq!(creation.mean(), 0.0);
        creation.observe(&made(0, 0), &made(2, 4));
        assert_eq!(creation.mean(), 2.0);
        creation.observe(&made(2, 4), &made(3, 16));
        assert_eq!(creation.mean(), 3.25);
        creation.observe(&made(3, 16), &made(19, 32));
        assert_eq!(creation.mean(), 1.0);
    }

    #[test]
    fn a_period_is_over_after_enough_tasks_and_time_but_not_after_either_alone() {
        let is_over = |time, tasks| {
            let mut service = Service::default();
            service.observe(time, &Sample::default(), &ran(tasks, 1_000, 0));
            service.newer.tasks == 0.0
        };
        assert!(is_over(LONG, 500));
        assert!(!is_over(LONG / 2.0, 500) && !is_over(LONG, 499));
    }

    #[test]
    fn once_four_times_as_many_have_ended_as_run_those_that_run_say_nothing() {
        let mean = |tasks| {
            let mut service = Service::default();
            service.observe(100.0, &ran(0, 0, 5), &ran(tasks, 1_000 * tasks, 5));
            service.mean(5)
        };
        assert_eq!(mean(20), Some(1.0));
        assert_eq!(mean(19), Some(500.0 / 19.0), "five were busy for a hundred seconds");
    }
}
