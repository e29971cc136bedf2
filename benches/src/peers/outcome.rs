//! From samples to figures, regime by regime, and what they say about the bars.

use std::fmt;

use benches::figures::Spread;
use benches::regime::Regime;

use crate::OURS;
use crate::rounds::{Moment, Record, Sample};
use crate::works::{Limit, Unit, Work};

/// One work, measured.
pub(crate) struct Outcome {
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) unit: Unit,
    pub(crate) floor: &'static str,
    /// One a kind of moment that had samples.
    pub(crate) standings: Vec<Standing>,
    /// Who did not take part, and why.
    pub(crate) absent: Vec<(&'static str, &'static str)>,
    /// Samples that belong to no regime.
    pub(crate) mixed: usize,
    pub(crate) bars: Vec<Bar>,
}

/// All contenders in one kind of moment.
pub(crate) struct Standing {
    pub(crate) moment: Moment,
    pub(crate) rows: Vec<Row>,
}

/// One contender in it.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) figure: Spread,
    /// To the floor's figure of the same round.
    pub(crate) ratio: Option<Spread>,
}

/// One demand, and whether it was met.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    pub(crate) work: String,
    pub(crate) unit: Unit,
    pub(crate) limit: Limit,
    /// Whether there was time for its work.
    pub(crate) tried: bool,
    /// In each kind of moment with enough samples.
    pub(crate) verdicts: Vec<Verdict>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) moment: Moment,
    /// What was measured, in the terms of the limit.
    pub(crate) measured: f64,
    pub(crate) most: f64,
    /// The peer it was measured against, where that is a matter of peers.
    pub(crate) against: Option<&'static str>,
}

impl Verdict {
    pub(crate) fn met(&self) -> bool {
        self.measured <= self.most
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Met,
    Missed,
    /// No regime lasted long enough, or there was no time.
    Inconclusive,
}

impl Bar {
    pub(crate) fn judgement(&self) -> Judgement {
        if self.verdicts.is_empty() {
            Judgement::Inconclusive
        } else if self.verdicts.iter().all(Verdict::met) {
            Judgement::Met
        } else {
            Judgement::Missed
        }
    }
}

impl Bar {
    /// What is demanded, without of what.
    pub(crate) fn demand(&self) -> String {
        match self.limit {
            Limit::Ratio { far, near } if far < near => {
                format!("at most {far:.2} of the floor ({near:.2} if near)")
            }
            Limit::Ratio { far, .. } => format!("at most {far:.2} of the floor"),
            Limit::Figure(most) => format!("at most {most} {}", self.unit.name()),
            Limit::Leads => "not behind any peer".to_owned(),
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.work, self.demand())
    }
}

/// Rounds without which nothing is said about a regime. Where there is none, one is enough.
const ENOUGH: usize = 3;
/// Chance.
const LEVEL: f64 = 1.02;

impl Outcome {
    pub(crate) fn new(work: &Work, records: &[Record]) -> Self {
        let Work { floor, unit, .. } = *work;
        let tried = !records.is_empty();
        let verdicts = |limit| verdicts(limit, floor, records);
        let bar =
            |&limit: &Limit| Bar { work: work.id.clone(), unit, limit, tried, verdicts: verdicts(limit) };
        let samples = records.iter().flat_map(|record| &record.samples);
        Self {
            id: work.id.clone(),
            what: work.what.clone(),
            unit,
            floor,
            standings: Moment::STEADY
                .into_iter()
                .filter_map(|moment| standing(moment, floor, records))
                .collect(),
            absent: records.iter().filter_map(|record| Some((record.name, record.absent?))).collect(),
            mixed: samples.filter(|sample| sample.moment == Moment::Mixed).count(),
            bars: work.bars.iter().map(bar).collect(),
        }
    }
}

fn standing(moment: Moment, floor: &str, records: &[Record]) -> Option<Standing> {
    let rows = records.iter().filter_map(|record| {
        let figures: Vec<f64> = record.samples.iter().filter_map(|sample| within(moment, *sample)).collect();
        let ratio = named(floor, records).and_then(|floor| Spread::of(&ratios(moment, record, floor)));
        Some(Row { name: record.name, figure: Spread::of(&figures)?, ratio })
    });
    let rows: Vec<Row> = rows.collect();
    (!rows.is_empty()).then_some(Standing { moment, rows })
}

fn verdicts(limit: Limit, floor: &str, records: &[Record]) -> Vec<Verdict> {
    Moment::STEADY.into_iter().filter_map(|moment| verdict(limit, moment, floor, records)).collect()
}

fn verdict(limit: Limit, moment: Moment, floor: &str, records: &[Record]) -> Option<Verdict> {
    let ours = named(OURS, records)?;
    match limit {
        Limit::Ratio { far, near } => {
            let measured = enough(moment, &ratios(moment, ours, named(floor, records)?))?;
            let most = if moment == Moment::In(Regime::Near) { near } else { far };
            Some(Verdict { moment, measured, most, against: None })
        }
        Limit::Figure(most) => {
            let figures: Vec<f64> =
                ours.samples.iter().filter_map(|sample| within(moment, *sample)).collect();
            Some(Verdict { moment, measured: enough(moment, &figures)?, most, against: None })
        }
        Limit::Leads => {
            let peers = records.iter().filter(|record| is_peer(record.name));
            let ratios =
                peers.filter_map(|peer| Some((enough(moment, &ratios(moment, ours, peer))?, peer.name)));
            let (measured, peer) = ratios.max_by(|a, b| a.0.total_cmp(&b.0))?;
            Some(Verdict { moment, measured, most: LEVEL, against: Some(peer) })
        }
    }
}

/// What users could take instead: no floor, nor the work without a pool.
fn is_peer(name: &str) -> bool {
    name != OURS
        && name != crate::threads::INLINE
        && !name.starts_with("floor:")
        && !name.starts_with("kanal")
}

fn named<'a>(name: &str, records: &'a [Record]) -> Option<&'a Record> {
    records.iter().find(|record| record.name == name)
}

/// One contender's figures over another's, of those rounds in which both were in this kind of moment.
fn ratios(moment: Moment, record: &Record, floor: &Record) -> Vec<f64> {
    let pairs = record.samples.iter().zip(&floor.samples);
    pairs.filter_map(|(ours, theirs)| Some(within(moment, *ours)? / within(moment, *theirs)?)).collect()
}

fn within(moment: Moment, sample: Sample) -> Option<f64> {
    (sample.moment == moment).then_some(sample.figure)
}

fn enough(moment: Moment, figures: &[f64]) -> Option<f64> {
    let needed = if moment == Moment::Any { 1 } else { ENOUGH };
    Spread::of(figures).filter(|spread| spread.count >= needed).map(|spread| spread.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &'static str, samples: &[(f64, Moment)]) -> Record {
        let samples = samples.iter().map(|&(figure, moment)| Sample { figure, moment }).collect();
        Record { name, samples, absent: None }
    }

    const FAR: Moment = Moment::In(Regime::Far);
    const NEAR: Moment = Moment::In(Regime::Near);

    #[test]
    fn ratios_pair_rounds_of_the_same_regime() {
        let ours = record(OURS, &[(1.0, FAR), (9.0, NEAR), (3.0, FAR), (4.0, Moment::Mixed)]);
        let floor = record("floor: x", &[(2.0, FAR), (1.0, FAR), (4.0, FAR), (4.0, FAR)]);
        assert_eq!(ratios(FAR, &ours, &floor), [0.5, 0.75]);
        assert!(ratios(NEAR, &ours, &floor).is_empty());
    }

    #[test]
    fn a_bar_without_enough_rounds_is_inconclusive() {
        let records =
            [record(OURS, &[(1.0, FAR), (1.0, FAR)]), record("floor: x", &[(2.0, FAR), (2.0, FAR)])];
        assert!(verdicts(Limit::Ratio { far: 0.5, near: 1.0 }, "floor: x", &records).is_empty());
    }

    #[test]
    fn without_a_regime_one_round_is_enough() {
        let verdicts = verdicts(Limit::Figure(96.0), "", &[record(OURS, &[(97.0, Moment::Any)])]);
        assert!(matches!(verdicts[..], [Verdict { measured: 97.0, .. }]));
        assert!(!verdicts[0].met());
    }

    #[test]
    fn each_regime_has_its_own_bar() {
        let ours = record(OURS, &[(2.0, NEAR); 3]);
        let floor = record("floor: x", &[(2.5, NEAR); 3]);
        let verdicts = verdicts(Limit::Ratio { far: 0.5, near: 1.0 }, "floor: x", &[ours, floor]);
        assert!(matches!(verdicts[..], [Verdict { most: 1.0, .. }]));
        assert!(verdicts[0].met());
    }

    #[test]
    fn leading_is_measured_against_the_best_peer() {
        let records = [
            record(OURS, &[(3.0, FAR); 3]),
            record("floor: x", &[(1.0, FAR); 3]),
            record("slow", &[(6.0, FAR); 3]),
            record("quick", &[(2.0, FAR); 3]),
        ];
        let verdicts = verdicts(Limit::Leads, "floor: x", &records);
        assert!(matches!(verdicts[..], [Verdict { against: Some("quick"), .. }]));
        assert!(!verdicts[0].met());
    }
}
