//! Rounds: every contender once, one after the other, each sample between two looks at the machine's regime.

use std::time::{Duration, Instant};

use benches::regime::{Probe, Reading, Regime};

/// A contender, ready for one work.
pub(crate) struct Entrant {
    pub(crate) name: &'static str,
    enter: Result<Enter, &'static str>,
}

/// Does the work once and gives a figure.
pub(crate) type Measure = Box<dyn FnMut() -> f64>;
type Enter = Box<dyn FnOnce() -> Measure>;

impl Entrant {
    /// One that starts what it needs with `enter`.
    pub(crate) fn new(name: &'static str, enter: impl FnOnce() -> Measure + 'static) -> Self {
        Self { name, enter: Ok(Box::new(enter)) }
    }

    /// One that cannot do the work.
    pub(crate) fn absent(name: &'static str, reason: &'static str) -> Self {
        Self { name, enter: Err(reason) }
    }
}

/// What a contender did.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) name: &'static str,
    /// One a round, in the same order for all contenders.
    pub(crate) samples: Vec<Sample>,
    /// Why it did nothing.
    pub(crate) absent: Option<&'static str>,
}

/// One figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) figure: f64,
    /// In which regime, if it was the same before and after.
    pub(crate) regime: Option<Regime>,
}

/// How long to go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Rounds at least and at most, after the one that warms up.
    pub(crate) rounds: [usize; 2],
    /// No round begins after this, once there were enough.
    pub(crate) time: Duration,
}

/// Lets all contenders do the work, round by round. The first of a round is the second of the one before, so that nobody
/// always follows the same.
pub(crate) fn compete(entrants: Vec<Entrant>, effort: Effort, probe: &Probe) -> Vec<Record> {
    let mut records = Vec::new();
    let mut measures = Vec::new();
    for Entrant { name, enter } in entrants {
        records.push(Record { name, samples: Vec::new(), absent: enter.as_ref().err().copied() });
        measures.push(enter.ok().map(|enter| enter()));
    }
    measures.iter_mut().flatten().for_each(|measure| {
        measure();
    });
    let began = Instant::now();
    let [least, most] = effort.rounds;
    for round in 0..most {
        if round >= least && began.elapsed() >= effort.time {
            break;
        }
        let mut before = probe.read();
        for turn in 0..measures.len() {
            let index = (round + turn) % measures.len();
            if let Some(measure) = &mut measures[index] {
                let figure = measure();
                let after = probe.read();
                records[index].samples.push(Sample { figure, regime: same(before, after) });
                before = after;
            }
        }
    }
    records
}

/// Nanoseconds for each of `count`.
#[expect(clippy::cast_precision_loss, reason = "some millions")]
pub(crate) fn nanos_each(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 1e9 / count as f64
}

fn same(before: Reading, after: Reading) -> Option<Regime> {
    (before.regime == after.regime).then_some(before.regime)
}
