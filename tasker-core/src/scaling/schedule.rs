//! Workers by the time of day.

use std::time::Duration;

use super::{Sample, ScalingPolicy};
use crate::{InvalidConfig, Timestamp};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// So many workers from one time of day on, so many from another: for loads that come by the clock.
///
/// Each entry holds until the next; the last of the day holds over midnight. A policy reads no clock, so it is told the
/// time of day at which its pool's clock began, [`Timestamp::ZERO`]; with the system's clock that is when the pool was
/// built. It counts days of 24 hours: a change to or from summer time moves the schedule by an hour until the pool is
/// built anew, unless times are in UTC.
///
/// It does not look at the load. Where it may also surprise, take the larger of two:
/// `schedule.max_of(Adaptive::new())`.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `start` | required, below 24 h | the time of day, since midnight, at which the pool's clock began |
/// | [`at`](Self::at) | required, once or more | from when on (since midnight, below 24 h), how many workers (at least 1) |
/// | [`ahead`](Self::ahead) | 0 s | how long before its time an entry that adds workers applies: the time creations take |
///
/// Source: the scheduled scaling of AWS Auto Scaling, and KEDA's cron scaler.
///
/// ```
/// use std::time::Duration;
/// use tasker_core::Timestamp;
/// use tasker_core::scaling::{Sample, ScalingPolicy, Schedule};
///
/// let hours = |hours: u64| Duration::from_secs(hours * 3_600);
/// // Built at 07:00; twelve workers from 08:00 to 18:00, two at night.
/// let mut policy = Schedule::new(hours(7)).at(hours(8), 12).at(hours(18), 2);
/// assert_eq!(policy.validate(), Ok(()));
///
/// let sample = Sample::default();
/// assert_eq!(policy.desired(Timestamp::ZERO, &sample), 2);
/// assert_eq!(policy.desired(Timestamp::ZERO.saturating_add(hours(1)), &sample), 12);
/// assert_eq!(policy.desired(Timestamp::ZERO.saturating_add(hours(12)), &sample), 2);
/// // It wants to be asked at 08:00 even if the pool idles.
/// assert_eq!(policy.next_ask(Timestamp::ZERO), Some(Timestamp::ZERO.saturating_add(hours(1))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Schedule {
    start: Duration,
    #[cfg_attr(feature = "serde", serde(default))]
    ahead: Duration,
    at: Vec<(Duration, usize)>,
}

impl Schedule {
    /// A schedule without entries, for a pool whose clock begins at `start` since midnight. Must be below 24 hours.
    #[must_use]
    pub const fn new(start: Duration) -> Self {
        Self { start, ahead: Duration::ZERO, at: Vec::new() }
    }

    /// `workers` workers from `time` since midnight on. A second entry for the same time replaces the first.
    #[must_use]
    pub fn at(mut self, time: Duration, workers: usize) -> Self {
        self.at.retain(|(other, _)| *other != time);
        self.at.push((time, workers));
        self
    }

    /// Lets entries that add workers apply this much earlier, so that the workers are ready in time. Must be below
    /// 24 hours.
    #[must_use]
    pub const fn ahead(mut self, time: Duration) -> Self {
        self.ahead = time;
        self
    }

    /// The entries by the time of day at which they apply.
    fn changes(&self) -> Vec<(Duration, usize)> {
        let mut entries = self.at.clone();
        entries.sort_unstable();
        let mut before = entries.last().map_or(0, |last| last.1);
        for (time, workers) in &mut entries {
            if *workers > before {
                *time = back(*time, self.ahead);
            }
            before = *workers;
        }
        entries.sort_unstable();
        entries
    }

    fn time_of_day(&self, now: Timestamp) -> Duration {
        let since_midnight = now.saturating_since(Timestamp::ZERO).saturating_add(self.start);
        remainder(since_midnight)
    }
}

impl ScalingPolicy for Schedule {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let time = self.time_of_day(now);
        let changes = self.changes();
        let latest = changes.iter().rev().find(|(from, _)| *from <= time).or_else(|| changes.last());
        latest.map_or(sample.workers, |(_, workers)| *workers)
    }

    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        let time = self.time_of_day(now);
        let changes = self.changes();
        let next = changes.iter().find(|(from, _)| *from > time);
        let until = match next {
            Some((from, _)) => from.saturating_sub(time),
            None => DAY.saturating_sub(time).saturating_add(changes.first()?.0),
        };
        Some(now.saturating_add(until))
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        if self.start >= DAY {
            return Err(refused("start", self.start));
        }
        if self.ahead >= DAY {
            return Err(refused("ahead", self.ahead));
        }
        if self.at.is_empty() {
            return Err(InvalidConfig::new("at", "missing", "must be given at least once"));
        }
        match self.at.iter().find(|(time, workers)| *time >= DAY || *workers == 0) {
            Some((_, 0)) => Err(InvalidConfig::new("at", "0 workers", "must be at least 1 worker")),
            Some((time, _)) => Err(refused("at", *time)),
            None => Ok(()),
        }
    }
}

fn refused(field: &'static str, time: Duration) -> InvalidConfig {
    InvalidConfig::new(field, format!("{time:?}"), "must be below 24 h")
}

/// What is left of a time after whole days.
fn remainder(time: Duration) -> Duration {
    Duration::new(time.as_secs() % DAY.as_secs(), time.subsec_nanos())
}

/// The time of day `ahead` before `time`, yesterday's if need be.
fn back(time: Duration, ahead: Duration) -> Duration {
    remainder(remainder(time).saturating_add(DAY).saturating_sub(remainder(ahead)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::testing::{assert_survives_extremes, sample};

    const HOUR: Duration = Duration::from_secs(3_600);

    fn office() -> Schedule {
        Schedule::new(HOUR * 7).at(HOUR * 18, 2).at(HOUR * 8, 12).at(HOUR * 12, 6)
    }

    fn after(hours: f64) -> Timestamp {
        Timestamp::ZERO.saturating_add(HOUR.mul_f64(hours))
    }

    #[test]
    fn each_entry_holds_until_the_next_and_the_last_over_midnight() {
        let mut policy = office();
        let hours = [0.0, 0.99, 1.0, 4.99, 5.0, 11.0, 17.0, 24.0, 25.0, 25.0 + 24.0 * 300.0];
        let wanted = hours.map(|hours| policy.desired(after(hours), &sample(1, 16)));
        assert_eq!(wanted, [2, 2, 12, 12, 6, 2, 2, 2, 12, 12]);
    }

    #[test]
    fn asks_at_each_change() {
        let policy = office();
        assert_eq!(policy.next_ask(after(0.0)), Some(after(1.0)));
        assert_eq!(policy.next_ask(after(1.0)), Some(after(5.0)));
        assert_eq!(policy.next_ask(after(12.0)), Some(after(25.0)), "tomorrow");
    }

    #[test]
    fn growth_comes_ahead_and_shrinking_does_not() {
        let mut policy = office().ahead(HOUR / 2);
        let wanted = [0.4, 0.5, 4.5, 5.0, 10.5].map(|hours| policy.desired(after(hours), &sample(1, 16)));
        assert_eq!(wanted, [2, 12, 12, 6, 6]);
        let mut midnight = Schedule::new(Duration::ZERO).at(Duration::ZERO, 5).at(HOUR, 2).ahead(HOUR / 2);
        assert_eq!([0.5, 23.4, 23.6].map(|hours| midnight.desired(after(hours), &sample(1, 16))), [5, 2, 5]);
    }

    #[test]
    fn a_second_entry_for_a_time_replaces_the_first() {
        let mut policy = office().at(HOUR * 8, 9);
        assert_eq!(policy.desired(after(1.0), &sample(1, 16)), 9);
    }

    #[test]
    fn refuses_times_beyond_a_day_and_no_entries() {
        let field = |policy: Schedule| policy.validate().unwrap_err().field;
        assert_eq!(field(Schedule::new(DAY).at(HOUR, 1)), "start");
        assert_eq!(field(office().ahead(DAY)), "ahead");
        assert_eq!(field(Schedule::new(HOUR)), "at");
        assert_eq!(field(office().at(DAY, 1)), "at");
        assert_eq!(field(office().at(HOUR, 0)), "at");
        assert_eq!(office().validate(), Ok(()));
    }

    #[test]
    fn survives_extreme_samples() {
        assert_survives_extremes(office);
        assert_survives_extremes(|| Schedule::new(Duration::MAX).at(Duration::MAX, 0).ahead(Duration::MAX));
        assert_survives_extremes(|| Schedule::new(Duration::ZERO));
    }

    #[test]
    fn an_entry_that_adds_nobody_is_not_ahead_of_its_time() {
        let policy = Schedule::new(HOUR * 7).at(HOUR * 8, 3).at(HOUR * 9, 3).at(HOUR * 10, 3).ahead(HOUR / 2);
        assert_eq!(
            [0.0, 1.0, 2.0].map(|hours| policy.next_ask(after(hours))),
            [1.0, 2.0, 3.0].map(|hours| Some(after(hours)))
        );
    }
}
