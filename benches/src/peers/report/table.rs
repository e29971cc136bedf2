//! Tables for the terminal.

use benches::figures::{Spread, short};
use benches::machine::{Machine, version_of};

use crate::outcome::{Bar, Judgement, Outcome, Row, Verdict};

/// Who is compared, at which versions.
pub(crate) const PACKAGES: [&str; 23] = [
    "tasker-thread",
    "tasker-tokio",
    "tasker-async-std",
    "crossbeam-channel",
    "oneshot",
    "kanal",
    "threadpool",
    "workerpool",
    "rusty_pool",
    "scheduled-thread-pool",
    "executors",
    "rayon",
    "affinitypool",
    "blocking",
    "tokio",
    "async-std",
    "deadpool",
    "bb8",
    "kameo",
    "kameo_actors",
    "ractor",
    "tower",
    "cronoq",
];

pub(crate) fn print_heading(machine: &Machine) {
    println!("{machine}");
    println!("{}", versions());
    println!("Medians (least .. greatest); ratios are to the floor of the same round.");
}

/// The packages, each with its version.
pub(crate) fn versions() -> String {
    PACKAGES.map(|package| format!("{package} {}", version_of(package).unwrap_or("?"))).join(", ")
}

pub(crate) fn print_work(outcome: &Outcome) {
    println!("\n{}  {}", outcome.id, outcome.what);
    if outcome.standings.is_empty() {
        println!("         no figures: there was no time left, or no regime lasted");
    }
    for standing in &outcome.standings {
        println!("  {:<6} {:<26} {:>24} {:>30}", standing.moment.name(), "", "ratio", outcome.unit.name());
        let mut rows: Vec<&Row> = standing.rows.iter().collect();
        rows.sort_by(|a, b| a.figure.median.total_cmp(&b.figure.median));
        for row in rows {
            let ratio = row.ratio.map_or_else(String::new, |ratio| told(&ratio));
            println!("  {:>4} x {:<26} {ratio:>24} {:>30}", row.figure.count, row.name, told(&row.figure));
        }
    }
    for (name, reason) in &outcome.absent {
        println!("         {name:<26} left out: {reason}");
    }
    if outcome.mixed > 0 {
        println!("         {} samples left out: the regime changed under them", outcome.mixed);
    }
}

pub(crate) fn print_bars(bars: &[&Bar]) {
    println!("\nBars");
    for bar in bars {
        let word = match bar.judgement() {
            Judgement::Met => "met",
            Judgement::Missed => "MISSED",
            Judgement::Inconclusive => "inconclusive",
        };
        println!("  {word:<12} {bar}; {}", measured(bar));
    }
}

fn measured(bar: &Bar) -> String {
    match &bar.verdicts[..] {
        [] if bar.tried => "no regime lasted".to_owned(),
        [] => "no time left".to_owned(),
        verdicts => verdicts.iter().map(verdict).collect::<Vec<_>>().join(", "),
    }
}

fn verdict(verdict: &Verdict) -> String {
    let against = verdict.against.map_or_else(String::new, |peer| format!(" of {peer}"));
    format!("{:.3}{against} ({})", verdict.measured, verdict.moment.name())
}

fn told(spread: &Spread) -> String {
    format!("{} ({} .. {})", short(spread.median), short(spread.min), short(spread.max))
}
