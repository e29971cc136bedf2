//! What must hold, one invariant a file. Each keeps its own books from the facts and never asks the pool what it
//! could work out by itself.

mod abandonment;
mod ages;
mod attempts;
mod capacity;
mod counters;
mod drained;
mod ends;
mod events;
mod handles;
mod limits;
mod nesting;
mod order;
mod pause;
mod promptness;
mod resources;
mod staffing;
mod turns;

use super::facts::Fact;
use super::world::World;

/// Something that must hold.
pub(super) trait Invariant {
    /// Its name in a failure.
    fn name(&self) -> &'static str;

    /// Takes note of a fact; says what is wrong with it, if something is.
    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String>;

    /// Looks at the world after a step.
    fn hold(&mut self, world: &World) -> Result<(), String> {
        let _ = world;
        Ok(())
    }

    /// Looks at the world once all is over; may take things out of it.
    fn finish(&mut self, world: &mut World) -> Result<(), String> {
        let _ = world;
        Ok(())
    }
}

/// All of them, fresh.
pub(super) fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(resources::Resources::default()),
        Box::new(ends::Ends::default()),
        Box::new(attempts::Attempts::default()),
        Box::new(order::Order::default()),
        Box::new(capacity::Capacity::default()),
        Box::new(limits::Limits::default()),
        Box::new(abandonment::Abandonment::default()),
        Box::new(pause::Pause::default()),
        Box::new(staffing::Staffing::default()),
        Box::new(promptness::Promptness::default()),
        Box::new(drained::Drained::default()),
        Box::new(counters::Counters::default()),
        Box::new(handles::Handles::default()),
        Box::new(turns::Turns::default()),
        Box::new(nesting::Nesting::default()),
        Box::new(ages::Ages::default()),
        Box::new(events::Events::default()),
    ]
}

/// `Err` with the text unless `holds`.
pub(super) fn ensure(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}
