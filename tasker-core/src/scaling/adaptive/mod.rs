//! The policy that needs no tuning.

mod arrivals;
mod calm;
mod learned;
mod staffing;
#[cfg(test)]
mod tests;

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
