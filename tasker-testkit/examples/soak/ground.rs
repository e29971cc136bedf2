//! What the backends have in common, as far as the soak uses it. Everything here is called from plain threads.

use std::sync::Arc;
use std::time::Duration;

use tasker_core::builder::{Backend, Builder};
use tasker_core::metrics::{Metrics, Stats};
use tasker_core::{
    AsyncClock, BuildError, EndKind, Events, InvalidConfig, Refusal, RunError, StopError, StopReport,
    TaskError, TaskHandle,
};

use crate::resource::Fault;
use crate::task::Task;
use crate::world::World;

pub(crate) type Handle = TaskHandle<(), Fault>;
/// Whether it may wait for room, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Room {
    Try,
    Wait,
    Within(Duration),
}

pub(crate) trait Ground: Sized + 'static {
    type Backend: Backend;
    type Pool: Clone + Send + Sync + 'static;

    /// What pools of one round need to run.
    fn start() -> Result<Self, String>;
    /// The clock that naps wait for; none where they block.
    fn clock(&self) -> Option<Arc<dyn AsyncClock>>;
    fn builder(world: Arc<World>) -> Builder<Self::Backend>;
    fn build(&self, builder: Builder<Self::Backend>) -> Result<Self::Pool, BuildError<Fault>>;

    fn submit(pool: &Self::Pool, task: Task) -> Handle;
    fn submit_with(pool: &Self::Pool, room: Room, task: Task) -> Result<Handle, Refusal>;
    fn submit_all(pool: &Self::Pool, tasks: Vec<Task>) -> Vec<Handle>;
    /// With a limit the wait is given up, where that can be done.
    fn run(pool: &Self::Pool, task: Task, limit: Option<Duration>) -> Option<Result<(), RunError<Fault>>>;
    fn stop(pool: &Self::Pool) -> Result<Arc<StopReport>, StopError>;
    fn stop_within(pool: &Self::Pool, timeout: Duration) -> Result<Arc<StopReport>, StopError>;
    fn kill(pool: &Self::Pool) -> Result<Arc<StopReport>, StopError>;
    fn ended(pool: &Self::Pool) -> Arc<StopReport>;
    fn pause(pool: &Self::Pool);
    fn resume(pool: &Self::Pool);
    fn resize(pool: &Self::Pool, workers: usize, max_workers: usize) -> Result<(), InvalidConfig>;
    fn warm_up(pool: &Self::Pool, workers: usize);
    fn stats(pool: &Self::Pool) -> Stats;
    fn metrics(pool: &Self::Pool) -> Metrics;
    fn events(pool: &Self::Pool) -> Events;
}

/// How a task ended, by what its handle says; `None` if that speaks of the wait alone.
pub(crate) fn end_of(result: &Result<(), TaskError<Fault>>) -> Option<EndKind> {
    use TaskError as E;
    match result {
        Ok(()) => Some(EndKind::Completed),
        Err(E::Failed(_) | E::Exhausted { .. }) => Some(EndKind::Failed),
        Err(E::Panicked { .. }) => Some(EndKind::Panicked),
        Err(E::Cancelled) => Some(EndKind::Cancelled),
        Err(E::TimedOut { .. }) => Some(EndKind::TimedOut),
        Err(E::Expired { .. }) => Some(EndKind::Expired),
        Err(E::Displaced) => Some(EndKind::Displaced),
        Err(E::Refused(_)) => Some(EndKind::Refused),
        Err(E::Killed | E::NoWorkers { .. }) => Some(EndKind::Killed),
        Err(_) => None,
    }
}

/// Enters what a handle said into the books.
pub(crate) fn note(world: &World, id: tasker_core::TaskId, result: &Result<(), TaskError<Fault>>) {
    use std::sync::atomic::Ordering;
    match end_of(result) {
        Some(EndKind::Refused) => {
            world.refused.fetch_add(1, Ordering::SeqCst);
        }
        Some(kind) => world.ends.see(id, kind),
        None => {}
    }
}

/// Submits in the form that the task asks for.
#[macro_export]
macro_rules! submitted {
    ($pool:expr, $task:expr, $verb:ident ( $($argument:expr),* ), $closure:expr) => {{
        let request = tasker_testkit::ask!($pool.task(), $task.options);
        if $task.once { request.once().$verb($($argument,)* $closure) } else { request.$verb($($argument,)* $closure) }
    }};
}
