//! The rate of arrivals, over as long a past as tells the same story.

use std::collections::VecDeque;

/// How far the counts of two neighbouring times may be apart, in standard deviations, and still be one rate.
const CHANGE: f64 = 4.3;
/// How far apart the rates of a shorter and a longer past may be, in standard deviations of each, for the longer to count.
const ALIKE: f64 = 1.5;
/// How sure the least rate is, in standard deviations; it makes the pool grow.
const SURE_LEAST: f64 = 1.5;
/// And the most; it keeps the pool from shrinking.
const SURE_MOST: f64 = 1.0;
/// And both, where it is asked whether the rate has changed at all.
const SURE_CHANGED: f64 = 4.0;
/// Tasks that are enough to know a rate by. Older ones are forgotten, so that a rate that drifts is followed.
const ENOUGH: f64 = 2_000.0;
/// The most pieces of the past that are kept.
const PIECES: usize = 64;

/// Counts of arrivals, the pieces of time the longer the older they are.
///
/// The idea of ADWIN (Bifet and Gavaldà, "Learning from Time-Changing Data with Adaptive Windowing", 2007): the window
/// grows while its parts agree, and loses its older part when they do not. So a steady load is known well, and a jump
/// is noticed within a few tasks.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrivals {
    /// The oldest first.
    pieces: VecDeque<Piece>,
    /// How much more counts vary than those of tasks that know nothing of each other, which is 1.
    dispersion: Dispersion,
}

/// Time in seconds, and tasks.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    time: f64,
    tasks: f64,
}

/// Tasks a second: what it may be as the least, and at most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rate {
    pub(super) least: f64,
    pub(super) mean: f64,
    pub(super) most: f64,
}

impl Arrivals {
    pub(super) fn observe(&mut self, time: f64, tasks: f64) {
        self.pieces.push_back(Piece { time, tasks });
        self.merge();
        self.forget_what_differs();
        self.forget_what_is_not_needed();
        self.dispersion.observe(self.total().rate() * time, tasks);
    }

    /// The rate, and what it may be.
    ///
    /// Each past, from the latest piece alone to all of them, has its interval of confidence. The shorter the past, the
    /// fresher and the wider it is. The rate is that of the longest past whose interval has something in common with
    /// those of all shorter ones (the intersection of confidence intervals: Goldenshluger and Nemirovski, "On spatially
    /// adaptive estimation of nonparametric regression", 1997).
    pub(super) fn rate(&self) -> Rate {
        let past = self.agreeing(ALIKE).map_or_else(Piece::default, |(past, _)| past);
        past.within(SURE_LEAST * self.scale(), SURE_MOST * self.scale())
    }

    /// Bounds so wide that a rate outside of them is another one: what the intervals of pasts have in common.
    pub(super) fn rate_surely(&self) -> Rate {
        self.agreeing(SURE_CHANGED).map_or_else(Rate::default, |(_, common)| common)
    }

    /// The longest past whose interval, of so many standard deviations to each side, has something in common with those of
    /// all shorter ones; and what they have in common.
    fn agreeing(&self, deviations: f64) -> Option<(Piece, Rate)> {
        let away = deviations * self.scale();
        let mut past = Piece::default();
        let mut longest: Option<(Piece, Rate)> = None;
        for piece in self.pieces.iter().rev() {
            past = past.plus(*piece);
            let mut common = past.within(away, away);
            if let Some((_, shorter)) = longest {
                (common.least, common.most) =
                    (common.least.max(shorter.least), common.most.min(shorter.most));
            }
            if common.least > common.most {
                break;
            }
            longest = Some((past, common));
        }
        longest
    }

    /// By how much the square root of a count varies: a half, whatever its mean (Anscombe's transform), or more if tasks
    /// come in batches.
    fn scale(&self) -> f64 {
        0.5 * self.dispersion.value().sqrt()
    }

    fn total(&self) -> Piece {
        self.pieces.iter().fold(Piece::default(), |sum, piece| sum.plus(*piece))
    }

    /// Joins neighbours that together are short against all that came after them.
    fn merge(&mut self) {
        let mut later = 0.0;
        let mut index = self.pieces.len();
        while index >= 2 {
            let (older, newer) = (self.pieces[index - 2], self.pieces[index - 1]);
            if older.time + newer.time <= later / 4.0 {
                self.pieces[index - 2] = older.plus(newer);
                self.pieces.remove(index - 1);
            } else {
                later += newer.time;
            }
            index -= 1;
        }
        while self.pieces.len() > PIECES {
            self.pieces.pop_front();
        }
    }

    /// Drops everything before the moment at which the rate changed most, if it did.
    fn forget_what_differs(&mut self) {
        let total = self.total();
        let scale = self.dispersion.value().sqrt();
        let mut newer = Piece::default();
        let (mut keep, mut furthest) = (self.pieces.len(), CHANGE);
        for (index, piece) in self.pieces.iter().enumerate().skip(1).rev() {
            newer = newer.plus(*piece);
            let distance = distance(newer, total) / scale;
            if distance > furthest {
                (keep, furthest) = (self.pieces.len() - index, distance);
            }
        }
        self.keep(keep);
    }

    fn forget_what_is_not_needed(&mut self) {
        let mut tasks = 0.0;
        let needed = self.pieces.iter().rev().take_while(|piece| {
            let go_on = tasks < ENOUGH;
            tasks += piece.tasks;
            go_on
        });
        let needed = needed.count();
        self.keep(needed);
    }

    fn keep(&mut self, newest: usize) {
        while self.pieces.len() > newest.max(1) {
            self.pieces.pop_front();
        }
    }
}

impl Piece {
    fn plus(self, other: Self) -> Self {
        Self { time: self.time + other.time, tasks: self.tasks + other.tasks }
    }

    /// The rate, and that of counts whose square roots are so far below and above.
    fn within(self, below: f64, above: f64) -> Rate {
        if self.time <= 0.0 {
            return Rate::default();
        }
        let root = (self.tasks + 0.375).sqrt();
        let (low, high) = ((root - below).max(0.0), root + above);
        let mean = self.rate();
        Rate { least: (low * low / self.time).min(mean), mean, most: (high * high / self.time).max(mean) }
    }

    fn rate(self) -> f64 {
        if self.time > 0.0 { self.tasks / self.time } else { 0.0 }
    }
}

/// How many standard deviations the tasks of a part are from the share that falls to it of the total.
fn distance(part: Piece, total: Piece) -> f64 {
    let rest = total.time - part.time;
    if rest <= 0.0 || total.tasks <= 0.0 {
        return 0.0;
    }
    let expected = total.tasks * (part.time / total.time);
    let apart = (part.tasks + 0.375).sqrt() - (expected + 0.375).sqrt();
    2.0 * apart.abs() * (total.time / rest).sqrt()
}

/// Variance over mean of the counts, exponentially forgotten over about a hundred asks. 1 for a Poisson process; tasks
/// that come in batches of ten have 10.
#[derive(Clone, Copy, Debug)]
struct Dispersion(f64);

impl Default for Dispersion {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Dispersion {
    fn value(self) -> f64 {
        self.0.max(1.0)
    }

    /// One count may not change it by much, or a jump of the load would make itself look like chance.
    fn observe(&mut self, expected: f64, tasks: f64) {
        if expected > 0.0 && expected.is_finite() {
            let apart = tasks - expected;
            let seen = (apart * apart / expected).min(9.0 * self.value());
            self.0 += (seen - self.0) / 100.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::testing::Rng;

    /// Feeds tasks with mean rates, ten asks a second.
    fn fed(rng: &mut Rng, arrivals: &mut Arrivals, rate: f64, seconds: u32) {
        for _ in 0..seconds * 10 {
            arrivals.observe(0.1, f64::from(rng.poisson(rate / 10.0)));
        }
    }

    #[test]
    fn a_steady_rate_is_known_to_about_a_tenth() {
        let mut squares = 0.0;
        for seed in 0..100 {
            let (mut rng, mut arrivals) = (Rng(seed), Arrivals::default());
            fed(&mut rng, &mut arrivals, 50.0, 60);
            let rate = arrivals.rate();
            assert!(rate.least <= rate.mean && rate.mean <= rate.most, "{rate:?}");
            squares += (rate.mean / 50.0 - 1.0).powi(2) / 100.0;
        }
        assert!(squares.sqrt() < 0.13, "off by {}", squares.sqrt());
    }

    #[test]
    fn a_jump_is_noticed_in_less_than_a_second() {
        for (seed, (before, after)) in
            (0..60).zip([(10.0, 60.0), (60.0, 200.0), (100.0, 5.0)].into_iter().cycle())
        {
            let (mut rng, mut arrivals) = (Rng(seed), Arrivals::default());
            fed(&mut rng, &mut arrivals, before, 300);
            for _ in 0..8 {
                arrivals.observe(0.1, f64::from(rng.poisson(after / 10.0)));
            }
            let rate = arrivals.rate();
            let near = rate.least * 0.7 <= after && after <= rate.most * 1.4 + 5.0;
            assert!(near, "seed {seed}: {before} to {after}: {rate:?}");
        }
    }

    #[test]
    fn batches_are_no_jumps() {
        let (mut rng, mut arrivals) = (Rng(1), Arrivals::default());
        let mut forgot = 0;
        for tick in 0..6_000 {
            let before = arrivals.total().time;
            arrivals.observe(0.1, 10.0 * f64::from(rng.poisson(0.3)));
            let lost = arrivals.total().time < before / 2.0;
            forgot += u32::from(lost && tick > 600);
        }
        assert!(forgot <= 30, "{forgot} in ten minutes");
        assert!(arrivals.dispersion.value() > 4.0, "{arrivals:?}");
    }

    #[test]
    fn an_hour_of_silence_does_not_dilute_what_follows_it() {
        let mut arrivals = Arrivals::default();
        arrivals.observe(10.0, 50.0);
        arrivals.observe(3_600.0, 0.0);
        arrivals.observe(0.1, 30.0);
        assert_eq!(arrivals.rate().mean, 300.0);
    }

    #[test]
    fn memory_stays_bounded() {
        let mut arrivals = Arrivals::default();
        for tick in 0..100_000u32 {
            arrivals.observe(f64::from(tick % 7 + 1), 0.0);
            assert!(arrivals.pieces.len() <= PIECES + 1);
        }
    }

    fn pieces(pieces: impl IntoIterator<Item = (f64, f64)>) -> Arrivals {
        let pieces = pieces.into_iter().map(|(time, tasks)| Piece { time, tasks }).collect();
        Arrivals { pieces, ..Arrivals::default() }
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    /// Counts of which three eighths are missing to a square have a whole root.
    #[test]
    fn the_interval_of_a_count_is_even_on_its_square_root() {
        let piece = Piece { time: 2.0, tasks: 100.0 - 0.375 };
        let rate = piece.within(2.0, 3.0);
        assert_eq!((rate.least, rate.mean, rate.most), (64.0 / 2.0, piece.tasks / 2.0, 169.0 / 2.0));
        assert_eq!(piece.within(11.0, 0.0).least, 0.0, "no rate is negative");
        let exact = piece.within(0.0, 0.0);
        assert_eq!((exact.least, exact.most), (exact.mean, 50.0), "the mean is never outside");
        assert_eq!(Piece { time: 0.0, tasks: 9.0 }.within(1.0, 1.0), Rate::default());
        assert_eq!(Piece { time: 0.0, tasks: 9.0 }.rate(), 0.0);
    }

    #[test]
    fn a_part_is_as_far_from_its_share_as_their_roots_are_apart() {
        let total = Piece { time: 16.0, tasks: (16.0 - 0.375) / 0.75 };
        let part = |tasks| Piece { time: 12.0, tasks };
        // A root of 4 is expected; a quarter of the time is left, so the deviation is twice as large.
        assert!(close(distance(part(25.0 - 0.375), total), 4.0));
        assert!(close(distance(part(9.0 - 0.375), total), 4.0));
        assert!(close(distance(part(16.0 - 0.375), total), 0.0));
        assert_eq!(distance(total, total), 0.0);
        assert_eq!(distance(part(0.0), Piece { tasks: 0.0, ..total }), 0.0);
    }

    #[test]
    fn the_dispersion_moves_by_a_hundredth_of_what_was_seen_and_by_no_more_than_chance_allows() {
        let after = |expected, tasks| {
            let mut dispersion = Dispersion::default();
            dispersion.observe(expected, tasks);
            dispersion.0
        };
        assert!(close(after(4.0, 8.0), 1.03), "a square of 16 over a mean of 4");
        assert!(close(after(4.0, 0.0), 1.03));
        assert!(close(after(4.0, 6.0), 1.0));
        assert!(close(after(4.0, 4.0), 0.99));
        assert!(close(after(1.0, 1_000.0), 1.08), "nine times what there was, at most");
        assert_eq!((after(0.0, 9.0), after(f64::INFINITY, 9.0), after(-1.0, 9.0)), (1.0, 1.0, 1.0));
        assert_eq!(Dispersion(0.5).value(), 1.0, "no less than by chance alone");
    }

    #[test]
    fn neighbours_are_joined_once_they_are_short_against_what_came_after_them() {
        let mut arrivals = Arrivals::default();
        for _ in 0..1_000 {
            arrivals.pieces.push_back(Piece { time: 1.0, tasks: 2.0 });
            arrivals.merge();
            let mut later = 0.0;
            for index in (1..arrivals.pieces.len()).rev() {
                let (older, newer) = (arrivals.pieces[index - 1], arrivals.pieces[index]);
                assert!(older.time + newer.time > later / 4.0, "{arrivals:?}");
                assert!(newer.time == 1.0 || newer.time <= later / 4.0, "{arrivals:?}");
                later += newer.time;
            }
        }
        let total = arrivals.total();
        assert_eq!((total.time, total.tasks), (1_000.0, 2_000.0));
    }

    #[test]
    fn what_came_before_the_greatest_change_is_forgotten() {
        let mut arrivals = pieces((0..30).map(|second| (1.0, if second < 20 { 10.0 } else { 60.0 })));
        arrivals.forget_what_differs();
        assert_eq!((arrivals.pieces.len(), arrivals.total().tasks), (10, 600.0));
        arrivals.forget_what_differs();
        assert_eq!(arrivals.pieces.len(), 10, "the rest is alike");
    }

    #[test]
    fn a_change_is_measured_by_how_much_counts_vary_anyway() {
        let mut batches = pieces([(10.0, 100.0), (10.0, 180.0)]);
        batches.dispersion = Dispersion(10.0);
        batches.forget_what_differs();
        assert_eq!(batches.pieces.len(), 2);
        batches.dispersion = Dispersion(1.0);
        batches.forget_what_differs();
        assert_eq!(batches.pieces.len(), 1);
    }

    #[test]
    fn as_much_is_kept_as_has_enough_tasks() {
        let mut arrivals = pieces([(1.0, ENOUGH / 4.0); 10]);
        arrivals.forget_what_is_not_needed();
        assert_eq!(arrivals.pieces.len(), 4);
        let mut busy = pieces([(1.0, ENOUGH), (1.0, ENOUGH * 2.0)]);
        busy.forget_what_is_not_needed();
        assert_eq!(busy.total().tasks, ENOUGH * 2.0, "the latest, however much it has");
    }

    #[test]
    fn the_rate_is_that_of_the_longest_past_that_agrees_with_all_shorter_ones() {
        let alike = pieces([(10.0, 110.0), (10.0, 90.0)]);
        assert_eq!(alike.rate().mean, 10.0);
        let changed = pieces([(10.0, 300.0), (10.0, 110.0), (10.0, 90.0)]);
        assert_eq!(changed.rate().mean, 10.0);
        // Alike again, but beyond what differs.
        let long_ago = pieces([(10.0, 1.0), (10.0, 300.0), (10.0, 110.0), (10.0, 90.0)]);
        assert_eq!(long_ago.rate().mean, 10.0);
        let rate = alike.rate();
        assert_eq!(rate, alike.total().within(SURE_LEAST / 2.0, SURE_MOST / 2.0), "a root varies by a half");
        assert_eq!(Arrivals::default().rate(), Rate::default());
    }

    #[test]
    fn a_rate_is_surely_within_all_intervals_of_the_pasts_that_agree() {
        let alike = pieces([(10.0, 150.0), (10.0, 90.0)]);
        let (latest, both) = (Piece { time: 10.0, tasks: 90.0 }, alike.total());
        let away = SURE_CHANGED / 2.0;
        let surely = alike.rate_surely();
        assert_eq!(surely.least, both.within(away, away).least, "the longer past is surer of the least");
        assert_eq!(surely.most, latest.within(away, away).most.min(both.within(away, away).most));
        let mut batches = alike.clone();
        batches.dispersion = Dispersion(4.0);
        let wider = batches.rate_surely();
        assert_eq!(wider.least, both.within(away * 2.0, away * 2.0).least);
        assert_eq!(Arrivals::default().rate_surely(), Rate::default());
    }

    #[test]
    fn the_oldest_pieces_go_where_there_would_be_too_many() {
        let halves = |count: i32| pieces((0..count).map(|age| (2f64.powi(200 - age), 1.0)));
        for (before, after) in [(63, 63), (64, 64), (65, 64), (90, 64)] {
            let mut arrivals = halves(before);
            arrivals.merge();
            assert_eq!(arrivals.pieces.len(), after);
            assert_eq!(arrivals.pieces.back().unwrap().time, 2f64.powi(201 - before), "the latest stays");
        }
    }
}
