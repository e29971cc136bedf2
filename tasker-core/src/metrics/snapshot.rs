//! What a pool shows of itself.

use std::time::Duration;

use crate::engine::Engine;
use crate::metrics::{Counters, EndKind, Ends, Histogram, Totals};
use crate::queue::Counts;
use crate::supervisor::{Levels, Phase};
use crate::sync::Arc;
use crate::task::TaskInfo;
use crate::task::job::Job;
use crate::time::Timestamp;

/// How many workers, tasks and resources there are, at one moment.
///
/// Workers are as the control loop last saw them, tasks as the queue has them; no figure is ever negative, and when
/// nothing moves they add up: `active = base + burst = idle + busy`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Workers with a resource that are ready for tasks.
    pub active: usize,
    /// Of these, up to `workers`.
    pub base: usize,
    /// Of these, beyond `workers`.
    pub burst: usize,
    /// Of these, without a task.
    pub idle: usize,
    /// Of these, with a task.
    pub busy: usize,
    /// Workers creating their resource.
    pub starting: usize,
    /// Workers destroying their resource.
    pub stopping: usize,
    /// Workers that wait before they try to create their resource again, or for room.
    pub backing_off: usize,
    /// Workers given up while stuck that have not come back.
    pub abandoned: usize,
    /// Tasks waiting to start, by priority: high, normal, low.
    pub queued: [usize; 3],
    /// Tasks waiting for their delay, or for their next attempt.
    pub delayed: usize,
    /// Resources of the reserve that are made and free for `run`. They are made when first needed, so there are none
    /// at first.
    pub reserve_free: usize,
    /// Resources of the reserve, and temporary ones, that serve a `run` or are being created or destroyed for one.
    pub reserve_busy: usize,
    /// Whether the pool is paused.
    pub paused: bool,
    /// Whether the pool has ended.
    pub ended: bool,
    /// Why the last creation of a resource failed, while none has succeeded since.
    pub create_error: Option<Arc<str>>,
}

impl Stats {
    /// Tasks waiting to start, of all priorities.
    #[must_use]
    pub fn queued_total(&self) -> usize {
        self.queued.iter().sum()
    }

    /// Workers and tasks, without the reserve. The two may be of different moments.
    fn of(levels: &Levels, counts: &Counts) -> Self {
        let busy = counts.running.min(levels.live);
        Self {
            active: levels.live,
            base: levels.base,
            burst: levels.burst,
            idle: levels.live - busy,
            busy,
            starting: levels.creating,
            stopping: levels.destroying,
            backing_off: levels.backing_off,
            abandoned: levels.abandoned,
            queued: counts.waiting,
            delayed: counts.delayed,
            paused: counts.paused,
            ..Self::default()
        }
    }
}

/// The distribution of a duration.
///
/// Quantiles come from a histogram of constant memory, and are at most
/// [`RELATIVE_ERROR`](crate::metrics::RELATIVE_ERROR) off; the others are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spread {
    /// How many were measured. All others are zero if none was.
    pub count: u64,
    /// The least.
    pub min: Duration,
    /// The greatest.
    pub max: Duration,
    /// The mean.
    pub mean: Duration,
    /// Half were no longer than this.
    pub p50: Duration,
    /// 95 of 100 were no longer than this.
    pub p95: Duration,
    /// 99 of 100 were no longer than this.
    pub p99: Duration,
}

impl From<&Histogram> for Spread {
    fn from(histogram: &Histogram) -> Self {
        let [p50, p95, p99] = histogram.quantiles([0.50, 0.95, 0.99]);
        Self {
            count: histogram.count(),
            min: histogram.min().unwrap_or_default(),
            max: histogram.max().unwrap_or_default(),
            mean: histogram.mean().unwrap_or_default(),
            p50,
            p95,
            p99,
        }
    }
}

/// What a pool has done since it began.
///
/// Once nothing moves, `accepted` is the sum of the ends: `completed + failed + panicked + cancelled + timed_out +
/// expired + displaced + killed`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// Tasks taken.
    pub accepted: u64,
    /// Tasks not taken, of those whose handle says so.
    pub refused: u64,
    /// Tasks that returned a value.
    pub completed: u64,
    /// Tasks whose last attempt returned an error.
    pub failed: u64,
    /// Tasks that panicked.
    pub panicked: u64,
    /// Tasks cancelled through their handles.
    pub cancelled: u64,
    /// Tasks that ran longer than their timeout.
    pub timed_out: u64,
    /// Tasks whose deadline passed.
    pub expired: u64,
    /// Tasks that gave their place in a full queue to another.
    pub displaced: u64,
    /// Tasks the pool ended before.
    pub killed: u64,
    /// Attempts that were followed by another.
    pub retried: u64,
    /// Attempts started.
    pub attempts: u64,
    /// Resources created, for workers and for `run`.
    pub created: u64,
    /// Resources whose destruction was begun. Those dropped with their runtime are counted in the stop report.
    pub destroyed: u64,
    /// Destructions that failed.
    pub destroy_errors: u64,
    /// Workers replaced because their resource could no longer be trusted.
    pub replaced: u64,
    /// Tasks begun by `run`. They are not among the others, since they pass the queue by: neither accepted, nor
    /// attempts, nor ends.
    pub runs: u64,
    /// Of these, those that returned a value.
    pub runs_completed: u64,
    /// Of these, those that returned an error, panicked, were killed or dropped.
    pub runs_failed: u64,
    /// How long attempts ran.
    pub execution: Spread,
    /// How long they had waited in the queue before.
    pub wait: Spread,
    /// Tasks taken per second, over the last 10 seconds.
    pub arrival_rate: f64,
    /// Attempts ended per second, over the last 10 seconds.
    pub completion_rate: f64,
}

impl Metrics {
    /// The share of ended tasks that returned a value; `None` before the first has ended.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        let ended = self.ended();
        (ended > 0).then(|| ratio(self.completed, ended))
    }

    /// The share of ended tasks that did not; `None` before the first has ended.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        self.success_rate().map(|rate| 1.0 - rate)
    }

    /// Tasks that have ended.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.completed
            + self.failed
            + self.panicked
            + self.cancelled
            + self.timed_out
            + self.expired
            + self.displaced
            + self.killed
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// When a task was queued, started and finished, by its pool's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskTimes {
    /// When it was last put into the queue.
    pub queued: Timestamp,
    /// When its last attempt began; `None` if it never did.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Timestamp,
}

/// Is told of every task, for metrics of your own. Every method does nothing by default.
///
/// The methods are called by whoever brings the event about (a submitter, a worker, whoever cancels, the control loop),
/// never under a lock. A panic is reported as an event and harms nobody; a slow collector slows whoever calls it.
///
/// Calls for one task may overlap: [`arrived`](Self::arrived) follows the push, and a quick worker may be sooner with
/// [`ended`](Self::ended). Refused tasks are not told.
pub trait MetricsCollector: Send + Sync + 'static {
    /// A task was taken.
    fn arrived(&self, task: &TaskInfo) {
        let _ = task;
    }

    /// A task goes back to the queue for another attempt.
    fn retried(&self, task: &TaskInfo, error: &str) {
        let _ = (task, error);
    }

    /// A task has ended.
    fn ended(&self, task: &TaskInfo, how: EndKind, times: &TaskTimes) {
        let _ = (task, how, times);
    }
}

impl std::fmt::Debug for dyn MetricsCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MetricsCollector")
    }
}

impl<J: Job> Engine<J> {
    /// Tasks by how they ended.
    pub(crate) fn ends(&self) -> Ends {
        self.counters().ends
    }

    pub(crate) fn counters(&self) -> Counters {
        let mut counters = Counters { ends: self.hub.early().read(), ..Counters::default() };
        self.hub.roster().count_into(&mut counters);
        counters
    }

    /// How many workers and tasks there are, at one moment. The reserve is for the backend to fill in.
    pub fn stats(&self) -> Stats {
        let phase = self.hub.board().phase();
        let levels = self.hub.board().levels();
        Stats {
            ended: phase == Phase::Ended,
            create_error: self.hub.create_error(),
            ..Stats::of(&levels, &self.inbox.counts())
        }
    }

    /// What the pool has done since it began.
    pub fn metrics(&self) -> Metrics {
        let now = self.hub.now();
        let mut totals = Totals::default();
        totals.counters.ends = self.hub.early().read();
        self.hub.roster().totals(&mut totals);
        let counters = &totals.counters;
        let of = |kind: EndKind| counters.ends[kind as usize];
        let (arrived, arrival_rate) = self.inbox.arrivals(now);
        let ledger = self.hub.ledger();
        let (runs_completed, runs_failed, runs) = self.hub.runs().read();
        Metrics {
            accepted: arrived,
            refused: of(EndKind::Refused),
            completed: of(EndKind::Completed),
            failed: of(EndKind::Failed),
            panicked: of(EndKind::Panicked),
            cancelled: of(EndKind::Cancelled),
            timed_out: of(EndKind::TimedOut),
            expired: of(EndKind::Expired),
            displaced: of(EndKind::Displaced),
            killed: of(EndKind::Killed),
            retried: counters.retried,
            attempts: counters.started,
            created: ledger.created(),
            destroyed: ledger.destroyed(),
            destroy_errors: ledger.errors(),
            replaced: ledger.replaced(),
            runs,
            runs_completed,
            runs_failed,
            execution: Spread::from(&totals.execution),
            wait: Spread::from(&totals.wait),
            arrival_rate,
            completion_rate: self.hub.roster().completion_rate(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::Builder;
    use crate::engine::Post;
    use crate::ids::{SpawnReason, WorkerId};
    use crate::testing::{Bare, NoJob};

    const MS: Duration = Duration::from_millis(1);

    fn engine() -> Arc<Engine<NoJob>> {
        Engine::new(&mut Builder::new(Bare).workers(2).build().expect("valid"))
    }

    #[test]
    fn the_queue_is_as_long_as_its_lanes() {
        let stats = Stats { queued: [1, 20, 300], ..Stats::default() };
        assert_eq!(stats.queued_total(), 321);
    }

    #[test]
    fn a_task_has_ended_whichever_way_it_did() {
        let metrics = Metrics {
            completed: 1,
            failed: 2,
            panicked: 4,
            cancelled: 8,
            timed_out: 16,
            expired: 32,
            displaced: 64,
            killed: 128,
            ..Metrics::default()
        };
        assert_eq!(metrics.ended(), 255, "one bit for each");
    }

    #[test]
    fn shares_are_of_the_tasks_that_have_ended() {
        let before = Metrics { accepted: 9, ..Metrics::default() };
        assert_eq!((before.success_rate(), before.failure_rate()), (None, None));
        let after = Metrics { completed: 1, failed: 2, killed: 1, ..before };
        assert_eq!((after.success_rate(), after.failure_rate()), (Some(0.25), Some(0.75)));
    }

    #[test]
    fn what_workers_and_others_have_counted_is_shown_as_one() {
        let engine = engine();
        let post = |number| Arc::new(Post::new(WorkerId::new(number), SpawnReason::Base, 1, Timestamp::ZERO));
        let (gone, there) = (post(1), post(2));
        for (post, took) in [(&gone, MS), (&there, MS * 2)] {
            engine.hub.roster().enter(Arc::clone(post));
            post.meter.started(took);
            post.meter.finished(Timestamp::ZERO, took * 10);
            post.meter.ended(EndKind::Completed);
        }
        there.meter.retried();
        engine.hub.roster().depart(gone.id);
        engine.hub.early().count(EndKind::Cancelled);
        engine.hub.early().count(EndKind::Refused);
        assert_eq!(engine.ends(), engine.counters().ends);
        assert_eq!(engine.counters().started, 2);
        let metrics = engine.metrics();
        assert_eq!((metrics.completed, metrics.cancelled, metrics.refused, metrics.ended()), (2, 1, 1, 3));
        assert_eq!((metrics.attempts, metrics.retried), (2, 1));
        assert_eq!((metrics.wait.max, metrics.execution.max), (MS * 2, MS * 20));
        assert_eq!(
            (metrics.execution.count, metrics.execution.min, metrics.execution.mean),
            (2, MS * 10, MS * 15)
        );
        assert!(metrics.completion_rate > 0.0);
        let ends = engine.ends();
        assert_eq!(
            (ends[EndKind::Completed as usize], ends[EndKind::Cancelled as usize], ends.iter().sum::<u64>()),
            (2, 1, 4)
        );
    }

    #[test]
    fn workers_are_idle_or_busy_even_if_tasks_and_workers_were_counted_at_different_moments() {
        let levels = Levels { live: 3, ..Levels::default() };
        let shown = |running| {
            let stats = Stats::of(
                &levels,
                &Counts { running, waiting: [1, 2, 3], delayed: 4, paused: true, ..Counts::default() },
            );
            assert_eq!((stats.queued, stats.delayed, stats.paused), ([1, 2, 3], 4, true));
            (stats.active, stats.idle, stats.busy)
        };
        assert_eq!([0, 2, 3, 4].map(shown), [(3, 3, 0), (3, 1, 2), (3, 0, 3), (3, 0, 3)]);
    }

    #[test]
    fn levels_are_those_that_the_control_loop_has_shown() {
        let engine = engine();
        let levels = Levels { base: 2, burst: 1, live: 3, creating: 4, destroying: 5, ..Levels::default() };
        let levels = Levels { backing_off: 6, abandoned: 7, ..levels };
        engine.hub.board().show(levels, Phase::Draining, (2, 9));
        let stats = engine.stats();
        assert_eq!((stats.active, stats.base, stats.burst, stats.idle, stats.busy), (3, 2, 1, 3, 0));
        assert_eq!((stats.starting, stats.stopping, stats.backing_off, stats.abandoned), (4, 5, 6, 7));
        assert!(!stats.ended && stats.create_error.is_none());
        engine.hub.set_create_error(Some("refused".into()));
        assert_eq!(engine.stats().create_error.as_deref(), Some("refused"));
        engine.hub.board().show(levels, Phase::Ended, (2, 9));
        assert!(engine.stats().ended);
    }
}
