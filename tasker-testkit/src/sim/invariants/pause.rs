//! Nothing starts while the pool is paused, and a stop resumes.

use tasker_core::engine::Msg;
use tasker_core::supervisor::Event;

use super::{Fact, Invariant, World, ensure};

#[derive(Default)]
pub(super) struct Pause {
    paused: bool,
    stopping: bool,
}

impl Invariant for Pause {
    fn name(&self) -> &'static str {
        "nothing starts while paused, and a stop resumes"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Delivered(Msg::Event(Event::Stop { .. } | Event::Kill)) => self.stopping = true,
            Fact::Delivered(Msg::Pause(paused)) => self.paused = *paused && !self.stopping,
            Fact::Started { task, .. } => {
                let paused = self.paused && !world.is_closed();
                ensure(!paused, || format!("task {task} started while the pool was paused"))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn hold(&mut self, world: &World) -> Result<(), String> {
        // A queue that was discarded has nothing to start.
        let holds_up = self.stopping && world.engine.inbox.is_paused() && !world.engine.hub.is_killed();
        ensure(!holds_up, || "a stopped pool is paused".into())
    }
}
