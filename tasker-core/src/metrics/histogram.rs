//! Log-linear histograms of durations.
//!
//! Below 2^5 = 32 ns every nanosecond has its bucket. Above, each power of two is cut into 32 buckets of equal width,
//! so a bucket is never wider than 1/32 of its smallest value. 1,920 buckets reach from 0 ns to `u64::MAX` ns, which is
//! 584 years. The layout is that of HdrHistogram.

use std::fmt;
use std::time::Duration;

use crate::sync::cells::{AtomicU64, Ordering};
use crate::time::nanos;

/// By how much, relative to the true value, a quantile of a histogram may be too high. It is never too low.
pub const RELATIVE_ERROR: f64 = 1.0 / SUB_BUCKETS as f64;

// loom explores every atomic on its own, and miri takes its time with each, so for them the table is coarser.
const SUB_BITS: u32 = if cfg!(any(tasker_loom, tasker_shuttle, miri)) { 1 } else { 5 };
const SUB_BUCKETS: u64 = 1 << SUB_BITS;
const BUCKETS: usize = ((64 - SUB_BITS as usize) + 1) << SUB_BITS;

/// Counts durations in buckets, so that quantiles cost constant memory however many are recorded.
///
/// Takes about 15 KiB, allocated once. Durations from 0 to 584 years (`u64::MAX` nanoseconds) are told apart; longer
/// ones count as that. The count, the minimum, the maximum and the mean are exact (to the nanosecond); a quantile is at
/// most [`RELATIVE_ERROR`] above the true one and never below it. Counts saturate.
///
/// ```
/// use std::time::Duration;
/// use tasker_core::metrics::Histogram;
///
/// let mut histogram = Histogram::new();
/// for millis in 1..=100 {
///     histogram.record(Duration::from_millis(millis));
/// }
/// assert_eq!(histogram.count(), 100);
/// assert_eq!(histogram.mean(), Some(Duration::from_micros(50_500)));
/// assert_eq!(histogram.max(), Some(Duration::from_millis(100)));
/// let p95 = histogram.quantile(0.95).expect("not empty");
/// assert!(p95 >= Duration::from_millis(95) && p95 < Duration::from_millis(98));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Histogram {
    buckets: Box<[u64]>,
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl Histogram {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        Self { buckets: vec![0; BUCKETS].into(), count: 0, sum: 0, min: u64::MAX, max: 0 }
    }

    /// Counts a duration.
    pub fn record(&mut self, duration: Duration) {
        let nanos = nanos(duration);
        let bucket = &mut self.buckets[index(nanos)];
        *bucket = bucket.saturating_add(1);
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(u128::from(nanos));
        self.min = self.min.min(nanos);
        self.max = self.max.max(nanos);
    }

    /// Adds all that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        let used = used(other.min, other.max);
        for (bucket, more) in self.buckets[used.clone()].iter_mut().zip(&other.buckets[used]) {
            *bucket = bucket.saturating_add(*more);
        }
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// How many durations were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Whether nothing was counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The shortest duration, exactly; `None` if empty.
    #[must_use]
    pub fn min(&self) -> Option<Duration> {
        (!self.is_empty()).then(|| Duration::from_nanos(self.min))
    }

    /// The longest duration, exactly; `None` if empty.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        (!self.is_empty()).then(|| Duration::from_nanos(self.max))
    }

    /// The arithmetic mean, exactly, rounded down to the nanosecond; `None` if empty.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let mean = self.sum.checked_div(u128::from(self.count))?;
        Some(Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX)))
    }

    /// The nearest-rank quantile: the shortest counted duration that at least a share `q` of all do not exceed; `None`
    /// if empty.
    ///
    /// The answer is at most [`RELATIVE_ERROR`] too high and never too low; the ranks of the minimum and of the maximum
    /// are exact. `q` is clamped to `0.0..=1.0`; NaN counts as 0.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let [quantile] = self.quantiles([q]);
        (!self.is_empty()).then_some(quantile)
    }

    /// [`quantile`](Self::quantile) of each of `qs`, which ascend, in one go; zero if empty.
    pub(crate) fn quantiles<const N: usize>(&self, qs: [f64; N]) -> [Duration; N] {
        let mut walk = used(self.min, self.max);
        let (mut below, mut bucket) = (0u64, 0);
        qs.map(|q| {
            if self.is_empty() {
                return Duration::ZERO;
            }
            let rank = nearest_rank(q, self.count);
            while below < rank {
                let Some(next) = walk.next() else { break };
                bucket = next;
                below = below.saturating_add(self.buckets[bucket]);
            }
            let nanos = match rank {
                1 => self.min,
                _ if q >= 1.0 => self.max,
                _ => highest(bucket).clamp(self.min, self.max),
            };
            Duration::from_nanos(nanos)
        })
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count)
            .field("min", &self.min())
            .field("mean", &self.mean())
            .field("p50", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .field("max", &self.max())
            .finish()
    }
}

/// A [`Histogram`] that one thread writes while others read.
///
/// The writer loads and stores with relaxed ordering, a few nanoseconds and no read-modify-write instruction. Should
/// two threads record at once nothing breaks, but durations may go uncounted; each worker has its own for that reason,
/// and readers [merge](Self::merge_into) them.
///
/// A snapshot may be taken at any moment and is consistent in itself: its count is the sum of its buckets, its minimum,
/// maximum and mean agree with them, and every bucket is at least what it was in the reader's last snapshot. A duration
/// that is being recorded meanwhile may be in it or not. The mean is exact up to 584 years of recorded time in total.
///
/// Takes less than 16 KiB, allocated once.
///
/// ```
/// use std::time::Duration;
/// use tasker_core::metrics::AtomicHistogram;
///
/// let histogram = AtomicHistogram::new();
/// std::thread::scope(|scope| {
///     scope.spawn(|| histogram.record(Duration::from_millis(3)));
///     assert!(histogram.snapshot().count() <= 1);
/// });
/// assert_eq!(histogram.snapshot().max(), Some(Duration::from_millis(3)));
/// ```
pub struct AtomicHistogram {
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
    min: AtomicU64,
    max: AtomicU64,
}

impl AtomicHistogram {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
            min: AtomicU64::new(u64::MAX),
            max: AtomicU64::new(0),
        }
    }

    /// Counts a duration. For one thread only.
    #[inline]
    pub fn record(&self, duration: Duration) {
        let nanos = nanos(duration);
        add(&self.buckets[index(nanos)], 1);
        add(&self.sum, nanos);
        if nanos < self.min.load(Ordering::Relaxed) {
            self.min.store(nanos, Ordering::Relaxed);
        }
        if nanos > self.max.load(Ordering::Relaxed) {
            self.max.store(nanos, Ordering::Relaxed);
        }
    }

    /// What was counted so far.
    #[must_use]
    pub fn snapshot(&self) -> Histogram {
        let mut histogram = Histogram::new();
        self.merge_into(&mut histogram);
        histogram
    }

    /// Adds what was counted so far to `total`, as [`Histogram::merge`] does; allocates nothing.
    pub fn merge_into(&self, total: &mut Histogram) {
        let (mut count, mut shortest, mut longest) = (0u64, None, None);
        // Both bounds only ever move outwards, so no bucket that was seen once is left out later; a duration beyond them
        // is being recorded.
        for i in used(self.min.load(Ordering::Relaxed), self.max.load(Ordering::Relaxed)) {
            let counted = self.buckets[i].load(Ordering::Relaxed);
            if counted > 0 {
                total.buckets[i] = total.buckets[i].saturating_add(counted);
                count = count.saturating_add(counted);
                shortest = shortest.or(Some(i));
                longest = Some(i);
            }
        }
        let (Some(shortest), Some(longest)) = (shortest, longest) else {
            return;
        };
        // The cells beside the buckets may be behind or ahead of them by what is being recorded.
        let min = self.min.load(Ordering::Relaxed).clamp(lowest(shortest), highest(shortest));
        let max = self.max.load(Ordering::Relaxed).clamp(lowest(longest), highest(longest)).max(min);
        let sum = u128::from(self.sum.load(Ordering::Relaxed));
        let counted = u128::from(count);
        total.count = total.count.saturating_add(count);
        total.sum = total.sum.saturating_add(sum.clamp(counted * u128::from(min), counted * u128::from(max)));
        total.min = total.min.min(min);
        total.max = total.max.max(max);
    }
}

impl Default for AtomicHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for AtomicHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AtomicHistogram").field(&self.snapshot()).finish()
    }
}

/// Adds without a read-modify-write instruction, which only the single writer may.
#[inline]
fn add(cell: &AtomicU64, more: u64) {
    cell.store(cell.load(Ordering::Relaxed).saturating_add(more), Ordering::Relaxed);
}

/// The bucket of a value.
#[inline]
const fn index(nanos: u64) -> usize {
    if nanos < SUB_BUCKETS {
        return nanos as usize;
    }
    let shift = 63 - nanos.leading_zeros() - SUB_BITS;
    // The leading bit adds one to `shift`, so that the two ranges join without a gap.
    ((shift as usize) << SUB_BITS) + (nanos >> shift) as usize
}

/// The buckets that hold values from `min` to `max`: none if nothing was counted, when `min` is above `max`.
const fn used(min: u64, max: u64) -> std::ops::Range<usize> {
    if min > max { 0..0 } else { index(min)..index(max) + 1 }
}

/// The smallest value of a bucket.
const fn lowest(index: usize) -> u64 {
    if index < SUB_BUCKETS as usize {
        return index as u64;
    }
    let shift = (index >> SUB_BITS) - 1;
    (SUB_BUCKETS + (index as u64 & (SUB_BUCKETS - 1))) << shift
}

/// The largest value of a bucket.
const fn highest(index: usize) -> u64 {
    if index + 1 == BUCKETS { u64::MAX } else { lowest(index + 1) - 1 }
}

/// `ceil(q * count)`, from 1 to `count`. The product is rounded, 0.07 * 100 to more than 7, so a hair is taken off it.
fn nearest_rank(q: f64, count: u64) -> u64 {
    let exact = q.max(0.0) * count as f64;
    let rank = (exact * (1.0 - 4.0 * f64::EPSILON)).ceil() as u64;
    rank.clamp(1, count)
}

#[cfg(all(test, not(any(tasker_loom, tasker_shuttle))))]
mod tests {
    use super::*;
    use crate::splitmix::next;

    /// Durations of every magnitude, small ones and repeated ones among them.
    fn random_nanos(state: &mut u64) -> u64 {
        let bits = next(state) % 64;
        next(state) >> bits
    }

    fn histogram(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::new();
        values.iter().for_each(|nanos| histogram.record(Duration::from_nanos(*nanos)));
        histogram
    }

    #[test]
    fn what_is_shown_of_it_is_figures_and_no_buckets() {
        let shown = format!("{:?}", histogram(&[10, 20, 30]));
        let figures = "min: Some(10ns), mean: Some(20ns), p50: Some(20ns), p99: Some(30ns), max: Some(30ns)";
        assert_eq!(shown, format!("Histogram {{ count: 3, {figures} }}"));
        let atomic = AtomicHistogram::new();
        atomic.record(Duration::from_nanos(10));
        assert!(format!("{atomic:?}").starts_with("AtomicHistogram(Histogram { count: 1, min: Some(10ns)"));
    }

    /// The nearest-rank quantile in whole percent, by the book.
    fn exact(sorted: &[u64], percent: usize) -> u64 {
        let rank = (percent * sorted.len()).div_ceil(100).max(1);
        sorted[rank - 1]
    }

    fn assert_matches_model(values: &mut [u64]) {
        let histogram = histogram(values);
        values.sort_unstable();
        let (size, sum) = (values.len(), values.iter().map(|value| u128::from(*value)).sum::<u128>());
        let nanos = |duration: Option<Duration>| duration.map(|duration| duration.as_nanos());
        assert_eq!(histogram.count(), size as u64);
        assert_eq!(nanos(histogram.min()), Some(u128::from(values[0])));
        assert_eq!(nanos(histogram.max()), Some(u128::from(values[size - 1])));
        assert_eq!(nanos(histogram.mean()), Some(sum / size as u128));
        assert_eq!(histogram.quantile(0.0), histogram.min());
        assert_eq!(histogram.quantile(1.0), histogram.max());
        for percent in 0..=100 {
            let exact = u128::from(exact(values, percent));
            let found = nanos(histogram.quantile(percent as f64 / 100.0)).unwrap_or(0);
            let error = found.saturating_sub(exact) as f64;
            assert!(
                found >= exact && error <= exact as f64 * RELATIVE_ERROR,
                "p{percent}: {found} for {exact}"
            );
        }
    }

    #[test]
    fn quantiles_are_nearest_ranks_for_every_small_size() {
        for size in 1..=200u64 {
            // Below 32 ns and for one value a bucket there is no error: any off-by-one shows.
            let spread: Vec<u64> = (0..size).map(|i| lowest(i as usize * 7)).collect();
            let histogram = histogram(&spread);
            for percent in [0, 1, 5, 7, 14, 25, 28, 29, 50, 55, 56, 57, 58, 75, 90, 95, 99, 100] {
                let found = histogram.quantile(percent as f64 / 100.0).unwrap().as_nanos() as u64;
                assert_eq!(index(found), index(exact(&spread, percent)), "p{percent} of {size}");
            }
        }
    }

    #[test]
    fn agrees_with_a_sorted_list() {
        for seed in 0..3_000u64 {
            let mut state = seed;
            let size = 1 + next(&mut state) % 200;
            let mut values: Vec<u64> = (0..size).map(|_| random_nanos(&mut state)).collect();
            assert_matches_model(&mut values);
        }
    }

    #[test]
    fn buckets_follow_each_other_without_gap_or_overlap() {
        assert_eq!(lowest(0), 0);
        for i in 0..BUCKETS {
            assert_eq!((index(lowest(i)), index(highest(i))), (i, i));
            let width = highest(i) - lowest(i);
            assert!(width as f64 <= lowest(i) as f64 * RELATIVE_ERROR, "bucket {i}");
        }
        assert_eq!(highest(BUCKETS - 1), u64::MAX);
        assert_eq!(index(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn the_relative_error_is_no_larger_than_the_widest_bucket_makes_it() {
        // Where a bucket is of one nanosecond there is none.
        let wide = (0..BUCKETS - 1).filter(|&i| highest(i) > lowest(i));
        let widest = wide.map(|i| (highest(i) - lowest(i) + 1) as f64 / lowest(i) as f64).fold(0.0, f64::max);
        assert_eq!(RELATIVE_ERROR, widest);
    }

    #[test]
    fn an_empty_histogram_has_no_figures() {
        let empty = Histogram::default();
        assert!(empty.is_empty());
        assert_eq!((empty.min(), empty.max(), empty.mean(), empty.quantile(0.5)), (None, None, None, None));
        assert_eq!(AtomicHistogram::default().snapshot(), empty);
    }

    #[test]
    fn extremes_saturate() {
        let histogram = histogram(&[0, u64::MAX, u64::MAX]);
        let mut longer = Histogram::new();
        [Duration::ZERO, Duration::MAX, Duration::MAX].into_iter().for_each(|long| longer.record(long));
        assert_eq!(histogram, longer);
        assert_eq!(longer.quantile(0.0), Some(Duration::ZERO));
        assert_eq!(longer.quantile(0.5), Some(Duration::from_nanos(u64::MAX)));
        let mut twice = longer.clone();
        (0..100).for_each(|_| twice.merge(&twice.clone()));
        assert_eq!(twice.count(), u64::MAX);
        assert_eq!(twice.quantile(1.0), Some(Duration::from_nanos(u64::MAX)));
    }

    #[test]
    fn shares_out_of_range_are_clamped() {
        let histogram = histogram(&[10, 20, 30]);
        let quantile = |q| histogram.quantile(q).unwrap().as_nanos();
        assert_eq!(
            [-1.0, f64::NEG_INFINITY, f64::NAN, 2.0, f64::INFINITY].map(quantile),
            [10, 10, 10, 30, 30]
        );
    }

    #[test]
    fn merging_is_recording_everything_in_one() {
        for seed in 0..300u64 {
            let mut state = seed;
            let values: Vec<u64> = (0..60).map(|_| random_nanos(&mut state)).collect();
            let (left, right) = values.split_at((next(&mut state) % 61) as usize);
            let mut merged = histogram(left);
            merged.merge(&histogram(right));
            assert_eq!(merged, histogram(&values));
        }
    }

    #[test]
    fn a_snapshot_at_rest_is_the_plain_histogram() {
        for seed in 0..300u64 {
            let mut state = seed;
            // Short enough for their sum to fit the cell.
            let values: Vec<u64> = (0..60).map(|_| random_nanos(&mut state) >> 8).collect();
            let atomic = AtomicHistogram::new();
            values.iter().for_each(|nanos| atomic.record(Duration::from_nanos(*nanos)));
            assert_eq!(atomic.snapshot(), histogram(&values));
            let mut total = histogram(&values);
            atomic.merge_into(&mut total);
            assert_eq!(total.count(), 120);
            assert_eq!(total.mean(), histogram(&values).mean());
        }
    }

    #[test]
    fn a_snapshot_amid_recording_agrees_with_itself() {
        let histogram = AtomicHistogram::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (0..50_000u64).for_each(|i| histogram.record(Duration::from_nanos(1_000 + i % 7_919)))
            });
            let mut before = 0;
            while before < 50_000 {
                let snapshot = histogram.snapshot();
                assert!(snapshot.count() >= before);
                assert_eq!(snapshot.count(), snapshot.buckets.iter().sum::<u64>());
                if let (Some(min), Some(mean), Some(max)) = (snapshot.min(), snapshot.mean(), snapshot.max())
                {
                    assert!(min <= mean && mean <= max && min >= Duration::from_nanos(992));
                }
                before = snapshot.count();
            }
        });
    }

    #[test]
    fn the_mean_of_what_is_being_recorded_stays_between_the_shortest_and_the_longest() {
        let (short, long) = (Duration::from_nanos(100), Duration::from_nanos(300));
        let histogram = AtomicHistogram::new();
        [short, long].into_iter().for_each(|duration| histogram.record(duration));
        // Counted, and not in the sum yet.
        add(&histogram.buckets[index(100)], 98);
        assert_eq!(histogram.snapshot().mean(), Some(short));
        // In the sum, and not counted yet.
        add(&histogram.sum, 1_000_000);
        assert_eq!(histogram.snapshot().mean(), Some(long));
    }

    #[test]
    fn fits_into_16_kibibytes() {
        let bytes = size_of::<AtomicHistogram>() + BUCKETS * size_of::<AtomicU64>();
        assert!(bytes <= 16 << 10, "{bytes}");
        assert_eq!(BUCKETS, 1_920);
    }
}

#[cfg(all(test, tasker_loom))]
mod loom_tests {
    use super::*;
    use crate::sync::{Arc, thread};

    #[test]
    fn a_snapshot_amid_recording_agrees_with_itself() {
        loom::model(|| {
            let histogram = Arc::new(AtomicHistogram::new());
            let reader = Arc::clone(&histogram);
            let reading = thread::spawn(move || {
                let snapshot = reader.snapshot();
                assert_eq!(snapshot.count(), snapshot.buckets.iter().sum::<u64>());
                assert!(snapshot.min() <= snapshot.mean() && snapshot.mean() <= snapshot.max());
                assert!(snapshot.min().is_none_or(|min| index(min.as_nanos() as u64) == index(5)));
            });
            histogram.record(Duration::from_nanos(5));
            reading.join().unwrap();
            assert_eq!(histogram.snapshot().quantile(0.5), Some(Duration::from_nanos(5)));
        });
    }
}
