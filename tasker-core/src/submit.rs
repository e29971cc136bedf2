//! From a closure and its options to a job in the queue: the same for every backend.

use crate::engine::{Engine, fill_early};
use crate::error::Refusal;
use crate::queue::Ticket;
use crate::sync::Arc;
use crate::task::job::Job;
use crate::task::{Cell, End, TaskCore, TaskHandle, TaskOptions};

/// Submits the job that `make` builds around a cell; a refusal arrives in the handle.
pub fn submit<J, T>(
    engine: &Arc<Engine<J>>,
    options: TaskOptions,
    make: impl FnOnce(Arc<Cell<T, J::Error>>) -> J,
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
    make: impl FnOnce(Arc<Cell<T, J::Error>>) -> J,
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
    make: impl Fn(Arc<Cell<T, J::Error>>, F) -> J,
) -> Vec<TaskHandle<T, J::Error>>
where
    J: Job,
    T: Send + 'static,
{
    let cells: Vec<_> = tasks.map(|task| (new_cell(engine, options.clone()), task)).collect();
    let mut jobs = Vec::with_capacity(cells.len());
    let mut handles = Vec::with_capacity(cells.len());
    for (cell, task) in cells {
        let rank = engine.rank_of(cell.core());
        jobs.push((make(Arc::clone(&cell), task), rank));
        handles.push(cell);
    }
    for (job, reason) in engine.inbox.submit_batch(jobs, engine.hub.now()) {
        refuse(job, reason);
    }
    for cell in handles.iter().filter(|cell| cell.core().place.is_accepted()) {
        arrive(engine, cell);
    }
    handles.into_iter().map(TaskHandle::new).collect()
}

fn new_cell<J: Job, T>(engine: &Arc<Engine<J>>, options: TaskOptions) -> Arc<Cell<T, J::Error>> {
    Arc::new(Cell::new(TaskCore::new(options, engine.max_retries, Arc::clone(&engine.hub))))
}

fn enqueue<J, T>(
    engine: &Arc<Engine<J>>,
    options: TaskOptions,
    ticket: Option<Ticket<J>>,
    make: impl FnOnce(Arc<Cell<T, J::Error>>) -> J,
) -> TaskHandle<T, J::Error>
where
    J: Job,
    T: Send + 'static,
{
    let cell = new_cell(engine, options);
    let (rank, now) = (engine.rank_of(cell.core()), cell.core().submitted);
    let job = make(Arc::clone(&cell));
    let refused = engine.inbox.submit(job, rank, now, ticket).err();
    if let Some((job, reason)) = refused {
        refuse(job, reason);
    } else {
        arrive(engine, &cell);
    }
    TaskHandle::new(cell)
}

fn arrive<J: Job, T: Send + 'static>(engine: &Engine<J>, cell: &Arc<Cell<T, J::Error>>) {
    if let Some(deadline) = cell.core().deadline() {
        let cell: Arc<dyn crate::task::AnyCell> = Arc::clone(cell) as _;
        engine.hub.arm_deadline(deadline, &cell);
    }
    if let Some(collector) = engine.hub.collector() {
        engine.hub.guard("MetricsCollector::arrived", || collector.arrived(&cell.core().info()));
    }
}

fn refuse<J: Job>(job: J, reason: Refusal) {
    if job.core().finish().is_some() {
        fill_early(job, End::Refused(reason));
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
            /// point on async backends, and told through its context on threads.
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
