//! Simulated `run`s: tasks that skip the queue, on resources of the reserve.

use std::sync::Arc;
use std::task::{Poll, Waker};

use tasker_core::Timestamp;
use tasker_core::metrics::Owned;
use tasker_core::reserve::{Kept, Lease, Line, Slot};

use super::facts::Fact;
use super::parts::{Bell, SimResource};
use super::script::{Act, Brings};
use super::world::World;

/// A `run`, or the destruction of a resource of the reserve that nobody uses.
pub(super) struct SimRun {
    line: Option<Line<SimResource>>,
    act: Act,
    bell: Arc<Bell>,
    waker: Waker,
    state: State,
    until: Option<Timestamp>,
    deadline: Option<Timestamp>,
}

enum State {
    Asking,
    Making(Slot<SimResource>, bool),
    Using(Box<Kept<SimResource>>),
    /// The slot is the last to go; then the `run` is over, or asks again.
    Ending {
        slot: Slot<SimResource>,
        fails: bool,
        again: bool,
    },
    Gone,
}

impl SimRun {
    fn new(line: Option<Line<SimResource>>, act: Act, state: State) -> Self {
        let (bell, waker) = Bell::rung(false);
        Self { line, act, bell, waker, state, until: None, deadline: None }
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        [self.until, self.deadline].into_iter().flatten().min()
    }

    pub(super) fn can_move(&self, world: &World) -> bool {
        self.bell.has_rung() || self.due().is_some_and(|due| due <= world.now)
    }

    /// Whether it waits for a resource.
    pub(super) const fn asks(&self) -> bool {
        matches!(self.state, State::Asking)
    }

    pub(super) fn release(&mut self, soon: Timestamp) {
        if !matches!(self.state, State::Asking | State::Gone) {
            self.until = Some(self.until.unwrap_or(soon));
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    fn is_late(&self, now: Timestamp) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}

impl World {
    pub(super) fn begin_run(&mut self, act: Act) {
        let line = Line::new(Arc::clone(&self.reserve));
        self.runs.push(SimRun::new(Some(line), act, State::Asking));
    }

    /// A `run` is dropped wherever it is: its resource is destroyed by somebody else.
    pub(super) fn cancel_run(&mut self, which: usize) {
        if which >= self.runs.len() || matches!(self.runs[which].state, State::Ending { .. }) {
            return;
        }
        let run = self.runs.remove(which);
        if let State::Using(mut kept) = run.state {
            kept.fail();
            self.leftovers.lock().push(kept);
        }
    }

    /// A `run` is dropped with its runtime.
    pub(super) fn drop_run(&mut self, which: usize) {
        let run = self.runs.remove(which);
        if let State::Using(mut kept) = run.state {
            self.note(Fact::Dropped { resource: kept.owned.get_mut().id });
        }
    }

    /// Whoever the reserve hands its resources to destroys them, each by itself.
    pub(super) fn dispose_leftovers(&mut self) {
        let leftovers = std::mem::take(&mut *self.leftovers.lock());
        for kept in leftovers {
            let act = Act { takes: None, result: Brings::Value, yields: true };
            let mut run = SimRun::new(None, act, State::Gone);
            run.state = self.begin_ending(&mut run, *kept, false);
            self.runs.push(run);
        }
    }

    pub(super) fn step_run(&mut self, index: usize) {
        let mut run = self.runs.remove(index);
        run.bell.silence();
        let state = std::mem::replace(&mut run.state, State::Gone);
        run.state = match state {
            State::Asking => self.ask_reserve(&mut run),
            State::Making(slot, works) => self.make(&mut run, slot, works),
            State::Using(kept) => self.use_up(&mut run, kept),
            State::Ending { slot, fails, again } => self.end_run(&mut run, slot, fails, again),
            State::Gone => State::Gone,
        };
        if !matches!(run.state, State::Gone) {
            self.runs.insert(index, run);
        }
    }

    fn ask_reserve(&mut self, run: &mut SimRun) -> State {
        let Some(line) = &mut run.line else { return State::Gone };
        let Poll::Ready(lease) = self.reserve.poll_lease(line, &run.waker) else {
            return State::Asking;
        };
        match lease {
            None => State::Gone,
            Some(Lease::Ready(kept)) => self.begin_use(run, kept),
            Some(Lease::Stale(kept)) => self.begin_ending(run, *kept, true),
            Some(Lease::Make(slot)) => {
                run.until = self.until(0, 12);
                run.deadline =
                    Some(self.now.saturating_add(self.setup().create_timeout)).filter(|_| self.interrupts());
                State::Making(slot, !self.rng.chance(self.faults.create))
            }
        }
    }

    fn make(&mut self, run: &mut SimRun, slot: Slot<SimResource>, works: bool) -> State {
        if run.is_over(self.now) && works {
            (run.until, run.deadline) = (None, None);
            let resource = self.make_resource(None);
            let owned = Owned::new(resource, Arc::clone(&self.engine.hub));
            let mut kept = Kept::new(owned, slot, self.now);
            kept.begin();
            return self.begin_use(run, kept);
        }
        if run.is_over(self.now) || run.is_late(self.now) {
            drop(slot);
            return State::Gone;
        }
        State::Making(slot, works)
    }

    fn begin_use(&self, run: &mut SimRun, mut kept: Box<Kept<SimResource>>) -> State {
        self.note(Fact::RunStarted { resource: kept.owned.get_mut().id });
        let stays = self.released.then_some(std::time::Duration::from_millis(1));
        run.until = run.act.takes.or(stays).map(|takes| self.now.saturating_add(takes));
        run.bell.ring();
        State::Using(kept)
    }

    fn use_up(&mut self, run: &mut SimRun, mut kept: Box<Kept<SimResource>>) -> State {
        let done = run.is_over(self.now);
        if !done {
            let Some(line) = &mut run.line else { return State::Gone };
            self.reserve.watch(line, &run.waker);
            if !run.act.yields || !self.engine.hub.is_killed() {
                return State::Using(kept);
            }
        }
        run.until = None;
        if !done || !matches!(run.act.result, Brings::Value) {
            kept.fail();
        }
        let healthy = done && matches!(run.act.result, Brings::Value | Brings::HealthyError);
        if !healthy {
            self.note(Fact::Sickened { resource: kept.owned.get_mut().id });
            return self.begin_ending(run, *kept, false);
        }
        let resource = kept.owned.get_mut().id;
        match self.reserve.put_back(kept) {
            Ok(()) => {
                self.note(Fact::PutBack { resource });
                State::Gone
            }
            Err(kept) => self.begin_ending(run, *kept, false),
        }
    }

    fn begin_ending(&mut self, run: &mut SimRun, mut kept: Kept<SimResource>, again: bool) -> State {
        let resource = kept.owned.take();
        self.note_destroyed(Some(&resource));
        run.until = self.until(0, 12);
        run.deadline =
            Some(self.now.saturating_add(self.setup().destroy_timeout)).filter(|_| self.interrupts());
        run.bell.ring();
        State::Ending { slot: kept.into_slot(), fails: self.rng.chance(self.faults.destroy), again }
    }

    fn end_run(&self, run: &mut SimRun, slot: Slot<SimResource>, fails: bool, again: bool) -> State {
        let result = if run.is_over(self.now) {
            if fails { Err("`destroy` failed".into()) } else { Ok(()) }
        } else if run.is_late(self.now) {
            Err("`destroy` took too long".into())
        } else {
            return State::Ending { slot, fails, again };
        };
        (run.until, run.deadline) = (None, None);
        self.engine.hub.destroyed(None, result);
        drop(slot);
        run.bell.ring();
        if again { State::Asking } else { State::Gone }
    }
}
