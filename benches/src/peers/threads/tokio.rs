//! tokio's `spawn_blocking`, on a runtime with so many threads for it.

use benches::work::Task;
use tokio::runtime::{Builder, Runtime};

use super::Threads;

pub(crate) struct Peer(pub(crate) Runtime);

impl Threads for Peer {
    const NAME: &'static str = "tokio spawn_blocking";

    fn start(workers: usize) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).max_blocking_threads(workers).build();
        Self(runtime.expect("a runtime starts"))
    }

    fn fire(&self, task: Task) {
        drop(self.0.spawn_blocking(move || task.report()));
    }

    fn submit(&self, task: Task) -> impl FnOnce() -> u64 + Send {
        let result = self.0.spawn_blocking(move || task.run());
        || futures::executor::block_on(result).expect("the task succeeds")
    }
}
