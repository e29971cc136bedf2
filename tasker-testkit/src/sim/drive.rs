//! Runs a script to its end, checks it on the way, and shrinks what fails.

use std::fmt;
use std::time::Duration;

use tasker_core::Timestamp;

use super::facts::Fact;
use super::invariants::{self, Invariant};
use super::plant::Plant;
use super::script::{Ending, Script};
use super::world::World;

/// How a simulation went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Steps made.
    pub steps: u64,
    /// Tasks submitted.
    pub tasks: u64,
    /// Workers started.
    pub workers: u64,
    /// Virtual time from start to end.
    pub time: Duration,
}

/// A simulation that failed, shrunk.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed, which gives the same failure again; none if bytes spelled the script.
    pub seed: Option<u64>,
    /// What does not hold.
    pub invariant: &'static str,
    /// How it was broken.
    pub message: String,
    /// When, in virtual time.
    pub at: Timestamp,
    script: Script,
    trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, invariant, message, at, script, trace } = self;
        match seed {
            Some(seed) => writeln!(f, "seed {seed}: {invariant}")?,
            None => writeln!(f, "{invariant}")?,
        }
        writeln!(f, "  {message}, at {:?}", at.saturating_since(Timestamp::ZERO))?;
        writeln!(f, "  {:?}", script.setup)?;
        for step in &script.moves {
            writeln!(f, "  after {:?}: {:?}", step.after, step.op)?;
        }
        writeln!(f, "  then {:?}; the last that happened:", script.ending)?;
        trace.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
        match seed {
            Some(seed) => {
                write!(f, "replay: cargo run -p tasker-testkit --example simulate -- --seed {seed}")
            }
            None => write!(f, "replay: the same bytes"),
        }
    }
}

impl std::error::Error for Failure {}

/// Simulates the script that `bytes` spell, for whoever looks for one with a mind of his own: a byte is a decision.
///
/// # Errors
///
/// What does not hold, with the smallest script found that shows it.
pub fn check_bytes(bytes: &[u8]) -> Result<Passed, Box<Failure>> {
    run_script(Script::spelled(bytes), Plant::Nothing)
}

/// Simulates the script of `seed`, with a planted bug if there is one.
///
/// # Errors
///
/// What does not hold, with the smallest script found that shows it.
pub fn check(seed: u64, plant: Plant) -> Result<Passed, Box<Failure>> {
    run_script(Script::of(seed), plant)
}

pub(super) fn run_script(script: Script, plant: Plant) -> Result<Passed, Box<Failure>> {
    match run(script.clone(), plant, false) {
        Ok(passed) => Ok(passed),
        Err(broken) => Err(Box::new(shrink(script, plant, broken))),
    }
}

/// The same without shrinking: only the name of what does not hold.
///
/// # Errors
///
/// What does not hold.
pub fn simulate(seed: u64, plant: Plant) -> Result<Passed, &'static str> {
    run(Script::of(seed), plant, false).map_err(|broken| broken.invariant)
}

/// What does not hold, and how that showed.
struct Broken {
    invariant: &'static str,
    message: String,
    at: Timestamp,
    trace: Vec<String>,
}

fn shrink(mut script: Script, plant: Plant, mut broken: Broken) -> Failure {
    let mut chunk = script.moves.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        while at < script.moves.len() {
            let mut smaller = script.clone();
            let end = (at + chunk).min(smaller.moves.len());
            smaller.moves.drain(at..end);
            match run(smaller.clone(), plant, false) {
                Err(still) if still.invariant == broken.invariant => (script, broken) = (smaller, still),
                _ => at += chunk,
            }
        }
        if chunk == 1 {
            break;
        }
        chunk = chunk.div_ceil(2);
    }
    if let Err(traced) = run(script.clone(), plant, true) {
        broken = traced;
    }
    let Broken { invariant, message, at, trace } = broken;
    Failure { seed: script.origin.seed(), invariant, message, at, script, trace }
}

/// Steps without time moving on that are more than anything takes.
const SPINNING: u32 = 20_000;
/// Virtual time within which a pool without faults ends.
const BOUND: Duration = Duration::from_secs(20);
/// Facts shown of a failure.
const SHOWN: usize = 80;

struct Driver {
    world: World,
    invariants: Vec<Box<dyn Invariant>>,
    passed: Passed,
    trace: Option<Vec<String>>,
}

fn run(script: Script, plant: Plant, traced: bool) -> Result<Passed, Broken> {
    let world = World::new(script, plant);
    let trace = traced.then(Vec::new);
    let mut driver = Driver { world, invariants: invariants::all(), passed: Passed::default(), trace };
    driver.run().map_err(|(invariant, message)| {
        let mut trace = driver.trace.take().unwrap_or_default();
        trace.drain(..trace.len().saturating_sub(SHOWN));
        Broken { invariant, message, at: driver.world.now, trace }
    })?;
    driver.passed.time = driver.world.now.saturating_since(Timestamp::ZERO);
    driver.passed.tasks = driver.world.tasks.len() as u64;
    Ok(driver.passed)
}

type Verdict = Result<(), (&'static str, String)>;

impl Driver {
    fn run(&mut self) -> Verdict {
        let mut choices = Vec::new();
        let mut spins = 0;
        loop {
            if let Some(choice) = self.world.choose(&mut choices) {
                self.world.step(choice);
                self.passed.steps += 1;
                spins += 1;
                self.check()?;
                if spins > SPINNING {
                    return Err(("the pool never spins", format!("still busy: {choice:?}")));
                }
                continue;
            }
            spins = 0;
            self.world.note(Fact::Quiet);
            self.check()?;
            if self.is_over()? {
                return self.finish();
            }
        }
    }

    /// Lets time move on; whether all is over.
    fn is_over(&mut self) -> Result<bool, (&'static str, String)> {
        let world = &mut self.world;
        if world.control.is_none() && !world.released {
            world.release();
        }
        if world.is_deserted() && world.ending.is_some() {
            return Ok(true);
        }
        let bound = world.ending.map(|begun| begun.saturating_add(bound_of(world)));
        let due = world.next_due().map(|due| due.max(world.now));
        let Some(due) = due.filter(|due| bound.is_none_or(|bound| *due <= bound)) else {
            return Err(("a pool without faults ends", what_is_left(world)));
        };
        if due == world.now {
            return Err(("what is due is done", format!("due at {due:?} and nobody moves")));
        }
        world.set_now(due);
        Ok(false)
    }

    fn check(&mut self) -> Verdict {
        let facts = std::mem::take(&mut *self.world.log.lock());
        for fact in &facts {
            self.remember(fact);
            for invariant in &mut self.invariants {
                invariant.observe(&self.world, fact).map_err(|message| (invariant.name(), message))?;
            }
        }
        for invariant in &mut self.invariants {
            invariant.hold(&self.world).map_err(|message| (invariant.name(), message))?;
        }
        Ok(())
    }

    fn remember(&mut self, fact: &Fact) {
        if let Fact::Launched(_) = fact {
            self.passed.workers += 1;
        }
        if let (Some(trace), false) = (&mut self.trace, matches!(fact, Fact::Quiet | Fact::Turned)) {
            let at = self.world.now.saturating_since(Timestamp::ZERO);
            trace.push(format!("{at:>9.3?}  {fact:?}"));
        }
    }

    fn finish(&mut self) -> Verdict {
        self.world.note(Fact::Finished);
        self.check()?;
        for invariant in &mut self.invariants {
            invariant.finish(&mut self.world).map_err(|message| (invariant.name(), message))?;
        }
        Ok(())
    }
}

/// How long the end may take: stops and kills by a deadline are held to it even with faults.
fn bound_of(world: &World) -> Duration {
    let setup = world.setup();
    let kill = setup.grace + setup.destroy_timeout + setup.grace + Duration::from_millis(100);
    match world.script.ending {
        _ if world.control.is_none() => BOUND,
        Ending::StopWithin => World::PATIENCE + kill,
        Ending::Kill => kill,
        Ending::Stop | Ending::RuntimeGone => BOUND,
    }
}

fn what_is_left(world: &World) -> String {
    let open = world.tasks.iter().filter(|task| !task.core.has_ended()).count();
    format!(
        "{} has not ended: {open} tasks, {} workers, {} waiting submitters, {} runs; {:?}",
        if world.control.is_some() { "the pool" } else { "what is beside the pool" },
        world.workers.len(),
        world.waiters.len(),
        world.runs.len(),
        world.engine.stats(),
    )
}
