//! Pools of threads, and what they are asked to do. One file a contender.

mod affinitypool;
mod blocking;
mod channel;
mod executors;
mod inline;
mod ours;
mod rayon;
mod rusty_pool;
mod scheduled;
mod threadpool;
mod tokio;
mod two_lanes;
mod workerpool;

use benches::work::Task;

use crate::ability::{Ability, Lacks, lacking};
use crate::rounds::Entrant;

pub(crate) use self::affinitypool::Peer as Affinitypool;
pub(crate) use self::channel::Floor;
pub(crate) use self::inline::{NAME as INLINE, inline};
pub(crate) use self::ours::Ours;
pub(crate) use self::tokio::Peer as SpawnBlocking;
pub(crate) use self::two_lanes::TwoLanes;

/// A pool of threads.
pub(crate) trait Threads: Sized + Sync + 'static {
    /// As it is called in tables.
    const NAME: &'static str;
    /// What it cannot do.
    const LACKS: Lacks = &[];

    /// Starts it with so many threads, as its documentation suggests.
    fn start(workers: usize) -> Self;
    /// Has a task done without ever asking for its result.
    fn fire(&self, task: Task);
    /// Has a task done. What it returns blocks until it is, and gives its result.
    fn submit(&self, task: Task) -> impl FnOnce() -> u64 + Send;
}

/// Something to do with a pool of threads. Gives a figure.
pub(crate) trait ThreadWork: Copy + 'static {
    /// What a contender must be able to do.
    const NEEDS: Ability = Ability::Results;

    fn measure<P: Threads>(self, pool: &P) -> f64;
}

/// By what the others are divided.
pub(crate) const FLOOR: &str = Floor::NAME;

/// All pools, ready for this work.
pub(crate) fn all(workers: usize, work: impl ThreadWork) -> Vec<Entrant> {
    vec![
        one::<Floor, _>(workers, work),
        one::<Ours, _>(workers, work),
        one::<channel::Kanal, _>(workers, work),
        one::<threadpool::Peer, _>(workers, work),
        one::<workerpool::Peer, _>(workers, work),
        one::<rusty_pool::Peer, _>(workers, work),
        one::<scheduled::Peer, _>(workers, work),
        one::<executors::Peer, _>(workers, work),
        one::<rayon::Peer, _>(workers, work),
        one::<affinitypool::Peer, _>(workers, work),
        one::<blocking::Peer, _>(workers, work),
        one::<tokio::Peer, _>(workers, work),
    ]
}

/// One pool, ready for this work.
pub(crate) fn one<P: Threads, W: ThreadWork>(workers: usize, work: W) -> Entrant {
    if let Some(reason) = lacking(P::LACKS, W::NEEDS) {
        return Entrant::absent(P::NAME, reason);
    }
    Entrant::new(P::NAME, move || {
        let pool = P::start(workers);
        Box::new(move || work.measure(&pool))
    })
}
