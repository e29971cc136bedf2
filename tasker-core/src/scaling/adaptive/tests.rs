//! Behaviour of the adaptive policy: what it learns, what it reckons, and what it answers.

use super::*;
use crate::scaling::testing::{
    Load, assert_serves_one_after_the_other, assert_survives_extremes, at, sample, simulate,
};

#[test]
fn survives_extreme_samples() {
    assert_survives_extremes(Adaptive::new);
    assert_survives_extremes(|| Adaptive::new().wait_target(Duration::MAX));
    assert_survives_extremes(|| Adaptive::new().wait_target(Duration::from_nanos(1)));
}

/// Chance can always bring so many tasks together that it must act: one run of fifty may change twice within sixty
/// intervals.
#[test]
fn settles_on_a_constant_load() {
    let mut restless = Vec::new();
    for percent in (5..=95).step_by(5) {
        for service in [10, 100, 1_000] {
            let run = simulate(Adaptive::new(), Load::constant(percent).service(service), percent);
            run.assert_served();
            if run.closest_changes().is_some_and(|gap| gap <= 60) {
                restless.push(run);
            }
        }
    }
    assert!(restless.len() <= 1, "{restless:?}");
}

#[test]
fn tasks_one_after_the_other_get_no_second_worker() {
    assert_serves_one_after_the_other(Adaptive::new());
}

#[test]
fn creations_that_fail_are_tried_one_at_a_time() {
    let mut policy = Adaptive::new();
    let mut now = Sample { live: 2, busy: 2, queued: 100, ..sample(2, 20) };
    (now.completed, now.busy_time) = (10, Duration::from_secs(1));
    let mut ask = |tick: u64, live: usize, creating: usize, failing: u32| {
        now.arrived += 10;
        (now.live, now.creating, now.failing) = (live, creating, failing);
        policy.desired(at(tick * 100), &now)
    };
    assert_eq!((ask(0, 2, 0, 0), ask(1, 2, 0, 0)), (4, 4), "at most twice as many until one was created");
    assert_eq!(ask(2, 2, 2, 3), 4, "those under way are not called back");
    for tick in 3..100 {
        assert_eq!(ask(tick, 2, 0, 3), 3);
    }
    assert!(ask(100, 3, 0, 0) > 3, "it goes on once one was created");
}

#[test]
fn workers_that_are_not_ready_let_nobody_leave() {
    let mut policy = Adaptive::new();
    let mut now = Sample { live: 2, creating: 10, busy: 1, ..sample(2, 20) };
    (now.completed, now.busy_time) = (100, Duration::from_secs(1));
    for tick in 0..50 {
        now.arrived += 1;
        assert_eq!(policy.desired(at(tick * 100), &now), 12);
    }
    (now.live, now.creating) = (12, 0);
    assert!(policy.desired(at(5_000), &now) <= 3);
}

#[test]
fn nobody_leaves_while_a_task_waits() {
    let mut policy = Adaptive::new();
    let mut now = Sample { live: 12, busy: 1, queued: 1, ..sample(2, 20) };
    (now.completed, now.busy_time) = (100, Duration::from_secs(1));
    for tick in 0..50 {
        assert_eq!(policy.desired(at(tick * 100), &now), 12);
    }
}

#[test]
fn refuses_a_target_of_nothing() {
    let refused = Adaptive::new().wait_target(Duration::ZERO).validate();
    assert_eq!(refused.unwrap_err().field, "wait_target");
    assert_eq!(Adaptive::default().validate(), Ok(()));
}

#[test]
fn grows_with_a_burst_and_is_back_at_base_after_it() {
    let run = simulate(Adaptive::new(), Load::burst(), 7);
    assert!(run.peak() > 6, "{run:?}");
    assert!(run.back_at_base_after_load() <= 5_000, "{run:?}");
}

/// Ten tasks of half a second come a second: a load of five. A creation takes ten seconds.
fn view(size: usize) -> View {
    let rate = Rate { least: 8.0, mean: 10.0, most: 12.0 };
    View { rate, load: Bounds::default(), service: 0.5, target: 1.0, creation: 10.0, size }
}

fn pool(live: usize, creating: usize, busy: usize, queued: usize) -> Sample {
    Sample { live, creating, busy, queued, ..sample(2, 100) }
}

#[test]
fn a_queue_is_cleared_by_as_many_as_are_worth_what_they_cost() {
    // 80 tasks are 40 s of work, and a hand short for ten seconds adds as many: sqrt(10 * 5 * 50 / 20) beside the load.
    assert_eq!(view(6).clearing(&pool(4, 0, 4, 80), 1.0), 17, "5 + 11.2");
    assert_eq!(view(6).clearing(&pool(5, 2, 4, 80), 1.0), 14, "a hand more: 5 + sqrt(75)");
    assert_eq!(view(6).clearing(&pool(4, 0, 9, 80), 1.0), 20, "more are busy than usual: 5 + sqrt(225)");
    let quick = View { creation: 0.1, target: 0.1, ..view(6) };
    assert_eq!(quick.clearing(&pool(5, 0, 5, 80), 1.0), 69, "a worker costs half a second at least");
}

#[test]
fn no_more_clear_a_queue_than_are_needed_to_do_so_within_the_target() {
    let patient = View { target: 10.0, ..view(6) };
    assert_eq!(patient.clearing(&pool(4, 0, 4, 80), 1.0), 10, "5 + 50 / 10");
}

#[test]
fn a_queue_that_is_soon_done_or_that_chance_brings_needs_nobody() {
    // Three seconds of work for six workers are half the target.
    assert_eq!(view(6).clearing(&pool(5, 0, 5, 6), 1.0), 0);
    assert!(view(6).clearing(&pool(5, 0, 5, 7), 1.0) > 5);
    assert_eq!(view(6).clearing(&pool(5, 0, 5, 7), RARE[0]), 0, "chance");
    let most_by_chance = chance(6, 5.0, RARE[0]) as usize;
    assert_eq!(view(6).clearing(&pool(5, 0, 5, most_by_chance), RARE[0]), 0);
    assert!(view(6).clearing(&pool(5, 0, 5, most_by_chance + 1), RARE[0]) > 5);
}

#[test]
fn the_size_for_a_rate_is_that_for_its_load_with_some_caution() {
    let view = View { service: 0.25, target: 0.1, ..view(6) };
    let patience = CAUTION * 0.1 / 0.25;
    assert_eq!(view.staff(40.0, &pool(4, 0, 4, 0)), staff(10.0, patience, 100));
    assert_eq!(view.staff(40.0, &Sample { max_workers: 7, ..pool(4, 0, 4, 0) }), 7);
}

fn knowing(creations: u64, seconds: u64) -> Adaptive {
    let mut policy = Adaptive::new();
    let create_time = Duration::from_secs(seconds);
    policy
        .creation
        .observe(&Sample::default(), &Sample { created: creations, create_time, ..Sample::default() });
    policy
}

#[test]
fn a_worker_is_kept_for_somewhat_longer_than_its_creation_takes() {
    assert_eq!(Adaptive::new().hold(), Duration::from_millis(500));
    assert_eq!(knowing(1, 10).hold(), Duration::from_secs(12));
}

#[test]
fn before_a_creation_was_seen_the_pool_at_most_doubles_and_never_beyond_the_tasks() {
    let now = at(0);
    let grown = |policy: &Adaptive, sample: &Sample| policy.grown(now, sample, &view(6));
    assert_eq!(grown(&Adaptive::new(), &pool(4, 0, 4, 80)), 8);
    assert_eq!(grown(&knowing(1, 1), &pool(4, 0, 4, 80)), 17);
    let flood = View { rate: Rate { least: 90.0, mean: 90.0, most: 90.0 }, ..view(6) };
    assert_eq!(knowing(1, 1).grown(now, &pool(4, 0, 3, 7), &flood), 10, "three run, seven wait");
    assert_eq!(grown(&knowing(1, 1), &Sample { max_workers: 9, ..pool(4, 0, 4, 80) }), 9);
    assert_eq!(grown(&knowing(1, 1), &pool(4, 0, 1, 1)), 6, "no fewer than there are");
}

/// Asked ten times a second for ten seconds, five tasks of 100 ms each time.
fn steady() -> (Adaptive, Sample) {
    let mut policy = Adaptive::new();
    let mut now = Sample { live: 8, busy: 5, ..sample(2, 100) };
    for tick in 0..=100 {
        policy.desired(at(tick * 100), &now);
        (now.arrived, now.completed) = (now.arrived + 5, now.completed + 5);
        now.busy_time += Duration::from_millis(500);
    }
    (policy, now)
}

#[test]
fn the_load_is_the_rate_of_arrivals_times_what_a_task_takes() {
    let (policy, now) = steady();
    let view = policy.view(&now).expect("tasks have run");
    assert!((view.rate.mean - 50.0).abs() < 1e-6 && (view.service - 0.1).abs() < 1e-6, "{view:?}");
    let surely = policy.arrivals.rate_surely();
    assert_eq!((view.load.least, view.load.most), (surely.least * view.service, surely.most * view.service));
    assert_eq!(view.target, LEAST_TARGET.max(view.service));
    let told = policy.wait_target(Duration::from_secs(3)).view(&now).expect("tasks have run");
    assert_eq!(told.target, 3.0);
}

#[test]
fn long_tasks_may_wait_as_long_as_they_take() {
    let mut policy = Adaptive::new();
    let slow = Sample { busy_time: Duration::from_secs(40), completed: 10, ..pool(4, 0, 4, 0) };
    policy.desired(at(0), &slow);
    assert_eq!(policy.view(&slow).expect("tasks have run").target, 4.0);
}

#[test]
fn what_comes_after_an_idle_hour_came_within_the_usual_time_between_two_asks() {
    let (mut policy, mut now) = steady();
    now.busy = 0;
    policy.desired(at(10_100), &now);
    let hour = 3_600_000;
    (now.arrived, now.busy) = (now.arrived + 60, 8);
    policy.desired(at(10_100 + hour), &now);
    assert!((policy.arrivals.rate().mean - 600.0).abs() < 1.0, "{:?}", policy.arrivals.rate());
    let (mut busy, mut now) = steady();
    now.arrived += 60;
    busy.desired(at(10_100 + hour), &now);
    assert!(busy.arrivals.rate().mean < 1.0, "nobody idled, so they came at any time");
}

#[test]
fn a_pause_of_up_to_twice_the_usual_time_is_none() {
    let (mut policy, mut now) = steady();
    now.busy = 0;
    policy.desired(at(10_100), &now);
    now.arrived += 10;
    policy.desired(at(10_300), &now);
    assert!((policy.pace - 0.2).abs() < 1e-9);
    policy.desired(at(10_900), &now);
    assert!((policy.pace - 0.2).abs() < 1e-9, "that one was");
    for level in
        [Sample { busy: 1, ..now.clone() }, Sample { queued: 1, ..now.clone() }, Sample { delayed: 1, ..now }]
    {
        let mut policy = policy.clone();
        policy.desired(at(11_000), &level);
        policy.desired(at(12_000), &level);
        assert!((policy.pace - 1.0).abs() < 1e-9, "it was asked for all that time");
    }
}

#[test]
fn until_something_ran_the_size_stays_within_the_bounds() {
    let size = |sample: Sample| Adaptive::new().desired(at(0), &sample);
    assert_eq!(size(pool(4, 3, 0, 50)), 7);
    assert_eq!(size(pool(0, 0, 0, 50)), 2);
    assert_eq!(size(Sample { max_workers: 5, ..pool(4, 3, 0, 50) }), 5);
}

#[test]
fn a_clock_that_stands_still_changes_nothing() {
    let (mut policy, now) = steady();
    let held = policy.held;
    let flood = Sample { queued: 1_000, arrived: now.arrived + 1_000, ..now };
    assert_eq!(policy.desired(at(10_000), &flood), held);
    assert_eq!(policy.desired(at(9_000), &flood), held);
    assert_eq!(policy.last.map(|(then, _)| then), Some(at(10_000)));
}

/// A thousand tasks of a tenth of a second each come a second: a load of a hundred.
fn large(live: usize, creating: usize, busy: usize) -> (Adaptive, Sample, View) {
    let mut policy = Adaptive::new();
    let mut now = Sample { live, creating, busy, ..sample(2, 500) };
    for tick in 0..100 {
        policy.learn(at(tick * 100), &now);
        policy.last = Some((at(tick * 100), now.clone()));
        (now.arrived, now.completed) = (now.arrived + 100, now.completed + 100);
        now.busy_time += Duration::from_secs(10);
    }
    policy.held = live + creating;
    let view = policy.view(&now).expect("tasks have run");
    (policy, now, view)
}

#[test]
fn shrinks_to_what_bears_a_twentieth_more() {
    let (mut policy, now, view) = large(200, 0, 90);
    let enough = view.staff(view.rate.mean * SLACK, &now);
    assert!(enough > view.staff(view.rate.most, &now) && enough < 200);
    assert_eq!(policy.decide(at(10_000), &now), enough);
}

#[test]
fn workers_that_are_not_ready_hold_back_others_only_where_those_are_too_few() {
    let (mut policy, now, view) = large(200, 50, 90);
    let enough = view.staff(view.rate.mean * SLACK, &now);
    assert_eq!(policy.decide(at(10_000), &now), enough, "without them, too, there are more than enough");
    let (mut policy, now, _) = large(enough, 50, 90);
    assert_eq!(policy.decide(at(10_000), &now), enough + 50);
    let (mut policy, now, _) = large(100, 0, 90);
    assert_eq!(policy.decide(at(10_000), &now), 100, "too few, but no task waits");
}

#[test]
fn before_the_usual_time_between_two_asks_is_known_tasks_may_have_come_at_any_time() {
    let mut policy = Adaptive::new();
    let idle = sample(2, 20);
    policy.learn(at(0), &idle);
    policy.last = Some((at(0), idle.clone()));
    policy.learn(at(2_000), &Sample { arrived: 10, ..idle });
    assert_eq!((policy.arrivals.rate().mean, policy.pace), (5.0, 2.0));
}

#[test]
fn the_time_of_a_pause_counts_as_time_in_which_nothing_came() {
    let mut policy = Adaptive::new();
    let idle = sample(2, 20);
    for (second, arrived, busy) in [(0, 0, 1), (1, 1, 0), (4, 2, 1)] {
        let now = Sample { arrived, busy, ..idle.clone() };
        policy.learn(at(second * 1_000), &now);
        policy.last = Some((at(second * 1_000), now));
    }
    assert_eq!(policy.arrivals.rate().mean, 0.5, "two in four seconds");
}
