//! Those who bring tasks, with room that they asked or waited for, and without.

use std::task::Poll;

use super::world::{Wait, World};
use super::*;
use crate::queue::Ticket;

pub(super) fn step(world: &mut World) {
    match world.dice.below(12) {
        0..=5 => submit_some(world),
        6..=7 => ask_for_room(world),
        8..=9 => use_ticket(world),
        10 => wait_for_room(world),
        _ => look_after_wait(world),
    }
}

fn submit_some(world: &mut World) {
    let is_burst = world.has_bursts && world.dice.one_in(6);
    let count = if is_burst { 1 + world.dice.below(13) } else { 1 };
    for _ in 0..count {
        world.note("submit");
        submit(world, None);
        invariants::hold(world);
    }
}

fn submit(world: &mut World, ticket: Option<Ticket<Plain>>) {
    let (options, rank) = some_task(world);
    let job = job_with(options);
    let shared = job.own().share();
    let has_ticket = ticket.is_some();
    let taken = world.rig.inbox.submit(job, rank, world.now, ticket).is_ok();
    assert!(taken || !has_ticket, "a task that came with a ticket was refused");
    if taken {
        world.accepted += 1;
        world.waiting.push(shared);
    }
}

fn some_task(world: &mut World) -> (TaskOptions, u64) {
    let dice = &mut world.dice;
    let priority = dice.of(&[Priority::High, Priority::Normal, Priority::Normal, Priority::Low]);
    let (mut delay, mut rank) = (None, 0);
    if !world.is_plain {
        delay = dice.one_in(4).then(|| Duration::from_nanos(dice.below(50) as u64));
        rank = if dice.one_in(6) { dice.below(5) as u64 } else { 0 };
    }
    (TaskOptions { priority, delay, ..TaskOptions::default() }, rank)
}

fn ask_for_room(world: &mut World) {
    world.note("ask for room");
    world.tickets.extend(world.rig.inbox.try_room(Priority::Normal));
}

fn use_ticket(world: &mut World) {
    let Some(ticket) = world.dice.take(&mut world.tickets) else { return };
    let place = if ticket.aside().is_some() { "set aside" } else { "granted" };
    if world.dice.one_in(3) {
        world.note(format!("drop a ticket whose room was {place}"));
        drop(ticket);
    } else {
        world.note(format!("submit with a ticket whose room was {place}"));
        submit(world, Some(ticket));
    }
}

fn wait_for_room(world: &mut World) {
    const AT_MOST: usize = 3;
    if world.waits.len() == AT_MOST {
        return;
    }
    let mut room = world.rig.inbox.room();
    let has_found = world.dice.one_in(3) && !room.has_to_wait();
    if has_found && world.dice.one_in(2) {
        world.note("drop a wait for room that has found some");
        drop(room);
        return;
    }
    world.note(format!("wait for room, found before: {has_found}"));
    let line = world.waits.len();
    poll(world, Wait { room, bell: Arc::default() });
    assert!(!has_found || world.waits.len() == line, "room that was found is gone");
}

fn look_after_wait(world: &mut World) {
    let Some(wait) = world.dice.take(&mut world.waits) else { return };
    let was_called = wait.bell.rung() > 0;
    if world.dice.one_in(3) {
        world.note(format!("drop a wait for room, called: {was_called}"));
        drop(wait);
        return;
    }
    world.note(format!("poll a wait for room, called: {was_called}"));
    let line = world.waits.len();
    poll(world, wait);
    assert!(!was_called || world.waits.len() == line, "whoever was called for room has to wait");
}

fn poll(world: &mut World, mut wait: Wait) {
    match wait.room.poll_room(&wait.bell.waker()) {
        Poll::Ready(Ok(ticket)) => world.tickets.push(ticket),
        Poll::Ready(Err(_)) => assert!(world.is_closed, "room was refused"),
        Poll::Pending => world.waits.push(wait),
    }
}
