//! The same for programs.

use benches::figures::Spread;
use benches::json::Json;
use benches::machine::{Machine, version_of};

use super::table::PACKAGES;
use crate::outcome::{Bar, Judgement, Outcome, Row, Standing, Verdict};

pub(crate) fn json(machine: &Machine, outcomes: &[Outcome]) -> Json {
    let versions = PACKAGES
        .iter()
        .map(|package| ((*package).to_owned(), version_of(package).map_or(Json::Null, Json::text)));
    Json::object([
        ("machine", machine.json()),
        ("versions", Json::Object(versions.collect())),
        ("works", Json::List(outcomes.iter().map(work).collect())),
        ("bars", Json::List(outcomes.iter().flat_map(|outcome| &outcome.bars).map(bar).collect())),
    ])
}

fn work(outcome: &Outcome) -> Json {
    let absent = outcome.absent.iter().map(|(name, why)| ((*name).to_owned(), Json::text(*why)));
    Json::object([
        ("id", Json::text(&outcome.id)),
        ("what", Json::text(&outcome.what)),
        ("unit", Json::text(outcome.unit.name())),
        ("floor", Json::text(outcome.floor)),
        ("moments", Json::List(outcome.standings.iter().map(standing).collect())),
        ("absent", Json::Object(absent.collect())),
    ])
}

fn standing(standing: &Standing) -> Json {
    Json::object([
        ("moment", Json::text(standing.moment.name())),
        ("contenders", Json::List(standing.rows.iter().map(row).collect())),
    ])
}

fn row(row: &Row) -> Json {
    Json::object([
        ("name", Json::text(row.name)),
        ("figure", spread(row.figure)),
        ("ratio", row.ratio.map_or(Json::Null, spread)),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "some dozens")]
fn spread(spread: Spread) -> Json {
    Json::object([
        ("median", Json::Number(spread.median)),
        ("min", Json::Number(spread.min)),
        ("max", Json::Number(spread.max)),
        ("count", Json::Number(spread.count as f64)),
    ])
}

fn bar(bar: &Bar) -> Json {
    let judgement = match bar.judgement() {
        Judgement::Met => "met",
        Judgement::Missed => "missed",
        Judgement::Inconclusive => "inconclusive",
    };
    Json::object([
        ("bar", Json::text(bar.to_string())),
        ("judgement", Json::text(judgement)),
        ("tried", Json::Flag(bar.tried)),
        ("verdicts", Json::List(bar.verdicts.iter().map(verdict).collect())),
    ])
}

fn verdict(verdict: &Verdict) -> Json {
    Json::object([
        ("moment", Json::text(verdict.moment.name())),
        ("measured", Json::Number(verdict.measured)),
        ("most", Json::Number(verdict.most)),
        ("against", verdict.against.map_or(Json::Null, Json::text)),
    ])
}
