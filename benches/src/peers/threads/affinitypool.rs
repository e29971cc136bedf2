//! The crate affinitypool. Its results are futures.

use affinitypool::Threadpool;
use benches::work::Task;
use futures::executor::block_on;

use super::Threads;
use crate::ability::{Ability, Lacks};

pub(crate) struct Peer(pub(crate) Threadpool);

impl Threads for Peer {
    const NAME: &'static str = "affinitypool";
    const LACKS: Lacks = &[(Ability::Fire, "a dropped future cancels its task")];

    fn start(workers: usize) -> Self {
        Self(Threadpool::new(workers))
    }

    fn fire(&self, _: Task) {
        unreachable!("left out of works that fire");
    }

    fn submit(&self, task: Task) -> impl FnOnce() -> u64 + Send {
        let result = self.0.spawn(move || task.run());
        || block_on(result)
    }
}
