//! Never more tasks wait than there is room for; room that is free is not refused, and whoever waits for it gets it.

use std::collections::BTreeSet;

use tasker_core::Refusal;

use super::{Fact, Invariant, World, ensure};

#[derive(Default)]
pub(super) struct Capacity {
    /// Tasks that wait for their first attempt.
    used: BTreeSet<usize>,
    ended: BTreeSet<usize>,
}

impl Capacity {
    fn refused(&self, world: &World) -> Result<(), String> {
        ensure(world.is_closed() || self.is_full(world), || {
            let taken = self.used.len() + world.tickets.len();
            format!("someone was refused, with {taken} places taken and {} waiting", world.waiters.len())
        })
    }

    /// Whether no newcomer gets room.
    fn is_full(&self, world: &World) -> bool {
        let taken = self.used.len() + world.tickets.len() + world.waiters.len();
        world.setup().capacity.is_some_and(|capacity| taken >= capacity)
    }

    fn no_room(&self, world: &World, why: Refusal) -> Result<(), String> {
        let fits = match why {
            Refusal::Full => self.is_full(world),
            // Nobody waits for room inside of a task here.
            Refusal::WouldDeadlock => false,
            _ => world.is_closed(),
        };
        ensure(fits, || format!("room was refused: {why}, with {} places taken", self.used.len()))
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
            Fact::Refused { .. } => self.refused(world)?,
            Fact::NoRoom { why } => self.no_room(world, *why)?,
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
