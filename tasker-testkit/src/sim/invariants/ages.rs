//! Nothing is begun on a resource that is too old or too much used; idle ones that are too old go, and idle ones are
//! probed when it is time.

use std::collections::BTreeMap;

use tasker_core::{Timestamp, WorkerId};

use super::{Fact, Invariant, World, ensure};
use crate::sim::runs::SimRun;
use crate::sim::worker::State;

#[derive(Default)]
pub(super) struct Ages {
    books: BTreeMap<usize, Book>,
    /// When the resource of each worker was last known to be good.
    seen: BTreeMap<WorkerId, Timestamp>,
}

struct Book {
    born: Timestamp,
    uses: u64,
    /// It is in the reserve.
    kept: bool,
}

impl Ages {
    fn begin(&mut self, world: &World, resource: usize) -> Result<(), String> {
        let (lifetime, limit, now) = (world.setup().max_lifetime, world.setup().max_uses, world.now);
        let Some(book) = self.books.get_mut(&resource) else { return Ok(()) };
        book.uses += 1;
        book.kept = false;
        let old = lifetime.is_some_and(|age| book.born.saturating_add(age) <= now);
        ensure(!old, || format!("resource {resource} was too old to be used"))?;
        ensure(limit.is_none_or(|limit| book.uses <= limit), || {
            format!("resource {resource} was used {} times, of {limit:?}", book.uses)
        })
    }

    fn quiet(&self, world: &World) -> Result<(), String> {
        let setup = world.setup();
        let is_old =
            |book: &Book| setup.max_lifetime.is_some_and(|age| book.born.saturating_add(age) <= world.now);
        for worker in world.workers.iter().filter(|worker| matches!(worker.state, State::Waiting)) {
            let old = worker.resource_id.and_then(|id| self.books.get(&id)).is_some_and(is_old);
            ensure(!old, || format!("{} sleeps with a resource that is too old", worker.id))?;
            let seen = self.seen.get(&worker.id);
            let late = seen
                .zip(setup.probe_interval)
                .is_some_and(|(at, after)| at.saturating_add(after) <= world.now);
            ensure(!late, || format!("{} was not probed in time", worker.id))?;
        }
        // One that is promised stays, for whoever it is promised to.
        let serves = world.control.is_some() && !world.runs.iter().any(SimRun::asks);
        let old = self.books.iter().find(|(_, book)| book.kept && is_old(book)).map(|(id, _)| id);
        ensure(!serves || old.is_none(), || format!("the reserve keeps {old:?}, which is too old"))
    }
}

impl Invariant for Ages {
    fn name(&self) -> &'static str {
        "resources are retired in time"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Created { resource, worker } => {
                self.books.insert(*resource, Book { born: world.now, uses: 0, kept: false });
                self.seen.extend(worker.map(|worker| (worker, world.now)));
            }
            Fact::Probed { worker } => drop(self.seen.insert(*worker, world.now)),
            Fact::Started { resource: Some(resource), .. } | Fact::RunStarted { resource } => {
                self.begin(world, *resource)?;
            }
            Fact::PutBack { resource } => {
                if let Some(book) = self.books.get_mut(resource) {
                    book.kept = true;
                }
            }
            Fact::Destroys { resource } | Fact::Dropped { resource } => drop(self.books.remove(resource)),
            Fact::Quiet => self.quiet(world)?,
            _ => {}
        }
        Ok(())
    }
}
