//! Timers fire, interrupts arrive: when nothing can move, nothing is overdue.

use std::collections::BTreeMap;

use tasker_core::Timestamp;

use super::{Fact, Invariant, World, ensure};
use crate::sim::worker::State;

#[derive(Default)]
pub(super) struct Promptness {
    open: BTreeMap<usize, Option<Timestamp>>,
}

impl Promptness {
    fn quiet(&self, world: &World) -> Result<(), String> {
        if world.control.is_none() {
            return Ok(());
        }
        for (&task, &started) in &self.open {
            let SimTimes { deadline, timeout } = times(world, task, started);
            let now = world.now;
            ensure(deadline.is_none_or(|at| at > now), || format!("task {task} outlived its deadline"))?;
            ensure(timeout.is_none_or(|at| at > now), || format!("task {task} outlived its timeout"))?;
        }
        let idle = |state: &State| matches!(state, State::Waiting);
        let deaf = world.workers.iter().find(|worker| idle(&worker.state) && worker.is_abandoned());
        ensure(deaf.is_none(), || "an abandoned worker sleeps".into())?;
        let killed = world.engine.hub.is_killed();
        ensure(!killed || !world.workers.iter().any(|worker| idle(&worker.state)), || {
            "a worker of a killed pool sleeps".into()
        })
    }
}

struct SimTimes {
    deadline: Option<Timestamp>,
    timeout: Option<Timestamp>,
}

fn times(world: &World, task: usize, started: Option<Timestamp>) -> SimTimes {
    let task = &world.tasks[task];
    let timeout = task.spec.timeout.filter(|_| !task.spec.retry_on_timeout);
    SimTimes {
        deadline: task.spec.deadline.map(|after| task.submitted.saturating_add(after)),
        timeout: started.zip(timeout).map(|(at, timeout)| at.saturating_add(timeout)),
    }
}

impl Invariant for Promptness {
    fn name(&self) -> &'static str {
        "nothing is overdue when nothing can move"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Arrived { task } => drop(self.open.insert(*task, None)),
            Fact::Started { task, .. } => drop(self.open.insert(*task, Some(world.now))),
            Fact::Requeued { task, .. } => drop(self.open.insert(*task, None)),
            Fact::Ended { task, .. } => drop(self.open.remove(task)),
            Fact::Quiet => self.quiet(world)?,
            _ => {}
        }
        Ok(())
    }
}
