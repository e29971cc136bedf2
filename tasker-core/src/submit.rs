//! From a closure and its options to a job in the queue: the same for every backend.

use crate::engine::{Engine, Hub, fill_early, note_submitted};
use crate::error::Refusal;
use crate::queue::{Comes, Ticket};
use crate::sync::Arc;
use crate::task::job::Job;
use crate::task::{End, Taker, TaskCore, TaskHandle, TaskOptions};
use crate::time::Timestamp;

/// Submits the job that `make` builds around a task's core; a refusal arrives in the handle.
pub fn submit<J, T>(
    engine: &Arc<Engine<J>>,
    options: TaskOptions,
    make: impl FnOnce(TaskCore) -> Made<J, T>,
) -> TaskHandle<T, J::Error>
where
    J: Job,
    T: Send + 'static,
{
    enqueue(engine, options, None, make)
}

/// Submits a job for which there is room.
pub fn submit_with<J, T>(
    engine: &Arc<Engine<J>>,
    options: TaskOptions,
    ticket: Ticket<J>,
    make: impl FnOnce(TaskCore) -> Made<J, T>,
) -> TaskHandle<T, J::Error>
where
    J: Job,
    T: Send + 'static,
{
    enqueue(engine, options, Some(ticket), make)
}

/// Submits many jobs as one, in their order: no other task comes in between.
pub fn submit_all<J, T, F>(
    engine: &Arc<Engine<J>>,
    options: &TaskOptions,
    tasks: impl Iterator<Item = F>,
    make: impl Fn(TaskCore, F) -> Made<J, T>,
) -> Vec<TaskHandle<T, J::Error>>
where
    J: Job,
    T: Send + 'static,
{
    // Before any task is made: the iterator is the user's, and may panic.
    let tasks: Vec<F> = tasks.collect();
    let (mut jobs, mut handles) = (Vec::with_capacity(tasks.len()), Vec::with_capacity(tasks.len()));
    let now = engine.hub.now();
    for task in tasks {
        let (job, task) = make(new_core(engine, options.clone(), now), task);
        let rank = engine.rank_of(job.core());
        jobs.push((job, rank));
        handles.push(task);
    }
    for (job, reason) in engine.inbox.submit_batch(jobs, now) {
        refuse(&engine.hub, job, reason);
    }
    for task in handles.iter().filter(|task| task.core().place.is_accepted()) {
        arrive(engine, task);
    }
    if let Some(last) = handles.last() {
        note_submitted(engine.hub.pool(), last.core().id());
    }
    handles
        .into_iter()
        .map(|task| TaskHandle::new(task, engine.seats.of_this_thread(), Comes::Later))
        .collect()
}

/// A new task, for its queue and for its handle.
pub type Made<J, T> = (J, Taker<T, <J as Job>::Error>);

fn new_core<J: Job>(engine: &Arc<Engine<J>>, options: TaskOptions, now: Timestamp) -> TaskCore {
    let core = TaskCore::new(options, engine.max_retries, now);
    if engine.rank.is_some() {
        // A user's order may look at it.
        core.name_it(|| engine.hub.next_task());
    }
    core
}

fn enqueue<J, T>(
    engine: &Arc<Engine<J>>,
    options: TaskOptions,
    ticket: Option<Ticket<J>>,
    make: impl FnOnce(TaskCore) -> Made<J, T>,
) -> TaskHandle<T, J::Error>
where
    J: Job,
    T: Send + 'static,
{
    let now = engine.hub.now();
    let (job, task) = make(new_core(engine, options, now));
    let rank = engine.rank_of(job.core());
    let taken = engine.inbox.submit(job, rank, now, ticket);
    let comes = taken.as_ref().map_or(Comes::Later, |comes| *comes);
    match taken {
        Ok(_) => {
            note_submitted(engine.hub.pool(), task.core().id());
            arrive(engine, &task);
        }
        Err((job, reason)) => refuse(&engine.hub, job, reason),
    }
    TaskHandle::new(task, engine.seats.of_this_thread(), comes)
}

#[inline]
fn arrive<J: Job, T>(engine: &Engine<J>, task: &Taker<T, J::Error>) {
    let core = task.core();
    if let Some(deadline) = core.deadline() {
        engine.hub.arm_deadline(deadline, task.share());
    }
    if let Some(collector) = engine.hub.collector() {
        engine.hub.guard("MetricsCollector::arrived", || collector.arrived(&core.info()));
    }
}

fn refuse<J: Job>(hub: &Hub, job: J, reason: Refusal) {
    if job.core().finish().is_some() {
        fill_early(hub, job, End::Refused(reason));
    }
}

/// The setters of a request, the same on every backend.
#[doc(hidden)]
#[macro_export]
macro_rules! request_options {
    ($request:ty, $($bound:tt)+) => {
        impl<$($bound)+, M> $request {
            /// How urgent it is. Default: `Priority::Normal`.
            pub fn priority(mut self, priority: $crate::Priority) -> Self {
                self.options.priority = priority;
                self
            }

            /// How long one attempt may run. The handle is resolved then; the attempt is dropped at its next await
            /// point on async backends, and told through its context on threads. With `retry_on_timeout`, and a
            /// retry left, the task is retried instead.
            pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
                self.options.timeout = Some(timeout);
                self
            }

            /// How long after its submission it must have ended, whether it has started or not.
            pub fn deadline(mut self, after: std::time::Duration) -> Self {
                self.options.deadline = Some(after);
                self
            }

            /// How long after its submission it may start. A graceful stop waits for it, however long that is; give
            /// the task a deadline, or the stop a limit, where that may be for ever.
            pub fn delay(mut self, delay: std::time::Duration) -> Self {
                self.options.delay = Some(delay);
                self
            }

            /// A name for traces, events and the stop report.
            pub fn name(mut self, name: impl Into<std::sync::Arc<str>>) -> Self {
                self.options.name = Some(name.into());
                self
            }

            /// The resource stays good when the task is dropped at an await point, so cancelling it costs no
            /// resource.
            pub fn cancel_safe(mut self) -> Self {
                self.options.cancel_safe = true;
                self
            }
        }
    };
}
