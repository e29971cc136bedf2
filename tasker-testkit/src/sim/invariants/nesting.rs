//! A task's wait for another of its pool is refused only where it would block the last worker there may be, and never
//! are all of them blocked.

use std::collections::BTreeMap;

use tasker_core::WorkerId;
use tasker_core::engine::Msg;
use tasker_core::supervisor::Event;

use super::{Fact, Invariant, World, ensure};
use crate::sim::worker::{SimWorker, State};

#[derive(Default)]
pub(super) struct Nesting {
    /// Workers that wait, and the tasks they wait for.
    waits: BTreeMap<WorkerId, usize>,
    /// The maximum in force, and the least there was, once it was changed.
    bound: Option<usize>,
    least: Option<usize>,
    stopping: bool,
}

impl Nesting {
    fn over(&mut self, world: &World, worker: WorkerId, refused: bool) -> Result<(), String> {
        let target = self.waits.remove(&worker);
        let max = self.least.unwrap_or(world.setup().max_workers);
        let others = self.waits.len();
        // Those that were given up will not come.
        let fewer = world.setup().create_retries.is_some();
        ensure(!refused || fewer || others + 1 >= max, || {
            format!(
                "{worker} was told not to wait for task {target:?}, with {others} others blocked, of {max}"
            )
        })
    }

    /// Workers that wait for a task that has not ended, and of whom the pool expects to come back.
    fn blocked(&self, world: &World) -> usize {
        let blocks = |worker: &&SimWorker| match &worker.state {
            State::Running(running) => running.nests() && !worker.is_abandoned(),
            _ => false,
        };
        let open = |worker: &SimWorker| {
            let target = self.waits.get(&worker.id);
            target.is_some_and(|&target| !world.tasks[target].core.has_ended())
        };
        world.workers.iter().filter(blocks).filter(|worker| open(worker)).count()
    }

    fn quiet(&self, world: &World) -> Result<(), String> {
        if world.control.is_none() {
            return Ok(());
        }
        let stats = world.engine.stats();
        let max = self.bound.unwrap_or(world.setup().max_workers);
        let alone = stats.active >= max || stats.backing_off + stats.stopping == 0;
        let stuck = stats.active > 0 && alone && stats.starting == 0 && self.blocked(world) >= stats.active;
        ensure(!stuck, || format!("all of {} workers wait for tasks of their own pool", stats.active))
    }
}

impl Invariant for Nesting {
    fn name(&self) -> &'static str {
        "nested waits never block the last worker, and no other is refused"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Nests { worker, target } => drop(self.waits.insert(*worker, *target)),
            Fact::NestOver { worker, refused } => self.over(world, *worker, *refused)?,
            Fact::Delivered(Msg::Event(Event::Stop { .. } | Event::Kill)) => self.stopping = true,
            Fact::Delivered(Msg::Event(Event::Resize { max_workers, .. })) if !self.stopping => {
                let before = self.least.unwrap_or(world.setup().max_workers);
                self.least = Some(before.min(*max_workers));
                self.bound = Some(*max_workers);
            }
            Fact::Quiet => self.quiet(world)?,
            _ => {}
        }
        Ok(())
    }
}
