//! From time and values to pixels.

use tasker_core::Timestamp;
use tasker_testkit::lab::{Bin, Timeline};

/// The gap that stands for a stretch of time left out, in pixels.
const GAP: i32 = 40;
/// A stretch without a task is left out if it is more than this share of the whole.
const LONG: f64 = 0.4;

/// A stretch of time and where it is drawn.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) left: i32,
    pub(super) right: i32,
}

/// The time axis, in seconds: one piece, or two with a long idle stretch left out between them.
pub(super) struct Time {
    pub(super) pieces: Vec<Piece>,
}

impl Time {
    pub(super) fn of(timeline: &Timeline, (left, right): (i32, i32)) -> Self {
        let end = seconds(timeline.end).max(1e-9);
        let Some((from, to)) = idle(timeline).filter(|(from, to)| to - from > LONG * end) else {
            return Self { pieces: vec![Piece { from: 0.0, to: end, left, right }] };
        };
        // Some of the idleness stays, to be seen.
        let rest = 0.12 * (end - (to - from));
        let (from, to) = (from + rest, to - rest);
        let scale = f64::from(right - left - GAP) / (end - (to - from));
        let middle = left + (from * scale) as i32;
        let first = Piece { from: 0.0, to: from, left, right: middle };
        Self { pieces: vec![first, Piece { from: to, to: end, left: middle + GAP, right }] }
    }

    /// Where a moment is drawn, if it is.
    pub(super) fn x(&self, at: f64) -> Option<i32> {
        self.pieces.iter().find(|piece| piece.from <= at && at <= piece.to).map(|piece| piece.x(at))
    }

    /// What was left out, and where.
    pub(super) fn gap(&self) -> Option<Piece> {
        let [first, second] = self.pieces.as_slice() else { return None };
        Some(Piece { from: first.to, to: second.from, left: first.right, right: second.left })
    }

    /// Round moments, not too close to each other.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let shown: f64 = self.pieces.iter().map(|piece| piece.to - piece.from).sum();
        let pixels: i32 = self.pieces.iter().map(|piece| piece.right - piece.left).sum();
        let least = shown * 75.0 / f64::from(pixels.max(1));
        let round = [
            0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0,
            120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 21_600.0, 43_200.0,
        ];
        let step = round.into_iter().find(|step| *step >= least).unwrap_or_else(|| nice(least));
        let of = |piece: &Piece| {
            let (first, last) = ((piece.from / step).ceil() as i64, (piece.to / step).floor() as i64);
            (first..=last).map(move |count| count as f64 * step)
        };
        self.pieces.iter().flat_map(of).collect()
    }
}

impl Piece {
    pub(super) fn x(&self, at: f64) -> i32 {
        let share = ((at - self.from) / (self.to - self.from).max(1e-12)).clamp(0.0, 1.0);
        self.left + (share * f64::from(self.right - self.left)).round() as i32
    }
}

/// The longest stretch in which nothing arrives, waits or starts.
fn idle(timeline: &Timeline) -> Option<(f64, f64)> {
    let bin = timeline.bin.as_secs_f64();
    let busy = |bin: &Bin| bin.arrivals > 0 || bin.starts > 0 || bin.backlog > 0;
    let busy = timeline.bins.iter().enumerate().filter(|(_, bin)| busy(bin)).map(|(index, _)| index);
    let starts = busy.clone().skip(1);
    busy.zip(starts)
        .map(|(before, after)| ((before + 1) as f64 * bin, after as f64 * bin))
        .max_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)))
}

/// The value axis of a panel.
#[derive(Clone, Copy)]
pub(super) enum Scale {
    /// From 0 up to this.
    Linear(f64),
    /// Between two powers of ten; what is less is drawn at the bottom.
    Powers(i32, i32),
}

impl Scale {
    /// A linear scale with room for this value.
    pub(super) fn linear(most: f64) -> Self {
        let step = nice(most.max(1e-9) / 4.0);
        Self::Linear((most.max(1e-9) / step).ceil() * step)
    }

    /// A logarithmic scale for these values, both above zero.
    pub(super) fn powers(least: f64, most: f64) -> Self {
        let low = least.log10().floor() as i32;
        Self::Powers(low, (most.log10().ceil() as i32).max(low + 1))
    }

    pub(super) fn y(self, value: f64, (top, bottom): (i32, i32)) -> i32 {
        let share = match self {
            Self::Linear(most) => value / most,
            Self::Powers(low, high) => (value.max(1e-12).log10() - f64::from(low)) / f64::from(high - low),
        };
        bottom - (share.clamp(0.0, 1.0) * f64::from(bottom - top)).round() as i32
    }

    pub(super) fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear(most) => {
                let step = nice(most / 4.0);
                (0..).map(|count| f64::from(count) * step).take_while(|tick| *tick <= most * 1.001).collect()
            }
            Self::Powers(low, high) => (low..=high).map(|power| 10_f64.powi(power)).collect(),
        }
    }
}

/// The least of 1, 2 or 5 times a power of ten that is not less.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].into_iter().find(|round| round * power >= value * 0.999_999);
    round.unwrap_or(10.0) * power
}

pub(super) fn seconds(at: Timestamp) -> f64 {
    at.saturating_since(Timestamp::ZERO).as_secs_f64()
}
