//! Workers that create, live or destroy never exceed the maximum in force; after it was lowered no worker is started
//! until enough have gone. Resources of `run` never exceed the reserve and the cap on temporaries. Abandoned workers
//! never exceed their limit while others are still replaced.

use tasker_core::engine::Msg;
use tasker_core::supervisor::Event;

use super::{Fact, Invariant, World, ensure};

#[derive(Default)]
pub(super) struct Limits {
    /// The maximum in force, once it was changed.
    changed: Option<usize>,
    stopping: bool,
    present: usize,
}

impl Limits {
    fn max(&self, world: &World) -> usize {
        self.changed.unwrap_or(world.setup().max_workers)
    }

    fn deliver(&mut self, event: &Event) {
        match event {
            Event::Stop { .. } | Event::Kill => self.stopping = true,
            Event::Resize { max_workers, .. } if !self.stopping => self.changed = Some(*max_workers),
            _ => {}
        }
    }
}

/// Workers that are not abandoned.
fn present(world: &World) -> usize {
    world.workers.iter().filter(|worker| !worker.is_abandoned()).count()
}

impl Invariant for Limits {
    fn name(&self) -> &'static str {
        "workers and resources stay within their limits"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Delivered(Msg::Event(event)) => self.deliver(event),
            Fact::Over => self.stopping = true,
            Fact::Launched(_) => {
                let (present, max) = (present(world), self.max(world));
                ensure(present <= max, || format!("a worker was started: {present} of {max}"))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn hold(&mut self, world: &World) -> Result<(), String> {
        let (present, max) = (present(world), self.max(world));
        ensure(present <= max.max(self.present), || format!("there are {present} workers, of {max}"))?;
        self.present = present;
        let abandoned = world.workers.len() - present;
        let limit = world.setup().max_abandoned;
        let stopping = self.stopping || world.engine.hub.is_killed();
        ensure(stopping || abandoned <= limit, || format!("{abandoned} workers are abandoned, of {limit}"))?;
        let (free, busy) = world.reserve.levels();
        let cap = world.setup().reserve + world.setup().max_temporary;
        ensure(free + busy <= cap, || format!("the reserve has {free} + {busy} resources, of {cap}"))
    }
}
