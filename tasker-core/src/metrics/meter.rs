//! Counters with one writer each.
//!
//! A worker counts into cells of its own, which nobody else writes, and a reader sums over workers: no cache line is
//! shared by two writers, and nothing is locked on the task path. What happens off that path (a cancel, an expiry, a
//! kill) is counted in shared cells.

use std::time::Duration;

use crate::metrics::{AtomicHistogram, AtomicRateWindow, Histogram, RateWindow};
use crate::scaling::Sample;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::time::{Timestamp, nanos};

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndKind {
    /// It returned a value.
    Completed,
    /// It returned an error, in its last attempt.
    Failed,
    /// It panicked.
    Panicked,
    /// It was cancelled.
    Cancelled,
    /// It ran longer than its timeout.
    TimedOut,
    /// Its deadline passed.
    Expired,
    /// It gave its place in a full queue to another.
    Displaced,
    /// The pool did not take it; no accepted task ends so.
    Refused,
    /// The pool ended first.
    Killed,
}

impl EndKind {
    /// How many kinds there are. A later version may have more.
    pub const COUNT: usize = 9;
}

/// Tasks by how they ended.
pub type Ends = [u64; EndKind::COUNT];

/// Counters that anybody may write.
#[derive(Debug, Default)]
pub(crate) struct SharedEnds([AtomicU64; EndKind::COUNT]);

impl SharedEnds {
    pub(crate) fn count(&self, kind: EndKind) {
        self.0[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Ends {
        std::array::from_fn(|index| self.0[index].load(Ordering::Relaxed))
    }
}

/// What one worker counts. It alone writes; anybody reads.
#[derive(Debug)]
pub(crate) struct Meter {
    ends: [AtomicU64; EndKind::COUNT],
    started: AtomicU64,
    retried: AtomicU64,
    busy: AtomicU64,
    waited: AtomicU64,
    execution: AtomicHistogram,
    wait: AtomicHistogram,
    completions: AtomicRateWindow,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            ends: Default::default(),
            started: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            execution: AtomicHistogram::new(),
            wait: AtomicHistogram::new(),
            completions: AtomicRateWindow::new(Timestamp::ZERO),
        }
    }

    /// An attempt begins, its task having waited for so long.
    #[inline]
    pub(crate) fn started(&self, waited: Duration) {
        add(&self.started, 1);
        add(&self.waited, nanos(waited));
        self.wait.record(waited);
    }

    /// An attempt is over.
    #[inline]
    pub(crate) fn finished(&self, now: Timestamp, took: Duration) {
        add(&self.busy, nanos(took));
        self.execution.record(took);
        self.completions.record(now, 1);
    }

    /// A task goes back to the queue.
    pub(crate) fn retried(&self) {
        add(&self.retried, 1);
    }

    /// A task has ended.
    #[inline]
    pub(crate) fn ended(&self, kind: EndKind) {
        add(&self.ends[kind as usize], 1);
    }

    pub(crate) fn count_into(&self, counters: &mut Counters) {
        // Ends before starts, so that no reader finds more of the former.
        for (total, end) in counters.ends.iter_mut().zip(&self.ends) {
            *total += end.load(Ordering::Relaxed);
        }
        counters.retried += self.retried.load(Ordering::Relaxed);
        counters.busy = counters.busy.saturating_add(Duration::from_nanos(self.busy.load(Ordering::Relaxed)));
        counters.started += self.started.load(Ordering::Relaxed);
        counters.waited =
            counters.waited.saturating_add(Duration::from_nanos(self.waited.load(Ordering::Relaxed)));
    }

    pub(crate) fn add_to(&self, totals: &mut Totals) {
        self.count_into(&mut totals.counters);
        self.execution.merge_into(&mut totals.execution);
        self.wait.merge_into(&mut totals.wait);
    }

    pub(crate) fn add_completions(&self, total: &mut RateWindow) {
        self.completions.merge_into(total);
    }
}

/// Counters of many workers, summed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) ends: Ends,
    pub(crate) started: u64,
    pub(crate) retried: u64,
    pub(crate) busy: Duration,
    pub(crate) waited: Duration,
}

impl Counters {
    pub(crate) fn merge(&mut self, other: &Self) {
        for (total, end) in self.ends.iter_mut().zip(other.ends) {
            *total += end;
        }
        self.started += other.started;
        self.retried += other.retried;
        self.busy = self.busy.saturating_add(other.busy);
        self.waited = self.waited.saturating_add(other.waited);
    }

    /// Tasks that were accepted and have ended.
    pub(crate) fn ended(&self) -> u64 {
        let refused = self.ends[EndKind::Refused as usize];
        self.ends.iter().sum::<u64>() - refused
    }

    pub(crate) fn fill(&self, sample: &mut Sample) {
        sample.started = self.started;
        sample.completed = self.ended();
        sample.failed = sample.completed - self.ends[EndKind::Completed as usize];
        sample.busy_time = self.busy;
        sample.wait_time = self.waited;
    }
}

/// Counters and distributions of many workers, summed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) counters: Counters,
    pub(crate) execution: Histogram,
    pub(crate) wait: Histogram,
}

impl Totals {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.counters.merge(&other.counters);
        self.execution.merge(&other.execution);
        self.wait.merge(&other.wait);
    }
}

/// Adds to a cell that only the caller writes.
#[inline]
fn add(cell: &AtomicU64, amount: u64) {
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// The end of each kind, as often as its number says, and once more.
    fn one_more_of_each(mut count: impl FnMut(EndKind)) {
        use EndKind::{
            Cancelled, Completed, Displaced, Expired, Failed, Killed, Panicked, Refused, TimedOut,
        };
        let kinds = [Completed, Failed, Panicked, Cancelled, TimedOut, Expired, Displaced, Refused, Killed];
        for (number, kind) in kinds.into_iter().enumerate() {
            (0..=number).for_each(|_| count(kind));
        }
    }

    const ONE_MORE_OF_EACH: Ends = [1, 2, 3, 4, 5, 6, 7, 8, 9];

    /// Three attempts, of which one was retried.
    fn meter() -> Meter {
        let meter = Meter::new();
        for millis in 1..=3 {
            meter.started(MS * millis);
            meter.finished(Timestamp::ZERO.saturating_add(MS * millis), MS * 10 * millis);
        }
        meter.retried();
        one_more_of_each(|kind| meter.ended(kind));
        meter
    }

    #[test]
    fn ends_are_counted_by_kind_by_whoever_brings_them_about() {
        let shared = SharedEnds::default();
        one_more_of_each(|kind| shared.count(kind));
        assert_eq!(shared.read(), ONE_MORE_OF_EACH);
    }

    #[test]
    fn a_meter_adds_what_it_counted_to_what_was_there() {
        let (meter, mut counters) = (meter(), Counters::default());
        for times in 1..=3_u32 {
            meter.count_into(&mut counters);
            let factor = u64::from(times);
            assert_eq!(counters.ends, ONE_MORE_OF_EACH.map(|count| count * factor));
            assert_eq!((counters.started, counters.retried), (3 * factor, factor));
            assert_eq!((counters.waited, counters.busy), (MS * 6 * times, MS * 60 * times));
        }
    }

    #[test]
    fn counters_of_several_are_summed() {
        let mut one = Counters::default();
        meter().count_into(&mut one);
        let mut sum = one.clone();
        sum.merge(&one);
        sum.merge(&one);
        assert_eq!(sum.ends, ONE_MORE_OF_EACH.map(|count| count * 3));
        assert_eq!((sum.started, sum.retried, sum.waited, sum.busy), (9, 3, MS * 18, MS * 180));
    }

    #[test]
    fn totals_have_the_distributions_too() {
        let (meter, mut totals) = (meter(), Totals::default());
        meter.add_to(&mut totals);
        assert_eq!((totals.counters.started, totals.execution.count(), totals.wait.count()), (3, 3, 3));
        assert_eq!((totals.execution.max(), totals.wait.max()), (Some(MS * 30), Some(MS * 3)));
        totals.merge(&totals.clone());
        assert_eq!((totals.counters.started, totals.execution.count(), totals.wait.count()), (6, 6, 6));
    }

    #[test]
    fn attempts_that_ended_make_the_rate_of_completions() {
        let mut completions = RateWindow::new(Timestamp::ZERO);
        meter().add_completions(&mut completions);
        assert_eq!(completions.count(Timestamp::ZERO.saturating_add(MS * 3)), 3);
    }

    #[test]
    fn a_policy_is_told_of_accepted_tasks_alone() {
        let (mut counters, mut sample) = (Counters::default(), Sample::default());
        meter().count_into(&mut counters);
        counters.fill(&mut sample);
        let accepted: u64 = ONE_MORE_OF_EACH.iter().sum::<u64>() - 8;
        assert_eq!(counters.ended(), accepted, "all but those refused");
        assert_eq!((sample.started, sample.completed, sample.failed), (3, accepted, accepted - 1));
        assert_eq!((sample.wait_time, sample.busy_time), (MS * 6, MS * 60));
    }
}
