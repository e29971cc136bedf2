//! Resources that do what a script says and count what is done to them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::thread::ThreadId;

use tasker_core::sync::{Arc, Lock, thread};
use tasker_core::{CreateContext, Health, Resource, SpawnReason};

use crate::{Gate, Log};

/// The error of a [`Scripted`] resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it says.
    pub text: String,
    /// Whether the resource counts as unhealthy after it.
    pub sick: bool,
}

impl Fault {
    /// An error after which the resource is fine.
    #[must_use]
    pub fn healthy(text: &str) -> Self {
        Self { text: text.into(), sick: false }
    }

    /// An error after which the resource is broken.
    #[must_use]
    pub fn sick(text: &str) -> Self {
        Self { text: text.into(), sick: true }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A call of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// `create`.
    Create,
    /// `destroy`.
    Destroy,
    /// `probe`.
    Probe,
    /// `check_health`. [`Outcome::Succeed`] judges by [`Fault::sick`], [`Outcome::Fail`] is unhealthy whatever the
    /// error was.
    Health,
}

/// What becomes of a call.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It goes well.
    Succeed,
    /// It fails with this text.
    Fail(&'static str),
    /// It panics with this text.
    Panic(&'static str),
    /// It awaits a gate and then does the other.
    Hold(Gate, Box<Self>),
    /// It blocks its thread at a gate and then does the other. On threads only.
    Block(Gate, Box<Self>),
}

impl Outcome {
    /// Awaits `gate` and goes well.
    #[must_use]
    pub fn hold(gate: &Gate) -> Self {
        Self::Hold(gate.clone(), Box::new(Self::Succeed))
    }

    /// Blocks the thread at `gate` and goes well.
    #[must_use]
    pub fn block(gate: &Gate) -> Self {
        Self::Block(gate.clone(), Box::new(Self::Succeed))
    }

    async fn play(mut self) -> Result<(), Fault> {
        loop {
            self = match self {
                Self::Succeed => return Ok(()),
                Self::Fail(text) => return Err(Fault::healthy(text)),
                Self::Panic(text) => panic!("{text}"),
                Self::Hold(gate, then) => {
                    gate.pass().await;
                    *then
                }
                Self::Block(gate, then) => {
                    gate.wait();
                    *then
                }
            };
        }
    }
}

/// What was done to the resources of a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Calls of `create`.
    pub create_calls: usize,
    /// Resources created.
    pub created: usize,
    /// Calls of `destroy`.
    pub destroyed: usize,
    /// Resources dropped without being destroyed.
    pub dropped: usize,
    /// Calls of `probe`.
    pub probed: usize,
    /// Resources that exist now.
    pub live: usize,
    /// The most resources of workers that were being created, existed, or were being destroyed at once.
    pub max_workers: usize,
    /// The same for the resources of `run`.
    pub max_others: usize,
}

/// What resources do, and what was done to them. Clones are the same script; it is a pool's config.
#[derive(Clone, Debug, Default)]
pub struct Script {
    state: Arc<Lock<State>>,
    log: Log,
}

#[derive(Debug, Default)]
struct State {
    next: BTreeMap<Op, VecDeque<Outcome>>,
    always: BTreeMap<Op, Outcome>,
    counters: Counters,
    workers: usize,
    others: usize,
    numbers: u64,
    reasons: Vec<SpawnReason>,
    attempts: Vec<u32>,
    pinned: bool,
    violations: Vec<String>,
}

impl Script {
    /// A script in which all goes well.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What becomes of the next calls of `op`, in their order.
    pub fn next(&self, op: Op, outcomes: impl IntoIterator<Item = Outcome>) {
        self.state.lock().next.entry(op).or_default().extend(outcomes);
    }

    /// What becomes of every call of `op` that has no outcome of its own.
    pub fn always(&self, op: Op, outcome: Outcome) {
        self.state.lock().always.insert(op, outcome);
    }

    /// Demands that each resource is made, used and destroyed on one thread.
    pub fn pin(&self) {
        self.state.lock().pinned = true;
    }

    /// What was done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.state.lock().counters
    }

    /// What resources were asked for, in the order of the calls of `create`.
    #[must_use]
    pub fn reasons(&self) -> Vec<SpawnReason> {
        self.state.lock().reasons.clone()
    }

    /// Which attempt each call of `create` was told to be.
    #[must_use]
    pub fn attempts(&self) -> Vec<u32> {
        self.state.lock().attempts.clone()
    }

    /// What was done that must never be: tasks on dead resources, resources used half-way, threads changed.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.state.lock().violations.clone()
    }

    /// The log of calls: `create`, `destroy`, `probe`, each with the number of the resource.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    fn outcome(&self, op: Op) -> Outcome {
        let mut state = self.state.lock();
        let next = state.next.get_mut(&op).and_then(VecDeque::pop_front);
        next.or_else(|| state.always.get(&op).cloned()).unwrap_or(Outcome::Succeed)
    }

    fn violated(&self, what: String) {
        self.state.lock().violations.push(what);
    }

    fn begin_create(&self, cx: &CreateContext) -> Present {
        let mut state = self.state.lock();
        state.counters.create_calls += 1;
        state.reasons.push(cx.reason);
        state.attempts.push(cx.attempt);
        let of_worker = cx.worker.is_some();
        if of_worker {
            state.workers += 1;
            state.counters.max_workers = state.counters.max_workers.max(state.workers);
        } else {
            state.others += 1;
            state.counters.max_others = state.counters.max_others.max(state.others);
        }
        drop(state);
        Present { script: self.clone(), of_worker }
    }
}

/// Counts a resource that is being created, exists, or is being destroyed.
#[derive(Debug)]
struct Present {
    script: Script,
    of_worker: bool,
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut state = self.script.state.lock();
        if self.of_worker {
            state.workers -= 1;
        } else {
            state.others -= 1;
        }
    }
}

/// A resource that does what its [`Script`] says.
#[derive(Debug)]
pub struct Scripted {
    number: u64,
    script: Script,
    home: ThreadId,
    destroyed: bool,
    /// No task may run on it any more.
    dead: bool,
    /// A task is, or was left, half-way.
    half_way: bool,
    // Last, so that it counts as present until all else is dropped.
    _present: Present,
}

impl Scripted {
    /// Its number, from 1 in the order of creation.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// A task begins; one that may be left half-way without harm is `safe`.
    pub(crate) fn begin(&mut self, safe: bool) {
        self.stays_home("use");
        if self.dead {
            self.script.violated(format!("a task ran on resource {}, known to be dead", self.number));
        }
        if self.half_way {
            self.script.violated(format!("a task ran on resource {}, left half-way", self.number));
        }
        self.half_way = !safe;
    }

    /// The task ends in an orderly way.
    pub(crate) const fn end(&mut self) {
        self.half_way = false;
    }

    fn stays_home(&self, what: &str) {
        if self.script.state.lock().pinned && thread::current().id() != self.home {
            self.script.violated(format!("{what} of resource {} on another thread", self.number));
        }
    }
}

impl Resource for Scripted {
    type Config = Script;
    type Error = Fault;

    async fn create(script: &Script, cx: &CreateContext) -> Result<Self, Fault> {
        let present = script.begin_create(cx);
        script.outcome(Op::Create).play().await?;
        let mut state = script.state.lock();
        state.numbers += 1;
        state.counters.created += 1;
        state.counters.live += 1;
        let number = state.numbers;
        drop(state);
        script.log.push(format!("create {number}"));
        Ok(Self {
            number,
            script: script.clone(),
            home: thread::current().id(),
            destroyed: false,
            dead: false,
            half_way: false,
            _present: present,
        })
    }

    async fn destroy(mut self) -> Result<(), Fault> {
        self.stays_home("destruction");
        self.destroyed = true;
        self.script.state.lock().counters.destroyed += 1;
        self.script.log.push(format!("destroy {}", self.number));
        let outcome = self.script.outcome(Op::Destroy);
        outcome.play().await
    }

    async fn probe(&mut self) -> Result<(), Fault> {
        self.stays_home("probe");
        self.script.state.lock().counters.probed += 1;
        self.script.log.push(format!("probe {}", self.number));
        let outcome = self.script.outcome(Op::Probe);
        // Dead unless it comes back well, however it ends.
        self.dead = true;
        outcome.play().await?;
        self.dead = false;
        Ok(())
    }

    fn check_health(&self, error: &Fault) -> Health {
        match self.script.outcome(Op::Health) {
            Outcome::Succeed if !error.sick => Health::Healthy,
            Outcome::Panic(text) => panic!("{text}"),
            Outcome::Succeed | Outcome::Fail(_) | Outcome::Hold(..) | Outcome::Block(..) => Health::Unhealthy,
        }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        let mut state = self.script.state.lock();
        state.counters.live -= 1;
        if !self.destroyed {
            state.counters.dropped += 1;
        }
    }
}
