//! Random walks: submitters, workers and the control loop do what they may at any time, one call after the
//! other, with the invariants checked after each; then the pool closes, and has to drain.

mod control;
mod dice;
mod invariants;
mod submitters;
mod workers;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use world::World;

/// Walks a test.
const SEEDS: u64 = 300;
/// Calls before the pool closes.
const OPEN: usize = 400;
/// Calls after that, while some may still hold room and others have not heard of what ended.
const CLOSING: usize = 600;
/// Calls after which the last worker must have left.
const DRAINING: usize = 1_400;

#[test]
fn workers_that_are_threads_find_every_task_and_drain() {
    (0..SEEDS).for_each(|seed| walk(seed, true));
}

#[test]
fn workers_on_a_runtime_find_every_task_and_drain() {
    (0..SEEDS).for_each(|seed| walk(seed, false));
}

/// Says which seed fails, and after which moves.
fn walk(seed: u64, are_threads: bool) {
    let mut world = World::new(seed, are_threads);
    if catch_unwind(AssertUnwindSafe(|| live_and_end(&mut world))).is_err() {
        let moves = world.last_moves();
        // What is broken may panic again when it is dropped.
        std::mem::forget(world);
        panic!("seed {seed}, threads: {are_threads}; the last moves: {moves:#?}");
    }
}

fn live_and_end(world: &mut World) {
    steps(world, OPEN);
    control::close(world);
    steps(world, CLOSING);
    control::settle(world);
    steps(world, DRAINING);
    invariants::hold_at_the_end(world);
}

fn steps(world: &mut World, count: usize) {
    for _ in 0..count {
        world.pass_time();
        match world.dice.below(24) {
            0..=11 => submitters::step(world),
            12..=16 => control::step(world),
            _ => workers::step(world),
        }
        invariants::hold(world);
    }
}
