//! Those who come for tasks: they run some, look around, sleep until they are called, and leave.

use super::world::World;
use super::*;

pub(super) struct Worker {
    pub(super) share: Arc<Share<Plain>>,
    doing: Doing,
}

enum Doing {
    Runs(Plain),
    /// Until the bell rings.
    Sleeps(Arc<Bell>),
    Looks,
    SomethingElse,
}

impl Worker {
    pub(super) const fn new(share: Arc<Share<Plain>>) -> Self {
        Self { share, doing: Doing::SomethingElse }
    }

    pub(super) const fn runs(&self) -> bool {
        matches!(self.doing, Doing::Runs(_))
    }

    /// It sleeps, and was not called.
    pub(super) fn sleeps(&self) -> bool {
        matches!(&self.doing, Doing::Sleeps(bell) if bell.rung() == 0)
    }

    /// It will come by itself, or was called.
    pub(super) fn is_on_its_way(&self) -> bool {
        match &self.doing {
            Doing::Looks => true,
            Doing::Sleeps(bell) => bell.rung() > 0,
            Doing::Runs(_) | Doing::SomethingElse => false,
        }
    }

    /// It comes for more, and what it did has ended.
    fn come(&mut self) -> CameFrom {
        match std::mem::replace(&mut self.doing, Doing::SomethingElse) {
            Doing::Runs(job) => {
                drop(job);
                CameFrom::Task
            }
            Doing::Sleeps(_) | Doing::Looks => CameFrom::Wait,
            Doing::SomethingElse => CameFrom::Elsewhere,
        }
    }
}

pub(super) fn step(world: &mut World) {
    let Some(index) = world.dice.index(world.workers.len()) else { return };
    match world.dice.below(42) {
        0 if !world.is_closed => replace(world, index),
        1 => step_aside(world, index),
        _ => pull(world, index),
    }
}

/// It leaves, whatever it does, and another comes in its place.
fn replace(world: &mut World, index: usize) {
    let worker = world.workers.remove(index);
    world.note(format!("{} leaves, from a task: {}", worker.share.worker, worker.runs()));
    world.rig.inbox.leave(worker.share.worker, worker.runs());
    world.hire();
}

fn step_aside(world: &mut World, index: usize) {
    let worker = &mut world.workers[index];
    if !matches!(worker.doing, Doing::Sleeps(_)) {
        return;
    }
    worker.doing = Doing::SomethingElse;
    let worker = worker.share.worker;
    world.note(format!("{worker} steps aside"));
    world.rig.inbox.step_aside(worker);
}

fn pull(world: &mut World, index: usize) {
    // Few come without being called.
    if world.workers[index].sleeps() && !world.dice.one_in(10) {
        return;
    }
    let appetite = Appetite { tasks: world.dice.of(&[1, 1, 8, 32]), looks: world.are_threads };
    let worker = &mut world.workers[index];
    let (share, from) = (Arc::clone(&worker.share), worker.come());
    world.note(format!("{} comes from {from:?} for {}", share.worker, appetite.tasks));
    let bell = Arc::<Bell>::default();
    let doing = match world.rig.inbox.pull(&share, &bell.waker(), from, appetite, world.now) {
        Pull::Task(job) => {
            world.waiting.retain(|task| task.id() != job.core().id());
            Doing::Runs(job)
        }
        Pull::Look => Doing::Looks,
        Pull::Wait => Doing::Sleeps(bell),
        Pull::Leave(why) => return leave(world, index, why),
    };
    world.workers[index].doing = doing;
}

/// Whoever takes a permit is replaced, so that somebody is there to the end.
fn leave(world: &mut World, index: usize, why: Leave) {
    invariants::allow_to_leave(world, why);
    let worker = world.workers.remove(index);
    world.rig.inbox.leave(worker.share.worker, false);
    if why == Leave::Retired {
        world.hire();
    }
}
