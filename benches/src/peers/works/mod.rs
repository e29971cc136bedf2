//! What is compared. One file a kind of work.

mod cpu;
mod fire;
mod results;
mod round_trip;

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
    pub(crate) bars: Vec<Limit>,
    pub(crate) entrants: Box<dyn FnOnce(Scale) -> Vec<Entrant>>,
}

/// What a figure is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds a task.
    Nanos,
}

impl Unit {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nanos => "ns",
        }
    }
}

/// What is demanded of ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    /// Divided by the floor of the same round, at most this.
    Ratio { far: f64, near: f64 },
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

/// All works, in the order they are done.
pub(crate) fn all() -> Vec<Work> {
    let mut works = Vec::new();
    works.extend(fire::works());
    works.extend(results::works());
    works.extend(round_trip::works());
    works.extend(cpu::works());
    // Letters first: those on threads, then those on tokio.
    works.sort_by(|a, b| b.id[..1].cmp(&a.id[..1]));
    works
}
