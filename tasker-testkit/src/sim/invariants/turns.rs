//! Whoever waits for room is served in turn, and no newcomer takes room while somebody waits for it.

use tasker_core::metrics::EndKind;

use super::{Fact, Invariant, World, ensure};

#[derive(Default)]
pub(super) struct Turns {
    /// The task that arrives next had its room before, or takes that of another.
    has_room: bool,
}

impl Turns {
    /// Nobody may stand in line before `place` (`None`: at all) who was not called yet.
    fn served(world: &World, place: Option<u64>) -> Result<(), String> {
        let before = |other: u64| place.is_none_or(|place| other < place);
        let overtaken = world
            .waiters
            .iter()
            .find(|waiter| waiter.place.is_some_and(before) && !waiter.bell.has_rung())
            .and_then(|waiter| waiter.place);
        ensure(overtaken.is_none(), || format!("room went to {place:?} in line before {overtaken:?}"))
    }
}

impl Invariant for Turns {
    fn name(&self) -> &'static str {
        "whoever waits for room is served in turn"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            // It was taken from a task that was displaced for it.
            Fact::GotRoom { place: None } if std::mem::take(&mut self.has_room) => Ok(()),
            Fact::GotRoom { place } => Self::served(world, *place),
            Fact::SpendsRoom | Fact::Ended { how: EndKind::Displaced, .. } => {
                self.has_room = true;
                Ok(())
            }
            Fact::Arrived { .. } if std::mem::take(&mut self.has_room) => Ok(()),
            Fact::Arrived { .. } => Self::served(world, None),
            _ => Ok(()),
        }
    }

    fn hold(&mut self, _world: &World) -> Result<(), String> {
        self.has_room = false;
        Ok(())
    }
}
