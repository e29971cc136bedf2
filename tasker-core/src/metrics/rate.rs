//! How often something happens, over a sliding window.

use std::time::Duration;

use crate::Timestamp;
use crate::sync::cells::{AtomicU64, Ordering};

/// Into how many buckets a window is cut. The oldest goes at once, so a window is up to this part of it short.
const BUCKETS: u64 = 16;
const DEFAULT_SPAN: Duration = Duration::from_secs(10);

/// Counts events over a sliding window, by default of 10 seconds, in constant memory.
///
/// The window is a ring of 16 buckets of time. What a bucket counted is forgotten all at once, so the window reaches
/// back between 15/16 of its span and all of it; the rate divides by the time that is truly covered. While younger than
/// its span it divides by its age, but by no less than one bucket, so the first event is no enormous rate.
///
/// The clock may stand still or jump ahead by any amount. Should it step back, events count into the bucket they find.
///
/// ```
/// use std::time::Duration;
/// use tasker_core::Timestamp;
/// use tasker_core::metrics::RateWindow;
///
/// let mut arrivals = RateWindow::new(Timestamp::ZERO);
/// let mut now = Timestamp::ZERO;
/// for _ in 0..100 {
///     arrivals.record(now, 1);
///     now = now.saturating_add(Duration::from_millis(50));
/// }
/// assert_eq!(arrivals.count(now), 100);
/// assert_eq!(arrivals.rate(now), 20.0);
///
/// let tomorrow = now.saturating_add(Duration::from_secs(86_400));
/// assert_eq!(arrivals.rate(tomorrow), 0.0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateWindow {
    frame: Frame,
    buckets: [Bucket; BUCKETS as usize],
}

impl RateWindow {
    /// An empty window of 10 seconds, born at `start`.
    #[must_use]
    pub const fn new(start: Timestamp) -> Self {
        Self::with_span(start, DEFAULT_SPAN)
    }

    /// An empty window of `span`, born at `start`. The span is at least 16 nanoseconds, a bucket each.
    #[must_use]
    pub const fn with_span(start: Timestamp, span: Duration) -> Self {
        Self { frame: Frame::new(start, span), buckets: [Bucket { epoch: 0, count: 0 }; BUCKETS as usize] }
    }

    /// Counts `n` events at `now`.
    #[inline]
    pub const fn record(&mut self, now: Timestamp, n: u64) {
        let epoch = self.frame.epoch(now);
        let bucket = &mut self.buckets[slot(epoch)];
        if bucket.epoch < epoch {
            *bucket = Bucket { epoch, count: 0 };
        }
        bucket.count = bucket.count.saturating_add(n);
    }

    /// Whether events at these two moments count into the same bucket.
    pub(crate) const fn are_together(&self, one: Timestamp, other: Timestamp) -> bool {
        self.frame.epoch(one) == self.frame.epoch(other)
    }

    /// The events within the window that ends at `now`.
    #[must_use]
    pub fn count(&self, now: Timestamp) -> u64 {
        self.frame.view(now, &self.buckets).count
    }

    /// Events per second over the window that ends at `now`.
    #[must_use]
    pub fn rate(&self, now: Timestamp) -> f64 {
        self.frame.view(now, &self.buckets).rate()
    }
}

/// A [`RateWindow`] that one thread writes while others read.
///
/// The writer stores plainly, without read-modify-write instructions; should two threads record at once nothing breaks,
/// but events may go uncounted. The sum of several is the sum of their rates.
///
/// A read amid a write is off by at most one bucket. Epoch and count of a bucket are two words. When the writer takes a
/// bucket over for a new epoch, it stores a count of 0, then releases the epoch, then stores the new count. A reader
/// acquires the epoch and then loads the count:
/// - it saw the new epoch: then it also sees the 0, or a later count of the same epoch; never the old epoch's count;
/// - it saw the old epoch: the count is the old one, or 0, or the new one, under the old name. That bucket is at the far
///   end of the window or beyond it, so what is missing is about to be forgotten, and what is too much is events that
///   did just happen.
///
/// Nothing is subtracted, so no read is negative; and every count read is one that a bucket truly had, so none is huge.
#[derive(Debug)]
pub struct AtomicRateWindow {
    frame: Frame,
    /// The epoch of the last recorded event and when it ends, so that most need no division to find theirs. The writer's
    /// own.
    ends: AtomicU64,
    latest: AtomicU64,
    buckets: [AtomicBucket; BUCKETS as usize],
}

impl AtomicRateWindow {
    /// An empty window of 10 seconds, born at `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self::with_span(start, DEFAULT_SPAN)
    }

    /// An empty window of `span`, born at `start`. The span is at least 16 nanoseconds, a bucket each.
    #[must_use]
    pub fn with_span(start: Timestamp, span: Duration) -> Self {
        let buckets = std::array::from_fn(|_| AtomicBucket::default());
        Self { frame: Frame::new(start, span), ends: AtomicU64::new(0), latest: AtomicU64::new(0), buckets }
    }

    /// Counts `n` events at `now`. For one thread only.
    #[inline]
    pub fn record(&self, now: Timestamp, n: u64) {
        let epoch = self.epoch(now);
        let bucket = &self.buckets[slot(epoch)];
        if bucket.epoch.load(Ordering::Relaxed) < epoch {
            bucket.count.store(0, Ordering::Relaxed);
            bucket.epoch.store(epoch, Ordering::Release);
        }
        let count = bucket.count.load(Ordering::Relaxed);
        bucket.count.store(count.saturating_add(n), Ordering::Relaxed);
    }

    #[inline]
    fn epoch(&self, now: Timestamp) -> u64 {
        let (now, ends) = (now.as_nanos(), self.ends.load(Ordering::Relaxed));
        if now < ends && ends - now <= self.frame.width {
            return self.latest.load(Ordering::Relaxed);
        }
        let epoch = now / self.frame.width;
        self.latest.store(epoch, Ordering::Relaxed);
        self.ends.store(epoch.saturating_add(1).saturating_mul(self.frame.width), Ordering::Relaxed);
        epoch
    }

    /// Adds what this window holds to `total`, which must have the same start and span.
    pub fn merge_into(&self, total: &mut RateWindow) {
        for (into, from) in total.buckets.iter_mut().zip(self.read()) {
            if into.epoch < from.epoch {
                *into = from;
            } else if into.epoch == from.epoch {
                into.count = into.count.saturating_add(from.count);
            }
        }
    }

    /// The events within the window that ends at `now`.
    #[must_use]
    pub fn count(&self, now: Timestamp) -> u64 {
        self.frame.view(now, &self.read()).count
    }

    /// Events per second over the window that ends at `now`.
    #[must_use]
    pub fn rate(&self, now: Timestamp) -> f64 {
        self.frame.view(now, &self.read()).rate()
    }

    fn read(&self) -> [Bucket; BUCKETS as usize] {
        self.buckets.each_ref().map(|bucket| {
            let epoch = bucket.epoch.load(Ordering::Acquire);
            Bucket { epoch, count: bucket.count.load(Ordering::Relaxed) }
        })
    }
}

/// How time is cut: epoch `e` begins `e` bucket widths after the clock began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    start: Timestamp,
    /// Nanoseconds a bucket; never 0.
    width: u64,
}

/// Events of one epoch. One that was never used is epoch 0 with a count of 0, which adds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bucket {
    epoch: u64,
    count: u64,
}

#[derive(Debug, Default)]
struct AtomicBucket {
    epoch: AtomicU64,
    count: AtomicU64,
}

struct View {
    count: u64,
    covered: Duration,
}

impl Frame {
    const fn new(start: Timestamp, span: Duration) -> Self {
        let width = span.as_nanos() / BUCKETS as u128;
        let width = if width > u64::MAX as u128 { u64::MAX } else { width as u64 };
        Self { start, width: if width == 0 { 1 } else { width } }
    }

    const fn epoch(&self, now: Timestamp) -> u64 {
        now.as_nanos() / self.width
    }

    fn view(&self, now: Timestamp, buckets: &[Bucket]) -> View {
        // A reader's clock may be a little behind the writer's; the window ends where the later one is.
        let newest = buckets.iter().map(|bucket| bucket.epoch).fold(self.epoch(now), u64::max);
        let now = now.as_nanos().max(newest.saturating_mul(self.width));
        let oldest = newest.saturating_sub(BUCKETS - 1);
        let count = buckets
            .iter()
            .filter(|bucket| bucket.epoch >= oldest)
            .fold(0u64, |sum, bucket| sum.saturating_add(bucket.count));
        let begin = (oldest * self.width).max(self.start.as_nanos());
        View { count, covered: Duration::from_nanos(now.saturating_sub(begin).max(self.width)) }
    }
}

impl View {
    fn rate(&self) -> f64 {
        self.count as f64 / self.covered.as_secs_f64()
    }
}

const fn slot(epoch: u64) -> usize {
    (epoch % BUCKETS) as usize
}

#[cfg(all(test, not(any(tasker_loom, tasker_shuttle))))]
mod tests {
    use super::*;
    use crate::splitmix::next;

    fn at(millis: u64) -> Timestamp {
        Timestamp::ZERO.saturating_add(Duration::from_millis(millis))
    }

    /// Sixteen buckets of a second each.
    fn sixteen_seconds(start: Timestamp) -> RateWindow {
        RateWindow::with_span(start, Duration::from_secs(16))
    }

    #[test]
    fn a_young_window_divides_by_its_age_but_at_least_by_a_bucket() {
        let mut window = sixteen_seconds(at(500));
        window.record(at(500), 10);
        assert_eq!(window.rate(at(500)), 10.0);
        assert_eq!(window.rate(at(1_500)), 10.0);
        assert_eq!(window.rate(at(4_500)), 2.5);
    }

    #[test]
    fn events_are_together_as_long_as_a_bucket_lasts() {
        let window = sixteen_seconds(at(0));
        assert!(window.are_together(at(1_000), at(1_999)));
        assert!(!window.are_together(at(1_999), at(2_000)));
    }

    #[test]
    fn an_event_that_comes_late_counts_where_it_belongs() {
        let window = AtomicRateWindow::with_span(at(0), Duration::from_secs(16));
        [5_500, 5_900, 2_000].into_iter().for_each(|millis| window.record(at(millis), 1));
        let mut total = sixteen_seconds(at(0));
        window.merge_into(&mut total);
        assert_eq!([17_000, 18_000].map(|millis| total.count(at(millis))), [3, 2]);
    }

    #[test]
    fn a_grown_window_divides_by_what_it_covers() {
        let mut window = sixteen_seconds(at(0));
        (0..100).for_each(|second| window.record(at(second * 1_000), 3));
        assert_eq!(window.count(at(99_000)), 48);
        assert_eq!(window.count(at(100_000)), 45);
        assert_eq!(window.rate(at(100_000)), 3.0);
    }

    #[test]
    fn forgets_when_the_clock_jumps() {
        let mut window = sixteen_seconds(at(0));
        window.record(at(0), 1_000);
        let tomorrow = at(86_400_000);
        assert_eq!((window.count(tomorrow), window.rate(tomorrow)), (0, 0.0));
        window.record(tomorrow, 15);
        assert_eq!((window.count(tomorrow), window.rate(tomorrow)), (15, 1.0));
        window.record(Timestamp::MAX, 1);
        assert_eq!(window.count(Timestamp::MAX), 1);
    }

    #[test]
    fn a_clock_that_stands_still_or_steps_back_loses_nothing() {
        let mut window = sixteen_seconds(at(0));
        (0..1_000).for_each(|_| window.record(at(30_000), 1));
        window.record(at(29_000), 1);
        window.record(at(14_000), 1);
        assert_eq!(window.count(at(30_000)), 1_002);
        assert_eq!(window.count(at(10_000)), 1_002);
        assert!(window.rate(at(10_000)).is_finite());
    }

    #[test]
    fn extreme_spans_and_counts_are_survived() {
        for span in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let mut window = RateWindow::with_span(Timestamp::MAX, span);
            for now in [Timestamp::ZERO, Timestamp::MAX, Timestamp::from_nanos(u64::MAX - 1)] {
                window.record(now, u64::MAX);
                assert_eq!(window.count(now), u64::MAX);
                assert!(window.rate(now).is_finite());
            }
            let window = AtomicRateWindow::with_span(Timestamp::MAX, span);
            for now in [Timestamp::ZERO, Timestamp::MAX, Timestamp::from_nanos(u64::MAX - 1)] {
                window.record(now, u64::MAX);
                assert_eq!(window.count(now), u64::MAX);
                assert!(window.rate(now).is_finite());
            }
        }
    }

    /// Every event, kept; the window is whole seconds, the present one and the fifteen before.
    fn exact(events: &[(u64, u64)], now: u64) -> u64 {
        let oldest = (now / 1_000 + 1).saturating_sub(16);
        events.iter().filter(|event| event.0 / 1_000 >= oldest).map(|event| event.1).sum()
    }

    #[test]
    fn both_forms_agree_with_a_list_of_all_events() {
        for seed in 0..2_000u64 {
            let (mut state, mut now, mut events) = (seed, 0, Vec::new());
            let mut plain = sixteen_seconds(at(0));
            let atomic = AtomicRateWindow::with_span(at(0), Duration::from_secs(16));
            for _ in 0..100 {
                now += match next(&mut state) % 8 {
                    0 | 1 => 0,
                    2 => 86_400_000,
                    3 => next(&mut state) % 40_000,
                    _ => next(&mut state) % 900,
                };
                let n = next(&mut state) % 5;
                plain.record(at(now), n);
                atomic.record(at(now), n);
                events.push((now, n));
                let covered = (now - (now / 1_000 + 1).saturating_sub(16) * 1_000).max(1_000);
                let rate = exact(&events, now) as f64 / (covered as f64 / 1_000.0);
                assert_eq!(plain.count(at(now)), exact(&events, now), "seed {seed}");
                assert!((plain.rate(at(now)) - rate).abs() < 1e-9, "seed {seed}");
                assert_eq!(
                    (atomic.count(at(now)), atomic.rate(at(now))),
                    (plain.count(at(now)), plain.rate(at(now)))
                );
            }
        }
    }

    #[test]
    fn windows_that_are_merged_count_as_one() {
        // Some in the same bucket, some in one that the other has left behind, or not reached yet.
        for seconds in [[[0, 1, 5, 12], [1, 2, 5, 13]], [[0, 1, 5, 20], [1, 2, 5, 21]]] {
            let (mut merged, mut one) = (sixteen_seconds(at(0)), sixteen_seconds(at(0)));
            for seconds in seconds {
                let atomic = AtomicRateWindow::with_span(at(0), Duration::from_secs(16));
                for second in seconds {
                    atomic.record(at(second * 1_000), second + 1);
                    one.record(at(second * 1_000), second + 1);
                }
                atomic.merge_into(&mut merged);
            }
            for now in [13, 21, 30] {
                assert_eq!(merged.count(at(now * 1_000)), one.count(at(now * 1_000)), "{seconds:?} at {now}");
            }
        }
    }

    #[test]
    fn a_read_amid_writing_is_off_by_a_bucket_at_most() {
        const PER_BUCKET: u64 = 100;
        let window = AtomicRateWindow::with_span(at(0), Duration::from_secs(16));
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                for i in 0..200_000 {
                    window.record(at(i * 1_000 / PER_BUCKET), 1);
                }
            });
            while !writing.is_finished() {
                assert!(window.count(at(0)) <= 17 * PER_BUCKET);
            }
        });
        assert_eq!(window.count(at(0)), 16 * PER_BUCKET);
    }
}

#[cfg(all(test, tasker_loom))]
mod loom_tests {
    use super::*;
    use crate::sync::{Arc, thread};

    #[test]
    fn a_bucket_taken_over_never_shows_its_old_count_under_its_new_epoch() {
        loom::model(|| {
            let window = Arc::new(AtomicRateWindow::with_span(Timestamp::ZERO, Duration::from_nanos(16)));
            window.record(Timestamp::ZERO, 1_000);
            let reader = Arc::clone(&window);
            let reading = thread::spawn(move || {
                let seen = reader.read()[0];
                let allowed: &[u64] = if seen.epoch == 16 { &[0, 1, 2] } else { &[1_000, 0, 1, 2] };
                assert!(allowed.contains(&seen.count), "{seen:?}");
            });
            window.record(Timestamp::from_nanos(16), 1);
            window.record(Timestamp::from_nanos(16), 1);
            reading.join().unwrap();
            assert_eq!(window.count(Timestamp::from_nanos(16)), 2);
        });
    }
}
