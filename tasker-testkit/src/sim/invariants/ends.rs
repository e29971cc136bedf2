//! Every task the pool took ends in exactly one way, and in one that it had a reason to.

use std::collections::BTreeSet;

use tasker_core::Timestamp;
use tasker_core::metrics::EndKind;
use tasker_core::queue::Overflow;

use super::{Fact, Invariant, World, ensure};
use crate::sim::script::Brings;

#[derive(Default)]
pub(super) struct Ends {
    books: Vec<Book>,
    cancels: BTreeSet<usize>,
    lost: BTreeSet<usize>,
}

#[derive(Default)]
struct Book {
    arrived: bool,
    refused: bool,
    ended: bool,
    started: Timestamp,
    brought: Option<Option<Brings>>,
}

impl Ends {
    fn book(&mut self, task: usize) -> &mut Book {
        if self.books.len() <= task {
            self.books.resize_with(task + 1, Book::default);
        }
        &mut self.books[task]
    }

    fn end(&mut self, world: &World, task: usize, how: EndKind) -> Result<(), String> {
        let (cancelled, lost) = (self.cancels.contains(&task), self.lost.contains(&task));
        let book = self.book(task);
        // The end of a task that is displaced or expires at once may be told before its arrival.
        ensure(!book.refused, || format!("task {task} was refused and ended as {how:?}"))?;
        ensure(!book.ended, || format!("task {task} ended twice, the second time as {how:?}"))?;
        book.ended = true;
        let spec = &world.tasks[task].spec;
        let brought = book.brought.flatten();
        let has_reason = match how {
            EndKind::Completed => brought == Some(Brings::Value),
            EndKind::Failed => {
                matches!(brought, Some(Brings::HealthyError | Brings::SickError | Brings::PuzzlingError))
            }
            EndKind::Panicked => brought == Some(Brings::Panic),
            EndKind::Cancelled => cancelled,
            EndKind::TimedOut => {
                spec.timeout.is_some_and(|after| book.started.saturating_add(after) <= world.now)
            }
            EndKind::Expired => spec
                .deadline
                .is_some_and(|after| world.tasks[task].submitted.saturating_add(after) <= world.now),
            EndKind::Displaced => world.setup().overflow == Overflow::DropOldest,
            EndKind::Killed => world.engine.hub.is_killed() || lost,
            // Nor for one that this does not know yet.
            EndKind::Refused | _ => false,
        };
        ensure(has_reason, || format!("task {task} ended as {how:?} for no reason; it brought {brought:?}"))
    }
}

impl Invariant for Ends {
    fn name(&self) -> &'static str {
        "every task ends in exactly one way"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Arrived { task } => self.book(*task).arrived = true,
            Fact::Refused { task } => self.book(*task).refused = true,
            Fact::Cancels { task } => drop(self.cancels.insert(*task)),
            Fact::Lost { task: Some(task) } => drop(self.lost.insert(*task)),
            Fact::Started { task, .. } => {
                let book = self.book(*task);
                (book.started, book.brought) = (world.now, None);
                ensure(book.arrived && !book.ended, || format!("task {task} started after its end"))?;
            }
            Fact::CameBack { task, result, .. } => self.book(*task).brought = Some(*result),
            Fact::Ended { task, how } => self.end(world, *task, *how)?,
            Fact::Finished => {
                let open = self.books.iter().position(|book| book.arrived && !book.ended);
                ensure(open.is_none(), || format!("task {open:?} never ended"))?;
            }
            _ => {}
        }
        Ok(())
    }
}
