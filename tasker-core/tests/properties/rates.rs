//! Rates over a sliding window, against a list of all events.

use std::time::Duration;

use proptest::prelude::*;
use tasker_core::Timestamp;
use tasker_core::metrics::{AtomicRateWindow, RateWindow};

use crate::cases;

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_window_counts_what_its_sixteen_buckets_reach(
        span in 16..100_000_u64,
        events in proptest::collection::vec((0..20_000_u64, 0..1_000_u64), 0..80),
    ) {
        let (width, span) = (span / 16, Duration::from_nanos(span));
        let mut plain = RateWindow::with_span(Timestamp::ZERO, span);
        let atomic = AtomicRateWindow::with_span(Timestamp::ZERO, span);
        let (mut list, mut now) = (Vec::new(), 0);
        for (later, count) in events {
            now += later;
            let at = Timestamp::from_nanos(now);
            plain.record(at, count);
            atomic.record(at, count);
            list.push((now, count));
            let reaches = |then: u64| then / width + 15 >= now / width;
            let exact: u64 = list.iter().filter(|(then, _)| reaches(*then)).map(|(_, count)| count).sum();
            prop_assert_eq!(plain.count(at), exact);
            prop_assert_eq!(atomic.count(at), exact);
            let rate = plain.rate(at);
            // Over no less than a bucket, and no more than the window.
            let most = exact as f64 / (width as f64 / 1e9);
            let least = exact as f64 / ((width * 16) as f64 / 1e9);
            prop_assert!(rate <= most * 1.000_001 && rate >= least * 0.999_999, "{} of {}..={}", rate, least, most);
        }
    }
}
