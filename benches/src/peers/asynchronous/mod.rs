//! Pools and the like on tokio, and what they are asked to do. One file a contender.

mod async_std;
mod bb8;
mod cronoq;
mod deadpool;
mod kameo;
mod kameo_pool;
mod ours;
mod ractor;
mod spawn;
mod tower;
mod two_lanes;

pub(crate) use self::async_std::{FLOOR as ASYNC_STD_FLOOR, on_async_std};
pub(crate) use self::bb8::Peer as Bb8;
pub(crate) use self::cronoq::{Order, Peer as Cronoq};
pub(crate) use self::deadpool::Peer as Deadpool;
pub(crate) use self::ours::Ours as OnTokio;
pub(crate) use self::spawn::Floor as Spawn;
pub(crate) use self::two_lanes::TwoLanes as AsyncTwoLanes;

use std::sync::Arc;

use benches::work::Task;
use tokio::runtime::{Builder, Runtime};

use crate::ability::{Ability, Lacks, lacking};
use crate::rounds::Entrant;

/// What runs tasks on tokio.
pub(crate) trait Tasks: Sized + Send + Sync + 'static {
    /// As it is called in tables.
    const NAME: &'static str;
    /// What it cannot do.
    const LACKS: Lacks = &[];

    /// Starts it with so many workers, as its documentation suggests.
    fn start(workers: usize) -> impl Future<Output = Self> + Send;
    /// Has a task done without ever asking for its result.
    fn fire(&self, task: Task) -> impl Future<Output = ()> + Send;
    /// Has a task done. What it resolves to is a future that resolves when the task is done, to its result.
    fn submit(&self, task: Task) -> impl Future<Output = impl Future<Output = u64> + Send> + Send;
}

/// Something to do with such a pool. Gives a figure.
pub(crate) trait AsyncWork: Copy + Send + 'static {
    /// What a contender must be able to do.
    const NEEDS: Ability = Ability::Results;

    fn measure<P: Tasks>(self, pool: &Arc<P>) -> impl Future<Output = f64> + Send;
}

/// The two kinds of tokio's runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Of two threads.
    MultiThread,
    CurrentThread,
}

impl Flavour {
    pub(crate) const ALL: [Self; 2] = [Self::MultiThread, Self::CurrentThread];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MultiThread => "two threads",
            Self::CurrentThread => "current thread",
        }
    }

    pub(crate) const fn short(self) -> &'static str {
        match self {
            Self::MultiThread => "mt",
            Self::CurrentThread => "ct",
        }
    }

    pub(crate) const fn threads(self) -> usize {
        match self {
            Self::MultiThread => 2,
            Self::CurrentThread => 1,
        }
    }

    pub(crate) fn runtime(self) -> Runtime {
        let runtime = match self {
            Self::MultiThread => {
                Builder::new_multi_thread().worker_threads(self.threads()).enable_all().build()
            }
            Self::CurrentThread => Builder::new_current_thread().enable_all().build(),
        };
        runtime.expect("a runtime starts")
    }
}

/// By what the others are divided.
pub(crate) const FLOOR: &str = spawn::Floor::NAME;

/// Workers of every pool.
const WORKERS: usize = 2;

/// All contenders, on one runtime, ready for this work.
pub(crate) fn all(flavour: Flavour, work: impl AsyncWork) -> Vec<Entrant> {
    let runtime = Arc::new(flavour.runtime());
    vec![
        one::<spawn::Floor, _>(&runtime, work),
        one::<ours::Ours, _>(&runtime, work),
        one::<deadpool::Peer, _>(&runtime, work),
        one::<bb8::Peer, _>(&runtime, work),
        one::<kameo::Peer, _>(&runtime, work),
        one::<kameo_pool::Peer, _>(&runtime, work),
        one::<ractor::Peer, _>(&runtime, work),
        one::<tower::Peer, _>(&runtime, work),
        one::<cronoq::Peer, _>(&runtime, work),
    ]
}

/// One contender, ready for this work. The work itself is a task of the runtime, as where users submit.
pub(crate) fn one<P: Tasks, W: AsyncWork>(runtime: &Arc<Runtime>, work: W) -> Entrant {
    if let Some(reason) = lacking(P::LACKS, W::NEEDS) {
        return Entrant::absent(P::NAME, reason);
    }
    let runtime = Arc::clone(runtime);
    Entrant::new(P::NAME, move || {
        let pool = Arc::new(runtime.block_on(P::start(WORKERS)));
        Box::new(move || {
            let pool = Arc::clone(&pool);
            let work = runtime.spawn(async move { work.measure(&pool).await });
            runtime.block_on(work).expect("the work is done")
        })
    })
}
