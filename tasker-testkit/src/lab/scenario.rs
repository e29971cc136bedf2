//! The standard scenarios: fixed before any policy was tuned by them.
//!
//! A scenario is changed only with a reason of its own, never to suit a policy. Policies are tuned on the seeds of
//! [`TUNING`] and judged on those of [`JUDGING`].

use std::time::Duration;

use tasker_core::Backoff;

use super::dist::Dist;
use super::load::Load;
use super::resources::Resources;
use super::setup::{Lab, Prices};

/// Seeds to tune on.
pub const TUNING: [u64; 3] = [11, 12, 13];
/// Seeds to judge on, which nobody tunes on.
pub const JUDGING: [u64; 3] = [101, 102, 103];

/// A load, a pool and prices that policies are compared on.
///
/// The prices follow one rule: a late task costs as much as ten times its mean execution time, and a creation as much
/// as twice the mean time it takes, at least one worker-second, beside the time itself.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// A short name.
    pub name: &'static str,
    /// What happens.
    pub what: &'static str,
    load: Load,
    resources: Resources,
    workers: usize,
    max_workers: usize,
    wait_target: Duration,
    late: f64,
    creation: f64,
    jump: Option<Duration>,
    calm: Option<Duration>,
}

const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

impl Scenario {
    /// All of them.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            steady(),
            step(),
            spike(),
            square(),
            diurnal(),
            slow_creation(),
            heavy_tails(),
            bursts(),
            flaky(),
            ageing(),
        ]
    }

    /// The pool under the load that this seed draws.
    #[must_use]
    pub fn lab(&self, seed: u64) -> Lab {
        let mut lab = Lab::new(self.load.trace(seed))
            .workers(self.workers)
            .max_workers(self.max_workers)
            .interval(millis(100))
            .resources(self.resources.clone())
            .create_backoff(Backoff::new())
            .wait_target(self.wait_target)
            .prices(self.prices())
            .seed(seed);
        if let Some(jump) = self.jump {
            lab = lab.step_at(jump);
        }
        if let Some(calm) = self.calm {
            lab = lab.calm_at(calm);
        }
        lab
    }

    /// What late tasks and creations cost.
    #[must_use]
    pub const fn prices(&self) -> Prices {
        Prices { late: self.late, creation: self.creation }
    }

    /// How long a task should wait at most.
    #[must_use]
    pub const fn wait_target(&self) -> Duration {
        self.wait_target
    }

    /// A pool of 4 to 48 workers whose tasks take 100 ms, and whose resources take a second.
    fn new(name: &'static str, what: &'static str, load: Load) -> Self {
        Self {
            name,
            what,
            load,
            resources: Resources::new().create(Dist::uniform(millis(800), millis(1_200))),
            workers: 4,
            max_workers: 48,
            wait_target: millis(200),
            late: 1.0,
            creation: 2.0,
            jump: None,
            calm: None,
        }
    }
}

fn steady() -> Scenario {
    let load = Load::poisson(200.0).lasting(secs(300));
    Scenario::new("steady", "a steady load of 20 workers' work", load)
}

fn step() -> Scenario {
    let load = Load::pieces(&[(secs(0), 60.0), (secs(120), 300.0), (secs(300), 60.0)]).lasting(secs(420));
    let scenario = Scenario::new("step", "five times the load from one moment to the next, and back", load);
    Scenario { jump: Some(secs(120)), ..scenario }
}

fn spike() -> Scenario {
    let load = Load::spike(5.0, secs(3_600), 300.0, secs(60)).lasting(secs(3_760));
    let scenario = Scenario::new("spike", "an hour of idleness, then a minute of 30 workers' work", load);
    Scenario { workers: 1, jump: Some(secs(3_610)), calm: Some(secs(3_670)), ..scenario }
}

fn square() -> Scenario {
    let load = Load::square(40.0, 300.0, secs(30)).lasting(secs(360));
    Scenario::new("square", "half a minute of 4 workers' work, half a minute of 30's, in turn", load)
}

fn diurnal() -> Scenario {
    let load = Load::diurnal(160.0, 140.0, secs(600)).lasting(secs(600)).priorities(0.1, 0.2);
    Scenario::new("diurnal", "a day in ten minutes: 2 workers' work at night, 30's at noon; priorities", load)
}

fn slow_creation() -> Scenario {
    let load = Load::pieces(&[(secs(0), 60.0), (secs(120), 250.0), (secs(420), 60.0)]).lasting(secs(540));
    let what = "resources that take 15 s, and a load that jumps to 25 workers' work for five minutes";
    let resources = Resources::new().create(Dist::log_normal(secs(15), 0.2)).destroy(Dist::constant(secs(1)));
    let scenario = Scenario::new("slow-creation", what, load);
    Scenario { resources, creation: 30.0, jump: Some(secs(120)), ..scenario }
}

fn heavy_tails() -> Scenario {
    let service = Dist::pareto(millis(200), 1.5, secs(60));
    let load = Load::poisson(100.0).service(service).lasting(secs(400));
    let what = "tasks of 67 ms up to a minute, of which few are long but make up most of the work";
    let scenario = Scenario::new("heavy-tails", what, load);
    Scenario { late: 2.0, wait_target: millis(400), ..scenario }
}

fn bursts() -> Scenario {
    let load = Load::bursts(40.0, 350.0, secs(30), secs(10)).lasting(secs(500));
    Scenario::new("bursts", "bursts of 35 workers' work for about 10 s, every 40 s or so", load)
}

fn flaky() -> Scenario {
    let load = Load::pieces(&[(secs(0), 60.0), (secs(100), 220.0)]).lasting(secs(300));
    let what = "a third of the creations fails, all do for 20 s from the jump of the load on, 1 task in 2,000 spoils \
                its resource";
    let resources = Resources::new()
        .create(Dist::uniform(millis(800), millis(1_200)))
        .fail(0.33)
        .sick(0.0005)
        .outage(secs(100), secs(120));
    let scenario = Scenario::new("flaky", what, load);
    Scenario { resources, jump: Some(secs(100)), ..scenario }
}

fn ageing() -> Scenario {
    let service = Dist::log_normal(millis(1_600), 0.7);
    let load = Load::diurnal(8.0, 4.0, secs(300)).service(service).lasting(secs(600));
    let what =
        "tasks of two seconds, a load that swings from 8 to 25 workers' work, resources that last a minute";
    let resources = Resources::new()
        .create(Dist::uniform(secs(2), secs(4)))
        .max_lifetime(secs(60))
        .destroy(Dist::constant(millis(500)));
    let scenario = Scenario::new("ageing", what, load);
    Scenario { resources, late: 20.0, creation: 6.0, wait_target: secs(2), ..scenario }
}
