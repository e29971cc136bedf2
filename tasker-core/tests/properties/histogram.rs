//! Histograms, against all that was recorded and against HdrHistogram.

use std::time::Duration;

use proptest::prelude::*;
use tasker_core::metrics::{AtomicHistogram, Histogram};

use crate::cases;

/// Of all sizes, not only of the largest.
fn nanos() -> impl Strategy<Value = u64> {
    (0..50_u32, any::<u64>()).prop_map(|(bits, value)| value & ((1 << bits) - 1))
}

fn recorded(nanos: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    nanos.iter().for_each(|&nanos| histogram.record(Duration::from_nanos(nanos)));
    histogram
}

/// The nearest rank, in whole numbers.
fn rank(permille: usize, count: usize) -> usize {
    (permille * count).div_ceil(1_000).max(1)
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn quantiles_are_never_too_low_and_at_most_a_thirty_second_too_high(
        mut all in proptest::collection::vec(nanos(), 1..300),
        permille in prop_oneof![Just(0_usize), Just(500), Just(950), Just(990), Just(1_000), 0..=1_000_usize],
    ) {
        let histogram = recorded(&all);
        all.sort_unstable();
        let exact = all[rank(permille, all.len()) - 1];
        let told = histogram.quantile(permille as f64 / 1_000.0).expect("not empty").as_nanos() as u64;
        prop_assert!(told >= exact && told - exact <= exact / 32, "{} for {}", told, exact);
        let sum: u128 = all.iter().map(|&nanos| u128::from(nanos)).sum();
        let mean = Duration::from_nanos((sum / all.len() as u128) as u64);
        prop_assert_eq!(histogram.mean(), Some(mean));
        prop_assert_eq!(histogram.min(), all.first().map(|&nanos| Duration::from_nanos(nanos)));
        prop_assert_eq!(histogram.max(), all.last().map(|&nanos| Duration::from_nanos(nanos)));
    }

    #[test]
    fn quantiles_agree_with_hdrhistogram(all in proptest::collection::vec(nanos(), 1..300), permille in 0..=1_000_usize) {
        let mut theirs = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 1 << 50, 4).expect("sound bounds");
        all.iter().for_each(|&nanos| theirs.record(nanos).expect("within bounds"));
        let ours = recorded(&all).quantile(permille as f64 / 1_000.0).expect("not empty").as_nanos() as u64;
        // In the middle of the rank: theirs rounds the product up, which at the rank's end may be one too far.
        let middle = (rank(permille, all.len()) as f64 - 0.5) / all.len() as f64;
        let value = theirs.value_at_quantile(middle);
        let (low, high) = (theirs.lowest_equivalent(value), theirs.highest_equivalent(value));
        prop_assert!(ours >= low && ours <= high + high / 32, "{} for {}..={}", ours, low, high);
    }

    #[test]
    fn parts_merge_into_the_whole_however_they_were_kept(all in proptest::collection::vec(nanos(), 0..200), at in 0..200_usize) {
        let (first, second) = all.split_at(at.min(all.len()));
        let mut merged = recorded(first);
        merged.merge(&recorded(second));
        prop_assert_eq!(&merged, &recorded(&all));
        let atomic = AtomicHistogram::new();
        all.iter().for_each(|&nanos| atomic.record(Duration::from_nanos(nanos)));
        prop_assert_eq!(&atomic.snapshot(), &merged);
    }
}
