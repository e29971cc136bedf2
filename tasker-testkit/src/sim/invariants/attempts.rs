//! Once-tasks start once, others at most once more than they may be retried, never again where they made a resource
//! sick; and what follows from an attempt is what the rules say.

use tasker_core::WorkerId;
use tasker_core::metrics::EndKind;

use super::{Fact, Invariant, World, ensure};
use crate::sim::script::Brings;

#[derive(Default)]
pub(super) struct Attempts {
    books: Vec<Book>,
    /// A task that came back in this step and whose fate is not known yet.
    open: Option<(usize, Option<Brings>)>,
}

#[derive(Default)]
struct Book {
    started: u32,
    ended: bool,
    failed_on: Vec<WorkerId>,
}

impl Attempts {
    fn book(&mut self, task: usize) -> &mut Book {
        if self.books.len() <= task {
            self.books.resize_with(task + 1, Book::default);
        }
        &mut self.books[task]
    }

    fn start(&mut self, world: &World, task: usize, worker: WorkerId, attempt: u32) -> Result<(), String> {
        let spec = &world.tasks[task].spec;
        let permitted = if spec.once { 1 } else { spec.permitted(world.setup()) };
        let book = self.book(task);
        book.started += 1;
        ensure(book.started == attempt, || {
            format!("task {task} counts {attempt} attempts where there were {}", book.started)
        })?;
        ensure(attempt <= permitted, || format!("task {task} started {attempt} times, of {permitted}"))?;
        ensure(!book.failed_on.contains(&worker), || format!("task {task} was retried on {worker}"))
    }

    fn come_back(&mut self, task: usize, worker: WorkerId, result: Option<Brings>) {
        let book = self.book(task);
        if matches!(result, Some(Brings::SickError | Brings::PuzzlingError | Brings::Panic)) {
            book.failed_on.push(worker);
        }
        if !book.ended {
            self.open = Some((task, result));
        }
    }

    fn settle(&mut self, world: &World, task: usize, how: Option<EndKind>) -> Result<(), String> {
        let Some((_, result)) = self.open.take_if(|(open, _)| *open == task) else { return Ok(()) };
        let spec = &world.tasks[task].spec;
        let retries = self.books[task].started < spec.permitted(world.setup());
        let timed = spec.retry_on_timeout && spec.timeout.is_some();
        let killed = world.engine.hub.is_killed();
        let fits = match (result, how) {
            (_, Some(EndKind::Killed)) => killed,
            (Some(Brings::SickError | Brings::PuzzlingError), None) => retries,
            (Some(Brings::HealthyError) | None, None) => retries && timed,
            (Some(Brings::Value), Some(EndKind::Completed)) => true,
            (Some(Brings::HealthyError), Some(EndKind::Failed)) => true,
            (Some(Brings::SickError | Brings::PuzzlingError), Some(EndKind::Failed)) => !retries,
            (Some(Brings::Panic), Some(EndKind::Panicked)) => true,
            (None, Some(EndKind::TimedOut)) => spec.timeout.is_some(),
            _ => false,
        };
        ensure(fits, || format!("task {task} brought {result:?}, and then {how:?} (None: a retry)"))
    }
}

impl Invariant for Attempts {
    fn name(&self) -> &'static str {
        "attempts are counted, permitted, and followed by what the rules say"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Started { task, worker, attempt, .. } => self.start(world, *task, *worker, *attempt),
            Fact::CameBack { task, worker, result } => {
                self.come_back(*task, *worker, *result);
                Ok(())
            }
            Fact::Requeued { task, .. } => self.settle(world, *task, None),
            Fact::Ended { task, how } => {
                self.book(*task).ended = true;
                self.settle(world, *task, Some(*how))
            }
            _ => Ok(()),
        }
    }

    fn hold(&mut self, _world: &World) -> Result<(), String> {
        ensure(self.open.is_none(), || format!("nothing followed from an attempt: {:?}", self.open))
    }
}
