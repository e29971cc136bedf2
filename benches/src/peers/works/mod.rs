//! What is compared. One file a kind of work.

mod allocations;
mod batch;
mod borrow;
mod cancel;
mod cpu;
mod fire;
mod idle;
mod many;
mod memory;
mod results;
mod round_trip;
mod seeing;
mod urgent;

use crate::rounds::Entrant;

/// One comparison: the same work for several contenders.
pub(crate) struct Work {
    /// Short, and unique: what `--only` selects.
    pub(crate) id: String,
    /// In words.
    pub(crate) what: String,
    /// By whose figure those of the same round are divided.
    pub(crate) floor: &'static str,
    pub(crate) unit: Unit,
    /// Whether it matters how far apart the cores are.
    pub(crate) regimes: bool,
    /// Whether one round says it all.
    pub(crate) once: bool,
    pub(crate) bars: Vec<Limit>,
    pub(crate) entrants: Box<dyn Fn(Scale) -> Vec<Entrant>>,
}

impl Work {
    /// One whose figure is a time that depends on how far apart the cores are.
    fn timed(
        id: impl Into<String>,
        what: impl Into<String>,
        floor: &'static str,
        entrants: impl Fn(Scale) -> Vec<Entrant> + 'static,
    ) -> Self {
        let (id, what, entrants) = (id.into(), what.into(), Box::new(entrants));
        Self { id, what, floor, unit: Unit::Nanos, regimes: true, once: false, bars: Vec::new(), entrants }
    }

    /// One on whose figure that has no influence.
    fn steady(
        id: impl Into<String>,
        what: impl Into<String>,
        unit: Unit,
        floor: &'static str,
        entrants: impl Fn(Scale) -> Vec<Entrant> + 'static,
    ) -> Self {
        Self { unit, regimes: false, ..Self::timed(id, what, floor, entrants) }
    }

    /// One whose figure does not change from one time to the next, so that once is enough.
    fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Demands something of ours.
    fn bar(mut self, limit: Limit) -> Self {
        self.bars.push(limit);
        self
    }

    /// Demands something, or nothing.
    fn bars(mut self, limits: impl IntoIterator<Item = Limit>) -> Self {
        self.bars.extend(limits);
        self
    }
}

/// What a figure is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds a task.
    Nanos,
    /// Bytes a task.
    Bytes,
    /// Allocations a task.
    Allocations,
    /// Microseconds of processor time a second.
    Micros,
}

impl Unit {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nanos => "ns",
            Self::Bytes => "bytes",
            Self::Allocations => "allocations",
            Self::Micros => "us a second",
        }
    }
}

/// What is demanded of ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    /// Divided by the floor of the same round, at most this.
    Ratio { far: f64, near: f64 },
    /// At most this.
    Figure(f64),
    /// No peer's figure is smaller in the same round, by more than chance: 2 %.
    Leads,
}

impl Limit {
    const fn ratio(most: f64) -> Self {
        Self::Ratio { far: most, near: most }
    }
}

/// How much to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Quick,
    Full,
}

impl Scale {
    const fn pick(self, quick: u64, full: u64) -> u64 {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

/// All works, in the order they are done: what has bars first.
pub(crate) fn all() -> Vec<Work> {
    let works = [
        fire::on_threads(),
        results::on_threads(),
        round_trip::on_threads(),
        cpu::on_threads(),
        fire::on_tokio(),
        results::on_tokio(),
        round_trip::on_tokio(),
        cpu::on_tokio(),
        many::works(),
        allocations::works(),
        memory::works(),
        borrow::works(),
        seeing::works(),
        idle::works(),
        vec![fire::on_async_std(), results::on_async_std(), round_trip::on_async_std()],
        urgent::works(),
        cancel::works(),
        batch::works(),
    ];
    works.into_iter().flatten().collect()
}

/// What a child process is asked for: the contenders of works that need a process of their own.
pub(crate) fn in_child(kind: &str) -> Vec<Entrant> {
    match kind {
        memory::ON_THREADS => memory::entrants_on_threads(),
        memory::ON_TOKIO => memory::entrants_on_tokio(),
        idle::ON_THREADS => idle::entrants_on_threads(),
        idle::ON_TOKIO => idle::entrants_on_tokio(),
        _ => Vec::new(),
    }
}
