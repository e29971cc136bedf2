//! The laboratory against theory, against itself, and against what a pool promises.

use std::time::Duration;

use tasker_core::scaling::{Fixed, ScalingPolicy, Utilization};
use tasker_core::{Constant, Priority, Timestamp};
use tasker_testkit::lab::{Choice, Dist, Lab, Load, Oracle, Prices, Resources, Run, Scenario, Task, Trace};

const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_nanos(millis * 1_000_000)
}

fn task(arrival: u64, service: u64, priority: Priority) -> Task {
    Task { arrival: at(arrival), service: millis(service), priority }
}

/// Five times the load for a minute, on resources that take a second.
fn jump() -> Lab {
    let load = Load::pieces(&[(secs(0), 30.0), (secs(60), 150.0), (secs(120), 30.0)]).lasting(secs(180));
    let resources = Resources::new().create(Dist::uniform(millis(800), millis(1_200)));
    let lab = Lab::new(load.trace(5)).resources(resources).wait_target(millis(200));
    lab.workers(4).max_workers(24).step_at(secs(60)).calm_at(secs(120)).seed(5)
}

/// The chance that a task waits at all with `n` workers and `a` workers' work (Erlang's C formula).
fn erlang_c(n: u32, a: f64) -> f64 {
    let b = (1..=n).fold(1.0, |b, k| a * b / (f64::from(k) + a * b));
    let n = f64::from(n);
    n * b / (n - a * (1.0 - b))
}

#[test]
fn waits_of_a_fixed_pool_are_those_of_queueing_theory() {
    let trace = Load::poisson(70.0).service(Dist::exponential(millis(100))).lasting(secs(6_000)).trace(1);
    let run = Lab::new(trace).workers(8).max_workers(8).wait_target(millis(100)).run(Fixed::new());
    let (c, spare) = (erlang_c(8, 7.0), 8.0 / 0.1 - 70.0);
    let (mean, late) = (c / spare, c * (-spare * 0.1).exp());
    let outcome = run.outcome;
    let measured = outcome.wait_mean.as_secs_f64();
    assert!((measured / mean - 1.0).abs() < 0.05, "mean wait {measured} s, in theory {mean} s");
    assert!(
        (outcome.late_share() / late - 1.0).abs() < 0.05,
        "late {}, in theory {late}",
        outcome.late_share()
    );
    assert!((outcome.busy_share() - 7.0 / 8.0).abs() < 0.02, "busy {}", outcome.busy_share());
}

#[test]
fn a_small_run_is_right_to_the_nanosecond() {
    let normal = Priority::Normal;
    let trace = Trace::new(vec![task(0, 100, normal), task(10, 50, normal), task(20, 10, Priority::High)]);
    let lab = Lab::new(trace).wait_target(millis(85)).tail(secs(1));
    let Run { outcome, timeline } = lab.run(Fixed::new());
    // The urgent one goes first at 100 ms, having waited 80; the other at 110, having waited 100.
    assert_eq!((outcome.wait_p50, outcome.wait_max), (millis(80), millis(100)));
    assert_eq!((outcome.tasks, outcome.late), (3.0, 1.0));
    assert!((outcome.work_seconds - 0.16).abs() < 1e-9 && (outcome.worker_seconds - 1.02).abs() < 1e-9);
    assert_eq!(timeline.end, at(1_020));
}

#[test]
fn every_task_starts_once_and_every_worker_is_paid() {
    let lab = jump();
    for choice in Choice::all() {
        let Run { outcome, timeline } = lab.run(choice.build());
        let starts: u64 = timeline.bins.iter().map(|bin| bin.starts).sum();
        assert_eq!(starts as f64, outcome.tasks - outcome.unfinished, "{choice}");
        assert_eq!(outcome.unfinished, 0.0, "{choice}");
        assert!((outcome.work_seconds - lab.load().work().as_secs_f64()).abs() < 1e-6, "{choice}");
        assert!(outcome.worker_seconds >= outcome.work_seconds, "{choice}");
        let (least, most) = lab.bounds();
        let within = |workers: &tasker_testkit::lab::Workers| (least..=most).contains(&workers.paid());
        assert!(timeline.workers.iter().all(within), "{choice}: {:?}", timeline.workers);
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_one_does_not() {
    let lab = jump();
    // A whole run is too much to be shown.
    let run = lab.run(Utilization::new());
    assert!(run == lab.run(Utilization::new()));
    assert!(run != lab.clone().seed(6).run(Utilization::new()), "creations take other times");
    assert!(Oracle::consult(&lab) == Oracle::consult(&lab));
}

/// Figures of this machine, to be found on every other.
#[test]
fn traces_are_the_same_on_every_machine() {
    let checksum = |trace: &Trace| {
        let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        trace.to_csv().bytes().fold(0xcbf2_9ce4_8422_2325, step)
    };
    let services = [Dist::log_normal(millis(50), 0.8), Dist::pareto(millis(80), 1.5, secs(9))];
    let loads = [Load::diurnal(50.0, 40.0, secs(60)), Load::bursts(9.0, 90.0, secs(9), secs(3))];
    let of = |load: &Load, service: Dist| checksum(&load.clone().service(service).lasting(secs(60)).trace(3));
    assert_eq!(
        [of(&loads[0], services[0]), of(&loads[1], services[1])],
        [TRACE_OF_A_DAY, TRACE_OF_BURSTS],
        "the arithmetic of a trace has changed"
    );
}

const TRACE_OF_A_DAY: u64 = 2_543_329_215_410_634_444;
const TRACE_OF_BURSTS: u64 = 1_422_062_585_117_383_234;

#[test]
fn urgent_tasks_overtake_and_ageing_lets_the_others_through() {
    let load = Load::poisson(25.0).priorities(0.6, 0.2).lasting(secs(60));
    let lab = Lab::new(load.trace(2)).workers(2).max_workers(2);
    let strict = lab.run(Fixed::new()).outcome;
    let aged = lab.ageing(secs(1)).run(Fixed::new()).outcome;
    assert!(strict.wait_p50 < aged.wait_p50, "{:?} {:?}", strict.wait_p50, aged.wait_p50);
    assert!(strict.wait_max > aged.wait_max, "{:?} {:?}", strict.wait_max, aged.wait_max);
}

#[test]
fn a_step_is_absorbed_and_the_pool_comes_back() {
    let outcome = jump().run(Utilization::new()).outcome;
    let (absorb, back) = (outcome.absorb.unwrap(), outcome.back.unwrap());
    assert!(absorb > millis(1_000), "creations take a second: {absorb:?}");
    assert!(absorb < secs(20) && back > secs(5), "{absorb:?} {back:?}");
    assert!(outcome.turns >= 1.0 && outcome.creations >= 11.0, "{outcome:?}");
    let fixed = jump().run(Fixed::new()).outcome;
    assert_eq!((fixed.absorb, fixed.back), (None, Some(Duration::ZERO)));
}

#[test]
fn a_dead_backend_leads_to_no_storm() {
    let dead = Resources::new().create(Dist::constant(millis(100))).fail(1.0);
    for choice in Choice::all() {
        let outcome = jump().resources(dead.clone()).run(choice.build()).outcome;
        // The base workers were there before, so all is done in the end; meanwhile the breaker lets one through at a time.
        assert_eq!(outcome.unfinished, 0.0, "{choice}");
        assert_eq!(outcome.creations, outcome.failed_creations, "{choice}");
        assert!(outcome.creations < 150.0, "{choice}: {} creations in minutes", outcome.creations);
    }
}

#[test]
fn a_pool_that_never_had_a_worker_gives_up_in_the_end() {
    let dead = Resources::new().fail(1.0);
    let outcome = jump().resources(dead).cold().run(Utilization::new()).outcome;
    assert_eq!(outcome.unfinished, outcome.tasks);
    assert_eq!(outcome.late_share(), 1.0);
    assert_eq!(outcome.work_seconds, 0.0);
}

#[test]
fn resources_are_replaced_by_age_and_tasks_of_sick_ones_retried() {
    let aged = jump().resources(Resources::new().max_lifetime(secs(10))).run(Fixed::new()).outcome;
    assert!((4.0 * 9.0..4.0 * 50.0).contains(&aged.creations), "{}", aged.creations);
    let sick = Resources::new().create(Dist::constant(millis(10))).sick(0.02);
    let lab = jump().workers(20).resources(sick);
    let outcome = lab.clone().retries(3, Constant(millis(50))).run(Fixed::new()).outcome;
    assert!(outcome.retries > 100.0 && outcome.creations >= outcome.retries, "{outcome:?}");
    assert!(outcome.work_seconds > lab.load().work().as_secs_f64());
    let never = lab.retries(0, Constant(millis(50))).run(Fixed::new()).outcome;
    assert_eq!(never.retries, 0.0);
    assert!(never.creations > 100.0, "the resource is replaced all the same");
}

#[test]
fn the_oracle_is_cheaper_than_any_policy_and_trades_lateness_for_workers() {
    let lab = jump().prices(Prices { late: 1.0, creation: 2.0 });
    let oracle = Oracle::consult(&lab);
    let cost = oracle.best().outcome.cost(lab.price_list());
    for choice in Choice::all() {
        let theirs = lab.run(choice.build()).outcome.cost(lab.price_list());
        assert!(cost <= theirs, "{choice} costs {theirs}, the oracle {cost}");
    }
    let shares = [0.0, 0.01, 0.1, 1.0].map(|share| oracle.at_share(share).outcome.clone());
    let spent = |index: usize| shares[index].worker_seconds + 2.0 * shares[index].creations;
    assert!(spent(1) <= spent(0) && spent(2) <= spent(1) && spent(3) <= spent(2), "{shares:?}");
    assert!(shares[1].late_share() <= 0.01 && shares[2].late_share() <= 0.1);
    let base = lab.bounds().0 as f64 * oracle.best().timeline.end.as_nanos() as f64 / 1e9;
    assert!(spent(3) >= base, "nobody pays less than the base workers");
}

#[test]
fn the_oracle_begins_creations_before_the_load_comes() {
    let slow = Resources::new().create(Dist::constant(secs(10)));
    let lab = jump().resources(slow);
    let oracle = Oracle::consult(&lab);
    let run = oracle.best();
    let first = run.timeline.created.first().unwrap();
    assert!((at(45_000)..at(60_000)).contains(first), "{first:?}");
    assert!(run.outcome.wait_p99 < secs(1), "{:?}", run.outcome.wait_p99);
}

#[test]
fn an_idle_pool_asks_nothing() {
    #[derive(Debug)]
    struct Counting(std::sync::Arc<std::sync::atomic::AtomicU64>);
    impl ScalingPolicy for Counting {
        fn desired(&mut self, _now: Timestamp, sample: &tasker_core::scaling::Sample) -> usize {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            sample.workers
        }
    }
    let asked = std::sync::Arc::default();
    let trace = Trace::new(vec![task(0, 1_000, Priority::Normal), task(3_600_000, 1_000, Priority::Normal)]);
    let _ = Lab::new(trace).run(Counting(std::sync::Arc::clone(&asked)));
    let asked = asked.load(std::sync::atomic::Ordering::Relaxed);
    assert!((20..=24).contains(&asked), "ten times a second while a task runs: {asked}");
}

#[test]
fn the_standard_scenarios_are_ten_and_sound() {
    let scenarios = Scenario::all();
    assert_eq!(scenarios.len(), 10);
    let mut names: Vec<_> = scenarios.iter().map(|scenario| scenario.name).collect();
    names.dedup();
    assert_eq!(names.len(), 10);
    for scenario in &scenarios {
        let lab = scenario.lab(11);
        assert_eq!(lab.validate(), Ok(()), "{}", scenario.name);
        assert!((4_000..100_000).contains(&lab.load().len()), "{}: {}", scenario.name, lab.load().len());
    }
}
