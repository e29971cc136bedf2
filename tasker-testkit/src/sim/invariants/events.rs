//! The stream of events agrees with what happened: workers and retries are told of once each, in an order that makes
//! sense, and nothing follows the end.

use std::collections::{BTreeMap, BTreeSet};

use tasker_core::{ExitReason, PoolEvent, Received, WorkerId};

use super::{Fact, Invariant, World, ensure};
use crate::sim::worker::State;

#[derive(Default)]
pub(super) struct Events {
    /// What happened.
    launched: BTreeSet<WorkerId>,
    unlaunched: usize,
    made: BTreeSet<WorkerId>,
    retried: usize,
    over: bool,
    /// What was told.
    workers: BTreeMap<WorkerId, Told>,
    abandoned: BTreeSet<WorkerId>,
    retries: usize,
    paused: bool,
    stopping: bool,
    killed: bool,
    ended: bool,
}

/// The last that was told of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Started,
    Ready,
    Gone,
}

impl Events {
    fn hear(&mut self, event: &PoolEvent) -> Result<(), String> {
        ensure(!self.ended, || format!("after the end: {event}"))?;
        match event {
            PoolEvent::WorkerStarted { worker, .. } => self.pass(*worker, &[], Told::Started),
            PoolEvent::WorkerReady { worker, .. } => {
                let made = self.made.contains(worker);
                ensure(made, || format!("{worker} is ready and made no resource"))?;
                self.pass(*worker, &[Told::Started], Told::Ready)
            }
            PoolEvent::CreationFailed { worker, .. } => self.pass(*worker, &[Told::Started], Told::Gone),
            PoolEvent::WorkerAbandoned { worker, .. } => {
                ensure(self.abandoned.insert(*worker), || format!("{worker} is told to be abandoned twice"))
            }
            PoolEvent::WorkerRetired { worker, why: ExitReason::Abandoned, .. } => {
                let known = self.abandoned.remove(worker);
                self.workers.insert(*worker, Told::Gone);
                ensure(known, || format!("{worker} is told to be back and was not abandoned"))
            }
            PoolEvent::WorkerReplaced { worker, .. } | PoolEvent::WorkerRetired { worker, .. } => {
                self.pass(*worker, &[Told::Started, Told::Ready], Told::Gone)
            }
            PoolEvent::TaskRetried { .. } => {
                self.retries += 1;
                ensure(self.retries <= self.retried, || "a retry is told that was none".into())
            }
            PoolEvent::Paused => self.turn_over(true),
            PoolEvent::Resumed => self.turn_over(false),
            _ => self.hear_of_ending(event),
        }
    }

    fn pass(&mut self, worker: WorkerId, from: &[Told], to: Told) -> Result<(), String> {
        let before = self.workers.insert(worker, to);
        let fits = before.map_or(from.is_empty(), |before| from.contains(&before));
        ensure(fits, || format!("{worker} is told to be {to:?} after {before:?}"))
    }

    fn turn_over(&mut self, paused: bool) -> Result<(), String> {
        let before = std::mem::replace(&mut self.paused, paused);
        ensure(before != paused, || format!("paused is told to be {paused} twice"))
    }

    fn hear_of_ending(&mut self, event: &PoolEvent) -> Result<(), String> {
        match event {
            PoolEvent::Stopping { .. } => {
                ensure(!self.killed, || "stopping is told after the kill".into())?;
                self.stopping = true;
            }
            PoolEvent::Drained => ensure(self.stopping, || "drained is told, and no stop before".into())?,
            PoolEvent::Killed => {
                ensure(!std::mem::replace(&mut self.killed, true), || "two kills are told".into())?;
            }
            PoolEvent::Ended => {
                self.ended = true;
                ensure(self.over, || "the end is told before it".into())?;
            }
            _ => {}
        }
        Ok(())
    }

    fn quiet(&self, world: &World) -> Result<(), String> {
        if world.control.is_none() {
            return ensure(self.ended, || "the end is not told".into());
        }
        let told = self.workers.len();
        let there = self.launched.len() + self.unlaunched;
        ensure(told == there, || format!("{told} starts of workers are told, there were {there}"))?;
        let all = self.launched.iter().all(|worker| self.workers.contains_key(worker));
        ensure(all, || "a start is told of another worker".into())?;
        self.all_are_told_of(world)?;
        let (told, there) = (self.retries, self.retried);
        ensure(told == there, || format!("{told} retries are told, there were {there}"))
    }

    /// Whoever is at work is told to be ready, and of those that came up and are gone it is told, too.
    fn all_are_told_of(&self, world: &World) -> Result<(), String> {
        for (worker, told) in &self.workers {
            let there = world.workers.iter().find(|there| there.id == *worker && !there.is_abandoned());
            let serves = there.is_some_and(|there| {
                matches!(there.state, State::Ready | State::Waiting | State::Running(_) | State::Probing(_))
            });
            ensure(!serves || *told == Told::Ready, || {
                format!("{worker} serves and is told to be {told:?}")
            })?;
            let gone =
                world.workers.iter().all(|there| there.id != *worker) && !self.abandoned.contains(worker);
            ensure(!gone || *told == Told::Gone, || format!("{worker} is gone and told to be {told:?}"))?;
        }
        Ok(())
    }

    /// Events are told within turns of the control loop, so all facts before them are known.
    fn listen(&mut self, world: &World) -> Result<(), String> {
        while let Some(received) = world.events.lock().try_recv() {
            match received {
                Received::Event(event) => self.hear(&event)?,
                other => return Err(format!("{other:?}, of a subscription without bound")),
            }
        }
        Ok(())
    }
}

impl Invariant for Events {
    fn name(&self) -> &'static str {
        "the events tell what happened"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Launched(worker) => drop(self.launched.insert(*worker)),
            Fact::LaunchFailed => self.unlaunched += 1,
            Fact::Created { worker: Some(worker), .. } => drop(self.made.insert(*worker)),
            Fact::Requeued { .. } => self.retried += 1,
            Fact::Over => self.over = true,
            Fact::Quiet | Fact::Finished => {
                self.listen(world)?;
                self.quiet(world)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn hold(&mut self, world: &World) -> Result<(), String> {
        self.listen(world)
    }
}
