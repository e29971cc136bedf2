//! What settings make sense, and what follows from them.

use super::*;
use crate::testing::Bare;

const TICK: Duration = Duration::from_nanos(1);

fn builder() -> Builder<Bare> {
    Builder::new(Bare).workers(2)
}

#[test]
fn every_setting_that_makes_no_sense_is_named() {
    let none = Duration::ZERO;
    let refused: [(&str, Builder<Bare>); 18] = [
        ("workers", Builder::new(Bare)),
        ("workers", builder().workers(0)),
        ("max_workers", builder().max_workers(1)),
        ("capacity", builder().capacity(0)),
        ("max_uses", builder().max_uses(0)),
        ("event_capacity", builder().event_capacity(0)),
        ("burst_interval", builder().burst_interval(none)),
        ("idle_timeout", builder().idle_timeout(none)),
        ("ageing", builder().ageing(none)),
        ("ageing", builder().ageing(TICK).rank(|_| 0)),
        ("create_timeout", builder().create_timeout(none)),
        ("destroy_timeout", builder().destroy_timeout(none)),
        ("max_lifetime", builder().max_lifetime(none)),
        ("probe_interval", builder().probe_interval(none)),
        ("max_temporary", builder().reserve(0).max_temporary(0)),
        ("name", builder().name("or\0ders")),
        ("factor", builder().retry(Backoff::new().factor(0))),
        ("at", builder().scaling(crate::scaling::Fixed::at(0))),
    ];
    for (field, builder) in refused {
        assert_eq!(builder.build().expect_err(field).field, field);
    }
}

#[test]
fn a_part_of_a_setting_that_makes_no_sense_is_named_with_the_setting() {
    let refused = [
        ("retry", builder().retry(Backoff::new().factor(0))),
        ("create_backoff", builder().create_backoff(Backoff::new().factor(0))),
        ("scaling", builder().scaling(crate::scaling::Fixed::at(0))),
    ];
    for (setting, builder) in refused {
        assert_eq!(builder.build().expect_err(setting).setting, Some(setting));
    }
}

#[test]
fn settings_at_the_edge_of_sense_are_taken() {
    let taken = [
        builder().max_workers(2).name("orders"),
        builder().capacity(1).event_capacity(1).max_uses(1),
        builder().burst_interval(TICK).idle_timeout(TICK).create_timeout(TICK).destroy_timeout(TICK),
        builder().max_lifetime(TICK).probe_interval(TICK).ageing(TICK),
        builder().rank(|_| 0),
        builder().reserve(0).max_temporary(1),
        builder().reserve(1).max_temporary(0),
    ];
    for builder in taken {
        builder.build().expect("it makes sense");
    }
}

#[test]
fn what_is_not_set_follows_from_the_number_of_workers() {
    let parts = builder().build().expect("valid");
    assert_eq!((parts.supervisor.workers, parts.supervisor.max_workers), (2, 2));
    assert_eq!((parts.reserve, parts.max_temporary, parts.supervisor.max_abandoned), (2, 2, 2));
    let parts = builder().max_workers(5).reserve(0).build().expect("valid");
    assert_eq!((parts.max_temporary, parts.supervisor.max_abandoned), (1, 5));
}

#[test]
fn pools_have_different_seeds_unless_they_are_given_one() {
    let seed = |builder: Builder<Bare>| builder.build().expect("valid").supervisor.seed;
    assert_ne!(seed(builder()), seed(builder()));
    assert_eq!(seed(builder().seed(7)), 7);
}

#[test]
fn the_supervisor_is_set_up_as_the_pool_was() {
    let backoff = Backoff::new().factor(3);
    let parts = builder()
        .max_workers(4)
        .create_backoff(backoff)
        .create_retries(5)
        .create_timeout(TICK * 6)
        .destroy_timeout(TICK * 7)
        .grace(TICK * 8)
        .max_abandoned(9)
        .burst_interval(TICK * 10)
        .startup(Startup::Lazy)
        .breaker_threshold(11)
        .seed(12)
        .build()
        .expect("valid");
    let expected = SupervisorConfig {
        max_workers: 4,
        backoff,
        create_retries: Some(5),
        create_timeout: Some(TICK * 6),
        destroy_timeout: Some(TICK * 7),
        grace: TICK * 8,
        max_abandoned: 9,
        burst_interval: TICK * 10,
        startup: Startup::Lazy,
        breaker_threshold: 11,
        seed: 12,
        ..SupervisorConfig::new(2)
    };
    assert_eq!(parts.supervisor, expected);
}
