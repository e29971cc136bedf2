//! What one round knows: its faults, and the books that have to add up at its end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tasker_core::{AsyncClock, EndKind, MetricsCollector, TaskId, TaskInfo, TaskTimes};

use crate::chance::Chance;
use crate::panics;

/// What one round knows.
#[derive(Debug)]
pub(crate) struct World {
    /// Out of 1,000 calls of each callback, so many go wrong in each way.
    pub(crate) fault_rate: u64,
    /// While set, no resource can be created.
    pub(crate) outage: AtomicBool,
    pub(crate) created: AtomicU64,
    /// Times `destroy` was called.
    pub(crate) destroyed: AtomicU64,
    /// Resources that were made and not dropped yet.
    pub(crate) live: AtomicU64,
    /// The most resources there were at once.
    pub(crate) peak: AtomicU64,
    pub(crate) runs: Runs,
    /// How often attempts of a once-task began, beyond the first.
    pub(crate) begun_twice: AtomicU64,
    /// Refusals that came by a handle.
    pub(crate) refused: AtomicU64,
    pub(crate) callbacks_owed: AtomicU64,
    pub(crate) callbacks_called: AtomicU64,
    pub(crate) ends: Ends,
    clock: Option<Arc<dyn AsyncClock>>,
    chance: Mutex<Chance>,
}

/// How `run` answered.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(crate) completed: AtomicU64,
    /// Dropped by their caller, maybe while the resource of one that had completed was put away.
    pub(crate) given_up: AtomicU64,
}

/// How tasks ended: as the collector was told, and as handles said.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    pub(crate) told: Mutex<BTreeMap<TaskId, EndKind>>,
    pub(crate) seen: Mutex<BTreeMap<TaskId, EndKind>>,
    /// Ids that ended more than once, in either.
    pub(crate) twice: Mutex<Vec<TaskId>>,
    pub(crate) arrived: AtomicU64,
    pub(crate) retried: AtomicU64,
}

impl World {
    /// With `clock` naps are awaited, without they block.
    pub(crate) fn new(fault_rate: u64, clock: Option<Arc<dyn AsyncClock>>, chance: Chance) -> Arc<Self> {
        Arc::new(Self {
            fault_rate,
            outage: AtomicBool::new(false),
            created: AtomicU64::new(0),
            destroyed: AtomicU64::new(0),
            live: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            runs: Runs::default(),
            begun_twice: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            callbacks_owed: AtomicU64::new(0),
            callbacks_called: AtomicU64::new(0),
            ends: Ends::default(),
            clock,
            chance: Mutex::new(chance),
        })
    }

    /// What goes wrong in this call of a callback, if anything does.
    pub(crate) fn trouble(&self) -> Trouble {
        let mut chance = lock(&self.chance);
        let number = chance.between(0, 999);
        let rate = self.fault_rate;
        match number {
            _ if number < rate => Trouble::Error,
            _ if number < 2 * rate => Trouble::Panic,
            _ if number < 3 * rate => Trouble::Slow(chance.micros(100, 60_000)),
            _ => Trouble::None,
        }
    }

    /// Takes a while: awaited on a runtime, blocking on a thread.
    pub(crate) async fn nap(&self, time: Duration) {
        match &self.clock {
            Some(clock) => clock.sleep_until(clock.now().saturating_add(time)).await,
            None => std::thread::sleep(time),
        }
    }
}

/// What a callback does wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    None,
    Error,
    Panic,
    Slow(Duration),
}

impl Ends {
    /// A handle gave its answer.
    pub(crate) fn see(&self, id: TaskId, kind: EndKind) {
        self.note(&self.seen, id, kind);
    }

    fn note(&self, book: &Mutex<BTreeMap<TaskId, EndKind>>, id: TaskId, kind: EndKind) {
        if lock(book).insert(id, kind).is_some() {
            lock(&self.twice).push(id);
        }
    }
}

/// The collector of a round.
pub(crate) struct Collector(pub(crate) Arc<World>);

impl Collector {
    fn perhaps_panic(&self) {
        if matches!(self.0.trouble(), Trouble::Panic) {
            panics::planned("collector");
        }
    }
}

impl MetricsCollector for Collector {
    fn arrived(&self, _task: &TaskInfo) {
        self.0.ends.arrived.fetch_add(1, Ordering::SeqCst);
        self.perhaps_panic();
    }

    fn retried(&self, _task: &TaskInfo, _error: &str) {
        self.0.ends.retried.fetch_add(1, Ordering::SeqCst);
        self.perhaps_panic();
    }

    fn ended(&self, task: &TaskInfo, how: EndKind, _times: &TaskTimes) {
        let ends = &self.0.ends;
        ends.note(&ends.told, task.id, how);
        self.perhaps_panic();
    }
}

/// A lock that a planned panic did not spoil.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
