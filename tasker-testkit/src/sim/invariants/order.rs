//! The highest lane first, and within one the lowest rank and then the oldest, but for those few that may overtake
//! where there are several workers; delayed tasks not before their time. The queue's own counts agree with a second
//! book-keeping.

use std::collections::BTreeMap;

use tasker_core::metrics::EndKind;
use tasker_core::{Priority, Timestamp, WorkerId};

use super::{Fact, Invariant, World, ensure};
use crate::sim::parts::rank;
use crate::sim::worker::State;

/// By how many later ones of its lane a task may be overtaken where there are several workers, which take some along: as
/// far as the README says, and what two others may have with them. With one worker, or ranks, it is none; nor as long as
/// no task was so short that a worker would take some along.
const OVERTAKEN_BY: usize = 1_024 + 64;

#[derive(Default)]
pub(super) struct Order {
    lanes: [Vec<Entry>; 3],
    delayed: Vec<(Timestamp, u64, usize)>,
    sequence: u64,
    displaced: Option<usize>,
    /// When each worker began its last attempt.
    begun: BTreeMap<WorkerId, Timestamp>,
    /// An attempt has taken no time at all. All others take a millisecond or more.
    brisk: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    rank: u64,
    sequence: u64,
    task: usize,
    /// It takes room: it was not started yet.
    counted: bool,
    /// How many later ones of its lane have started before it.
    overtaken: usize,
}

impl Order {
    fn arrive(&mut self, world: &World, task: usize) -> Result<(), String> {
        let spec = &world.tasks[task].spec;
        if let Some(lane) = self.displaced.take() {
            ensure(lane >= spec.priority.lane(), || format!("task {task} displaced a more urgent one"))?;
        }
        let due = spec.delay.map_or(world.now, |delay| world.tasks[task].submitted.saturating_add(delay));
        self.place(world, task, due, true);
        Ok(())
    }

    fn place(&mut self, world: &World, task: usize, due: Timestamp, counted: bool) {
        if due > world.now {
            self.delayed.push((due, self.sequence, task));
        } else {
            let rank = if world.setup().ranked { rank(task as u64 + 1) } else { 0 };
            let entry = Entry { rank, sequence: self.sequence, task, counted, overtaken: 0 };
            self.lanes[world.tasks[task].spec.priority.lane()].push(entry);
        }
        self.sequence += 1;
    }

    fn release_due(&mut self, world: &World) {
        self.delayed.sort_unstable();
        while let Some(&(due, _, task)) = self.delayed.first() {
            if due > world.now {
                return;
            }
            self.delayed.remove(0);
            let counted = world.tasks[task].core.attempts() == 0;
            self.place(world, task, due, counted);
        }
    }

    fn head(&self) -> Option<&Entry> {
        self.lanes.iter().find_map(|lane| lane.iter().min_by_key(|entry| (entry.rank, entry.sequence)))
    }

    fn remove(&mut self, task: usize) {
        self.lanes.iter_mut().for_each(|lane| lane.retain(|entry| entry.task != task));
        self.delayed.retain(|(_, _, delayed)| *delayed != task);
    }

    fn start(&mut self, world: &World, task: usize) -> Result<(), String> {
        let alone = world.setup().max_workers == 1 && world.workers.len() == 1;
        let overtaken = self.overtake(task, world.setup().ageing.is_some())?;
        let strict = alone || world.setup().ranked || !self.brisk;
        let allowed = if strict { 0 } else { OVERTAKEN_BY };
        ensure(overtaken <= allowed, || {
            let head = self.head().map(|entry| entry.task);
            format!("task {task} started before {head:?}, which {overtaken} have overtaken, of {allowed}")
        })?;
        self.remove(task);
        Ok(())
    }

    /// Task `task` starts; returns how often the one most overtaken was, now.
    fn overtake(&mut self, task: usize, ages: bool) -> Result<usize, String> {
        let lane = self.lanes.iter().position(|lane| lane.iter().any(|entry| entry.task == task));
        let Some(lane) = lane else { return Err(format!("task {task} started while it did not wait")) };
        if ages {
            return Ok(0);
        }
        let above = self.lanes[..lane].iter().flatten().next();
        ensure(above.is_none(), || format!("task {task} started before {above:?}, which is more urgent"))?;
        let own = self.lanes[lane].iter().find(|entry| entry.task == task);
        let Some(own) = own.map(|entry| (entry.rank, entry.sequence)) else { return Ok(0) };
        let before = self.lanes[lane].iter_mut().filter(|entry| (entry.rank, entry.sequence) < own);
        Ok(before.map(|entry| (entry.overtaken += 1, entry.overtaken).1).max().unwrap_or(0))
    }

    /// The oldest of the lowest lane, of those that take room.
    fn displace(&mut self, task: usize) -> Result<(), String> {
        let lowest = (0..3).rev().find(|&lane| self.lanes[lane].iter().any(|entry| entry.counted));
        let candidates = lowest.map(|lane| self.lanes[lane].iter().filter(|entry| entry.counted));
        let victim =
            candidates.and_then(|all| all.min_by_key(|entry| entry.sequence)).map(|entry| entry.task);
        self.displaced = lowest;
        ensure(victim == Some(task), || format!("task {task} was displaced instead of {victim:?}"))
    }

    fn quiet(&self, world: &World) -> Result<(), String> {
        if world.control.is_none() {
            return Ok(());
        }
        let late = self.delayed.iter().find(|(due, _, _)| *due <= world.now);
        ensure(late.is_none(), || format!("a delayed task is due and was not released: {late:?}"))?;
        let idle = world.workers.iter().find(|worker| matches!(worker.state, State::Waiting));
        let lost = idle.filter(|_| !world.engine.inbox.is_paused() && self.head().is_some());
        ensure(lost.is_none(), || {
            let worker = lost.map(|worker| worker.id);
            format!("{worker:?} sleeps while task {:?} waits: a lost wake-up", self.head())
        })
    }
}

impl Invariant for Order {
    fn name(&self) -> &'static str {
        "tasks start in their order, and none is overlooked"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Arrived { task } => self.arrive(world, *task),
            Fact::Requeued { task, due } => {
                self.place(world, *task, *due, false);
                Ok(())
            }
            Fact::GotRoom { .. } => {
                self.displaced = None;
                Ok(())
            }
            Fact::Turned => {
                self.release_due(world);
                Ok(())
            }
            Fact::Started { task, worker, .. } => {
                self.begun.insert(*worker, world.now);
                self.start(world, *task)
            }
            Fact::CameBack { worker, .. } => {
                self.brisk |= self.begun.get(worker) == Some(&world.now);
                Ok(())
            }
            Fact::Ended { task, how } => {
                let displaced = if *how == EndKind::Displaced { self.displace(*task) } else { Ok(()) };
                self.remove(*task);
                displaced
            }
            Fact::Quiet => self.quiet(world),
            _ => Ok(()),
        }
    }

    fn hold(&mut self, world: &World) -> Result<(), String> {
        if !world.is_watched() {
            return Ok(());
        }
        let counts = world.engine.inbox.counts();
        let waiting = Priority::ALL.map(|priority| self.lanes[priority.lane()].len());
        ensure((counts.waiting, counts.delayed) == (waiting, self.delayed.len()), || {
            format!(
                "the queue counts {counts:?} where {waiting:?} wait and {} are delayed",
                self.delayed.len()
            )
        })
    }
}
