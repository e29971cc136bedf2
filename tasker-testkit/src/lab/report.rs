//! Outcomes side by side: as a table to read, as JSON and as CSV.

use std::fmt::{self, Write};
use std::time::Duration;

use super::outcome::Outcome;
use super::setup::Prices;

/// A policy's outcome in a scenario, or under a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The scenario or the trace.
    pub scenario: String,
    /// The policy.
    pub policy: String,
    /// What came of it; the mean where there were several seeds.
    pub outcome: Outcome,
    /// The prices that the cost is reckoned by.
    pub prices: Prices,
}

impl Row {
    /// The cost, in worker-seconds.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.outcome.cost(self.prices)
    }
}

/// Rows to be shown together.
///
/// `Display` is a table, one block a scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// In the order in which they are shown.
    pub rows: Vec<Row>,
}

/// A figure of a row: its name in JSON and CSV, with the unit, and its value; `None` if there is none.
type Figure = (&'static str, Option<f64>);

impl Report {
    /// All figures as CSV, with a header. What there is no value for is empty.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = String::from("scenario,policy");
        for (name, _) in figures(&Row::empty()) {
            text.push(',');
            text.push_str(name);
        }
        text.push('\n');
        for row in &self.rows {
            text.push_str(&quoted_csv(&row.scenario));
            text.push(',');
            text.push_str(&quoted_csv(&row.policy));
            for (_, value) in figures(row) {
                text.push(',');
                text.push_str(&value.map(number).unwrap_or_default());
            }
            text.push('\n');
        }
        text
    }

    /// All figures as a JSON array of objects. What there is no value for is `null`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let rows: Vec<_> = self.rows.iter().map(json).collect();
        format!("[\n{}\n]", rows.join(",\n"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.policy.len()).max().unwrap_or(0).max(6);
        let mut scenario = None;
        for row in &self.rows {
            if scenario != Some(&row.scenario) {
                scenario = Some(&row.scenario);
                writeln!(f, "{}", row.scenario)?;
                writeln!(f, "  {:width$}  {HEAD}", "policy")?;
            }
            writeln!(f, "  {:width$}  {}", row.policy, line(row))?;
        }
        Ok(())
    }
}

const HEAD: &str =
    " wait p50     p95     p99   late %  worker-s  busy %  creations  turns  absorb    back      cost";

fn line(row: &Row) -> String {
    let o = &row.outcome;
    format!(
        "{:>9}{:>8}{:>8}{:>9.2}{:>10.0}{:>8.1}{:>11.0}{:>7.0}{:>8}{:>8}{:>10.0}",
        time(o.wait_p50),
        time(o.wait_p95),
        time(o.wait_p99),
        100.0 * o.late_share(),
        o.worker_seconds,
        100.0 * o.busy_share(),
        o.creations,
        o.turns,
        o.absorb.map_or("-".into(), time),
        o.back.map_or("-".into(), time),
        row.cost(),
    )
}

/// Three digits and a unit.
fn time(duration: Duration) -> String {
    let value = duration.as_secs_f64();
    if value == 0.0 {
        "0".to_owned()
    } else if value < 0.001 {
        format!("{:.0}us", value * 1e6)
    } else if value < 1.0 {
        format!("{:.0}ms", value * 1e3)
    } else if value < 100.0 {
        format!("{value:.1}s")
    } else {
        format!("{value:.0}s")
    }
}

fn figures(row: &Row) -> Vec<Figure> {
    let o = &row.outcome;
    let secs = |time: Duration| Some(time.as_secs_f64());
    vec![
        ("tasks", Some(o.tasks)),
        ("wait_p50_s", secs(o.wait_p50)),
        ("wait_p95_s", secs(o.wait_p95)),
        ("wait_p99_s", secs(o.wait_p99)),
        ("wait_max_s", secs(o.wait_max)),
        ("wait_mean_s", secs(o.wait_mean)),
        ("late_share", Some(o.late_share())),
        ("unfinished", Some(o.unfinished)),
        ("retries", Some(o.retries)),
        ("worker_seconds", Some(o.worker_seconds)),
        ("busy_share", Some(o.busy_share())),
        ("creations", Some(o.creations)),
        ("failed_creations", Some(o.failed_creations)),
        ("turns", Some(o.turns)),
        ("absorb_s", o.absorb.and_then(secs)),
        ("back_s", o.back.and_then(secs)),
        ("price_late", Some(row.prices.late)),
        ("price_creation", Some(row.prices.creation)),
        ("cost", Some(row.cost())),
    ]
}

fn json(row: &Row) -> String {
    let mut text =
        format!("  {{\"scenario\": {}, \"policy\": {}", quoted(&row.scenario), quoted(&row.policy));
    for (name, value) in figures(row) {
        // Writing to a string cannot fail.
        let _ = write!(text, ", \"{name}\": {}", value.map_or_else(|| "null".to_owned(), number));
    }
    text.push('}');
    text
}

/// A string as JSON has it.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if (c as u32) < 0x20 => {
                let _ = write!(quoted, "\\u{:04x}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn quoted_csv(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Enough digits, and none that say nothing.
fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Row {
    fn empty() -> Self {
        let (scenario, policy) = (String::new(), String::new());
        Self { scenario, policy, outcome: Outcome::default(), prices: Prices::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let outcome = Outcome { tasks: 4.0, late: 1.0, worker_seconds: 12.5, ..Outcome::default() };
        let row = Row { scenario: "a \"b\"".into(), policy: "p:x=1,y=2".into(), outcome, ..Row::empty() };
        Report { rows: vec![row] }
    }

    #[test]
    fn csv_has_a_header_and_quotes_what_needs_it() {
        let csv = report().to_csv();
        let lines: Vec<_> = csv.lines().collect();
        assert!(lines[0].starts_with("scenario,policy,tasks,wait_p50_s"));
        assert!(lines[1].starts_with("\"a \"\"b\"\"\",\"p:x=1,y=2\",4,0,"), "{}", lines[1]);
        assert!(lines[1].ends_with(",,,1,1,13.5"), "{}", lines[1]);
    }

    #[test]
    fn json_escapes_and_says_null() {
        let json = report().to_json();
        assert!(json.contains(r#""scenario": "a \"b\"", "policy": "p:x=1,y=2", "tasks": 4"#), "{json}");
        assert!(json.contains(r#""late_share": 0.25"#) && json.contains(r#""absorb_s": null"#), "{json}");
        assert_eq!(quoted("\n"), "\"\\u000a\"");
    }

    #[test]
    fn the_table_aligns_its_columns() {
        let table = report().to_string();
        let ends: Vec<_> = table.lines().skip(1).map(str::len).collect();
        assert_eq!(ends[0], ends[1], "{table}");
    }
}
