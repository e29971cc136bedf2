//! Each resource is created once and destroyed once, or dropped with its owner; while it lives one worker or one
//! `run` uses it, and none once it is sick or its destruction has begun. The pool's ledger says the same.

use std::collections::BTreeMap;

use tasker_core::WorkerId;

use super::{Fact, Invariant, World, ensure};

#[derive(Default)]
pub(super) struct Resources {
    created: u64,
    destroyed: u64,
    dropped: u64,
    living: BTreeMap<usize, Book>,
}

struct Book {
    owner: Option<WorkerId>,
    sick: bool,
}

impl Resources {
    fn usable(&self, resource: Option<usize>, by: Option<WorkerId>, what: &str) -> Result<(), String> {
        let book = resource.and_then(|resource| self.living.get(&resource));
        let Some(book) = book else {
            return Err(format!("{what} began on a resource that is gone: {resource:?}"));
        };
        ensure(!book.sick, || format!("{what} began on a sick resource: {resource:?}"))?;
        ensure(book.owner == by, || format!("{what} began on a foreign resource: {resource:?}"))
    }

    fn end(&mut self, resource: usize, what: &str) -> Result<(), String> {
        let known = self.living.remove(&resource).is_some();
        ensure(known, || format!("resource {resource} was {what} once too often"))
    }

    fn add_up(&self, world: &World) -> Result<(), String> {
        ensure(self.living.is_empty(), || format!("never destroyed: {:?}", self.living.keys()))?;
        ensure(self.created == self.destroyed + self.dropped, || "resources do not add up".into())?;
        let workers = world.workers.len();
        ensure(workers == 0, || format!("{workers} workers are still there"))
    }
}

impl Invariant for Resources {
    fn name(&self) -> &'static str {
        "each resource is destroyed exactly once, and used by its owner while it is good"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Created { resource, worker } => {
                self.created += 1;
                let twice = self.living.insert(*resource, Book { owner: *worker, sick: false }).is_some();
                ensure(!twice, || format!("resource {resource} was created twice"))
            }
            Fact::Sickened { resource } => {
                if let Some(book) = self.living.get_mut(resource) {
                    book.sick = true;
                }
                Ok(())
            }
            Fact::Destroys { resource } => {
                self.destroyed += 1;
                self.end(*resource, "destroyed")
            }
            Fact::Dropped { resource } => {
                self.dropped += 1;
                self.end(*resource, "dropped")
            }
            Fact::Started { task, worker, resource, .. } => {
                self.usable(*resource, Some(*worker), &format!("task {task}"))
            }
            Fact::RunStarted { resource } => self.usable(Some(*resource), None, "a run"),
            Fact::Finished => self.add_up(world),
            _ => Ok(()),
        }
    }

    fn hold(&mut self, world: &World) -> Result<(), String> {
        let ledger = world.engine.hub.ledger();
        let theirs = (ledger.created(), ledger.destroyed(), ledger.skipped());
        let ours = (self.created, self.destroyed, self.dropped);
        ensure(theirs == ours, || {
            format!("created, destroyed, dropped: the ledger says {theirs:?}, there were {ours:?}")
        })
    }
}
