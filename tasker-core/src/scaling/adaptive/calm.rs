//! Patience with small surpluses.

use crate::Timestamp;

/// For how many intervals a small surplus is borne, at first and at most.
const INTERVALS: [f64; 2] = [100.0, 6_400.0];

/// Decides when a pool may become smaller.
///
/// A load at the edge of two sizes swings between them, as chance will have it. So a surplus of a few workers is borne
/// for a while after the last change, and for twice as long if what was let go the last time was soon wanted back. What
/// is clearly too much goes at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Calm {
    /// When the size changed last, and to what.
    changed: Option<(Timestamp, usize)>,
    /// The last change was a small step down.
    probed: bool,
    /// Seconds to bear a small surplus; 0 before the first change.
    patience: f64,
    /// Seconds between asks.
    pace: f64,
}

impl Calm {
    /// Whether a pool of `size` may shrink to `needed`, its load being `load` workers at most.
    pub(super) fn lets(self, now: Timestamp, size: usize, needed: usize, load: f64) -> bool {
        let sure = size - needed.min(size) > few(size) || load * 4.0 < size as f64;
        sure || self.changed.is_none_or(|(at, _)| now.saturating_since(at).as_secs_f64() >= self.patience)
    }

    /// Takes note of the size that was decided.
    pub(super) fn note(&mut self, now: Timestamp, pace: f64, size: usize) {
        if pace > 0.0 {
            self.pace = pace;
        }
        let [first, longest] = INTERVALS.map(|count| count * self.pace);
        let Some((at, before)) = self.changed else {
            self.changed = Some((now, size));
            self.patience = first;
            return;
        };
        if size == before {
            return;
        }
        let small = size.abs_diff(before) <= few(before);
        let soon = now.saturating_since(at).as_secs_f64() < 2.0 * self.patience;
        if !small {
            self.patience = first;
        } else if size > before && self.probed && soon {
            self.patience = (2.0 * self.patience).min(longest);
        }
        self.patience = self.patience.max(first);
        self.probed = small && size < before;
        self.changed = Some((now, size));
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

    /// Asked ten times a second, and at 8 workers since the beginning.
    fn at_eight() -> Calm {
        let mut calm = Calm::default();
        calm.note(at(0), 0.1, 8);
        calm
    }

    #[test]
    fn a_small_surplus_is_borne_for_a_hundred_intervals() {
        let calm = at_eight();
        assert!(!calm.lets(at(9), 8, 6, 5.0));
        assert!(calm.lets(at(10), 8, 6, 5.0));
    }

    #[test]
    fn what_is_clearly_too_much_goes_at_once() {
        let calm = at_eight();
        assert!(calm.lets(at(1), 8, 5, 4.0));
        assert!(calm.lets(at(1), 8, 7, 1.9));
    }

    #[test]
    fn who_is_wanted_back_soon_is_kept_twice_as_long() {
        let mut calm = at_eight();
        calm.note(at(10), 0.1, 7);
        calm.note(at(15), 0.1, 8);
        assert!(!calm.lets(at(34), 8, 7, 6.0));
        assert!(calm.lets(at(35), 8, 7, 6.0));
        calm.note(at(35), 0.1, 7);
        calm.note(at(36), 0.1, 20);
        assert!(calm.lets(at(46), 20, 19, 18.0), "another load, and patience begins anew");
    }

    #[test]
    fn patience_ends() {
        let mut calm = at_eight();
        for turn in 0..40 {
            calm.note(at(turn * 10), 0.1, 7 + turn as usize % 2);
        }
        assert!(calm.lets(at(390 + 640), 8, 7, 6.0));
    }
}
