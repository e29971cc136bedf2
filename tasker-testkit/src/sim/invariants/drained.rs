//! Drained means that nothing is owed; and the report of the end says what happened.

use std::collections::BTreeSet;

use tasker_core::Stopped;
use tasker_core::engine::Msg;
use tasker_core::metrics::EndKind;
use tasker_core::supervisor::Event;

use super::{Fact, Invariant, World, ensure};

#[derive(Default)]
pub(super) struct Drained {
    open: BTreeSet<usize>,
    early: BTreeSet<usize>,
    ends: [u64; EndKind::COUNT],
    lost: u64,
}

impl Drained {
    fn over(&self, world: &World) -> Result<(), String> {
        ensure(self.open.is_empty(), || format!("the pool ended with tasks open: {:?}", self.open))?;
        let Some(report) = world.engine.ended.get() else { return Err("there is no report".into()) };
        let of = |kind: EndKind| self.ends[kind as usize];
        let failed = of(EndKind::Failed)
            + of(EndKind::Panicked)
            + of(EndKind::TimedOut)
            + of(EndKind::Expired)
            + of(EndKind::Displaced);
        let ours = (of(EndKind::Completed), failed, of(EndKind::Cancelled), of(EndKind::Killed));
        let theirs = (report.done, report.failed, report.cancelled, report.undone);
        ensure(ours == theirs, || {
            format!("done, failed, cancelled, undone: the report says {theirs:?}, there were {ours:?}")
        })?;
        let drained = report.how == Stopped::Drained;
        ensure(!drained || report.undone <= self.lost, || "a drained pool left tasks undone".into())?;
        let reserve = world.reserve.levels();
        ensure(!drained || reserve == (0, 0), || format!("the reserve was not waited for: {reserve:?}"))?;
        let left = report.workers_left.len();
        ensure(report.how == Stopped::RuntimeGone || left <= world.workers.len(), || {
            format!("the report names {left} workers")
        })
    }
}

impl Invariant for Drained {
    fn name(&self) -> &'static str {
        "drained means that nothing is owed"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Arrived { task } if !self.early.contains(task) => drop(self.open.insert(*task)),
            Fact::Ended { task, how } => {
                self.ends[*how as usize] += 1;
                self.open.remove(task);
                self.early.insert(*task);
            }
            Fact::Lost { task } => self.lost += u64::from(task.is_some()),
            Fact::Delivered(Msg::Event(Event::Drained)) => {
                let open = &self.open;
                ensure(open.is_empty(), || format!("the queue calls itself drained and owes {open:?}"))?;
            }
            Fact::Over => self.over(world)?,
            _ => {}
        }
        Ok(())
    }
}
