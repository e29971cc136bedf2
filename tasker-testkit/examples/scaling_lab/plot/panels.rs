//! The four panels and the strip of marks.

use tasker_testkit::lab::{Run, Timeline, Workers};

use super::axes::{Scale, Time};
use super::canvas::{BLACK, BLUE, Canvas, Ink, ORANGE, SKY, VERMILION};
use super::panel::{Key, Panel};
use super::series::{Slice, slices, steps, waiting};
use super::{Picture, grouped, time};

/// Pixels.
const HEADER: i32 = 26;
const SPACE: i32 = 12;
const STRIP: i32 = 16;
const AXIS: i32 = 44;
/// How much higher a panel is than its peak, whose label stands above it.
const ROOM: f64 = 1.2;

/// What is drawn below the headings.
pub(super) struct Panels<'a> {
    run: &'a Run,
    oracle: Option<&'a Run>,
}

impl<'a> Panels<'a> {
    const ARRIVALS: i32 = 90;
    const BACKLOG: i32 = 90;
    const WORKERS: i32 = 190;
    const WAIT: i32 = 130;

    pub(super) const fn of(picture: &Picture<'a>) -> Self {
        Self { run: picture.run, oracle: picture.oracle }
    }

    pub(super) fn height(&self) -> i32 {
        let panels = [Self::ARRIVALS, Self::BACKLOG, Self::WORKERS, Self::WAIT];
        panels.iter().map(|height| HEADER + height + SPACE).sum::<i32>() + self.strips() * STRIP + AXIS
    }

    const fn timeline(&self) -> &'a Timeline {
        &self.run.timeline
    }

    /// Creations have one, and failures if there are any.
    fn strips(&self) -> i32 {
        i32::from(!self.timeline().created.is_empty()) + i32::from(!self.timeline().failed.is_empty())
    }

    pub(super) fn draw(&self, canvas: &Canvas<'_>, top: i32, axis: &Time) -> Result<(), String> {
        let mut top = top;
        let mut next = |height: i32| {
            let from = top + HEADER;
            top = from + height + SPACE;
            (from, from + height)
        };
        let panel = |(top, bottom), scale| Panel { canvas, axis, top, bottom, scale };
        self.arrivals(&panel(next(Self::ARRIVALS), self.arrival_scale(axis)))?;
        self.backlog(&panel(next(Self::BACKLOG), self.backlog_scale()))?;
        let workers = panel(next(Self::WORKERS + self.strips() * STRIP), self.worker_scale());
        self.workers(&Panel { bottom: workers.bottom - self.strips() * STRIP, ..workers })?;
        let waits = panel(next(Self::WAIT), self.wait_scale());
        self.waits(&waits)?;
        waits.time_axis()
    }

    fn arrival_scale(&self, axis: &Time) -> Scale {
        let slices = axis.pieces.iter().flat_map(|piece| slices(self.timeline(), piece, 4));
        Scale::linear(slices.map(|slice| slice.rate()).fold(0.0, f64::max))
    }

    fn arrivals(&self, panel: &Panel<'_, '_>) -> Result<(), String> {
        panel.frame("Arrivals (tasks/s)", &[], grouped_or_small)?;
        for piece in &panel.axis.pieces {
            panel.bars(&slices(self.timeline(), piece, 4), Ink(SKY, 0.9), Slice::rate)?;
        }
        panel.gap()
    }

    fn backlog_scale(&self) -> Scale {
        let most = waiting(self.timeline()).into_iter().max();
        Scale::linear(ROOM * most.unwrap_or(0).max(4) as f64)
    }

    fn backlog(&self, panel: &Panel<'_, '_>) -> Result<(), String> {
        panel.frame("Backlog (tasks waiting, at most)", &[], grouped_or_small)?;
        for piece in &panel.axis.pieces {
            let slices = slices(self.timeline(), piece, 2);
            panel.bars(&slices, Ink(VERMILION, 0.85), |slice| slice.bin.backlog as f64)?;
        }
        panel.gap()?;
        panel.peak(self.timeline(), |slice| slice.bin.backlog as f64, grouped)
    }

    fn worker_scale(&self) -> Scale {
        let most = |run: &Run| run.timeline.workers.iter().map(|w| w.paid().max(w.desired)).max();
        let most = most(self.run).max(self.oracle.and_then(most));
        Scale::linear(most.unwrap_or(0).max(4) as f64)
    }

    fn workers(&self, panel: &Panel<'_, '_>) -> Result<(), String> {
        let mut keys = vec![
            ("wanted", Key::Line(BLACK, 1)),
            ("ready", Key::Line(BLUE, 3)),
            ("creating", Key::Area(Ink(ORANGE, 0.8))),
        ];
        if self.oracle.is_some() {
            keys.push(("paid by the oracle", Key::Area(Ink(BLACK, 0.16))));
        }
        panel.frame("Workers", &keys, grouped_or_small)?;
        for piece in &panel.axis.pieces {
            if let Some(oracle) = self.oracle {
                let line = steps(&oracle.timeline, piece, Workers::paid);
                panel.between(&line, &[(piece.right, 0), (piece.left, 0)], Ink(BLACK, 0.16))?;
            }
            let ready = steps(self.timeline(), piece, |workers| workers.live);
            let both = steps(self.timeline(), piece, |workers| workers.live + workers.creating);
            let back: Vec<_> = ready.iter().rev().copied().collect();
            panel.between(&both, &back, Ink(ORANGE, 0.8))?;
            panel.trace(&ready, BLUE, 3)?;
            panel.trace(&steps(self.timeline(), piece, |workers| workers.desired), BLACK, 1)?;
        }
        panel.gap()?;
        self.marks(panel)
    }

    /// Creations and their failures, below the workers.
    fn marks(&self, panel: &Panel<'_, '_>) -> Result<(), String> {
        let Timeline { created, failed, .. } = self.timeline();
        let mut y = panel.bottom + STRIP / 2 + 2;
        if !created.is_empty() {
            panel.strip("creations", y, created, &Key::Triangle(ORANGE))?;
            y += STRIP;
        }
        if !failed.is_empty() {
            panel.strip("failures", y, failed, &Key::Cross(VERMILION))?;
        }
        Ok(())
    }

    fn wait_scale(&self) -> Scale {
        let target = self.timeline().wait_target.as_secs_f64().max(1e-6);
        let longest = self.timeline().bins.iter().map(|bin| bin.wait_max).max().unwrap_or_default();
        let longest = longest.as_secs_f64();
        if longest > 10.0 * target {
            Scale::powers(target / 20.0, 1.7 * longest)
        } else {
            Scale::linear((ROOM * longest).max(target * 1.3))
        }
    }

    fn waits(&self, panel: &Panel<'_, '_>) -> Result<(), String> {
        let keys = [("longest", Key::Line(ORANGE, 1)), ("mean", Key::Line(BLUE, 2))];
        let title = match panel.scale {
            Scale::Linear(_) => "Wait of tasks that start",
            Scale::Powers(..) => "Wait of tasks that start (logarithmic)",
        };
        panel.frame(title, &keys, of_seconds)?;
        for piece in &panel.axis.pieces {
            let slices = slices(self.timeline(), piece, 2);
            panel.curve(&slices, ORANGE, 1, Slice::longest_wait)?;
            panel.curve(&slices, BLUE, 2, Slice::mean_wait)?;
        }
        panel.target(self.timeline())?;
        panel.gap()?;
        panel.peak(self.timeline(), |slice| slice.bin.wait_max.as_secs_f64(), of_seconds)
    }
}

fn of_seconds(value: f64) -> String {
    time(std::time::Duration::from_secs_f64(value))
}

fn grouped_or_small(value: f64) -> String {
    if value.fract() == 0.0 { grouped(value) } else { format!("{value:.1}") }
}
