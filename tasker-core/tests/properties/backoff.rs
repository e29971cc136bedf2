//! Delays before further attempts.

use std::time::Duration;

use proptest::prelude::*;
use tasker_core::{Backoff, Constant, Immediate, RetryPolicy};

use crate::cases;

fn nanos() -> impl Strategy<Value = Duration> {
    prop_oneof![
        1 => Just(Duration::ZERO),
        1 => Just(Duration::MAX),
        8 => (0..62_u32).prop_map(|bits| Duration::from_nanos(1 << bits)),
    ]
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 0.0..=1.0_f64, 1 => any::<f64>()]
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn a_sound_backoff_grows_to_its_maximum_and_chance_only_shortens_it(
        first in nanos(), max in nanos(), factor in 0..6_u32, jitter in share(), failure in 0..90_u32, seed: u64,
    ) {
        let backoff = Backoff::new().first(first).max(max).factor(factor).jitter(jitter);
        let sound = first <= max && factor >= 1 && (0.0..=1.0).contains(&jitter);
        prop_assert_eq!(backoff.validate().is_ok(), sound);
        let delay = backoff.delay(failure, seed);
        prop_assert!(delay <= max);
        if sound {
            let plain = Backoff::new().first(first).max(max).factor(factor).jitter(0.0);
            let full = (1..failure).fold(first, |delay, _| delay.saturating_mul(factor).min(max));
            prop_assert_eq!(plain.delay(failure, seed), full);
            let least = full.as_secs_f64() * (1.0 - jitter);
            prop_assert!(delay <= full && delay.as_secs_f64() >= least * 0.999_999 - 1e-9);
            prop_assert_eq!(RetryPolicy::delay(&backoff, failure, seed), delay);
        }
    }

    #[test]
    fn plain_policies_answer_what_they_say(delay in nanos(), attempt: u32, seed: u64) {
        prop_assert_eq!(Immediate.delay(attempt, seed), Duration::ZERO);
        prop_assert_eq!(Constant(delay).delay(attempt, seed), delay);
    }
}
