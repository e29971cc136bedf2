//! Which policy does best, and whether one of them clears the bars that were set before it was tuned.

use super::choice::Choice;
use super::oracle::Oracle;
use super::outcome::Outcome;
use super::report::{Report, Row};
use super::setup::{Lab, Prices};

/// The policies of the ancestor, by their names here.
pub const ANCESTOR: [&str; 2] = ["threshold", "rate"];
/// How much more worker-seconds than the oracle's there may be.
pub const OVER_ORACLE: f64 = 1.3;
/// In how many of ten scenarios a bar must hold that need not hold in all.
pub const OF_TEN: usize = 8;

/// What the policies made of one scenario, over several seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Contest {
    /// The scenario.
    pub scenario: String,
    /// The prices that held.
    pub prices: Prices,
    /// Each policy's mean outcome.
    pub entries: Vec<(String, Outcome)>,
    /// The mean of the oracle's cheapest plans.
    pub oracle: Outcome,
    /// The mean of the oracle's cheapest plans that let no greater share of tasks be late, for each policy.
    pub oracle_at_share: Vec<Outcome>,
}

/// One seed's part of a contest.
#[derive(Clone, Debug)]
pub struct Heat {
    entries: Vec<Outcome>,
    oracle: Outcome,
    oracle_at_share: Vec<Outcome>,
}

impl Heat {
    /// Runs the policies and the oracle on one lab.
    #[must_use]
    pub fn run(lab: &Lab, choices: &[Choice]) -> Self {
        let oracle = Oracle::consult(lab);
        let entries: Vec<_> = choices.iter().map(|choice| lab.run(choice.build()).outcome).collect();
        let at_share = |outcome: &Outcome| oracle.at_share(outcome.late_share()).outcome.clone();
        let oracle_at_share = entries.iter().map(at_share).collect();
        Self { entries, oracle: oracle.best().outcome.clone(), oracle_at_share }
    }
}

impl Contest {
    /// Puts the seeds together. Each heat has the policies of `names`, in their order.
    #[must_use]
    pub fn of(scenario: &str, prices: Prices, names: &[String], heats: &[Heat]) -> Self {
        let mean =
            |pick: &dyn Fn(&Heat) -> Outcome| Outcome::mean(&heats.iter().map(pick).collect::<Vec<_>>());
        let entry =
            |(index, name): (usize, &String)| (name.clone(), mean(&|heat| heat.entries[index].clone()));
        Self {
            scenario: scenario.to_owned(),
            prices,
            entries: names.iter().enumerate().map(entry).collect(),
            oracle: mean(&|heat| heat.oracle.clone()),
            oracle_at_share: (0..names.len())
                .map(|index| mean(&|heat| heat.oracle_at_share[index].clone()))
                .collect(),
        }
    }

    /// The contest as rows of a report, the oracle last.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let oracle = ("oracle".to_owned(), self.oracle.clone());
        let row = |(policy, outcome): (String, Outcome)| Row {
            scenario: self.scenario.clone(),
            policy,
            outcome,
            prices: self.prices,
        };
        self.entries.iter().cloned().chain([oracle]).map(row).collect()
    }

    fn index(&self, policy: &str) -> Option<usize> {
        self.entries.iter().position(|(name, _)| name == policy)
    }

    fn entry(&self, policy: &str) -> Option<&Outcome> {
        self.index(policy).map(|index| &self.entries[index].1)
    }
}

/// A bar: something that must hold, in all scenarios or in eight of ten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What must hold.
    pub what: &'static str,
    /// Whether it does.
    pub held: bool,
    /// In how many scenarios it holds, and of how many.
    pub count: (usize, usize),
    /// Where it does not, and by how much.
    pub misses: Vec<String>,
}

/// Holds `policy` against the others, the ancestor and the oracle.
///
/// - No other policy dominates it: as good or better in p99 wait, worker-seconds and creations, and better in one.
/// - Its cost is lower than that of both policies of the ancestor.
/// - Its worker-seconds are within 1.3 times those of the oracle, as the oracle would have them if it let no greater
///   share of tasks be late.
///
/// And holds the oracle against all of them: a lower bound that is undercut is none.
#[must_use]
pub fn judge(contests: &[Contest], policy: &str) -> Vec<Bar> {
    let all = contests.len();
    let most = (all * OF_TEN).div_ceil(10);
    vec![
        bar("dominated by no other policy, in all scenarios", contests, all, |contest| {
            undominated(contest, policy)
        }),
        bar("cheaper than both of the ancestor's policies, in 8 of 10", contests, most, |contest| {
            cheaper(contest, policy)
        }),
        bar(
            "within 1.3 x of the oracle's worker-seconds at its share, in 8 of 10",
            contests,
            most,
            |contest| near_oracle(contest, policy),
        ),
        bar("the oracle is cheaper than every policy, in all scenarios", contests, all, oracle_is_cheapest),
    ]
}

/// The report of several contests.
#[must_use]
pub fn report(contests: &[Contest]) -> Report {
    Report { rows: contests.iter().flat_map(Contest::rows).collect() }
}

fn bar(
    what: &'static str,
    contests: &[Contest],
    needed: usize,
    holds: impl Fn(&Contest) -> Result<(), String>,
) -> Bar {
    let miss = |contest: &Contest| Some(format!("{}: {}", contest.scenario, holds(contest).err()?));
    let misses: Vec<_> = contests.iter().filter_map(miss).collect();
    let count = contests.len() - misses.len();
    Bar { what, held: count >= needed && count > 0, count: (count, contests.len()), misses }
}

fn undominated(contest: &Contest, policy: &str) -> Result<(), String> {
    let ours = entry(contest, policy)?;
    let mut others = contest.entries.iter().filter(|(name, _)| name != policy);
    match others.find(|(_, other)| other.dominates(ours)) {
        None => Ok(()),
        Some((name, other)) => Err(format!("dominated by {name}: {} against {}", three(other), three(ours))),
    }
}

fn three(outcome: &Outcome) -> String {
    let Outcome { wait_p99, worker_seconds, creations, .. } = outcome;
    format!("p99 {:.3} s, {worker_seconds:.0} worker-s, {creations:.0} creations", wait_p99.as_secs_f64())
}

fn cheaper(contest: &Contest, policy: &str) -> Result<(), String> {
    let ours = entry(contest, policy)?.cost(contest.prices);
    for ancestor in ANCESTOR {
        let theirs = entry(contest, ancestor)?.cost(contest.prices);
        if ours >= theirs {
            return Err(format!("costs {ours:.0} where {ancestor} costs {theirs:.0}"));
        }
    }
    Ok(())
}

fn near_oracle(contest: &Contest, policy: &str) -> Result<(), String> {
    let ours = entry(contest, policy)?;
    let oracle = &contest.oracle_at_share[contest.index(policy).unwrap_or(0)];
    let times = ours.worker_seconds / oracle.worker_seconds;
    if times <= OVER_ORACLE {
        return Ok(());
    }
    let (late, best) = (100.0 * ours.late_share(), 100.0 * oracle.late_share());
    Err(format!("{times:.2} x of the oracle's worker-seconds, {late:.2} % late, the oracle {best:.2} %"))
}

fn oracle_is_cheapest(contest: &Contest) -> Result<(), String> {
    let cost = contest.oracle.cost(contest.prices);
    let cheaper = |(_, outcome): &&(String, Outcome)| outcome.cost(contest.prices) < cost;
    match contest.entries.iter().find(cheaper) {
        None => Ok(()),
        Some((name, other)) => {
            Err(format!("{name} costs {:.0}, the oracle {cost:.0}", other.cost(contest.prices)))
        }
    }
}

fn entry<'a>(contest: &'a Contest, policy: &str) -> Result<&'a Outcome, String> {
    contest.entry(policy).ok_or_else(|| format!("{policy} did not take part"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn outcome(p99: u64, worker_seconds: f64, creations: f64, late: f64) -> Outcome {
        let wait_p99 = Duration::from_millis(p99);
        Outcome { wait_p99, worker_seconds, creations, late, tasks: 100.0, ..Outcome::default() }
    }

    fn contest(ours: Outcome) -> Contest {
        let names = ["ours", "threshold", "rate"].map(str::to_owned);
        let entries = vec![ours.clone(), outcome(100, 100.0, 10.0, 5.0), outcome(50, 120.0, 10.0, 1.0)];
        let heat = Heat {
            entries,
            oracle: outcome(10, 80.0, 1.0, 0.0),
            oracle_at_share: vec![outcome(10, 80.0, 1.0, 0.0); 3],
        };
        Contest::of("one", Prices::default(), &names, &[heat.clone(), heat])
    }

    fn held(ours: Outcome) -> Vec<bool> {
        judge(&[contest(ours)], "ours").into_iter().map(|bar| bar.held).collect()
    }

    #[test]
    fn each_bar_is_missed_by_itself() {
        assert_eq!(held(outcome(60, 90.0, 9.0, 0.0)), [true, true, true, true]);
        assert_eq!(held(outcome(110, 100.0, 10.0, 0.0)), [false, true, true, true]);
        assert_eq!(held(outcome(40, 104.0, 10.0, 9.0)), [true, false, true, true]);
        assert_eq!(held(outcome(40, 104.1, 10.0, 0.0)), [true, true, false, true]);
        assert_eq!(held(outcome(40, 80.0, 0.0, 0.0)), [true, true, true, false]);
    }

    #[test]
    fn a_miss_says_where_and_by_how_much() {
        let bars = judge(&[contest(outcome(110, 130.0, 11.0, 9.0))], "ours");
        let misses: Vec<_> = bars.iter().flat_map(|bar| &bar.misses).collect();
        assert!(
            misses[0].starts_with("one: dominated by threshold: p99 0.100 s, 100 worker-s"),
            "{}",
            misses[0]
        );
        assert_eq!(misses[1], "one: costs 150 where threshold costs 115");
        assert!(misses[2].starts_with("one: 1.62 x of the oracle's worker-seconds"), "{}", misses[2]);
    }

    #[test]
    fn an_absent_policy_clears_no_bar() {
        assert!(judge(&[contest(outcome(60, 90.0, 9.0, 0.0))], "absent")[..3].iter().all(|bar| !bar.held));
        assert!(judge(&[], "ours").iter().all(|bar| !bar.held));
    }
}
