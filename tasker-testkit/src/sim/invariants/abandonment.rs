//! A worker that came up and is at work is not given up: only one that does not return from what has ended is.

use std::collections::BTreeSet;

use tasker_core::WorkerId;
use tasker_core::engine::Msg;
use tasker_core::supervisor::Event;

use super::{Fact, Invariant, World, ensure};
use crate::sim::worker::State;

#[derive(Default)]
pub(super) struct Abandonment {
    /// Workers of which the control loop knows that they came up.
    ready: BTreeSet<WorkerId>,
    abandoned: BTreeSet<WorkerId>,
}

impl Abandonment {
    fn turned(&mut self, world: &World) -> Result<(), String> {
        for worker in world.workers.iter().filter(|worker| worker.is_abandoned()) {
            if !self.abandoned.insert(worker.id) || !self.ready.contains(&worker.id) {
                continue;
            }
            let State::Running(running) = &worker.state else { continue };
            // The control loop cannot know yet what is still in its mail.
            let back = Event::Back(worker.id);
            let on_its_way = |msg: &Msg| matches!(msg, Msg::Event(event) if *event == back);
            if world.messages.lock().iter().any(on_its_way) {
                continue;
            }
            let at_work = !running.job.own.core().has_ended();
            ensure(!at_work || world.engine.hub.is_killed(), || {
                format!("{} was abandoned while it ran task {}", worker.id, running.job.task)
            })?;
        }
        Ok(())
    }
}

impl Invariant for Abandonment {
    fn name(&self) -> &'static str {
        "no worker at work is abandoned"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Delivered(Msg::Event(Event::Ready(worker))) => drop(self.ready.insert(*worker)),
            Fact::Turned => self.turned(world)?,
            _ => {}
        }
        Ok(())
    }
}
