//! What must add up when a round is over.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tasker_core::StopReport;
use tasker_core::metrics::{Metrics, Stats};
use tasker_testkit::ends_by_kind;

use crate::shape::Shape;
use crate::world::{World, lock};

/// What does not add up.
#[derive(Debug, Default)]
pub(crate) struct Audit(pub(crate) Vec<String>);

impl Audit {
    pub(crate) fn same(&mut self, what: &str, left: impl Into<u64>, right: impl Into<u64>) {
        let (left, right) = (left.into(), right.into());
        self.holds(left == right, || format!("{what}: {left} is not {right}"));
    }

    pub(crate) fn holds(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(what());
        }
    }

    /// What holds for any round, whatever became of its pool.
    pub(crate) fn world(&mut self, world: &World, shape: &Shape) {
        self.holds(comes_true(|| read(&world.live) == 0), || format!("{} resources left", read(&world.live)));
        let [created, destroyed] = [&world.created, &world.destroyed];
        self.holds(comes_true(|| read(created) == read(destroyed)), || {
            format!("{} created and {} destroyed", read(created), read(destroyed))
        });
        let (peak, most) = (read(&world.peak), shape.most_resources());
        self.holds(peak <= most, || format!("{peak} resources at once, where {most} are allowed"));
        self.same("once-tasks begun again", read(&world.begun_twice), 0_u64);
        self.same("callbacks called", read(&world.callbacks_called), read(&world.callbacks_owed));
        self.ends(world);
    }

    fn ends(&mut self, world: &World) {
        let (told, seen) = (lock(&world.ends.told), lock(&world.ends.seen));
        let twice = lock(&world.ends.twice);
        self.holds(twice.is_empty(), || format!("ended twice: {twice:?}"));
        self.same("arrived and ended", read(&world.ends.arrived), told.len() as u64);
        for (id, kind) in seen.iter() {
            let other = told.get(id);
            self.holds(other == Some(kind), || {
                format!("{id:?}: its handle says {kind:?}, the pool {other:?}")
            });
        }
    }

    /// What the pool says of itself, against what others have counted.
    pub(crate) fn metrics(&mut self, metrics: &Metrics, world: &World) {
        self.same("accepted and arrived", metrics.accepted, read(&world.ends.arrived));
        self.same("accepted and ended", metrics.accepted, metrics.ended());
        self.same("retried", metrics.retried, read(&world.ends.retried));
        self.same("runs and their ends", metrics.runs, metrics.runs_completed + metrics.runs_failed);
        let (runs, given_up) = (read(&world.runs.completed), read(&world.runs.given_up));
        self.holds((runs..=runs + given_up).contains(&metrics.runs_completed), || {
            format!("{} runs completed, {runs} seen, {given_up} given up", metrics.runs_completed)
        });
        let refused = read(&world.refused);
        self.holds(metrics.refused >= refused, || format!("{} refused, {refused} seen", metrics.refused));
        let told = lock(&world.ends.told);
        for (kind, count) in ends_by_kind(metrics) {
            let others = told.values().filter(|told| **told == kind).count();
            self.same(&format!("{kind:?}"), count, others as u64);
        }
    }

    /// The pool's resources, against the world's. A creation that was given up may be done at any moment, and the pool
    /// hears of it after the world.
    pub(crate) fn resources(&mut self, metrics: impl Fn() -> Metrics, world: &World) {
        let counted = || [read(&world.created), read(&world.destroyed)];
        let told = || {
            let metrics = metrics();
            [metrics.created, metrics.destroyed]
        };
        self.holds(comes_true(|| told() == counted()), || {
            format!("created and destroyed: the pool says {:?}, the world {:?}", told(), counted())
        });
    }

    /// The report, against the metrics.
    pub(crate) fn report(&mut self, report: &StopReport, metrics: &Metrics) {
        self.same("reported done", report.done, metrics.completed);
        self.same("reported cancelled", report.cancelled, metrics.cancelled);
        self.same("reported undone", report.undone, metrics.killed);
        self.same("destructions skipped", report.destroy_skipped, 0_u64);
    }

    /// A pool that has ended shows nothing any more.
    pub(crate) fn ended(&mut self, stats: &Stats) {
        let Stats { active, base, burst, idle, busy, starting, stopping, backing_off, delayed, .. } = stats;
        let workers = active + base + burst + idle + busy + starting + stopping + backing_off;
        let nothing = workers + delayed + stats.queued_total() + stats.reserve_free == 0;
        self.holds(stats.ended && nothing, || format!("after the end: {stats:?}"));
    }

    /// Figures of one moment.
    pub(crate) fn moment(&mut self, stats: &Stats) {
        let Stats { active, base, burst, idle, busy, .. } = stats;
        self.holds(*active == base + burst && *active == idle + busy, || format!("at once: {stats:?}"));
    }
}

/// Waits for what threads that nobody joins have yet to do.
pub(crate) fn comes_true(what: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    what()
}

pub(crate) fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::SeqCst)
}
