//! What the pool counts is what happened, and adds up.

use tasker_core::metrics::EndKind;

use super::{Fact, Invariant, World, ensure};
use crate::ends_by_kind;
use crate::sim::worker::State;

#[derive(Default)]
pub(super) struct Counters {
    arrived: u64,
    refused: u64,
    ends: [u64; EndKind::COUNT],
    started: u64,
    retried: u64,
    created: u64,
    destroyed: u64,
    quiet: u32,
}

/// The pool's figures are summed over histograms, which takes a while; so they are not asked for at every quiet
/// moment.
const SELDOM: u32 = 128;

impl Counters {
    fn compare(&self, world: &World) -> Result<(), String> {
        let metrics = world.engine.metrics();
        let theirs = [metrics.accepted, metrics.refused, metrics.ended(), metrics.attempts, metrics.retried];
        let ended: u64 = self.ends.iter().sum();
        let ours = [self.arrived, self.refused, ended, self.started, self.retried];
        ensure(theirs == ours, || {
            format!("accepted, refused, ended, attempts, retried: it counts {theirs:?}, there were {ours:?}")
        })?;
        let open = world.tasks.iter().filter(|task| !task.core.has_ended()).count() as u64;
        ensure(metrics.accepted == metrics.ended() + open, || {
            format!("{} accepted are not {} ended and {open} owed", metrics.accepted, metrics.ended())
        })?;
        let theirs = ends_by_kind(&metrics);
        let ours = theirs.map(|(kind, _)| (kind, self.ends[kind as usize]));
        ensure(theirs == ours, || format!("it counts {theirs:?}, there were {ours:?}"))?;
        let theirs = [metrics.created, metrics.destroyed];
        let ours = [self.created, self.destroyed];
        ensure(theirs == ours, || format!("created, destroyed: it counts {theirs:?}, there were {ours:?}"))
    }

    /// A task that has ended while an abandoned worker is inside of it may count until the grace time is over.
    fn running(world: &World) -> Result<(), String> {
        let running = world.engine.inbox.counts().running;
        let (mut sure, mut fading) = (0, 0);
        for worker in &world.workers {
            let State::Running(inside) = &worker.state else { continue };
            let fades = worker.is_abandoned() && inside.job.own.core().has_ended();
            *(if fades { &mut fading } else { &mut sure }) += 1;
        }
        // Nobody asks how many tasks of a killed pool are owed.
        let killed = world.engine.hub.is_killed();
        ensure(killed || (sure..=sure + fading).contains(&running), || {
            format!("the queue counts {running} running tasks, there are {sure}, and {fading} abandoned")
        })
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
            Fact::Created { .. } => self.created += 1,
            Fact::Destroys { .. } => self.destroyed += 1,
            Fact::Requeued { .. } => self.retried += 1,
            Fact::Finished => self.compare(world)?,
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
