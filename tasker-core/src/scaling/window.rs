//! The memory of the policies that look back: what a bounded time brought, and what it needed.

use std::collections::VecDeque;
use std::time::Duration;

use super::Sample;
use crate::Timestamp;
use crate::time::nanos;

/// Into how many pieces a span is cut. A window never holds more than [`STRETCH`] times as many, and two.
const SEGMENTS: u32 = 32;

/// Tasks a window should hold: over fewer, chance is mistaken for load.
const ENOUGH: f64 = 64.0;

/// How many times its span a window looks back at most, to hold [`ENOUGH`] tasks.
const STRETCH: u32 = 8;

/// How much more load a smaller size must bear: a load at the edge of two sizes would swing between them.
pub(super) const SLACK: f64 = 1.1;

/// A sliding window over samples. Constant memory: asks that come faster than the pieces are long share a piece.
///
/// It is as long as its span. If fewer than [`ENOUGH`] tasks ended in that, it reaches further back until so many did,
/// up to [`STRETCH`] times its span, unless the span saw nothing at all: what has ended is no load.
#[derive(Clone, Debug)]
pub(super) struct Window {
    span: Duration,
    last: Option<(Timestamp, Sample)>,
    /// The usual time between two asks.
    pace: Option<Duration>,
    segments: VecDeque<Segment>,
}

/// What the window saw, oldest piece to now. All zero before the second ask.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Recent {
    /// Seconds looked back.
    pub(super) elapsed: f64,
    /// Tasks that arrived.
    pub(super) arrived: f64,
    /// Tasks that ended.
    pub(super) completed: f64,
    /// Worker-seconds of execution.
    pub(super) work: f64,
    /// Task-seconds spent waiting in the queue.
    pub(super) waited: f64,
}

/// How many workers are needed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Need {
    /// By a load that was measured, in workers, and so in fractions.
    pub(super) load: f64,
    /// For reasons that can be counted.
    pub(super) least: usize,
}

impl Need {
    fn workers(self) -> usize {
        whole_workers(self.load).max(self.least)
    }

    /// What would bear more than the load: fewer than these are not let go.
    fn with_slack(self) -> usize {
        whole_workers(self.load * SLACK).max(self.least)
    }
}

#[derive(Clone, Debug)]
struct Segment {
    start: Timestamp,
    arrived: u64,
    completed: u64,
    /// Worker-seconds reported by attempts that ended, each interval limited to what the workers could have done in it.
    reported: f64,
    /// Worker-seconds by the number of busy workers seen at the asks.
    seen: f64,
    waited: f64,
    /// The most workers that were needed at an ask.
    needed: usize,
}

impl Window {
    pub(super) const fn new(span: Duration) -> Self {
        Self { span, last: None, pace: None, segments: VecDeque::new() }
    }

    pub(super) const fn span(&self) -> Duration {
        self.span
    }

    pub(super) const fn set_span(&mut self, span: Duration) {
        self.span = span;
    }

    /// Takes in a sample; `None` if no time has passed since the last one, so that nothing can be said about rates.
    pub(super) fn observe(&mut self, now: Timestamp, sample: &Sample) -> Option<Recent> {
        if self.last.as_ref().is_some_and(|(then, _)| now <= *then) {
            return None;
        }
        if let Some((then, before)) = self.last.take() {
            let began = self.began(then, &before, now);
            let segment = Segment::between(began, &before, now, sample);
            self.add(segment);
        }
        self.last = Some((now, sample.clone()));
        self.forget(now);
        Some(self.recent(now))
    }

    /// The size to answer with, given the need at this ask.
    ///
    /// Grows only for a task that waits, and to no more than twice the live workers: what is being created is seen at
    /// work before more is asked for. Shrinks to the highest need of the window, some slack included.
    pub(super) fn answer(&mut self, sample: &Sample, need: Need) -> usize {
        let size = size(sample);
        let (need, spare) = (need.workers(), need.with_slack());
        // The first ask has nothing to shrink by.
        let known = self.segments.back_mut().map_or(size, |latest| {
            latest.needed = latest.needed.max(spare);
            spare
        });
        let wanted = if need > size {
            let useful = sample.busy.saturating_add(sample.queued).min(sample.live.saturating_mul(2));
            need.min(useful).max(size)
        } else {
            let highest = self.segments.iter().map(|segment| segment.needed).fold(known, usize::max);
            highest.min(size)
        };
        wanted.max(sample.workers)
    }

    /// Since when what this ask brings may have come. An idle pool asks nobody until a task arrives, so what it brings
    /// is no older than the usual time between two asks, however long the pool had idled.
    fn began(&mut self, then: Timestamp, before: &Sample, now: Timestamp) -> Timestamp {
        let gap = now.saturating_since(then);
        let idle = before.busy == 0 && before.queued == 0 && before.delayed == 0;
        match self.pace {
            Some(pace) if idle && gap > pace * 2 => {
                Timestamp::from_nanos(now.as_nanos().saturating_sub(nanos(pace)))
            }
            Some(_) | None => {
                self.pace = if idle { self.pace } else { Some(gap) };
                then
            }
        }
    }

    fn add(&mut self, new: Segment) {
        let piece = self.span / SEGMENTS;
        match self.segments.back_mut() {
            Some(latest) if new.start.saturating_since(latest.start) < piece => latest.absorb(&new),
            Some(_) | None => self.segments.push_back(new),
        }
    }

    /// Drops pieces that began before the window. The latest stays, so that rare asks have something to go by.
    fn forget(&mut self, now: Timestamp) {
        let quiet =
            !self.segments.iter().any(|segment| segment.is_within(self.span, now) && segment.has_seen_any());
        let mut completed: f64 = self.segments.iter().map(|segment| segment.completed as f64).sum();
        while let Some(oldest) = self.segments.front().filter(|_| self.segments.len() > 1) {
            completed -= oldest.completed as f64;
            let spare =
                quiet || completed >= ENOUGH || !oldest.is_within(self.span.saturating_mul(STRETCH), now);
            if !spare || oldest.is_within(self.span, now) {
                return;
            }
            self.segments.pop_front();
        }
    }

    fn recent(&self, now: Timestamp) -> Recent {
        let Some(oldest) = self.segments.front() else {
            return Recent::default();
        };
        let mut recent =
            Recent { elapsed: now.saturating_since(oldest.start).as_secs_f64(), ..Recent::default() };
        let (mut reported, mut seen) = (0.0, 0.0);
        for segment in &self.segments {
            recent.arrived += segment.arrived as f64;
            recent.completed += segment.completed as f64;
            recent.waited += segment.waited;
            reported += segment.reported;
            seen += segment.seen;
        }
        // Reports are exact for tasks shorter than the time between asks, but come late for longer ones; the level
        // catches those, but may be in step with the short ones and miss them.
        recent.work = f64::max(reported, seen);
        recent
    }
}

/// The highest of what was wanted within a bounded time. Constant memory.
#[derive(Clone, Debug)]
pub(super) struct Highest {
    span: Duration,
    /// The oldest first, and each higher than those after it.
    peaks: VecDeque<(Timestamp, usize)>,
}

impl Highest {
    pub(super) const fn new(span: Duration) -> Self {
        Self { span, peaks: VecDeque::new() }
    }

    #[cfg(feature = "serde")]
    pub(super) const fn span(&self) -> Duration {
        self.span
    }

    pub(super) const fn set_span(&mut self, span: Duration) {
        self.span = span;
    }

    /// Takes in what is wanted now and answers with the highest. Peaks closer than the pieces are long share the time of
    /// the later one.
    pub(super) fn observe(&mut self, now: Timestamp, wanted: usize) -> usize {
        while self.peaks.front().is_some_and(|(at, _)| now.saturating_since(*at) > self.span) {
            self.peaks.pop_front();
        }
        while self.peaks.back().is_some_and(|(_, peak)| *peak <= wanted) {
            self.peaks.pop_back();
        }
        let piece = self.span / SEGMENTS;
        let soon = self.peaks.back().is_some_and(|(at, _)| now.saturating_since(*at) <= piece);
        if !soon || self.peaks.len() < 2 {
            self.peaks.push_back((now, wanted));
        }
        self.peaks.front().map_or(wanted, |(_, peak)| *peak)
    }
}

impl Segment {
    fn between(then: Timestamp, before: &Sample, now: Timestamp, sample: &Sample) -> Self {
        let seconds = now.saturating_since(then).as_secs_f64();
        let hands = before.live.max(sample.live).max(sample.busy) as f64;
        let reported = sample.busy_time.saturating_sub(before.busy_time).as_secs_f64();
        Self {
            start: then,
            arrived: sample.arrived.saturating_sub(before.arrived),
            completed: sample.completed.saturating_sub(before.completed),
            reported: reported.min(hands * seconds),
            seen: midway(before.busy, sample.busy) * seconds,
            waited: midway(before.queued, sample.queued) * seconds,
            needed: 0,
        }
    }

    fn is_within(&self, span: Duration, now: Timestamp) -> bool {
        now.saturating_since(self.start) <= span
    }

    const fn has_seen_any(&self) -> bool {
        self.arrived > 0 || self.completed > 0 || self.seen > 0.0 || self.waited > 0.0
    }

    fn absorb(&mut self, later: &Self) {
        self.arrived = self.arrived.saturating_add(later.arrived);
        self.completed = self.completed.saturating_add(later.completed);
        self.reported += later.reported;
        self.seen += later.seen;
        self.waited += later.waited;
    }
}

/// The workers the pool has or is about to have.
pub(super) const fn size(sample: &Sample) -> usize {
    sample.live.saturating_add(sample.creating)
}

/// Whole workers for a load of `load` workers; a load that rounding made a hair too large needs no extra one.
pub(super) fn whole_workers(load: f64) -> usize {
    (load * (1.0 - 1e-9)).ceil() as usize
}

fn midway(a: usize, b: usize) -> f64 {
    (a as f64 + b as f64) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::testing::at;

    const SPAN: Duration = Duration::from_secs(10);

    fn counters(arrived: u64, completed: u64, busy_millis: u64) -> Sample {
        let busy_time = Duration::from_millis(busy_millis);
        Sample { live: 4, arrived, completed, busy_time, ..Sample::default() }
    }

    #[test]
    fn adds_up_differences_over_the_window() {
        let mut window = Window::new(SPAN);
        assert_eq!(window.observe(at(0), &counters(5, 3, 100)), Some(Recent::default()));
        let recent = window.observe(at(2_000), &counters(25, 13, 1_100)).unwrap();
        assert_eq!((recent.elapsed, recent.arrived, recent.completed, recent.work), (2.0, 20.0, 10.0, 1.0));
    }

    #[test]
    fn forgets_what_is_older_than_the_window() {
        let mut window = Window::new(SPAN);
        for second in 0..=100 {
            window.observe(at(second * 1_000), &counters(second * second, second * 10, 0));
        }
        let recent = window.observe(at(100_001), &counters(10_000, 1_000, 0)).unwrap();
        assert_eq!((recent.elapsed, recent.arrived), (9.001, 10_000.0 - 91.0 * 91.0));
    }

    #[test]
    fn rare_asks_are_compared_with_the_one_before() {
        let mut window = Window::new(SPAN);
        window.observe(at(0), &counters(0, 0, 0));
        window.observe(at(60_000), &counters(60, 0, 0));
        let recent = window.observe(at(120_000), &counters(180, 0, 0)).unwrap();
        assert_eq!((recent.elapsed, recent.arrived), (60.0, 120.0));
    }

    #[test]
    fn an_idle_day_does_not_dilute_what_follows_it() {
        let mut window = Window::new(SPAN);
        window.observe(at(0), &counters(0, 0, 0));
        window.observe(at(86_400_000), &counters(10, 0, 0));
        let recent = window.observe(at(86_400_100), &counters(20, 0, 0)).unwrap();
        assert_eq!((recent.elapsed, recent.arrived), (0.1, 10.0));
    }

    #[test]
    fn a_clock_that_stands_still_says_nothing() {
        let mut window = Window::new(SPAN);
        window.observe(at(5), &counters(0, 0, 0));
        assert_eq!(window.observe(at(5), &counters(9, 9, 9)), None);
        assert_eq!(window.observe(at(4), &counters(9, 9, 9)), None);
        assert_eq!(window.observe(at(6), &counters(9, 9, 9)).unwrap().arrived, 9.0);
    }

    #[test]
    fn the_end_of_an_hour_long_task_is_not_an_hour_of_work_now() {
        let mut window = Window::new(SPAN);
        window.observe(at(0), &counters(0, 0, 0));
        window.observe(at(100), &counters(0, 0, 0));
        assert_eq!(window.observe(at(200), &counters(0, 1, 3_600_000)).unwrap().work, 0.4);
    }

    #[test]
    fn a_task_that_runs_is_work_before_it_ends() {
        let mut window = Window::new(SPAN);
        let running = Sample { busy: 3, ..counters(0, 0, 0) };
        window.observe(at(0), &running);
        assert_eq!(window.observe(at(1_000), &running).unwrap().work, 3.0);
    }

    #[test]
    fn memory_stays_bounded_however_often_it_is_asked() {
        for step in [1, 7, 100, 313_000, 5_000_000, 20_000_000_000] {
            let mut window = Window::new(Duration::from_millis(1));
            let most = (0..10_000u64).map(|i| {
                window.observe(Timestamp::from_nanos(i * step), &counters(i, i, i));
                window.segments.len()
            });
            assert!(most.max().unwrap() <= (SEGMENTS * STRETCH) as usize + 2);
        }
    }

    #[test]
    fn reaches_further_back_for_enough_tasks_while_there_are_any() {
        let mut window = Window::new(SPAN);
        let two_a_second = |second| Sample { busy: 5, ..counters(second * 2, second * 2, second * 5_000) };
        for second in 0..=60 {
            window.observe(at(second * 1_000), &two_a_second(second));
        }
        let recent = window.observe(at(61_000), &two_a_second(61)).unwrap();
        assert_eq!((recent.elapsed, recent.completed), (32.0, 64.0));
        let over =
            |second: u64| window.observe(at(second * 1_000), &counters(122, 122, 305_000)).unwrap().arrived;
        let left: Vec<f64> = (62..=80).map(over).collect();
        assert_eq!(
            (left[0], left[9], left[18]),
            (64.0, 64.0, 0.0),
            "nothing within the span, nothing before it"
        );
    }

    #[test]
    fn reaches_no_further_back_than_eight_spans() {
        let mut window = Window::new(SPAN);
        let rare = |second| Sample { busy: 5, ..counters(second / 20, second / 20, second * 5_000) };
        for second in 0..=600 {
            window.observe(at(second * 1_000), &rare(second));
        }
        assert_eq!(window.observe(at(601_000), &rare(601)).unwrap().elapsed, 80.0);
    }

    #[test]
    fn what_follows_an_idle_hour_is_as_fresh_as_after_a_second() {
        let after = |idle: u64| {
            let mut window = Window::new(SPAN);
            let busy = Sample { busy: 1, ..counters(1, 0, 0) };
            window.observe(at(0), &busy);
            window.observe(at(100), &busy);
            window.observe(at(200), &counters(1, 1, 100));
            let burst = Sample { busy: 4, queued: 40, ..counters(45, 1, 100) };
            window.observe(at(200 + idle), &burst).unwrap()
        };
        let hour = after(3_600_000);
        assert_eq!((hour.elapsed, hour.arrived), (0.1, 44.0));
        assert!(after(1_000).arrived >= 44.0);
    }

    #[test]
    fn whole_workers_forgives_rounding() {
        assert_eq!(whole_workers(0.1 / 0.7 * 7.0 * 3.0), 3);
        assert_eq!(whole_workers(3.01), 4);
        assert_eq!(whole_workers(0.0), 0);
        assert_eq!(whole_workers(f64::NAN), 0);
        assert_eq!(whole_workers(f64::INFINITY), usize::MAX);
    }

    #[test]
    fn a_need_is_met_by_whole_workers_and_left_only_with_slack() {
        let need = Need { load: 10.0, least: 3 };
        assert_eq!((need.workers(), need.with_slack()), (10, 11));
        let counted = Need { load: 2.0, least: 5 };
        assert_eq!((counted.workers(), counted.with_slack()), (5, 5));
    }

    #[test]
    fn the_highest_is_remembered_for_a_span() {
        let mut highest = Highest::new(SPAN);
        let asks = [(0, 5), (1, 9), (2, 3), (11, 2), (12, 1), (13, 1), (21, 1), (22, 1)];
        let seen = asks.map(|(second, wanted)| highest.observe(at(second * 1_000), wanted));
        assert_eq!(seen, [5, 9, 9, 9, 3, 2, 2, 1]);
    }

    #[test]
    fn of_what_is_wanted_close_together_the_highest_lasts_for_a_span() {
        let mut highest = Highest::new(SPAN);
        // A piece is 312.5 ms.
        for (millis, wanted) in [(0, 9), (100, 8), (200, 7), (300, 6)] {
            assert_eq!(highest.observe(at(millis), wanted), 9);
        }
        assert_eq!(highest.peaks.len(), 2, "they share a place but for the first");
        assert_eq!(highest.observe(at(10_000), 1), 9);
        assert_eq!(highest.observe(at(10_050), 1), 8);
        let most = (0..100_000).map(|tick| {
            highest.observe(at(20_000 + tick), 100_000 - tick as usize);
            highest.peaks.len()
        });
        assert!(most.max().unwrap() <= SEGMENTS as usize + 2);
    }

    /// Asked each second while busy; then, after a pause, once more.
    fn elapsed_after(pause: u64, before_it: Sample) -> f64 {
        let mut window = Window::new(SPAN);
        let busy = Sample { busy: 1, ..counters(0, 0, 0) };
        window.observe(at(0), &busy);
        window.observe(at(1_000), &busy);
        window.observe(at(2_000), &before_it);
        window.segments.clear();
        window.observe(at(2_000 + pause), &busy).unwrap().elapsed
    }

    #[test]
    fn what_follows_a_pause_is_no_older_than_usual_if_the_pool_was_idle() {
        let idle = counters(0, 0, 0);
        assert_eq!(elapsed_after(1_500, idle.clone()), 1.5, "that is no pause");
        assert_eq!(elapsed_after(2_000, idle.clone()), 2.0, "nor is twice as long as usual");
        assert_eq!(elapsed_after(2_001, idle.clone()), 1.0);
        let at_work = [
            Sample { busy: 1, ..idle.clone() },
            Sample { queued: 1, ..idle.clone() },
            Sample { delayed: 1, ..idle },
        ];
        for before_it in at_work {
            assert_eq!(elapsed_after(5_000, before_it), 5.0);
        }
    }

    #[test]
    fn levels_count_for_as_long_as_they_were_seen() {
        let mut window = Window::new(SPAN);
        window.observe(at(0), &Sample { busy: 2, queued: 10, ..counters(0, 0, 0) });
        let recent = window.observe(at(4_000), &Sample { busy: 4, queued: 20, ..counters(0, 0, 0) }).unwrap();
        assert_eq!((recent.work, recent.waited), (12.0, 60.0));
    }

    fn segment() -> Segment {
        Segment { start: at(0), arrived: 0, completed: 0, reported: 0.0, seen: 0.0, waited: 0.0, needed: 0 }
    }

    #[test]
    fn a_piece_has_seen_something_if_anything_came_ran_waited_or_ended() {
        assert!(!segment().has_seen_any());
        let seen = [
            Segment { arrived: 1, ..segment() },
            Segment { completed: 1, ..segment() },
            Segment { seen: 0.5, ..segment() },
            Segment { waited: 0.5, ..segment() },
        ];
        assert!(seen.iter().all(Segment::has_seen_any));
    }

    #[test]
    fn a_piece_that_takes_in_another_has_seen_what_both_have() {
        let later = Segment { arrived: 1, completed: 2, reported: 3.0, seen: 4.0, waited: 5.0, ..segment() };
        let mut both =
            Segment { arrived: 10, completed: 20, reported: 30.0, seen: 40.0, waited: 50.0, ..segment() };
        both.absorb(&later);
        assert_eq!((both.arrived, both.completed), (11, 22));
        assert_eq!((both.reported, both.seen, both.waited), (33.0, 44.0, 55.0));
    }

    #[test]
    fn asks_that_are_a_piece_apart_have_one_each() {
        let mut window = Window::new(SPAN);
        let piece = nanos(SPAN / SEGMENTS);
        (0..4).for_each(|i| _ = window.observe(Timestamp::from_nanos(i * piece), &counters(i, i, 0)));
        assert_eq!(window.segments.len(), 3);
        window.observe(Timestamp::from_nanos(3 * piece + 1), &counters(4, 4, 0));
        window.observe(Timestamp::from_nanos(3 * piece + 2), &counters(5, 5, 0));
        assert_eq!(window.segments.len(), 4, "those that come faster share one");
    }
}
