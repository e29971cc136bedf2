//! Submits, waits, cancels and gives up, until it is told to end or the pool stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tasker_core::parker::block_on;
use tasker_core::{Refusal, RunError};

use crate::chance::Chance;
use crate::ground::{Ground, Handle, Room, note};
use crate::panics;
use crate::task::Task;
use crate::watch::Actor;
use crate::world::World;

/// Handles that nobody has waited for yet, at most.
const HELD: usize = 100;
/// How often it still tries after the pool has begun to stop.
const LATE: u32 = 30;

pub(crate) struct Producer<G: Ground> {
    pub(crate) pool: G::Pool,
    pub(crate) world: Arc<World>,
    pub(crate) chance: Chance,
    pub(crate) actor: Actor,
    pub(crate) over: Arc<AtomicBool>,
    pub(crate) handles: Vec<Handle>,
    pub(crate) late: u32,
}

impl<G: Ground> Producer<G> {
    pub(crate) fn produce(mut self) {
        while !self.over.load(Ordering::SeqCst) && self.late < LATE {
            self.submit();
            self.let_go();
        }
        let Self { pool, world, actor, handles, .. } = self;
        drop(pool);
        for handle in handles {
            wait(&world, &actor, handle);
        }
    }

    fn submit(&mut self) {
        let task = Task::any(&self.world, &mut self.chance);
        match self.chance.between(0, 99) {
            0..60 => self.handles.push(G::submit(&self.pool, task)),
            60..70 => self.submit_with(Room::Try, task),
            70..76 => self.submit_with(Room::Wait, task),
            76..82 => {
                let time = self.chance.micros(0, 3_000);
                self.submit_with(Room::Within(time), task);
            }
            82..86 => {
                let some = 0..self.chance.between(0, 20);
                let tasks = some.map(|_| Task::any(&self.world, &mut self.chance).repeatable()).collect();
                self.handles.extend(G::submit_all(&self.pool, tasks));
            }
            86..92 => self.call_back(task),
            _ => self.run(&task),
        }
    }

    fn submit_with(&mut self, room: Room, task: Task) {
        self.actor.does(format!("waits for room ({room:?}) for {:?}", task.act));
        match G::submit_with(&self.pool, room, task) {
            Ok(handle) => self.handles.push(handle),
            Err(Refusal::Stopping | Refusal::NoWorkers) => self.late += 1,
            Err(_) => {}
        }
    }

    fn call_back(&mut self, task: Task) {
        let handle = G::submit(&self.pool, task);
        let (id, world, panics) = (handle.id(), Arc::clone(&self.world), self.chance.happens(100));
        self.world.callbacks_owed.fetch_add(1, Ordering::SeqCst);
        handle.on_complete(move |result| {
            note(&world, id, &result);
            world.callbacks_called.fetch_add(1, Ordering::SeqCst);
            if panics {
                panics::planned("on_complete");
            }
        });
    }

    fn run(&mut self, task: &Task) {
        self.actor.does(format!("runs {:?}", task.act));
        let limit = self.chance.sometimes(200, |chance| chance.micros(1, 2_000));
        let runs = &self.world.runs;
        match G::run(&self.pool, task.clone(), limit) {
            Some(Ok(())) => _ = runs.completed.fetch_add(1, Ordering::SeqCst),
            None => _ = runs.given_up.fetch_add(1, Ordering::SeqCst),
            Some(Err(RunError::Stopping)) => self.late += 1,
            Some(Err(_)) => {}
        }
    }

    /// Does something with a handle it holds.
    fn let_go(&mut self) {
        let full = self.handles.len() >= HELD;
        if self.handles.is_empty() || !(full || self.chance.happens(400)) {
            return;
        }
        let last = self.handles.len() - 1;
        let handle = self.handles.swap_remove(self.chance.count(0, last));
        match self.chance.between(0, 9) {
            0 => handle.detach(),
            1 => drop(handle.cancel_on_drop()),
            2..4 => {
                handle.cancel();
                wait(&self.world, &self.actor, handle);
            }
            4 => self.wait_a_little(handle),
            _ => wait(&self.world, &self.actor, handle),
        }
        if self.pool_has_stopped() {
            self.late += 1;
        }
    }

    fn wait_a_little(&mut self, mut handle: Handle) {
        self.actor.does(format!("waits a little for {:?}", handle.id()));
        match handle.wait_timeout(Duration::from_micros(300)) {
            Some(result) => note(&self.world, handle.id(), &result),
            None => self.handles.push(handle),
        }
    }

    fn pool_has_stopped(&self) -> bool {
        G::stats(&self.pool).ended
    }
}

fn wait(world: &World, actor: &Actor, handle: Handle) {
    let id = handle.id();
    actor.does(format!("waits for {id:?}"));
    // Awaited or blocked on, as it comes.
    let result = if id.get() % 2 == 0 { handle.wait() } else { block_on(handle) };
    note(world, id, &result);
}
