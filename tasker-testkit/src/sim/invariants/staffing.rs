//! A running pool has or seeks at least its base workers, and what it shows of its workers is what there is.

use tasker_core::engine::Msg;
use tasker_core::supervisor::Event;

use super::{Fact, Invariant, World, ensure};
use crate::sim::worker::State;

#[derive(Default)]
pub(super) struct Staffing {
    stopping: bool,
    bounds: Option<(usize, usize)>,
}

/// Workers by what they do: creating, live, destroying, abandoned.
fn census(world: &World) -> [usize; 4] {
    let mut census = [0; 4];
    for worker in &world.workers {
        let kind = match worker.state {
            _ if worker.is_abandoned() => 3,
            State::Starting | State::Creating(_) => 0,
            State::Ready | State::Waiting | State::Running(_) | State::Probing(_) => 1,
            State::Destroying { .. } => 2,
            State::Gone => continue,
        };
        census[kind] += 1;
    }
    census
}

impl Staffing {
    fn quiet(&self, world: &World) -> Result<(), String> {
        if world.control.is_none() {
            return Ok(());
        }
        let stats = world.engine.stats();
        // A pool whose last worker has left hears no more of those it had abandoned.
        let stopping = self.stopping || world.engine.hub.is_killed();
        let deserted = stopping && census(world)[..3] == [0; 3];
        let shown = [stats.starting, stats.active, stats.stopping, stats.abandoned];
        let there = census(world);
        ensure(deserted || shown == there, || {
            format!(
                "the pool shows {shown:?} workers creating, live, destroying, abandoned; there are {there:?}"
            )
        })?;
        if stopping || world.setup().create_retries.is_some() {
            return Ok(());
        }
        let (workers, max) = self.bounds.unwrap_or((world.setup().workers, world.setup().max_workers));
        let staffed = stats.starting + stats.active + stats.backing_off >= workers;
        ensure(staffed, || format!("too few workers for {workers}: {stats:?}"))?;
        let present = stats.starting + stats.active + stats.stopping;
        let waits = stats.backing_off > 0 && present < max && stats.starting == 0;
        ensure(!waits || world.timer.is_some(), || format!("nobody will start a worker: {stats:?}"))
    }
}

impl Invariant for Staffing {
    fn name(&self) -> &'static str {
        "the pool has or seeks its workers, and shows those it has"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Delivered(Msg::Event(Event::Stop { .. } | Event::Kill)) => self.stopping = true,
            Fact::Delivered(Msg::Event(Event::Resize { workers, max_workers })) if !self.stopping => {
                self.bounds = Some((*workers, *max_workers));
            }
            Fact::Quiet => self.quiet(world)?,
            _ => {}
        }
        Ok(())
    }
}
