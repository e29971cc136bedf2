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

    /// The same under another name.
    pub(crate) fn renamed(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Why it cannot do the work, if so.
    pub(crate) fn absent_because(&self) -> Option<&'static str> {
        self.enter.as_ref().err().copied()
    }

    /// Starts what it needs.
    pub(crate) fn enter(self) -> Option<Measure> {
        self.enter.ok().map(|enter| enter())
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
    pub(crate) moment: Moment,
}

/// In what kind of moment a figure was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// In this regime, before and after.
    In(Regime),
    /// The regime changed.
    Mixed,
    /// It has no influence: nothing goes between two cores, or nothing is timed.
    Any,
}

impl Moment {
    /// Those whose figures may be compared with each other.
    pub(crate) const STEADY: [Self; 3] = [Self::In(Regime::Near), Self::In(Regime::Far), Self::Any];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::In(regime) => regime.name(),
            Self::Mixed => "mixed",
            Self::Any => "any",
        }
    }
}

/// How long to go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Rounds at least and at most.
    pub(crate) rounds: [usize; 2],
    /// No round begins after this, once there were enough.
    pub(crate) time: Duration,
    /// Whether there is a round before that does not count.
    pub(crate) warm_up: bool,
}

/// Lets all contenders do the work, round by round. The first of a round is the second of the one before, so that the
/// machine's moods fall on everybody. Without a probe the regime is of no influence.
pub(crate) fn compete(entrants: Vec<Entrant>, effort: Effort, probe: Option<&Probe>) -> Vec<Record> {
    let mut records = Vec::new();
    let mut measures = Vec::new();
    for entrant in entrants {
        records.push(Record { name: entrant.name, samples: Vec::new(), absent: entrant.absent_because() });
        measures.push(entrant.enter());
    }
    if effort.warm_up {
        measures.iter_mut().flatten().for_each(|measure| {
            measure();
        });
    }
    let began = Instant::now();
    let [least, most] = effort.rounds;
    for round in 0..most {
        if round >= least && began.elapsed() >= effort.time {
            break;
        }
        let mut before = probe.map(Probe::read);
        for turn in 0..measures.len() {
            let index = (round + turn) % measures.len();
            if let Some(measure) = &mut measures[index] {
                let figure = measure();
                let after = probe.map(Probe::read);
                records[index].samples.push(Sample { figure, moment: moment(before, after) });
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

fn moment(before: Option<Reading>, after: Option<Reading>) -> Moment {
    match (before, after) {
        (Some(before), Some(after)) if before.regime == after.regime => Moment::In(before.regime),
        (Some(_), Some(_)) => Moment::Mixed,
        (None, _) | (_, None) => Moment::Any,
    }
}
