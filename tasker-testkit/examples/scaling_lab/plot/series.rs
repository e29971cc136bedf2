//! From a timeline to what is drawn of it: no more than a pixel can show.

use tasker_testkit::lab::{Bin, Timeline, Workers};

use super::axes::{Piece, seconds};

/// Bins merged until they are wide enough to be seen.
pub(super) struct Slice {
    pub(super) left: i32,
    pub(super) right: i32,
    /// Seconds.
    pub(super) lasting: f64,
    pub(super) bin: Bin,
}

impl Slice {
    pub(super) fn rate(&self) -> f64 {
        self.bin.arrivals as f64 / self.lasting
    }

    /// The mean wait of the tasks that started, if any did.
    pub(super) fn mean_wait(&self) -> Option<f64> {
        (self.bin.starts > 0).then(|| self.bin.wait_sum.as_secs_f64() / self.bin.starts as f64)
    }

    pub(super) fn longest_wait(&self) -> Option<f64> {
        (self.bin.starts > 0).then_some(self.bin.wait_max.as_secs_f64())
    }
}

/// The most tasks that waited in each bin. The timeline has it for when tasks came; after the last one the queue is what
/// came less what started.
pub(super) fn waiting(timeline: &Timeline) -> Vec<usize> {
    let mut left = 0_u64;
    let count = |bin: &Bin| {
        let before = left;
        left = (left + bin.arrivals).saturating_sub(bin.starts);
        let carried = if bin.arrivals == 0 { before } else { left };
        bin.backlog.max(usize::try_from(carried).unwrap_or(usize::MAX))
    };
    timeline.bins.iter().map(count).collect()
}

/// The bins of a piece of the time axis, merged to slices of at least `width` pixels.
pub(super) fn slices(timeline: &Timeline, piece: &Piece, width: i32) -> Vec<Slice> {
    let lasting = timeline.bin.as_secs_f64();
    let first = (piece.from / lasting).ceil() as usize;
    let last = (piece.to / lasting).floor() as usize;
    let waiting = waiting(timeline);
    let mut slices: Vec<Slice> = Vec::new();
    for index in first..last {
        let backlog = waiting.get(index).copied().unwrap_or(0);
        let bin = Bin { backlog, ..timeline.bins.get(index).copied().unwrap_or_default() };
        let right = piece.x((index + 1) as f64 * lasting);
        match slices.last_mut() {
            Some(slice) if slice.right - slice.left < width => {
                slice.bin = merged(slice.bin, bin);
                slice.lasting += lasting;
                slice.right = right;
            }
            Some(_) | None => {
                slices.push(Slice { left: piece.x(index as f64 * lasting), right, lasting, bin });
            }
        }
    }
    slices
}

fn merged(one: Bin, other: Bin) -> Bin {
    Bin {
        arrivals: one.arrivals + other.arrivals,
        starts: one.starts + other.starts,
        backlog: one.backlog.max(other.backlog),
        wait_sum: one.wait_sum.saturating_add(other.wait_sum),
        wait_max: one.wait_max.max(other.wait_max),
    }
}

/// A number of workers over a piece of the time axis: a step line in pixels and workers. Of what changes within a pixel
/// (or three, if it changes all the time), the extremes and the last are kept.
pub(super) fn steps(timeline: &Timeline, piece: &Piece, number: fn(&Workers) -> usize) -> Vec<(i32, usize)> {
    let all = &timeline.workers;
    let begin = all.partition_point(|workers| seconds(workers.at) <= piece.from).saturating_sub(1);
    let mut line: Vec<(i32, usize)> = Vec::new();
    let mut column: Vec<usize> = Vec::new();
    let mut at = piece.left;
    let shown = all[begin..].iter().take_while(|workers| seconds(workers.at) <= piece.to);
    let dense = shown.clone().count() > 2 * usize::try_from(piece.right - piece.left).unwrap_or(0);
    for workers in shown {
        let x = piece.x(seconds(workers.at));
        let x = if dense { x - (x - piece.left) % 3 } else { x };
        if x != at {
            flush(&mut line, at, &mut column);
            at = x;
        }
        column.push(number(workers));
    }
    flush(&mut line, at, &mut column);
    if let Some(&(_, last)) = line.last() {
        line.push((piece.right, last));
    }
    straightened(line)
}

fn flush(line: &mut Vec<(i32, usize)>, x: i32, column: &mut Vec<usize>) {
    let (Some(&least), Some(&most), Some(&last)) = (column.iter().min(), column.iter().max(), column.last())
    else {
        return;
    };
    let before = line.last().map(|(_, number)| *number);
    let extremes =
        [Some(least), Some(most)].map(|extreme| extreme.filter(|e| *e != last && Some(*e) != before));
    let points = before.into_iter().chain(extremes.into_iter().flatten()).chain([last]);
    line.extend(points.map(|number| (x, number)));
    column.clear();
}

/// Without the points in the middle of level stretches.
fn straightened(line: Vec<(i32, usize)>) -> Vec<(i32, usize)> {
    let mut kept: Vec<(i32, usize)> = Vec::new();
    for point in line {
        if let [.., before, last] = kept.as_slice() {
            let level = before.1 == point.1 && last.1 == point.1;
            let upright = before.0 == point.0 && last.0 == point.0 && last.1 == point.1;
            if level || upright {
                kept.pop();
            }
        }
        kept.push(point);
    }
    kept
}
