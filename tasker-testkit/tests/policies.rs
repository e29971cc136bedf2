//! What every shipped policy owes its users, held by the laboratory over seeds. The exceptions are named, with their
//! reasons.

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tasker_core::Timestamp;
use tasker_core::scaling::{Sample, ScalingPolicy, ScalingPolicyExt};
use tasker_testkit::lab::{Choice, Dist, Lab, Load, Resources, Run, Task, Trace};

const BASE: usize = 2;
const MAX: usize = 16;
const INTERVAL: Duration = millis(100);
const TARGET: Duration = millis(200);
const SEEDS: std::ops::Range<u64> = 1..4;

/// The policies that look at the load; `fixed` and `schedule` do not.
fn followers() -> Vec<Choice> {
    let blind = |choice: &Choice| ["fixed", "schedule"].contains(&choice.kind().name);
    Choice::all()
        .into_iter()
        .filter(|choice| !blind(choice))
        .map(|choice| choice.with_target(TARGET))
        .collect()
}

#[test]
fn the_size_never_leaves_its_bounds() {
    let resources =
        Resources::new().fail(0.3).sick(0.01).max_lifetime(secs(20)).destroy(Dist::constant(millis(300)));
    for choice in Choice::all() {
        for seed in SEEDS {
            let load = Load::bursts(20.0, 300.0, secs(10), secs(5)).lasting(secs(60));
            let run = pool(load.trace(seed), seed).resources(resources.clone()).run(choice.build());
            for workers in &run.timeline.workers {
                assert!((BASE..=MAX).contains(&workers.desired), "{choice}, seed {seed}: {workers:?}");
                assert!(workers.paid() <= MAX, "{choice}, seed {seed}: {workers:?}");
            }
        }
    }
}

/// `Threshold` looks at how many tasks wait, not how long: a few long tasks may wait for ever below half its threshold.
#[test]
fn nobody_is_let_go_while_a_task_waits_longer_than_the_target() {
    for choice in followers().into_iter().filter(|choice| choice.kind().name != "threshold") {
        for seed in SEEDS {
            for load in varied_loads() {
                let lab = pool(load.trace(seed), seed);
                let asks = watch(&lab, choice.build()).1;
                no_shrink_while_late(&lab, &asks)
                    .unwrap_or_else(|at| panic!("{choice}, seed {seed}, {load:?}: {at}"));
            }
        }
    }
}

/// `Threshold` hovers by its rule; where that matters it is tempered, as its documentation says. To `PanicWindow` a few
/// tasks that come together are a burst, which it may follow in several steps: what counts is when it turns back.
#[test]
fn a_constant_load_settles() {
    for choice in followers() {
        for percent in (5..=95).step_by(10) {
            for seed in SEEDS {
                let run = under_constant_load(&choice, Load::constant(rate(percent)), seed);
                let closest = closest_changes(&run, choice.kind().name == "panic-window");
                let calm = closest.is_none_or(|gap| gap > INTERVAL * 60);
                assert!(calm, "{choice} at {percent} %, seed {seed}: {closest:?} apart: {}", sizes(&run));
                assert!(run.outcome.unfinished == 0.0, "{choice} at {percent} %, seed {seed}");
            }
        }
    }
}

/// Chance can always bring so many tasks together that a policy that minds their wait must act: one run of fifty may
/// have two changes close together.
#[test]
fn a_constant_load_of_tasks_that_come_by_chance_settles() {
    for choice in followers() {
        let restless = |(percent, seed): &(u64, u64)| {
            let run = under_constant_load(&choice, Load::poisson(rate(*percent)), *seed);
            closest_changes(&run, choice.kind().name == "panic-window")
                .is_some_and(|gap| gap <= INTERVAL * 60)
        };
        let runs = (5..=95).step_by(10).flat_map(|percent| (1..6).map(move |seed| (percent, seed)));
        let restless: Vec<_> = runs.filter(restless).collect();
        assert!(restless.len() <= 1, "{choice}: (percent, seed) {restless:?}");
    }
}

/// Each policy's documentation states its time; here with its defaults, the longest task, and two asks.
#[test]
fn after_the_load_ends_the_pool_is_back_at_its_base_within_the_stated_time() {
    for choice in followers() {
        let stated = match choice.kind().name {
            "adaptive" => secs(10),
            "threshold" => secs(1),
            "rate" | "utilization" | "target-wait" => secs(20),
            // ln(16 / 2) / ln(1 / 0.75), rounded up, and one, of 10 s each.
            "aimd" => secs(90),
            // Two stable windows and the delay.
            "panic-window" => secs(150),
            name => panic!("state how long {name} may take to come back"),
        };
        for seed in SEEDS {
            let load = Load::poisson(130.0).lasting(secs(90));
            let run = pool(load.trace(seed), seed).tail(secs(300)).run(choice.build());
            let back = run.outcome.back.expect("it comes back");
            assert!(back <= stated + secs(2), "{choice}, seed {seed}: {back:?}");
            assert!(run.timeline.workers.iter().any(|workers| workers.desired > 8), "{choice} never grew");
        }
    }
}

#[test]
fn a_spike_after_an_idle_hour_is_met_as_fast_as_after_a_second() {
    for choice in followers() {
        for seed in SEEDS {
            let grown = |idle: Duration| {
                let (trace, spike) = spike_after(idle, seed);
                let run = pool(trace, seed).run(choice.build());
                let met =
                    run.timeline.workers.iter().find(|workers| workers.at >= spike && workers.desired >= 8);
                met.map(|workers| workers.at.saturating_since(spike)).expect("it grows")
            };
            let (second, hour) = (grown(secs(1)), grown(secs(3_600)));
            assert!(
                hour <= second + INTERVAL,
                "{choice}, seed {seed}: {hour:?} after an hour, {second:?} after 1 s"
            );
        }
    }
}

#[test]
fn a_dead_backend_is_not_stormed() {
    let dead = Resources::new().create(Dist::constant(millis(50))).fail(1.0);
    for choice in Choice::all() {
        for seed in SEEDS {
            let load = Load::poisson(300.0).lasting(secs(120));
            let run = pool(load.trace(seed), seed).resources(dead.clone()).run(choice.build());
            let early =
                run.timeline.created.iter().filter(|at| **at < Timestamp::ZERO.saturating_add(secs(120)));
            let count = early.count();
            assert!(count <= 3 * MAX, "{choice}, seed {seed}: {count} creations in two minutes");
        }
    }
}

#[test]
fn after_an_outage_the_pool_grows_to_its_load() {
    let resources = Resources::new().outage(secs(0), secs(30));
    for choice in followers() {
        let load = Load::poisson(100.0).lasting(secs(120));
        let run = pool(load.trace(1), 1).resources(resources.clone()).run(choice.build());
        let grown = |workers: &&tasker_testkit::lab::Workers| workers.live >= 8;
        let at = run.timeline.workers.iter().find(grown).expect("it grows").at;
        assert!(at <= Timestamp::ZERO.saturating_add(secs(70)), "{choice}: {at:?}");
    }
}

/// The same samples give the same answers: to a fresh policy, and on every machine. A number that changes here is a
/// policy that changed.
#[test]
fn the_same_samples_give_the_same_answers_everywhere() {
    let mut found = String::new();
    for choice in Choice::all() {
        let mut digest = 0xcbf2_9ce4_8422_2325_u64;
        for load in varied_loads() {
            let (_, asks) = watch(&pool(load.trace(1), 1), choice.build());
            let mut again = choice.build();
            for ask in &asks {
                assert_eq!(again.desired(ask.now, &ask.sample), ask.wanted, "{choice}: {ask:?}");
                digest = (digest ^ ask.wanted as u64).wrapping_mul(0x0100_0000_01b3);
            }
        }
        writeln!(found, "{} {digest:016x}", choice.kind().name).expect("a string takes all");
    }
    assert_eq!(found, include_str!("policies.digests"));
}

const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// 2 to 16 workers, whose resources take half a second.
fn pool(trace: Trace, seed: u64) -> Lab {
    Lab::new(trace)
        .workers(BASE)
        .max_workers(MAX)
        .interval(INTERVAL)
        .resources(Resources::new().create(Dist::constant(millis(500))))
        .wait_target(TARGET)
        .seed(seed)
}

/// A step, bursts, and long tasks.
fn varied_loads() -> [Load; 3] {
    [
        Load::pieces(&[(secs(0), 30.0), (secs(20), 130.0), (secs(60), 20.0)]).lasting(secs(100)),
        Load::bursts(20.0, 150.0, secs(15), secs(5)).lasting(secs(100)),
        Load::ramp(0.5, 4.0, secs(10), secs(60)).service(Dist::exponential(secs(3))).lasting(secs(120)),
    ]
}

/// Tasks a second that keep so much of the largest pool busy.
fn rate(percent: u64) -> f64 {
    percent as f64 / 100.0 * MAX as f64 * 10.0
}

fn under_constant_load(choice: &Choice, load: Load, seed: u64) -> Run {
    let lab = pool(load.lasting(secs(360)).trace(seed), seed).tail(Duration::ZERO);
    if choice.kind().name == "threshold" {
        lab.run(choice.build().cooldown(secs(7), secs(30)))
    } else {
        lab.run(choice.build())
    }
}

/// Ten seconds of a little, nothing for a while, then ten seconds of much: the same tasks whatever the pause.
fn spike_after(idle: Duration, seed: u64) -> (Trace, Timestamp) {
    let warm = Load::poisson(1.0).lasting(secs(10)).trace(seed);
    let start = Timestamp::ZERO.saturating_add(secs(10)).saturating_add(idle);
    let spike = Load::poisson(130.0).lasting(secs(10)).trace(seed + 1_000);
    let later = spike.tasks().iter().map(|task| {
        let arrival = start.saturating_add(task.arrival.saturating_since(Timestamp::ZERO));
        Task { arrival, ..*task }
    });
    (Trace::new(warm.tasks().iter().copied().chain(later).collect()), start)
}

/// One question to a policy, and its answer.
#[derive(Clone, Debug)]
struct Ask {
    now: Timestamp,
    sample: Sample,
    wanted: usize,
}

#[derive(Debug)]
struct Watched {
    policy: Box<dyn ScalingPolicy>,
    asks: Arc<Mutex<Vec<Ask>>>,
}

impl ScalingPolicy for Watched {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let wanted = self.policy.desired(now, sample);
        self.asks.lock().expect("nobody panics").push(Ask { now, sample: sample.clone(), wanted });
        wanted
    }

    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        self.policy.next_ask(now)
    }
}

fn watch(lab: &Lab, policy: Box<dyn ScalingPolicy>) -> (Run, Vec<Ask>) {
    let asks = Arc::default();
    let run = lab.run(Watched { policy, asks: Arc::clone(&asks) });
    let asks = std::mem::take(&mut *asks.lock().expect("nobody panics"));
    (run, asks)
}

/// Without retries and priorities tasks start in the order they came, so the oldest that waits is known from the number
/// started.
fn no_shrink_while_late(lab: &Lab, asks: &[Ask]) -> Result<(), String> {
    let mut held = BASE;
    for ask in asks {
        let wanted = ask.wanted.clamp(BASE, MAX);
        if ask.sample.queued > 0 && wanted < held {
            let oldest = lab.load().tasks()[ask.sample.started as usize].arrival;
            let waited = ask.now.saturating_since(oldest);
            if waited > TARGET {
                return Err(format!("{held} to {wanted} while a task has waited {waited:?}: {ask:?}"));
            }
        }
        held = wanted;
    }
    Ok(())
}

/// The least time between two changes of the size wanted in the second half of six minutes; or only between two of
/// which one takes back the other.
fn closest_changes(run: &Run, only_turns: bool) -> Option<Duration> {
    let half = Timestamp::ZERO.saturating_add(secs(180))..Timestamp::ZERO.saturating_add(secs(360));
    let pairs = run.timeline.workers.windows(2).filter(|pair| half.contains(&pair[1].at));
    let changes: Vec<_> = pairs
        .filter(|pair| pair[0].desired != pair[1].desired)
        .map(|pair| (pair[1].at, pair[1].desired > pair[0].desired))
        .collect();
    let counted = changes.windows(2).filter(|pair| !only_turns || pair[0].1 != pair[1].1);
    counted.map(|pair| pair[1].0.saturating_since(pair[0].0)).min()
}

/// The sizes wanted, each with the second from which on it was.
fn sizes(run: &Run) -> String {
    let mut text = String::new();
    let mut last = None;
    for workers in &run.timeline.workers {
        if last.replace(workers.desired) != Some(workers.desired) {
            let second = workers.at.as_nanos() as f64 / 1e9;
            write!(text, "{second:.1} s: {}, ", workers.desired).expect("a string takes all");
        }
    }
    text
}
