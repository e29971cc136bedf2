//! Tasks as data: what one does, what is asked for it, and how it is submitted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tasker_core::{Priority, TaskContext, TaskOptions};

use crate::chance::Chance;
use crate::panics;
use crate::resource::Fault;
use crate::world::World;

#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) world: Arc<World>,
    pub(crate) act: Act,
    pub(crate) options: TaskOptions,
    pub(crate) once: bool,
    begun: Arc<AtomicBool>,
}

/// What a task does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Succeed,
    Fail,
    /// Spoils its resource.
    Sicken,
    /// Spoils its resource at the first attempt.
    SickenOnce,
    Panic,
    /// Panics after an await.
    PanicLater,
    Nap(Duration),
    /// Returns when nobody waits for it any more, or after a while.
    UntilCancelled,
    /// Submits another to its own pool and waits for it.
    Nest,
    /// Asks its own pool to stop.
    Stop,
}

impl Task {
    pub(crate) fn any(world: &Arc<World>, chance: &mut Chance) -> Self {
        let act = act(chance);
        let mut task = Self::of(world, act);
        task.options = options(chance);
        task.once = chance.happens(200);
        task
    }

    pub(crate) fn of(world: &Arc<World>, act: Act) -> Self {
        let (world, options) = (Arc::clone(world), TaskOptions::default());
        Self { world, act, options, once: false, begun: Arc::default() }
    }

    pub(crate) fn repeatable(mut self) -> Self {
        self.once = false;
        self
    }

    /// All but what needs a pool.
    pub(crate) async fn play(&self, cx: &TaskContext) -> Result<(), Fault> {
        match self.act {
            Act::Succeed | Act::Nest | Act::Stop => Ok(()),
            Act::Fail => Err(Fault::Failed),
            Act::Sicken => Err(Fault::Sick),
            Act::SickenOnce if cx.attempt() == 1 => Err(Fault::Sick),
            Act::SickenOnce => Ok(()),
            Act::Panic => panics::planned("task"),
            Act::PanicLater => {
                self.world.nap(Duration::from_micros(50)).await;
                panics::planned("task, after a while")
            }
            Act::Nap(time) => {
                self.world.nap(time).await;
                Ok(())
            }
            Act::UntilCancelled => {
                for _ in 0..50 {
                    if cx.is_cancelled() {
                        break;
                    }
                    self.world.nap(Duration::from_micros(500)).await;
                }
                Ok(())
            }
        }
    }

    /// An attempt begins.
    pub(crate) fn begin(&self) {
        if self.begun.swap(true, Ordering::SeqCst) && self.once {
            self.world.begun_twice.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn act(chance: &mut Chance) -> Act {
    match chance.between(0, 999) {
        0..600 => Act::Succeed,
        600..700 => Act::Fail,
        700..725 => Act::Sicken,
        725..760 => Act::SickenOnce,
        760..785 => Act::Panic,
        785..800 => Act::PanicLater,
        800..940 => Act::Nap(chance.micros(10, 3_000)),
        // Longer than timeouts and grace: on threads such a worker is given up.
        940..945 => Act::Nap(chance.micros(10_000, 60_000)),
        945..965 => Act::UntilCancelled,
        965..999 => Act::Nest,
        _ => {
            if chance.happens(30) {
                Act::Stop
            } else {
                Act::Succeed
            }
        }
    }
}

fn options(chance: &mut Chance) -> TaskOptions {
    let mut options = TaskOptions::default();
    options.priority = chance.pick(&[Priority::High, Priority::Normal, Priority::Normal, Priority::Low]);
    options.timeout = chance.sometimes(100, |chance| chance.micros(1, 5_000));
    options.deadline = chance.sometimes(100, |chance| chance.micros(1, 20_000));
    options.delay = chance.sometimes(80, |chance| chance.micros(1, 10_000));
    options.retries = chance.sometimes(200, |chance| u32::try_from(chance.between(0, 4)).unwrap_or(0));
    options.cancel_safe = chance.happens(200);
    options.retry_on_timeout = chance.happens(100);
    options.name = chance.sometimes(100, |_| Arc::from("named"));
    options
}
