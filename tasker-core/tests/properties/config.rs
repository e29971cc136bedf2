//! Settings: what is refused, and what is not.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tasker_core::builder::Backend;
use tasker_core::engine::{Msg, Parts};
use tasker_core::queue::Mail;
use tasker_core::{Builder, InvalidConfig, SystemClock};

use crate::cases;

#[derive(Debug)]
struct NoMail;

impl Mail for NoMail {
    fn post(&self, _msg: Msg) {}
}

/// Builds nothing, but looks at the settings.
struct Looks;

impl Backend for Looks {
    type Build = Result<Parts, InvalidConfig>;
    type Clock = SystemClock;

    fn build(builder: Builder<Self>) -> Self::Build {
        builder.into_parts(Arc::new(SystemClock::new()), Arc::new(NoMail)).map(|(_, parts)| parts)
    }
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0..4_usize, 1 => Just(usize::MAX)]
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(Duration::ZERO), Just(Duration::from_nanos(1)), Just(Duration::MAX)]
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn settings_are_refused_exactly_if_one_breaks_its_rule(
        sizes in proptest::array::uniform5(size()),
        times in proptest::array::uniform5(time()),
        ranked: bool,
        ages: bool,
    ) {
        let [workers, max_workers, capacity, reserve, temporary] = sizes;
        let [create, destroy, interval, lifetime, ageing] = times;
        let mut builder = Builder::new(Looks)
            .workers(workers)
            .max_workers(max_workers)
            .capacity(capacity)
            .reserve(reserve)
            .max_temporary(temporary)
            .create_timeout(create)
            .destroy_timeout(destroy)
            .burst_interval(interval)
            .max_lifetime(lifetime);
        if ranked {
            builder = builder.rank(|_| 0);
        }
        if ages {
            builder = builder.ageing(ageing);
        }
        let broken = [
            ("workers", workers == 0),
            ("max_workers", max_workers < workers),
            ("capacity", capacity == 0),
            ("max_temporary", reserve == 0 && temporary == 0),
            ("create_timeout", create.is_zero()),
            ("destroy_timeout", destroy.is_zero()),
            ("burst_interval", interval.is_zero()),
            ("max_lifetime", lifetime.is_zero()),
            ("ageing", ages && (ranked || ageing.is_zero())),
        ];
        match builder.build() {
            Ok(_) => prop_assert!(broken.iter().all(|(_, broken)| !broken), "{:?}", broken),
            Err(refused) => {
                prop_assert!(broken.contains(&(refused.field, true)), "{} of {:?}", refused, broken);
            }
        }
    }
}
