//! A simulation as a picture: arrivals, backlog, workers and waits over one time axis, as SVG.
//!
//! Colours are those of Okabe and Ito ("Color Universal Design", 2008), which people with any kind of colour vision
//! tell apart; what lies close together differs in width or shape, too.

mod axes;
mod canvas;
mod panel;
mod panels;
mod series;

use std::path::Path;
use std::time::Duration;

use tasker_testkit::lab::Run;

use axes::Time;
use canvas::{Align, BLACK, Canvas, GREY, Ink};
use panels::Panels;

/// Pixels. The panels begin right of the labels and below the headings.
const WIDTH: i32 = 1_000;
const LEFT: i32 = 72;
const RIGHT: i32 = WIDTH - 18;
const HEADINGS: i32 = 74;

/// What is to be drawn.
pub(crate) struct Picture<'a> {
    /// The scenario or the file.
    pub(crate) title: &'a str,
    /// What happens, in a sentence.
    pub(crate) what: &'a str,
    /// The policy.
    pub(crate) policy: &'a str,
    /// How it went.
    pub(crate) run: &'a Run,
    /// How the oracle did it.
    pub(crate) oracle: Option<&'a Run>,
}

/// Writes the picture to a file.
pub(crate) fn draw(path: &Path, picture: &Picture<'_>) -> Result<(), String> {
    let panels = Panels::of(picture);
    let canvas = Canvas::new(path, (WIDTH, HEADINGS + panels.height()))?;
    headings(&canvas, picture)?;
    panels.draw(&canvas, HEADINGS, &Time::of(&picture.run.timeline, (LEFT, RIGHT)))?;
    canvas.finish()
}

fn headings(canvas: &Canvas<'_>, picture: &Picture<'_>) -> Result<(), String> {
    let Picture { title, what, policy, .. } = picture;
    canvas.bold(&format!("{title}: {policy}"), (LEFT, 20), 20)?;
    canvas.text(what, (LEFT, 41), 13, Ink(GREY, 1.0), Align::Left)?;
    canvas.text(&figures(picture), (LEFT, 60), 13, Ink(BLACK, 1.0), Align::Left)
}

fn figures(picture: &Picture<'_>) -> String {
    let outcome = &picture.run.outcome;
    let target = time(picture.run.timeline.wait_target);
    let oracle = picture
        .oracle
        .map_or_else(String::new, |oracle| format!(" (oracle {})", grouped(oracle.outcome.worker_seconds)));
    [
        format!("p99 wait {}", time(outcome.wait_p99)),
        format!("{:.1} % of tasks over {target}", 100.0 * outcome.late_share()),
        format!("{} worker-seconds{oracle}", grouped(outcome.worker_seconds)),
        counted(outcome.creations, "creation", "creations"),
        counted(outcome.turns, "change of direction", "changes of direction"),
    ]
    .join("  ·  ")
}

fn counted(number: f64, one: &str, several: &str) -> String {
    let text = grouped(number);
    let noun = if text == "1" { one } else { several };
    format!("{text} {noun}")
}

/// A duration in the unit that suits it.
fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds == 0.0 {
        "0 s".to_owned()
    } else if seconds < 0.001 {
        format!("{:.0} µs", seconds * 1e6)
    } else if seconds < 0.9995 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 9.95 {
        format!("{seconds:.1} s")
    } else {
        format!("{} s", grouped(seconds))
    }
}

/// A whole number with its thousands apart.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let first = digits.len() % 3;
    let mut text = digits[..first].to_owned();
    for start in (first..digits.len()).step_by(3) {
        if !text.is_empty() && text != "-" {
            text.push(',');
        }
        text.push_str(&digits[start..start + 3]);
    }
    text
}
