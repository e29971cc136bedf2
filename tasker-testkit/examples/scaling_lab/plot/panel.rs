//! One panel: a frame, and what can be drawn into it.

use plotters::style::RGBColor;
use tasker_core::Timestamp;
use tasker_testkit::lab::Timeline;

use super::axes::{Piece, Scale, Time, seconds};
use super::canvas::{Align, BLACK, Canvas, GREY, Ink, WHITE};
use super::series::{Slice, slices};
use super::{LEFT, RIGHT, grouped, time};

/// A letter of the legend is about this wide.
const LETTER: f64 = 6.2;

/// Where a panel is, and its scale.
pub(super) struct Panel<'a, 'c> {
    pub(super) canvas: &'a Canvas<'c>,
    pub(super) axis: &'a Time,
    pub(super) top: i32,
    pub(super) bottom: i32,
    pub(super) scale: Scale,
}

/// How something looks in the legend.
pub(super) enum Key {
    Line(RGBColor, u32),
    Area(Ink),
    Triangle(RGBColor),
    Cross(RGBColor),
}

impl Panel<'_, '_> {
    const fn span(&self) -> (i32, i32) {
        (self.top, self.bottom)
    }

    fn y(&self, value: f64) -> i32 {
        self.scale.y(value, self.span())
    }

    /// Title, legend, grid and the labels of the value axis.
    pub(super) fn frame(
        &self,
        title: &str,
        keys: &[(&str, Key)],
        label: fn(f64) -> String,
    ) -> Result<(), String> {
        self.canvas.bold(title, (LEFT, self.top - 13), 13)?;
        self.legend(LEFT + (title.len() as f64 * 7.6) as i32 + 20, keys)?;
        for tick in self.axis.ticks() {
            if let Some(x) = self.axis.x(tick) {
                self.canvas.rectangle([(x, self.top), (x + 1, self.bottom)], Ink(BLACK, 0.07))?;
            }
        }
        for tick in self.scale.ticks() {
            let y = self.y(tick);
            self.canvas.rectangle(
                [(LEFT, y), (RIGHT, y + 1)],
                Ink(BLACK, if y == self.bottom { 0.6 } else { 0.1 }),
            )?;
            // A logarithmic axis has no zero: what is less is drawn at its foot.
            let foot = matches!(self.scale, Scale::Powers(..)) && y == self.bottom;
            let label = if foot { format!("≤ {}", label(tick)) } else { label(tick) };
            self.canvas.text(&label, (LEFT - 6, y), 12, Ink(GREY, 1.0), Align::Right)?;
        }
        Ok(())
    }

    fn legend(&self, left: i32, keys: &[(&str, Key)]) -> Result<(), String> {
        let (mut x, y) = (left, self.top - 13);
        for (name, key) in keys {
            match key {
                Key::Line(colour, width) => self.canvas.line(vec![(x, y), (x + 24, y)], *colour, *width)?,
                Key::Area(ink) => self.canvas.rectangle([(x, y - 6), (x + 24, y + 6)], *ink)?,
                Key::Triangle(colour) => self.canvas.triangle((x + 12, y), *colour)?,
                Key::Cross(colour) => self.canvas.cross((x + 12, y), *colour)?,
            }
            self.canvas.text(name, (x + 30, y), 12, Ink(BLACK, 1.0), Align::Left)?;
            x += 30 + (name.len() as f64 * LETTER) as i32 + 18;
        }
        Ok(())
    }

    pub(super) fn bars(&self, slices: &[Slice], ink: Ink, value: fn(&Slice) -> f64) -> Result<(), String> {
        let (Some(first), Some(last)) = (slices.first(), slices.last()) else { return Ok(()) };
        let mut points = vec![(first.left, self.bottom)];
        for slice in slices {
            let y = self.y(value(slice));
            if points.last().is_none_or(|(_, before)| *before != y) {
                points.push((slice.left, points.last().map_or(y, |(_, before)| *before)));
                points.push((slice.left, y));
            }
        }
        points.push((last.right, points.last().map_or(self.bottom, |(_, before)| *before)));
        points.push((last.right, self.bottom));
        self.canvas.fill(points, ink)
    }

    /// A line through the middles of the slices that have a value, broken where there is none.
    pub(super) fn curve(
        &self,
        slices: &[Slice],
        colour: RGBColor,
        width: u32,
        value: fn(&Slice) -> Option<f64>,
    ) -> Result<(), String> {
        let point = |slice: &Slice| Some(((slice.left + slice.right) / 2, self.y(value(slice)?)));
        let points: Vec<_> = slices.iter().map(point).collect();
        for part in points.split(Option::is_none) {
            let mut part: Vec<_> = part.iter().flatten().copied().collect();
            // A single point would not be seen.
            if let [only] = part.as_slice() {
                part = vec![(only.0 - 1, only.1), (only.0 + 1, only.1)];
            }
            if !part.is_empty() {
                self.canvas.line(part, colour, width)?;
            }
        }
        Ok(())
    }

    fn pixels(&self, line: &[(i32, usize)]) -> Vec<(i32, i32)> {
        line.iter().map(|(x, number)| (*x, self.y(*number as f64))).collect()
    }

    pub(super) fn trace(&self, line: &[(i32, usize)], colour: RGBColor, width: u32) -> Result<(), String> {
        self.canvas.line(self.pixels(line), colour, width)
    }

    pub(super) fn between(
        &self,
        line: &[(i32, usize)],
        back: &[(i32, usize)],
        ink: Ink,
    ) -> Result<(), String> {
        let mut points = self.pixels(line);
        points.extend(self.pixels(back));
        self.canvas.fill(points, ink)
    }

    /// One mark for each moment, as far as they can be told apart.
    pub(super) fn strip(&self, name: &str, y: i32, moments: &[Timestamp], key: &Key) -> Result<(), String> {
        self.canvas.text(name, (LEFT - 6, y), 12, Ink(GREY, 1.0), Align::Right)?;
        let mut last = i32::MIN;
        for x in moments.iter().filter_map(|at| self.axis.x(seconds(*at))) {
            if x < last.saturating_add(6) {
                continue;
            }
            last = x;
            match key {
                Key::Cross(colour) => self.canvas.cross((x, y), *colour)?,
                Key::Triangle(colour) | Key::Line(colour, _) | Key::Area(Ink(colour, _)) => {
                    self.canvas.triangle((x, y), *colour)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn target(&self, timeline: &Timeline) -> Result<(), String> {
        let target = timeline.wait_target;
        let y = self.y(target.as_secs_f64());
        let mut x = LEFT;
        while x < RIGHT {
            self.canvas.rectangle([(x, y), ((x + 10).min(RIGHT), y + 1)], Ink(BLACK, 0.9))?;
            x += 16;
        }
        let label = format!("target {}", time(target));
        self.canvas.text(&label, (RIGHT - 2, y - 8), 12, Ink(BLACK, 1.0), Align::Right)
    }

    /// Says how much the most was, above where it was.
    pub(super) fn peak(
        &self,
        timeline: &Timeline,
        value: fn(&Slice) -> f64,
        label: fn(f64) -> String,
    ) -> Result<(), String> {
        let slices = self.axis.pieces.iter().flat_map(|piece| slices(timeline, piece, 2));
        let Some(slice) = slices.max_by(|a, b| value(a).total_cmp(&value(b))) else { return Ok(()) };
        let most = value(&slice);
        if most <= 0.0 {
            return Ok(());
        }
        let x = ((slice.left + slice.right) / 2).clamp(LEFT + 20, RIGHT - 24);
        self.canvas.text(&label(most), (x, self.y(most) - 9), 12, Ink(BLACK, 1.0), Align::Centre)
    }

    /// Time left out is a blank with a slash at each side.
    pub(super) fn gap(&self) -> Result<(), String> {
        let Some(Piece { left, right, .. }) = self.axis.gap() else { return Ok(()) };
        self.canvas.rectangle([(left + 1, self.top - 1), (right - 1, self.bottom + 2)], Ink(WHITE, 1.0))?;
        for x in [left, right] {
            self.canvas.line(vec![(x - 3, self.bottom + 5), (x + 3, self.bottom - 5)], GREY, 1)?;
        }
        Ok(())
    }

    pub(super) fn time_axis(&self) -> Result<(), String> {
        for tick in self.axis.ticks() {
            if let Some(x) = self.axis.x(tick) {
                self.canvas.line(vec![(x, self.bottom), (x, self.bottom + 5)], GREY, 1)?;
                let label = if tick.fract() == 0.0 { grouped(tick) } else { format!("{tick}") };
                self.canvas.text(&label, (x, self.bottom + 14), 12, Ink(GREY, 1.0), Align::Centre)?;
            }
        }
        let mut label = "time (s)".to_owned();
        if let Some(gap) = self.axis.gap() {
            label = format!("time (s); {} s without a task are left out", grouped(gap.to - gap.from));
        }
        self.canvas.text(&label, ((LEFT + RIGHT) / 2, self.bottom + 32), 12, Ink(BLACK, 1.0), Align::Centre)
    }
}
