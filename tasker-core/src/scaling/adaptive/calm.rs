//! Patience with what chance brings.

use crate::Timestamp;

/// For how many intervals the size rests after a change, and how many it may come to where chance went back and forth.
const INTERVALS: [f64; 2] = [64.0, 6_400.0];

/// The least and the most workers that the load may keep busy.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    pub(super) least: f64,
    pub(super) most: f64,
}

/// Decides when a pool may change its size.
///
/// A load at the edge of two sizes swings between them, as chance will have it. So after a change the size rests, but
/// for what chance can hardly have brought: a change by more than a few workers when the load is surely another one
/// than at the last change, or by a third of the size in the direction that it took before. After the rest a change by
/// a few workers waits on, if those before it were taken back: each time one was, for twice as long.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Calm {
    last: Option<Change>,
    /// Seconds to bear a small surplus or need; 0 before the first change.
    patience: f64,
    /// Seconds between asks.
    pace: f64,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    at: Timestamp,
    /// What it was changed to.
    size: usize,
    /// The load at that moment.
    load: Bounds,
    /// `None` for the size that the pool began with.
    direction: Option<Direction>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Calm {
    /// Whether a pool of `size` may change to `wanted`, its load being what it is.
    pub(super) fn lets(&self, now: Timestamp, size: usize, wanted: usize, load: Bounds) -> bool {
        let Some(last) = self.last.filter(|last| last.direction.is_some()) else { return true };
        let direction = Direction::of(size, wanted);
        let changed = last.load.differs(load, direction);
        let fell_far = direction == Direction::Down && load.most * 4.0 < size as f64;
        let apart = wanted.abs_diff(size);
        let large = apart > few(size);
        if last.is_over(now, self.rest()) {
            return large || changed || fell_far || last.is_over(now, self.patience);
        }
        let goes_on = last.direction == Some(direction) && apart > size / 3;
        large && (changed || goes_on) || fell_far && changed
    }

    /// Whether the size rests, as nothing says that the load is more than at the last change.
    pub(super) fn rests(&self, now: Timestamp, load: Bounds) -> bool {
        self.last.is_some_and(|last| {
            let changed = last.load.differs(load, Direction::Up);
            last.direction.is_some() && !changed && !last.is_over(now, self.rest())
        })
    }

    /// Takes note of the size that was decided, and what it was before.
    pub(super) fn note(&mut self, now: Timestamp, pace: f64, before: usize, size: usize, load: Bounds) {
        if pace > 0.0 {
            self.pace = pace;
        }
        let first = Change { at: now, size, load, direction: None };
        let last = *self.last.get_or_insert(Change { size: before, ..first });
        if size != last.size {
            let direction = Direction::of(last.size, size);
            self.learn(now, last, size, direction);
            self.last = Some(Change { direction: Some(direction), ..first });
        }
        self.patience = self.patience.max(self.rest());
    }

    fn learn(&mut self, now: Timestamp, last: Change, size: usize, direction: Direction) {
        let small = size.abs_diff(last.size) <= few(last.size);
        let soon = !last.is_over(now, 2.0 * self.patience);
        let back = last.direction.is_some_and(|before| before != direction);
        if !small {
            self.patience = 0.0;
        } else if soon && !back {
            self.patience *= 0.5;
        } else if soon && direction == Direction::Up {
            self.patience = (2.0 * self.patience).min(INTERVALS[1] * self.pace);
        }
    }

    fn rest(&self) -> f64 {
        INTERVALS[0] * self.pace
    }
}

impl Bounds {
    /// Whether a later load is surely more, or less.
    fn differs(self, later: Self, direction: Direction) -> bool {
        match direction {
            Direction::Up => later.least > self.most,
            Direction::Down => later.most < self.least,
        }
    }
}

impl Change {
    fn is_over(&self, now: Timestamp, seconds: f64) -> bool {
        now.saturating_since(self.at).as_secs_f64() >= seconds
    }
}

impl Direction {
    fn of(before: usize, after: usize) -> Self {
        if after > before { Self::Up } else { Self::Down }
    }
}

/// So many workers that chance may be behind it.
const fn few(size: usize) -> usize {
    1 + size / 8
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::ZERO.saturating_add(Duration::from_secs(seconds))
    }

    const fn load(least: f64, most: f64) -> Bounds {
        Bounds { least, most }
    }

    const SAME: Bounds = load(5.0, 7.0);

    /// Asked once a second, at 9 workers since the beginning, and at 8 since second 100.
    fn at_eight() -> Calm {
        let mut calm = Calm::default();
        calm.note(at(0), 1.0, 9, 9, SAME);
        calm.note(at(100), 1.0, 9, 8, SAME);
        calm
    }

    #[test]
    fn after_a_change_the_size_rests() {
        let calm = at_eight();
        assert!(!calm.lets(at(163), 8, 7, SAME));
        assert!(!calm.lets(at(163), 8, 16, SAME));
        assert!(calm.lets(at(164), 8, 7, SAME));
        assert!(calm.lets(at(164), 8, 9, SAME));
        assert!(calm.rests(at(163), SAME) && !calm.rests(at(164), SAME));
    }

    #[test]
    fn another_load_is_followed_at_once() {
        let calm = at_eight();
        assert!(calm.lets(at(101), 8, 12, load(7.1, 20.0)));
        assert!(!calm.lets(at(101), 8, 9, load(7.1, 20.0)), "but for a few workers");
        assert!(calm.lets(at(101), 8, 5, load(0.0, 4.9)));
        assert!(calm.lets(at(101), 8, 7, load(0.0, 1.9)), "it fell far");
        assert!(!calm.rests(at(101), load(7.1, 20.0)));
    }

    #[test]
    fn large_changes_in_one_direction_follow_each_other() {
        let calm = at_eight();
        assert!(calm.lets(at(101), 8, 5, SAME));
        assert!(!calm.lets(at(101), 9, 6, SAME));
    }

    #[test]
    fn who_is_wanted_back_soon_is_kept_twice_as_long() {
        let mut calm = at_eight();
        calm.note(at(170), 1.0, 8, 9, SAME);
        assert!(!calm.lets(at(297), 9, 8, SAME));
        assert!(calm.lets(at(298), 9, 8, SAME));
        calm.note(at(298), 1.0, 9, 20, SAME);
        assert!(calm.lets(at(362), 20, 19, SAME), "another load, and patience begins anew");
    }

    #[test]
    fn patience_ends() {
        let mut calm = at_eight();
        for turn in 1..=40 {
            let size = 8 + turn as usize % 2;
            calm.note(at(100 + turn * 64), 1.0, 17 - size, size, SAME);
        }
        assert!(calm.lets(at(100 + 40 * 64 + 6_400), 8, 7, SAME));
    }

    #[test]
    fn a_load_that_only_touches_the_last_one_is_no_other() {
        let calm = at_eight();
        assert!(!calm.lets(at(101), 8, 16, load(7.0, 20.0)) && calm.rests(at(101), load(7.0, 20.0)));
        let grown = twice_as_patient(SAME);
        assert!(!grown.lets(at(180), 9, 6, load(0.0, 5.0)) && grown.lets(at(180), 9, 6, load(0.0, 4.9)));
    }

    #[test]
    fn a_few_workers_are_up_to_an_eighth_and_one() {
        let (calm, more) = (at_eight(), load(7.1, 20.0));
        assert!(!calm.lets(at(101), 8, 10, more) && calm.lets(at(101), 8, 11, more));
        assert_eq!([1, 7, 8, 16].map(few), [1, 1, 2, 3]);
    }

    #[test]
    fn a_load_fell_far_below_a_quarter_of_the_size() {
        let calm = at_eight();
        assert!(calm.lets(at(101), 8, 7, load(0.0, 1.9)));
        assert!(!calm.lets(at(101), 8, 7, load(0.0, 2.0)) && !calm.lets(at(101), 8, 7, load(0.0, 3.0)));
    }

    /// Wanted back soon after it was let go: the next is kept for 128 seconds, the first 64 of them at rest.
    fn twice_as_patient(load: Bounds) -> Calm {
        let mut calm = at_eight();
        calm.note(at(170), 1.0, 8, 9, load);
        calm
    }

    #[test]
    fn after_the_rest_a_large_change_another_load_or_one_that_fell_far_waits_for_no_patience() {
        let calm = twice_as_patient(SAME);
        assert!(!calm.lets(at(240), 9, 8, SAME));
        assert!(calm.lets(at(240), 9, 5, SAME), "large");
        assert!(calm.lets(at(240), 9, 8, load(0.0, 4.9)), "another load");
        let idle = load(0.0, 2.0);
        assert!(twice_as_patient(idle).lets(at(240), 9, 8, idle), "far below, and no other than before");
        assert!(!twice_as_patient(idle).lets(at(200), 9, 8, idle), "but not while it rests");
    }

    #[test]
    fn an_ask_that_no_time_has_passed_for_says_nothing_of_the_pace() {
        let mut calm = at_eight();
        calm.note(at(100), 0.0, 8, 8, SAME);
        assert!(!calm.lets(at(163), 8, 16, SAME) && calm.lets(at(164), 8, 16, SAME));
    }

    #[test]
    fn the_first_decision_may_be_a_change() {
        let mut calm = Calm::default();
        calm.note(at(0), 1.0, 9, 8, SAME);
        assert!(calm.rests(at(63), SAME) && !calm.rests(at(64), SAME));
    }

    #[test]
    fn patience_lasts_for_so_many_intervals_whatever_their_length() {
        let mut calm = Calm::default();
        for turn in 0..60 {
            let size = 8 + turn as usize % 2;
            calm.note(at(turn * 32), 0.5, 17 - size, size, SAME);
        }
        assert_eq!(calm.patience, 0.5 * INTERVALS[1]);
    }

    #[test]
    fn patience_is_halved_by_who_is_not_wanted_back_and_kept_after_a_long_time() {
        let patience = |seconds: u64, size| {
            let mut calm = at_eight();
            calm.note(at(170), 1.0, 8, 9, SAME);
            assert_eq!(calm.patience, 128.0);
            calm.note(at(170 + seconds), 1.0, 9, size, SAME);
            calm.patience
        };
        assert_eq!(patience(200, 10), 64.0, "further up within twice the patience");
        assert_eq!(patience(256, 10), 128.0, "that was long ago");
        assert_eq!(
            (patience(200, 8), patience(256, 8)),
            (128.0, 128.0),
            "let go again, and not wanted back yet"
        );
    }
}
