//! A table for the documentation: a line for each work and kind of moment.

use std::fmt::Write;

use benches::figures::{Spread, short};
use benches::machine::Machine;

use super::table::versions;
use crate::OURS;
use crate::outcome::{Bar, Judgement, Outcome, Row, Standing};

pub(crate) fn markdown(machine: &Machine, outcomes: &[Outcome]) -> String {
    let mut text = format!("{machine}.\n\n{}.\n\n", versions());
    text.push_str("| work | regime | floor | tasker | to the floor | bar | the others, to the floor |\n");
    text.push_str("|---|---|---|---|---|---|---|\n");
    for outcome in outcomes {
        for standing in &outcome.standings {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}", line(outcome, standing));
        }
    }
    text
}

fn line(outcome: &Outcome, standing: &Standing) -> String {
    let named = |name: &str| standing.rows.iter().find(|row| row.name == name);
    let unit = outcome.unit.name();
    let figure = |name| {
        named(name).map_or_else(|| "-".to_owned(), |row| format!("{} {unit}", short(row.figure.median)))
    };
    let ratio = named(OURS).and_then(|row| row.ratio).map_or_else(|| "-".to_owned(), bounded);
    format!(
        "| **{}** {} | {} | {} | {} | {ratio} | {} | {} |",
        outcome.id,
        outcome.what,
        standing.moment.name(),
        figure(outcome.floor),
        figure(OURS),
        bars(&outcome.bars),
        others(outcome, standing),
    )
}

fn bars(bars: &[Bar]) -> String {
    let told = bars.iter().map(|bar| {
        let word = match bar.judgement() {
            Judgement::Met => "met",
            Judgement::Missed => "**missed**",
            Judgement::Inconclusive => "inconclusive",
        };
        format!("{}, {word}", bar.demand())
    });
    told.collect::<Vec<_>>().join("; ")
}

fn others(outcome: &Outcome, standing: &Standing) -> String {
    let mut rows: Vec<(&Row, Spread)> = standing
        .rows
        .iter()
        .filter(|row| row.name != OURS && row.name != outcome.floor)
        .filter_map(|row| Some((row, row.ratio?)))
        .collect();
    rows.sort_by(|a, b| a.1.median.total_cmp(&b.1.median));
    let told = rows.iter().map(|(row, ratio)| format!("{} {}", row.name, short(ratio.median)));
    told.collect::<Vec<_>>().join(", ")
}

fn bounded(spread: Spread) -> String {
    format!("{} ({} .. {})", short(spread.median), short(spread.min), short(spread.max))
}
