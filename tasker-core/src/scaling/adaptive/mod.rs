//! The policy that needs no tuning.

mod arrivals;
mod calm;
mod learned;
mod staffing;

use std::time::Duration;

use super::window::{Highest, size, whole_workers};
use super::{Sample, ScalingPolicy};
use crate::{InvalidConfig, Timestamp};
use arrivals::{Arrivals, Rate};
use calm::{Bounds, Calm};
use learned::{Creation, Service};
use staffing::{LATE, chance, staff};

/// The least wait target, in seconds, unless one is given.
const LEAST_TARGET: f64 = 0.1;
/// The share of the wait target that the size is reckoned with: tasks may vary more than Erlang's formula supposes.
const CAUTION: f64 = 0.7;
/// The share of the wait target from which on a queue is cleared by more workers: those that come must find it in time.
const EARLY: f64 = 0.5;
/// How much more load the size that is kept must bear.
const SLACK: f64 = 1.05;
/// In what share of looks chance may bring a queue that counts for more than chance; and while the size rests.
const RARE: [f64; 2] = [1e-2, 1e-4];
/// Creations that failed in a row, after which the pool does not grow.
const FAILING: u32 = 3;
/// How long a worker is kept that may be needed again: so many creation times, and at least so many seconds.
const KEEP: [f64; 2] = [1.2, 0.5];
/// What a worker costs beside its work: a creation time before it is ready and one when it is no longer needed; and at
/// least so many seconds.
const WASTE: [f64; 2] = [2.0, 0.5];

/// Follows the load without being told anything about it.
///
/// It learns from samples how often tasks arrive, how long they take, and how long creating a worker takes, and sizes
/// the pool so that workers and late tasks together cost least:
/// - *The load*: arrival rate times execution time, the mean number of busy workers if nobody had to wait. The rate is
///   taken over as long a past as tells one story: a jump is noticed within a few tasks and ends the past, a steady
///   load is known to about a tenth.
/// - *The size for it*: one more worker as long as it saves more tasks from being late than it is worth, a late task
///   counting for ten times its execution time. So many are late by Erlang's formula. This is the square-root rule:
///   the more workers, the smaller the share that must be spare; and the longer tasks may wait, the fewer.
/// - *A queue* that would still be more than half the wait target long when a worker created now is ready gets workers
///   of its own, if chance alone would hardly bring it: many, where many more tasks would be late behind it, few, where
///   creating takes long.
///
/// What keeps it calm:
/// - it grows only while tasks wait, never beyond the number of tasks, and for the load only as far as it is sure of;
/// - it shrinks only when no task waits, to what the load may be at most, and a twentieth more than it had been during
///   the last creation time (at least half a second), never below the workers that are busy;
/// - after a change the size rests for 64 intervals, but for what chance can hardly have brought: a change by more than
///   a few workers for a load whose interval of confidence, of four standard deviations to each side, has nothing in
///   common with that at the last change, or by a third of the size in the same direction;
/// - a queue counts for more than chance if that brings it in no more than a hundredth of looks, while the size rests
///   in a ten-thousandth;
/// - it waits twice as long before the next change by a few workers each time chance wanted back who was let go;
/// - workers that are being created are let be: the pool does not shrink on account of those that are not ready;
/// - until it has seen a creation it at most doubles the pool;
/// - after three creations in a row failed it asks for one worker more than there are, to try, and no more.
///
/// After the last task the pool is back at its base within about ten mean execution times and one and a half creation
/// times, and no sooner than in half a second. After an idle hour a burst is met as fast as after a second.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | [`wait_target`](Self::wait_target) | the mean execution time, at least 100 ms | how long a task should wait at most |
///
/// Memory is constant, about 3 KiB. It uses no function whose result depends on the machine, so the same samples give
/// the same answers everywhere.
///
/// Sources: the staffing that balances the cost of servers and of waiting, and the square-root rule: Borst, Mandelbaum
/// and Reiman, "Dimensioning Large Call Centers", Operations Research 52:1, 2004, with the formula of A. K. Erlang,
/// 1917; the adaptive window: Bifet and Gavaldà, "Learning from Time-Changing Data with Adaptive Windowing", 2007;
/// keeping what it costs as much to have again: the ski-rental problem, Karlin, Manasse, Rudolph and Sleator,
/// "Competitive Snoopy Caching", Algorithmica 3, 1988.
///
/// ```
/// use std::time::Duration;
/// use tasker_core::Timestamp;
/// use tasker_core::scaling::{Adaptive, Sample, ScalingPolicy};
///
/// let mut policy = Adaptive::new().wait_target(Duration::from_millis(200));
/// let mut sample = Sample::default();
/// (sample.workers, sample.max_workers, sample.live, sample.busy) = (4, 48, 4, 3);
/// (sample.created, sample.create_time) = (4, Duration::from_secs(4));
///
/// // Thirty tasks of 100 ms a second, for ten seconds: three of four workers busy.
/// let mut now = Timestamp::ZERO;
/// for _ in 0..100 {
///     assert_eq!(policy.desired(now, &sample), 4);
///     now = now.saturating_add(Duration::from_millis(100));
///     (sample.arrived, sample.completed) = (sample.arrived + 3, sample.completed + 3);
///     sample.busy_time += Duration::from_millis(300);
/// }
///
/// // Then ten times as many come within one interval, and most of them have to wait.
/// (sample.arrived, sample.completed) = (sample.arrived + 30, sample.completed + 4);
/// (sample.busy, sample.queued) = (4, 25);
/// sample.busy_time += Duration::from_millis(400);
/// assert!(policy.desired(now, &sample) > 20);
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Adaptive {
    wait_target: Option<Duration>,
    #[cfg_attr(feature = "serde", serde(skip))]
    last: Option<(Timestamp, Sample)>,
    /// Seconds between asks while there is work.
    #[cfg_attr(feature = "serde", serde(skip))]
    pace: f64,
    #[cfg_attr(feature = "serde", serde(skip))]
    arrivals: Arrivals,
    #[cfg_attr(feature = "serde", serde(skip))]
    service: Service,
    #[cfg_attr(feature = "serde", serde(skip))]
    creation: Creation,
    /// What was needed lately.
    #[cfg_attr(feature = "serde", serde(skip))]
    needed: Highest,
    #[cfg_attr(feature = "serde", serde(skip))]
    calm: Calm,
    /// What was last decided.
    #[cfg_attr(feature = "serde", serde(skip))]
    held: usize,
}

/// What one ask has to go by; times in seconds, load in workers.
#[derive(Clone, Copy, Debug)]
struct View {
    rate: Rate,
    /// The load, and how far from it chance alone does not come.
    load: Bounds,
    service: f64,
    target: f64,
    creation: f64,
    size: usize,
}

impl Adaptive {
    /// The policy, knowing nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            wait_target: None,
            last: None,
            pace: 0.0,
            arrivals: Arrivals::default(),
            service: Service::default(),
            creation: Creation::default(),
            needed: Highest::new(Duration::ZERO),
            calm: Calm::default(),
            held: 0,
        }
    }

    /// How long a task should wait at most. Must not be zero. Default: the mean execution time, at least 100 ms.
    #[must_use]
    pub const fn wait_target(mut self, target: Duration) -> Self {
        self.wait_target = Some(target);
        self
    }

    fn learn(&mut self, now: Timestamp, sample: &Sample) {
        match &self.last {
            None => {
                self.service.begin(sample);
                self.creation.observe(&Sample::default(), sample);
            }
            Some((then, before)) => {
                let time = now.saturating_since(*then).as_secs_f64();
                let tasks = sample.arrived.saturating_sub(before.arrived) as f64;
                self.service.observe(time, before, sample);
                self.creation.observe(before, sample);
                let idle = before.busy == 0 && before.queued == 0 && before.delayed == 0;
                if idle && self.pace > 0.0 && time > 2.0 * self.pace {
                    // Nobody asks while the pool is idle; the tasks came after that.
                    self.arrivals.observe(time - self.pace, 0.0);
                    self.arrivals.observe(self.pace, tasks);
                } else {
                    self.arrivals.observe(time, tasks);
                    self.pace = time;
                }
            }
        }
    }

    fn view(&self, sample: &Sample) -> Option<View> {
        let service = self.service.mean(sample.busy)?;
        let target = self.wait_target.map_or_else(|| service.max(LEAST_TARGET), |t| t.as_secs_f64());
        let surely = self.arrivals.rate_surely();
        let load = Bounds { least: surely.least * service, most: surely.most * service };
        let (rate, size) = (self.arrivals.rate(), self.size(sample));
        Some(View { rate, load, service, target, creation: self.creation.mean(), size })
    }

    /// The size as it is meant to be, whether or not all of these workers are there.
    fn size(&self, sample: &Sample) -> usize {
        let size = if self.last.is_some() { self.held } else { size(sample) };
        size.min(sample.max_workers).max(sample.workers)
    }

    /// How long a worker that may not be needed is kept, since creating it again has its price, too.
    fn hold(&self) -> Duration {
        let [times, least] = KEEP;
        Duration::try_from_secs_f64((times * self.creation.mean()).max(least)).unwrap_or(Duration::MAX)
    }

    fn decide(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let Some(view) = self.view(sample) else {
            return self.size(sample);
        };
        self.needed.set_span(self.hold());
        let needed = self.needed.observe(now, view.staff(view.rate.mean * SLACK, sample));
        let needed = needed.max(view.staff(view.rate.most, sample)).max(sample.busy).max(sample.workers);
        let wanted = if sample.queued > 0 {
            self.grown(now, sample, &view)
        } else if sample.live > needed || sample.creating == 0 {
            needed.min(view.size)
        } else {
            // Those still being created replace some who are there only once they are ready.
            view.size
        };
        let may = wanted != view.size && self.calm.lets(now, view.size, wanted, view.load);
        let size = if may { wanted } else { view.size };
        self.calm.note(now, self.pace, view.size, size, view.load);
        size
    }

    /// The size for the load and for the tasks that wait.
    fn grown(&self, now: Timestamp, sample: &Sample, view: &View) -> usize {
        let [usual, resting] = RARE;
        let rare = if self.calm.rests(now, view.load) { resting } else { usual };
        let wanted = view.staff(view.rate.least, sample).max(view.clearing(sample, rare));
        let mut useful = sample.busy.saturating_add(sample.queued);
        if !self.creation.is_known() {
            useful = useful.min(sample.live.saturating_mul(2));
        }
        wanted.min(useful).max(view.size).min(sample.max_workers)
    }
}

impl View {
    fn staff(&self, rate: f64, sample: &Sample) -> usize {
        staff(rate * self.service, CAUTION * self.target / self.service, sample.max_workers)
    }

    /// Workers that clear the queue, if it is more than waits within the target and than chance brings.
    fn clearing(&self, sample: &Sample, rare: f64) -> usize {
        let load = (self.rate.mean * self.service).max(0.0);
        let hands = sample.live as f64 + sample.creating as f64 / 2.0;
        // What will wait when a worker whose creation begins now is ready.
        let waiting = sample.queued as f64 * self.service + (load - hands) * self.creation;
        let soon_done = waiting <= self.size as f64 * self.target * EARLY;
        if soon_done || sample.queued as f64 <= chance(self.size, load, rare) {
            return 0;
        }
        let [times, least] = WASTE;
        let price = (times * self.creation).max(least);
        let worth = (LATE * load.max(sample.busy as f64) * waiting / price).sqrt();
        whole_workers(load + worth.min(waiting / self.target))
    }
}

impl Default for Adaptive {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalingPolicy for Adaptive {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        if self.last.as_ref().is_some_and(|(then, _)| now <= *then) {
            return self.size(sample).max(sample.workers);
        }
        self.learn(now, sample);
        self.held = self.decide(now, sample);
        self.last = Some((now, sample.clone()));
        if sample.failing < FAILING {
            return self.held;
        }
        self.held.min(sample.live.saturating_add(sample.creating.max(1))).max(sample.workers)
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        if self.wait_target.is_some_and(|target| target.is_zero()) {
            return Err(InvalidConfig::zero_time("wait_target"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::testing::{
        Load, assert_serves_one_after_the_other, assert_survives_extremes, at, sample, simulate,
    };

    #[test]
    fn survives_extreme_samples() {
        assert_survives_extremes(Adaptive::new);
        assert_survives_extremes(|| Adaptive::new().wait_target(Duration::MAX));
        assert_survives_extremes(|| Adaptive::new().wait_target(Duration::from_nanos(1)));
    }

    /// Chance can always bring so many tasks together that it must act: one run of fifty may change twice within sixty
    /// intervals.
    #[test]
    fn settles_on_a_constant_load() {
        let mut restless = Vec::new();
        for percent in (5..=95).step_by(5) {
            for service in [10, 100, 1_000] {
                let run = simulate(Adaptive::new(), Load::constant(percent).service(service), percent);
                run.assert_served();
                if run.closest_changes().is_some_and(|gap| gap <= 60) {
                    restless.push(run);
                }
            }
        }
        assert!(restless.len() <= 1, "{restless:?}");
    }

    #[test]
    fn tasks_one_after_the_other_get_no_second_worker() {
        assert_serves_one_after_the_other(Adaptive::new());
    }

    #[test]
    fn creations_that_fail_are_tried_one_at_a_time() {
        let mut policy = Adaptive::new();
        let mut now = Sample { live: 2, busy: 2, queued: 100, ..sample(2, 20) };
        (now.completed, now.busy_time) = (10, Duration::from_secs(1));
        let mut ask = |tick: u64, live: usize, creating: usize, failing: u32| {
            now.arrived += 10;
            (now.live, now.creating, now.failing) = (live, creating, failing);
            policy.desired(at(tick * 100), &now)
        };
        assert_eq!((ask(0, 2, 0, 0), ask(1, 2, 0, 0)), (4, 4), "at most twice as many until one was created");
        assert_eq!(ask(2, 2, 2, 3), 4, "those under way are not called back");
        for tick in 3..100 {
            assert_eq!(ask(tick, 2, 0, 3), 3);
        }
        assert!(ask(100, 3, 0, 0) > 3, "it goes on once one was created");
    }

    #[test]
    fn workers_that_are_not_ready_let_nobody_leave() {
        let mut policy = Adaptive::new();
        let mut now = Sample { live: 2, creating: 10, busy: 1, ..sample(2, 20) };
        (now.completed, now.busy_time) = (100, Duration::from_secs(1));
        for tick in 0..50 {
            now.arrived += 1;
            assert_eq!(policy.desired(at(tick * 100), &now), 12);
        }
        (now.live, now.creating) = (12, 0);
        assert!(policy.desired(at(5_000), &now) <= 3);
    }

    #[test]
    fn nobody_leaves_while_a_task_waits() {
        let mut policy = Adaptive::new();
        let mut now = Sample { live: 12, busy: 1, queued: 1, ..sample(2, 20) };
        (now.completed, now.busy_time) = (100, Duration::from_secs(1));
        for tick in 0..50 {
            assert_eq!(policy.desired(at(tick * 100), &now), 12);
        }
    }

    #[test]
    fn refuses_a_target_of_nothing() {
        let refused = Adaptive::new().wait_target(Duration::ZERO).validate();
        assert_eq!(refused.unwrap_err().field, "wait_target");
        assert_eq!(Adaptive::default().validate(), Ok(()));
    }

    #[test]
    fn grows_with_a_burst_and_is_back_at_base_after_it() {
        let run = simulate(Adaptive::new(), Load::burst(), 7);
        assert!(run.peak() > 6, "{run:?}");
        assert!(run.back_at_base_after_load() <= 5_000, "{run:?}");
    }

    /// Ten tasks of half a second come a second: a load of five. A creation takes ten seconds.
    fn view(size: usize) -> View {
        let rate = Rate { least: 8.0, mean: 10.0, most: 12.0 };
        View { rate, load: Bounds::default(), service: 0.5, target: 1.0, creation: 10.0, size }
    }

    fn pool(live: usize, creating: usize, busy: usize, queued: usize) -> Sample {
        Sample { live, creating, busy, queued, ..sample(2, 100) }
    }

    #[test]
    fn a_queue_is_cleared_by_as_many_as_are_worth_what_they_cost() {
        // 80 tasks are 40 s of work, and a hand short for ten seconds adds as many: sqrt(10 * 5 * 50 / 20) beside the load.
        assert_eq!(view(6).clearing(&pool(4, 0, 4, 80), 1.0), 17, "5 + 11.2");
        assert_eq!(view(6).clearing(&pool(5, 2, 4, 80), 1.0), 14, "a hand more: 5 + sqrt(75)");
        assert_eq!(view(6).clearing(&pool(4, 0, 9, 80), 1.0), 20, "more are busy than usual: 5 + sqrt(225)");
        let quick = View { creation: 0.1, target: 0.1, ..view(6) };
        assert_eq!(quick.clearing(&pool(5, 0, 5, 80), 1.0), 69, "a worker costs half a second at least");
    }

    #[test]
    fn no_more_clear_a_queue_than_are_needed_to_do_so_within_the_target() {
        let patient = View { target: 10.0, ..view(6) };
        assert_eq!(patient.clearing(&pool(4, 0, 4, 80), 1.0), 10, "5 + 50 / 10");
    }

    #[test]
    fn a_queue_that_is_soon_done_or_that_chance_brings_needs_nobody() {
        // Three seconds of work for six workers are half the target.
        assert_eq!(view(6).clearing(&pool(5, 0, 5, 6), 1.0), 0);
        assert!(view(6).clearing(&pool(5, 0, 5, 7), 1.0) > 5);
        assert_eq!(view(6).clearing(&pool(5, 0, 5, 7), RARE[0]), 0, "chance");
        let most_by_chance = chance(6, 5.0, RARE[0]) as usize;
        assert_eq!(view(6).clearing(&pool(5, 0, 5, most_by_chance), RARE[0]), 0);
        assert!(view(6).clearing(&pool(5, 0, 5, most_by_chance + 1), RARE[0]) > 5);
    }

    #[test]
    fn the_size_for_a_rate_is_that_for_its_load_with_some_caution() {
        let view = View { service: 0.25, target: 0.1, ..view(6) };
        let patience = CAUTION * 0.1 / 0.25;
        assert_eq!(view.staff(40.0, &pool(4, 0, 4, 0)), staff(10.0, patience, 100));
        assert_eq!(view.staff(40.0, &Sample { max_workers: 7, ..pool(4, 0, 4, 0) }), 7);
    }

    fn knowing(creations: u64, seconds: u64) -> Adaptive {
        let mut policy = Adaptive::new();
        let create_time = Duration::from_secs(seconds);
        policy
            .creation
            .observe(&Sample::default(), &Sample { created: creations, create_time, ..Sample::default() });
        policy
    }

    #[test]
    fn a_worker_is_kept_for_somewhat_longer_than_its_creation_takes() {
        assert_eq!(Adaptive::new().hold(), Duration::from_millis(500));
        assert_eq!(knowing(1, 10).hold(), Duration::from_secs(12));
    }

    #[test]
    fn before_a_creation_was_seen_the_pool_at_most_doubles_and_never_beyond_the_tasks() {
        let now = at(0);
        let grown = |policy: &Adaptive, sample: &Sample| policy.grown(now, sample, &view(6));
        assert_eq!(grown(&Adaptive::new(), &pool(4, 0, 4, 80)), 8);
        assert_eq!(grown(&knowing(1, 1), &pool(4, 0, 4, 80)), 17);
        let flood = View { rate: Rate { least: 90.0, mean: 90.0, most: 90.0 }, ..view(6) };
        assert_eq!(knowing(1, 1).grown(now, &pool(4, 0, 3, 7), &flood), 10, "three run, seven wait");
        assert_eq!(grown(&knowing(1, 1), &Sample { max_workers: 9, ..pool(4, 0, 4, 80) }), 9);
        assert_eq!(grown(&knowing(1, 1), &pool(4, 0, 1, 1)), 6, "no fewer than there are");
    }

    /// Asked ten times a second for ten seconds, five tasks of 100 ms each time.
    fn steady() -> (Adaptive, Sample) {
        let mut policy = Adaptive::new();
        let mut now = Sample { live: 8, busy: 5, ..sample(2, 100) };
        for tick in 0..=100 {
            policy.desired(at(tick * 100), &now);
            (now.arrived, now.completed) = (now.arrived + 5, now.completed + 5);
            now.busy_time += Duration::from_millis(500);
        }
        (policy, now)
    }

    #[test]
    fn the_load_is_the_rate_of_arrivals_times_what_a_task_takes() {
        let (policy, now) = steady();
        let view = policy.view(&now).expect("tasks have run");
        assert!((view.rate.mean - 50.0).abs() < 1e-6 && (view.service - 0.1).abs() < 1e-6, "{view:?}");
        let surely = policy.arrivals.rate_surely();
        assert_eq!(
            (view.load.least, view.load.most),
            (surely.least * view.service, surely.most * view.service)
        );
        assert_eq!(view.target, LEAST_TARGET.max(view.service));
        let told = policy.wait_target(Duration::from_secs(3)).view(&now).expect("tasks have run");
        assert_eq!(told.target, 3.0);
    }

    #[test]
    fn long_tasks_may_wait_as_long_as_they_take() {
        let mut policy = Adaptive::new();
        let slow = Sample { busy_time: Duration::from_secs(40), completed: 10, ..pool(4, 0, 4, 0) };
        policy.desired(at(0), &slow);
        assert_eq!(policy.view(&slow).expect("tasks have run").target, 4.0);
    }

    #[test]
    fn what_comes_after_an_idle_hour_came_within_the_usual_time_between_two_asks() {
        let (mut policy, mut now) = steady();
        now.busy = 0;
        policy.desired(at(10_100), &now);
        let hour = 3_600_000;
        (now.arrived, now.busy) = (now.arrived + 60, 8);
        policy.desired(at(10_100 + hour), &now);
        assert!((policy.arrivals.rate().mean - 600.0).abs() < 1.0, "{:?}", policy.arrivals.rate());
        let (mut busy, mut now) = steady();
        now.arrived += 60;
        busy.desired(at(10_100 + hour), &now);
        assert!(busy.arrivals.rate().mean < 1.0, "nobody idled, so they came at any time");
    }

    #[test]
    fn a_pause_of_up_to_twice_the_usual_time_is_none() {
        let (mut policy, mut now) = steady();
        now.busy = 0;
        policy.desired(at(10_100), &now);
        now.arrived += 10;
        policy.desired(at(10_300), &now);
        assert!((policy.pace - 0.2).abs() < 1e-9);
        policy.desired(at(10_900), &now);
        assert!((policy.pace - 0.2).abs() < 1e-9, "that one was");
        for level in [
            Sample { busy: 1, ..now.clone() },
            Sample { queued: 1, ..now.clone() },
            Sample { delayed: 1, ..now },
        ] {
            let mut policy = policy.clone();
            policy.desired(at(11_000), &level);
            policy.desired(at(12_000), &level);
            assert!((policy.pace - 1.0).abs() < 1e-9, "it was asked for all that time");
        }
    }

    #[test]
    fn until_something_ran_the_size_stays_within_the_bounds() {
        let size = |sample: Sample| Adaptive::new().desired(at(0), &sample);
        assert_eq!(size(pool(4, 3, 0, 50)), 7);
        assert_eq!(size(pool(0, 0, 0, 50)), 2);
        assert_eq!(size(Sample { max_workers: 5, ..pool(4, 3, 0, 50) }), 5);
    }

    #[test]
    fn a_clock_that_stands_still_changes_nothing() {
        let (mut policy, now) = steady();
        let held = policy.held;
        let flood = Sample { queued: 1_000, arrived: now.arrived + 1_000, ..now };
        assert_eq!(policy.desired(at(10_000), &flood), held);
        assert_eq!(policy.desired(at(9_000), &flood), held);
        assert_eq!(policy.last.map(|(then, _)| then), Some(at(10_000)));
    }

    /// A thousand tasks of a tenth of a second each come a second: a load of a hundred.
    fn large(live: usize, creating: usize, busy: usize) -> (Adaptive, Sample, View) {
        let mut policy = Adaptive::new();
        let mut now = Sample { live, creating, busy, ..sample(2, 500) };
        for tick in 0..100 {
            policy.learn(at(tick * 100), &now);
            policy.last = Some((at(tick * 100), now.clone()));
            (now.arrived, now.completed) = (now.arrived + 100, now.completed + 100);
            now.busy_time += Duration::from_secs(10);
        }
        policy.held = live + creating;
        let view = policy.view(&now).expect("tasks have run");
        (policy, now, view)
    }

    #[test]
    fn shrinks_to_what_bears_a_twentieth_more() {
        let (mut policy, now, view) = large(200, 0, 90);
        let enough = view.staff(view.rate.mean * SLACK, &now);
        assert!(enough > view.staff(view.rate.most, &now) && enough < 200);
        assert_eq!(policy.decide(at(10_000), &now), enough);
    }

    #[test]
    fn workers_that_are_not_ready_hold_back_others_only_where_those_are_too_few() {
        let (mut policy, now, view) = large(200, 50, 90);
        let enough = view.staff(view.rate.mean * SLACK, &now);
        assert_eq!(policy.decide(at(10_000), &now), enough, "without them, too, there are more than enough");
        let (mut policy, now, _) = large(enough, 50, 90);
        assert_eq!(policy.decide(at(10_000), &now), enough + 50);
        let (mut policy, now, _) = large(100, 0, 90);
        assert_eq!(policy.decide(at(10_000), &now), 100, "too few, but no task waits");
    }

    #[test]
    fn before_the_usual_time_between_two_asks_is_known_tasks_may_have_come_at_any_time() {
        let mut policy = Adaptive::new();
        let idle = sample(2, 20);
        policy.learn(at(0), &idle);
        policy.last = Some((at(0), idle.clone()));
        policy.learn(at(2_000), &Sample { arrived: 10, ..idle });
        assert_eq!((policy.arrivals.rate().mean, policy.pace), (5.0, 2.0));
    }

    #[test]
    fn the_time_of_a_pause_counts_as_time_in_which_nothing_came() {
        let mut policy = Adaptive::new();
        let idle = sample(2, 20);
        for (second, arrived, busy) in [(0, 0, 1), (1, 1, 0), (4, 2, 1)] {
            let now = Sample { arrived, busy, ..idle.clone() };
            policy.learn(at(second * 1_000), &now);
            policy.last = Some((at(second * 1_000), now));
        }
        assert_eq!(policy.arrivals.rate().mean, 0.5, "two in four seconds");
    }
}
