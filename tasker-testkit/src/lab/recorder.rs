//! From a live pool to what the laboratory replays.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tasker_core::{
    EndKind, Events, ExitReason, MetricsCollector, PoolEvent, Received, TaskId, TaskInfo, TaskTimes,
    Timestamp,
};

use super::dist::Dist;
use super::resources::Resources;
use super::trace::{Task, Trace};

/// Records the load and the resources of a live pool, for a [`Lab`](super::Lab) to replay.
///
/// A pool's events tell of workers and not of tasks, so a recorder listens at both places: as the pool's
/// [`MetricsCollector`] it sees each task end, and [`follow`](Self::follow) or [`hear`](Self::hear) gives it the
/// events, from which it learns how long creations take and how often they fail. Either half works alone. Clones are
/// the same recorder.
///
/// What it takes down of a task:
/// - it *arrives* when it was queued, a delayed task thus when it was due. One that was retried arrives when it was
///   submitted;
/// - its *service time* is that of its last attempt. Retries are not replayed one by one: how often an attempt spoils
///   its resource goes into [`resources`](Self::resources);
/// - a task that ended without ever running (cancelled, expired, displaced, killed) is not recorded, only
///   [counted](Self::unstarted): it took no worker, and how long it would have run nobody knows.
///
/// A task whose handle was answered early (by a timeout, a cancel, a kill) ends with that answer, though its worker may
/// be busy a little longer.
///
/// Recording a task takes one short lock and 40 bytes, kept until they are [taken](Self::take). Other collectors go on
/// being told if they are put around it: their methods call the recorder's.
///
/// ```
/// use std::time::Duration;
/// use tasker_core::scaling::Fixed;
/// use tasker_testkit::lab::{Lab, Recorder};
/// use tasker_thread::{CreateContext, Pool, Resource};
///
/// struct Machine;
///
/// impl Resource for Machine {
///     type Config = ();
///     type Error = String;
///     async fn create(_config: &(), _cx: &CreateContext) -> Result<Self, String> {
///         Ok(Machine)
///     }
/// }
///
/// let recorder = Recorder::new();
/// let pool = Pool::<Machine>::builder(()).workers(2).collector(recorder.clone()).build()?;
/// let mut events = pool.events();
/// for number in 0..100 {
///     pool.submit(move |_machine, _cx| Ok(number)).wait()?;
/// }
/// pool.stop()?;
/// recorder.follow_now(&mut events);
///
/// let trace = recorder.take();
/// assert_eq!(trace.len(), 100);
/// println!("{}", trace.to_csv()); // for `scaling_lab --trace`
///
/// let lab = Lab::new(trace).workers(2).resources(recorder.resources());
/// assert_eq!(lab.run(Fixed::new()).outcome.tasks, 100.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    notes: Arc<Mutex<Notes>>,
}

#[derive(Debug, Default)]
struct Notes {
    /// In the order in which they ended.
    tasks: Vec<(TaskId, Task)>,
    unstarted: u64,
    attempts: u64,
    spoiled: u64,
    creations: Vec<Duration>,
    failures: u64,
    missed: u64,
}

impl Recorder {
    /// A recorder that has heard nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tasks that ended since the last time, and forgets them. Times are those of the pool's clock.
    #[must_use]
    pub fn take(&self) -> Trace {
        let mut tasks = std::mem::take(&mut self.notes().tasks);
        // Those that came in the same moment stay in the order in which they were submitted.
        tasks.sort_unstable_by_key(|(id, _)| *id);
        tasks.into_iter().map(|(_, task)| task).collect()
    }

    /// Tasks that ended without ever running, and are in no trace.
    #[must_use]
    pub fn unstarted(&self) -> u64 {
        self.notes().unstarted
    }

    /// Events that were lost because they were not received in time: the creations among them are missing from
    /// [`resources`](Self::resources).
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.notes().missed
    }

    /// How resources behaved so far: how long creations took, what share of them failed, what share of the attempts
    /// spoiled its resource. What was not heard of is as in [`Resources::new`]; of destructions no event tells.
    #[must_use]
    pub fn resources(&self) -> Resources {
        let notes = self.notes();
        let created = notes.creations.len() as u64;
        let mut resources = Resources::new()
            .fail(share(notes.failures, notes.failures + created))
            .sick(share(notes.spoiled, notes.attempts));
        if created > 0 {
            resources = resources.create(Dist::measured(&notes.creations));
        }
        resources
    }

    /// Takes down what an event says.
    pub fn hear(&self, event: &PoolEvent) {
        let mut notes = self.notes();
        if let PoolEvent::WorkerReady { took, .. } = event {
            notes.creations.push(*took);
        } else if let PoolEvent::CreationFailed { .. } = event {
            notes.failures += 1;
        } else if let PoolEvent::WorkerReplaced { why: ExitReason::Unhealthy, .. } = event {
            notes.spoiled += 1;
        }
    }

    /// Hears all events of a pool until it has ended; to be spawned beside it.
    pub async fn follow(&self, mut events: Events) {
        while let Some(received) = events.recv().await {
            self.receive(received);
        }
    }

    /// Hears the events that have come so far, without waiting for more.
    pub fn follow_now(&self, events: &mut Events) {
        while let Some(received) = events.try_recv() {
            self.receive(received);
        }
    }

    fn receive(&self, received: Received) {
        if let Received::Event(event) = received {
            self.hear(&event);
        } else if let Received::Missed(count) = received {
            self.notes().missed += count;
        }
    }

    fn record(&self, task: &TaskInfo, times: &TaskTimes) {
        let mut notes = self.notes();
        notes.attempts += u64::from(task.attempts);
        let Some(started) = times.started else {
            notes.unstarted += 1;
            return;
        };
        let service = times.finished.saturating_since(started);
        let recorded = Task { arrival: arrival(task, times), service, priority: task.priority };
        notes.tasks.push((task.id, recorded));
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MetricsCollector for Recorder {
    fn ended(&self, task: &TaskInfo, _how: EndKind, times: &TaskTimes) {
        self.record(task, times);
    }
}

/// A retried task was queued several times, and only the last is known.
fn arrival(task: &TaskInfo, times: &TaskTimes) -> Timestamp {
    if task.attempts > 1 { task.submitted } else { times.queued }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
