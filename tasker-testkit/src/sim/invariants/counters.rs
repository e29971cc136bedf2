//! What the pool counts is what happened, and adds up.

use tasker_core::metrics::EndKind;

use super::{Fact, Invariant, World, ensure};
use crate::sim::worker::State;

#[derive(Default)]
pub(super) struct Counters {
    arrived: u64,
    refused: u64,
    ends: [u64; EndKind::COUNT],
    started: u64,
    retried: u64,
    quiet: u32,
}

/// The pool's figures are summed over histograms, which takes a while; so they are not asked for at every quiet
/// moment.
const SELDOM: u32 = 32;

impl Counters {
    fn compare(&self, world: &World) -> Result<(), String> {
        let metrics = world.engine.metrics();
        let theirs = [metrics.accepted, metrics.refused, metrics.ended(), metrics.attempts, metrics.retried];
        let ended: u64 = self.ends.iter().sum();
        let ours = [self.arrived, self.refused, ended, self.started, self.retried];
        ensure(theirs == ours, || {
            format!("accepted, refused, ended, attempts, retried: it counts {theirs:?}, there were {ours:?}")
        })?;
        let open = world.tasks.iter().filter(|task| !task.cell.core().has_ended()).count() as u64;
        ensure(metrics.accepted == metrics.ended() + open, || {
            format!("{} accepted are not {} ended and {open} owed", metrics.accepted, metrics.ended())
        })?;
        ensure(metrics.completed == self.ends[EndKind::Completed as usize], || "completed".into())
    }

    fn running(world: &World) -> Result<(), String> {
        let running = world.engine.inbox.counts().running;
        let counts = |worker: &&crate::sim::worker::SimWorker| match &worker.state {
            State::Running(running) => !worker.is_abandoned() || !running.job.work.cell.core().has_ended(),
            _ => false,
        };
        let there = world.workers.iter().filter(counts).count();
        ensure(running == there, || format!("the queue counts {running} running tasks, there are {there}"))
    }
}

impl Invariant for Counters {
    fn name(&self) -> &'static str {
        "what the pool counts is what happened"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Arrived { .. } => self.arrived += 1,
            Fact::Refused { .. } => self.refused += 1,
            Fact::Ended { how, .. } => self.ends[*how as usize] += 1,
            Fact::Started { .. } => self.started += 1,
            Fact::Requeued { .. } => self.retried += 1,
            Fact::Over | Fact::Finished => self.compare(world)?,
            Fact::Quiet => {
                Self::running(world)?;
                self.quiet += 1;
                if self.quiet % SELDOM == 0 {
                    self.compare(world)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
