//! Never more tasks wait than there is room for; room that is free is not refused, and whoever waits for it gets it.

use std::collections::BTreeSet;

use super::{Fact, Invariant, World, ensure};

#[derive(Default)]
pub(super) struct Capacity {
    /// Tasks that wait for their first attempt.
    used: BTreeSet<usize>,
    ended: BTreeSet<usize>,
}

impl Capacity {
    fn refused(&self, world: &World, task: usize) -> Result<(), String> {
        let closed = world.is_closed();
        let taken = self.used.len() + world.tickets.len() + world.waiters.len();
        let full = world.setup().capacity.is_some_and(|capacity| taken >= capacity);
        ensure(closed || full, || format!("task {task} was refused, with {taken} places taken"))
    }

    fn quiet(&self, world: &World) -> Result<(), String> {
        let full = world.setup().capacity.is_some_and(|capacity| self.used.len() >= capacity);
        ensure(world.waiters.is_empty() || full && !world.is_closed(), || {
            format!("a submitter waits for room, with {} places taken", self.used.len())
        })
    }
}

impl Invariant for Capacity {
    fn name(&self) -> &'static str {
        "capacity is never exceeded, and free room is given out"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Arrived { task } if !self.ended.contains(task) => drop(self.used.insert(*task)),
            Fact::Started { task, .. } => drop(self.used.remove(task)),
            Fact::Ended { task, .. } => {
                self.used.remove(task);
                self.ended.insert(*task);
            }
            Fact::Refused { task } => self.refused(world, *task)?,
            Fact::Quiet => self.quiet(world)?,
            _ => {}
        }
        Ok(())
    }

    fn hold(&mut self, world: &World) -> Result<(), String> {
        let taken = self.used.len() + world.tickets.len();
        let within = world.setup().capacity.is_none_or(|capacity| taken <= capacity);
        ensure(within, || {
            format!(
                "{} tasks wait and {} may, of {:?}",
                self.used.len(),
                world.tickets.len(),
                world.setup().capacity
            )
        })
    }
}
