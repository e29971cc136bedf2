//! What the control loop and the holders of handles do: pauses, permits to leave, cancellations, and the end.

use super::world::World;
use super::*;

/// Long enough for every delay.
const LONG: Duration = Duration::from_micros(1);

pub(super) fn step(world: &mut World) {
    match world.dice.below(20) {
        0..=3 => cut(world),
        4..=7 => forfeit(world),
        8 if !world.is_closed => pause(world),
        9 if !world.is_closed => retire(world),
        10..=12 => count(world),
        _ => release_due(world),
    }
}

pub(super) fn close(world: &mut World) {
    world.note("close");
    world.rig.inbox.close();
    world.is_closed = true;
    let waits = std::mem::take(&mut world.waits);
    assert!(waits.iter().all(|wait| wait.bell.rung() > 0), "whoever waits for room is told of the end");
    drop(waits);
    world.rig.inbox.recall(usize::MAX);
    invariants::hold(world);
}

/// What others held back from a drain.
pub(super) fn settle(world: &mut World) {
    world.note("settle");
    world.tickets.clear();
    while !world.cut.is_empty() {
        forfeit(world);
    }
    world.now = world.now.saturating_add(LONG);
    release_due(world);
}

fn cut(world: &mut World) {
    let Some(task) = world.dice.take(&mut world.waiting) else { return };
    world.note("cancel a task that waits");
    // It may have been displaced.
    if task.cut(&world.rig.desk.hub, &End::Cancelled).is_some() {
        world.cut.push(task);
    }
}

fn forfeit(world: &mut World) {
    let Some(task) = world.dice.take(&mut world.cut) else { return };
    world.note("tell of a task that was cancelled");
    world.rig.inbox.forfeit(&task);
}

fn pause(world: &mut World) {
    let paused = world.dice.one_in(2);
    world.note(format!("pause: {paused}"));
    world.rig.inbox.pause(paused);
}

fn retire(world: &mut World) {
    world.note("let one leave");
    world.rig.inbox.retire(1);
}

fn count(world: &mut World) {
    world.note("count");
    world.rig.counts();
}

fn release_due(world: &mut World) {
    world.note("release what is due");
    world.rig.inbox.release_due(world.now);
}
