//! What users do.

use std::cell::RefCell;
use std::sync::Arc;
use std::task::{Poll, Waker};

use tasker_core::queue::{RoomWait, Ticket};
use tasker_core::task::{Shared as TaskRef, Taker, TaskCore};
use tasker_core::{Priority, Refusal, TaskHandle, TaskOptions, life, submit};

use super::facts::Fact;
use super::parts::{Bell, Shared, SimError, SimJob, SimWork};
use super::plant::Plant;
use super::script::{Keep, Op, Spec};
use super::world::{SimTask, World};

/// A submitter that waits for room.
pub(super) struct SimWaiter {
    wait: RoomWait<SimJob>,
    spec: Spec,
    /// Where it stands in line, once it does.
    pub(super) place: Option<u64>,
    pub(super) bell: Arc<Bell>,
    waker: Waker,
}

impl World {
    pub(super) fn step_user(&mut self) {
        let Some(next) = self.moves.pop_front() else { return self.begin_end() };
        self.next_move = match self.moves.front() {
            Some(after) => self.now.saturating_add(after.after),
            None => self.now.saturating_add(self.rng.millis(0, 40)),
        };
        self.perform(next.op);
    }

    fn perform(&mut self, op: Op) {
        self.closed |= matches!(op, Op::Stop | Op::StopWithin(_) | Op::Kill);
        match op {
            Op::Submit(spec) => self.submit(spec, None),
            Op::Batch(spec, count) => self.submit_batch(&spec, count),
            Op::Try(spec) => self.try_submit(spec),
            Op::Wait(spec) => self.wait_for_room(spec),
            Op::GiveUp(which) => give_up(&mut self.waiters, which),
            Op::Cancel(which) => self.cancel(which),
            Op::DropHandle(which) => self.drop_handle(which),
            Op::Pause => self.pause(true),
            Op::Resume => self.pause(false),
            Op::Resize { workers, max_workers } => {
                let _ = life::resize(&self.engine, workers, max_workers);
            }
            Op::WarmUp(workers) => {
                life::begin_warm_up(&self.engine, workers);
            }
            Op::Stop => {
                let _ = life::stop(&self.engine, None);
            }
            Op::StopWithin(timeout) => {
                let _ = life::stop(&self.engine, Some(timeout));
            }
            Op::Kill => {
                let _ = life::kill(&self.engine);
            }
            Op::Run(act) => self.begin_run(act),
            Op::CancelRun(which) => self.cancel_run(which),
            Op::Jump(by) => self.set_now(self.now.saturating_add(by)),
            Op::Lose(which) => {
                if which < self.workers.len() {
                    self.lose_worker(which);
                }
            }
        }
    }

    pub(super) fn submit(&mut self, spec: Spec, ticket: Option<Ticket<SimJob>>) {
        let Some((handle, core)) = self.enqueue(&spec, ticket) else { return };
        let (handle, called) = self.keep(handle, spec.handle);
        self.enter(spec, core, handle, called);
    }

    /// Submits a task whose handle stays with the task that submits it.
    pub(super) fn submit_nested(&mut self, spec: Spec) -> Option<TaskHandle<u64, SimError>> {
        let (handle, core) = self.enqueue(&spec, None)?;
        self.enter(spec, core, None, None);
        Some(handle)
    }

    fn enqueue(&self, spec: &Spec, ticket: Option<Ticket<SimJob>>) -> Option<Submitted> {
        let task = self.tasks.len();
        let options = self.options(spec);
        let mut kept = None;
        let make = |core| {
            let (job, taker) = new_job(core, task);
            kept = Some(job.own.share());
            (job, taker)
        };
        let handle = match ticket {
            Some(ticket) => {
                self.note(Fact::SpendsRoom);
                submit::submit_with(&self.engine, options, ticket, make)
            }
            None => submit::submit(&self.engine, options, make),
        };
        Some((handle, kept?))
    }

    fn submit_batch(&mut self, spec: &Spec, count: usize) {
        let first = self.tasks.len();
        let cores = RefCell::new(Vec::new());
        let swaps = self.plant == Plant::SwapsBatch && count > 1;
        let make = |core, at: usize| {
            let named = if swaps && at < 2 { 1 - at } else { at };
            let (job, taker) = new_job(core, first + named);
            cores.borrow_mut().push(job.own.share());
            (job, taker)
        };
        let handles = submit::submit_all(&self.engine, &self.options(spec), 0..count, make);
        for (handle, core) in handles.into_iter().zip(cores.into_inner()) {
            let (handle, called) = self.keep(handle, spec.handle);
            self.enter(spec.clone(), core, handle, called);
        }
    }

    /// Follows a task from now on.
    fn enter(
        &mut self,
        spec: Spec,
        core: TaskRef,
        handle: Option<TaskHandle<u64, SimError>>,
        called: Option<Shared<usize>>,
    ) {
        let task = self.tasks.len();
        let arrived = |fact: &Fact| matches!(fact, Fact::Arrived { task: arrived } if *arrived == task);
        if !self.log.lock().iter().any(arrived) && self.plant != Plant::CountsRefusals {
            self.note(Fact::Refused { task });
        }
        self.tasks.push(SimTask { spec, core, submitted: self.now, handle, called });
    }

    fn keep(&self, handle: TaskHandle<u64, SimError>, how: Keep) -> Kept {
        match how {
            Keep::Handle => (Some(handle), None),
            Keep::CancelOnDrop => (Some(handle.cancel_on_drop()), None),
            Keep::Detached => {
                handle.detach();
                (None, None)
            }
            Keep::Callback => {
                let called = Shared::new(0);
                let counter = Shared::clone(&called);
                let times = if self.plant == Plant::CallsTwice { 2 } else { 1 };
                handle.on_complete(move |_| *counter.lock() += times);
                (None, Some(called))
            }
        }
    }

    fn options(&self, spec: &Spec) -> TaskOptions {
        let mut options = TaskOptions::default();
        let swapped = self.plant == Plant::SwapsPriority && spec.priority == Priority::High;
        options.priority = if swapped { Priority::Low } else { spec.priority };
        options.retries = spec.retries;
        options.timeout = spec.timeout;
        options.deadline = spec.deadline;
        options.delay = spec.delay.filter(|_| self.plant != Plant::ForgetsDelay);
        options.cancel_safe = spec.cancel_safe;
        options.retry_on_timeout = spec.retry_on_timeout;
        options
    }

    fn try_submit(&mut self, spec: Spec) {
        let mut room = self.engine.inbox.try_room(spec.priority);
        if self.plant == Plant::RefusesRoom {
            room = room.and(Err(Refusal::Full));
        }
        match room {
            Ok(ticket) => {
                self.note(Fact::GotRoom { place: None });
                self.tickets.push((ticket, spec));
            }
            Err(why) => self.note(Fact::NoRoom { why }),
        }
    }

    fn pause(&self, paused: bool) {
        self.note(Fact::Pauses(paused));
        if self.plant != Plant::IgnoresPause {
            life::pause(&self.engine, paused);
        }
    }

    fn wait_for_room(&mut self, spec: Spec) {
        let (bell, waker) = Bell::rung(false);
        let wait = self.engine.inbox.room();
        self.waiters.push(SimWaiter { wait, spec, place: None, bell, waker });
    }

    pub(super) fn step_waiter(&mut self, index: usize) {
        let waiter = &mut self.waiters[index];
        waiter.bell.silence();
        let Poll::Ready(room) = waiter.wait.poll_room(&waiter.waker) else {
            return self.stand_in_line(index);
        };
        let SimWaiter { spec, place, .. } = self.waiters.remove(index);
        match room {
            Ok(ticket) => {
                self.note(Fact::GotRoom { place });
                self.tickets.push((ticket, spec));
            }
            Err(why) => self.note(Fact::NoRoom { why }),
        }
    }

    fn stand_in_line(&mut self, index: usize) {
        if self.waiters[index].place.is_some() {
            return;
        }
        let before = self.waiters.iter().position(|waiter| waiter.place.is_some());
        self.places += 1;
        self.waiters[index].place = Some(self.places);
        if let (Some(before), Plant::SwapsTurns) = (before, self.plant) {
            let place = self.waiters[before].place;
            self.waiters[before].place = self.waiters[index].place;
            self.waiters[index].place = place;
        }
    }

    /// Somebody who got room uses it, or gives it back.
    pub(super) fn step_ticket(&mut self, index: usize) {
        let (ticket, spec) = self.tickets.remove(index);
        if !self.rng.chance(15) {
            self.submit(spec, Some(ticket));
        } else if self.plant == Plant::LeaksRoom {
            std::mem::forget(ticket);
        }
    }

    fn cancel(&self, which: usize) {
        let Some(task) = self.tasks.len().checked_sub(which + 1) else { return };
        if let Some(handle) = &self.tasks[task].handle {
            if self.plant != Plant::CancelsUnasked {
                self.note(Fact::Cancels { task });
            }
            handle.cancel();
        }
    }

    fn drop_handle(&mut self, which: usize) {
        let Some(task) = self.tasks.len().checked_sub(which + 1) else { return };
        if self.tasks[task].spec.handle == Keep::CancelOnDrop {
            self.note(Fact::Cancels { task });
        }
        self.tasks[task].handle = None;
    }
}

fn give_up(waiters: &mut Vec<SimWaiter>, which: usize) {
    if which < waiters.len() {
        drop(waiters.remove(which));
    }
}

type Submitted = (TaskHandle<u64, SimError>, TaskRef);

fn new_job(core: TaskCore, task: usize) -> (SimJob, Taker<u64, SimError>) {
    let (own, taker) = SimWork::pair(core, (), |task| task);
    (SimJob { own, task }, taker)
}

type Kept = (Option<TaskHandle<u64, SimError>>, Option<Shared<usize>>);
