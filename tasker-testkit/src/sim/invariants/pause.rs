//! Nothing starts while the pool is paused, and a stop resumes.

use super::{Fact, Invariant, World, ensure};

#[derive(Default)]
pub(super) struct Pause {
    paused: bool,
}

impl Invariant for Pause {
    fn name(&self) -> &'static str {
        "nothing starts while paused, and a stop resumes"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Pauses(paused) => self.paused = *paused,
            Fact::Started { task, .. } => {
                let paused = self.paused && !world.is_closed();
                ensure(!paused, || format!("task {task} started while the pool was paused"))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn hold(&mut self, world: &World) -> Result<(), String> {
        if !world.is_watched() {
            return Ok(());
        }
        let paused = world.engine.inbox.is_paused();
        // A queue that was discarded has nothing to start.
        let holds_up = paused && world.is_closed() && !world.engine.hub.is_killed();
        ensure(!holds_up, || "a stopped pool is paused".into())?;
        ensure(world.is_closed() || paused == self.paused, || format!("paused: {paused}"))
    }
}
