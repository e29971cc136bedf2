//! Tasks on their way from submitters to the lanes.

use crate::task::Priority;
use crate::time::Timestamp;

/// A task as a submitter left it: what the state has to know lies beside it, since to look into it is to fetch it from
/// another core.
pub(super) struct Arrival<J> {
    pub(super) job: J,
    pub(super) priority: Priority,
    pub(super) at: Timestamp,
}

/// Tasks in the order in which they came. The first lies in place, so that whoever takes a lone one, as most are where
/// tasks do not pile up, has one line of memory less to fetch.
pub(super) struct Arrivals<J> {
    first: Option<Arrival<J>>,
    others: Vec<Arrival<J>>,
}

impl<J> Arrivals<J> {
    pub(super) const fn new() -> Self {
        Self { first: None, others: Vec::new() }
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        if self.is_empty() { 0 } else { 1 + self.others.len() }
    }

    /// `true`: there is no other.
    #[inline]
    pub(super) fn push(&mut self, arrival: Arrival<J>) -> bool {
        let is_first = self.is_empty();
        if is_first {
            self.first = Some(arrival);
        } else {
            self.others.push(arrival);
        }
        is_first
    }

    /// When the first and the last came.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.first.as_ref()?;
        Some((first.at, self.others.last().unwrap_or(first).at))
    }

    /// Takes the only one there is, if `take` says so.
    #[inline]
    pub(super) fn take_only(&mut self, take: impl FnOnce(&mut J) -> bool) -> Option<Arrival<J>> {
        if self.others.is_empty() { self.first.take_if(|only| take(&mut only.job)) } else { None }
    }

    /// Takes all out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Arrival<J>> {
        self.first.take().into_iter().chain(self.others.drain(..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(count: u64) -> Arrivals<u64> {
        let mut arrivals = Arrivals::new();
        for job in 0..count {
            let at = Timestamp::from_nanos(10 * job);
            assert_eq!(arrivals.push(Arrival { job, priority: Priority::Normal, at }), job == 0);
        }
        arrivals
    }

    #[test]
    fn they_leave_in_the_order_in_which_they_came() {
        for count in 0..4 {
            let mut arrivals = arrivals(count);
            assert_eq!((arrivals.len() as u64, arrivals.is_empty()), (count, count == 0));
            let span = arrivals.span().map(|(first, last)| (first.as_nanos(), last.as_nanos()));
            assert_eq!(span, (count > 0).then(|| (0, 10 * (count - 1))));
            let jobs: Vec<u64> = arrivals.drain().map(|arrival| arrival.job).collect();
            assert_eq!(jobs, (0..count).collect::<Vec<_>>());
            assert_eq!((arrivals.len(), arrivals.is_empty()), (0, true));
        }
    }

    #[test]
    fn the_only_one_may_be_taken_and_none_of_many() {
        assert!(arrivals(0).take_only(|_| true).is_none());
        assert!(arrivals(2).take_only(|_| true).is_none());
        let mut arrivals = arrivals(1);
        assert!(arrivals.take_only(|_| false).is_none());
        assert_eq!(arrivals.take_only(|job| *job == 0).map(|only| only.job), Some(0));
        assert!(arrivals.is_empty());
    }
}
