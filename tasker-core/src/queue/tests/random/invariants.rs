//! What must hold between any two calls.

use super::workers::Worker;
use super::world::World;
use super::*;
use crate::queue::intake::Gate;
use crate::queue::state::State;

pub(super) fn hold(world: &World) {
    let (state, gate) = (world.rig.inbox.state(), world.rig.inbox.intake.shut());
    room_is_never_exceeded(world, &state, &gate);
    room_is_granted_to_those_who_hold_it(world, &state, &gate);
    room_that_is_free_is_waited_for_by_nobody(world, &state, &gate);
    nobody_sleeps_while_there_is_something_to_come_for(world, &state, &gate);
    workers_on_a_runtime_are_called_one_for_each_task(world, &state, &gate);
    tasks_are_counted(world, &state, &gate);
    tasks_lie_where_they_are_counted(world, &state);
}

/// Why a worker is told to leave.
pub(super) fn allow_to_leave(world: &World, why: Leave) {
    assert_ne!(why, Leave::Killed, "nobody killed the pool");
    if why == Leave::Drained {
        assert!(world.is_closed, "drained while tasks are taken");
        assert!(world.tickets.is_empty(), "drained while somebody holds room");
        assert!(!world.workers.iter().any(Worker::runs), "drained while tasks run");
    }
}

pub(super) fn hold_at_the_end(world: &World) {
    assert!(world.workers.is_empty(), "not drained: {:?}", world.rig.counts());
    let counts = world.rig.counts();
    assert_eq!((counts.queued(), counts.delayed, counts.running), (0, 0, 0), "tasks are left");
    let state = world.rig.inbox.state();
    assert_eq!((state.room.used, state.room.granted()), (0, 0), "room is not given back");
}

fn room_is_never_exceeded(world: &World, state: &State<Plain>, gate: &Gate<Plain>) {
    let Some(capacity) = world.settings.capacity else { return };
    let taken = state.room.used + state.room.granted() + gate.jobs.len() + gate.aside;
    let credit = gate.credit;
    assert!(taken + credit <= capacity, "{taken} places are taken and {credit} are offered, of {capacity}");
}

fn room_is_granted_to_those_who_hold_it(world: &World, state: &State<Plain>, gate: &Gate<Plain>) {
    // Those who wait are called when it is theirs.
    let called = world.waits.iter().filter(|wait| wait.bell.rung() > 0).count();
    let (kept, held) = (state.room.granted() + gate.aside, world.tickets.len() + called);
    assert_eq!(kept, held, "places that are kept, and those who hold them");
}

fn room_that_is_free_is_waited_for_by_nobody(world: &World, state: &State<Plain>, gate: &Gate<Plain>) {
    let waits = world.waits.iter().any(|wait| wait.bell.rung() == 0);
    let Some(capacity) = world.settings.capacity.filter(|_| waits) else { return };
    assert_eq!(gate.credit, 0, "newcomers are offered room before those who wait for it");
    // The state takes note later of room that became free in shares.
    let freed: usize = world.workers.iter().map(|worker| worker.share.open().tally.freed).sum();
    let taken = state.room.used + state.room.granted() + freed;
    assert!(taken >= capacity, "somebody waits for room, with {taken} places taken of {capacity}");
}

fn nobody_sleeps_while_there_is_something_to_come_for(
    world: &World,
    state: &State<Plain>,
    gate: &Gate<Plain>,
) {
    if !world.workers.iter().any(Worker::sleeps) || world.workers.iter().any(Worker::is_on_its_way) {
        return;
    }
    assert!(gate.credit == 0 && !gate.is_open, "tasks may be left that no worker is called for");
    assert!(gate.is_empty(), "a task was left that no worker was called for");
    if !state.paused {
        assert!(state.lanes.is_empty(), "a worker sleeps while tasks wait");
        assert!(!world.workers.iter().any(has_along), "a worker sleeps while others have tasks");
    }
}

fn has_along(worker: &Worker) -> bool {
    worker.share.open().jobs.iter().any(|queued| !queued.item.core().has_ended())
}

fn workers_on_a_runtime_are_called_one_for_each_task(
    world: &World,
    state: &State<Plain>,
    gate: &Gate<Plain>,
) {
    let may_sleep = world.are_threads || state.paused || !world.workers.iter().any(Worker::sleeps);
    // Nobody is called for a task that was cancelled, even if it counts still.
    if may_sleep || !world.cut.is_empty() {
        return;
    }
    let called = world.workers.iter().filter(|worker| worker.is_on_its_way()).count();
    let waiting = gate.jobs.len() + state.counts.queued();
    assert!(called >= waiting, "{called} workers were called for {waiting} tasks, and another sleeps");
}

fn tasks_are_counted(world: &World, state: &State<Plain>, gate: &Gate<Plain>) {
    let running = world.workers.iter().filter(|worker| worker.runs()).count();
    assert_eq!(state.counts.running, running, "tasks that run");
    let arrived = state.counts.arrived as usize + gate.jobs.len();
    assert_eq!(arrived, world.accepted, "tasks that were taken");
}

fn tasks_lie_where_they_are_counted(world: &World, state: &State<Plain>) {
    let lanes: usize = Priority::ALL.iter().map(|&priority| state.lanes.len(priority)).sum();
    let (mut there, mut unnoted) = (lanes + state.delayed.len(), 0);
    for worker in &world.workers {
        let held = worker.share.open();
        there += held.jobs.len();
        unnoted += held.tally.started + held.tally.dead;
    }
    let living = state.counts.queued() + state.counts.delayed;
    let counted = living as isize + state.dead - unnoted as isize;
    assert_eq!(there as isize, counted, "tasks in lanes and shares");
    assert_eq!(state.room.used, living, "places that are used by those that wait");
}
