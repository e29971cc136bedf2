//! Pools on threads.

use std::sync::Arc;
use std::time::Duration;

use tasker_core::builder::Builder;
use tasker_core::parker::block_on;
use tasker_core::{AsyncClock, BuildError, Refusal, RunError, TaskContext};
use tasker_thread::{Pool, Threads, WeakPool};

use crate::ground::{Ground, Handle, Room, note};
use crate::resource::{Fault, Faulty};
use crate::submitted;
use crate::task::{Act, Task};
use crate::world::World;

pub(crate) struct OnThreads;

impl Ground for OnThreads {
    type Backend = Threads<Faulty>;
    type Pool = Pool<Faulty>;

    fn start() -> Result<Self, String> {
        Ok(Self)
    }

    fn clock(&self) -> Option<Arc<dyn AsyncClock>> {
        None
    }

    fn builder(world: Arc<World>) -> Builder<Self::Backend> {
        Pool::builder(world)
    }

    fn build(&self, builder: Builder<Self::Backend>) -> Result<Self::Pool, BuildError<Fault>> {
        builder.build()
    }

    fn submit(pool: &Self::Pool, task: Task) -> Handle {
        submitted!(pool, task, submit(), played(pool, task))
    }

    fn submit_with(pool: &Self::Pool, room: Room, task: Task) -> Result<Handle, Refusal> {
        match room {
            Room::Try => tried(pool, task),
            Room::Wait => {
                submitted!(pool, task, submit_wait(), played(pool, task)).map_err(|refused| refused.reason)
            }
            Room::Within(time) => submitted!(pool, task, submit_timeout(time), played(pool, task))
                .map_err(|refused| refused.reason),
        }
    }

    fn submit_all(pool: &Self::Pool, tasks: Vec<Task>) -> Vec<Handle> {
        pool.submit_all(tasks.into_iter().map(|task| played(pool, task)))
    }

    fn run(pool: &Self::Pool, task: Task, _limit: Option<Duration>) -> Option<Result<(), RunError<Fault>>> {
        Some(pool.run(|_, cx| block_on(task.play(cx))))
    }

    tasker_testkit::steer!(std::convert::identity);
}

fn tried(pool: &Pool<Faulty>, task: Task) -> Result<Handle, Refusal> {
    submitted!(pool, task, try_submit(), played(pool, task)).map_err(|refused| refused.reason)
}

/// The closure that plays `task`.
fn played(
    pool: &Pool<Faulty>,
    task: Task,
) -> impl FnMut(&mut Faulty, &TaskContext) -> Result<(), Fault> + Send + 'static {
    let pool = pool.downgrade();
    move |_, cx| {
        task.begin();
        match task.act {
            Act::Nest => nest(&pool, &task.world),
            Act::Stop => stop(&pool),
            Act::Succeed | Act::Fail | Act::Sicken | Act::SickenOnce | Act::Panic | Act::PanicLater => {
                block_on(task.play(cx))
            }
            Act::Nap(_) | Act::UntilCancelled => block_on(task.play(cx)),
        }
    }
}

fn nest(pool: &WeakPool<Faulty>, world: &Arc<World>) -> Result<(), Fault> {
    let Some(pool) = pool.upgrade() else { return Ok(()) };
    let handle = OnThreads::submit(&pool, Task::of(world, Act::Succeed));
    let id = handle.id();
    let result = handle.wait();
    note(world, id, &result);
    Ok(())
}

fn stop(pool: &WeakPool<Faulty>) -> Result<(), Fault> {
    match pool.upgrade().map(|pool| pool.stop()) {
        Some(Ok(_)) => Err(Fault::Sick),
        Some(Err(_)) | None => Ok(()),
    }
}
