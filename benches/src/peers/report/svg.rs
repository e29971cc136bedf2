//! A picture: one chart a work and regime, ratios to the floor.

use std::path::Path;

use benches::chart::{self, Bars, Column, DrawError};

use crate::OURS;
use crate::outcome::{Outcome, Row, Standing};

/// # Errors
///
/// The file cannot be written.
pub(crate) fn draw(path: &Path, outcomes: &[Outcome]) -> Result<(), DrawError> {
    let charts =
        outcomes.iter().flat_map(|outcome| outcome.standings.iter().map(|standing| bars(outcome, standing)));
    chart::bars(path, &charts.collect::<Vec<_>>())
}

fn bars(outcome: &Outcome, standing: &Standing) -> Bars {
    let mut columns: Vec<Column> = standing.rows.iter().map(column).collect();
    columns.sort_by(|a, b| a.value.total_cmp(&b.value));
    let unit = if standing.rows.iter().any(|row| row.ratio.is_some()) {
        "ratio to the floor"
    } else {
        outcome.unit.name()
    };
    Bars { title: format!("{}: {} ({unit}, {})", outcome.id, outcome.what, standing.moment.name()), columns }
}

fn column(row: &Row) -> Column {
    let spread = row.ratio.unwrap_or(row.figure);
    let bounds = (spread.min, spread.max);
    Column { name: row.name.to_owned(), value: spread.median, bounds, ours: row.name == OURS }
}
