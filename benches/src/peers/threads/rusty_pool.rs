//! The crate rusty_pool, with its own handles.

use std::time::Duration;

use benches::work::Task;
use rusty_pool::ThreadPool;

use super::Threads;

pub(crate) struct Peer(ThreadPool);

impl Threads for Peer {
    const NAME: &'static str = "rusty_pool";

    fn start(workers: usize) -> Self {
        let pool = ThreadPool::new(workers, workers, Duration::from_secs(60));
        pool.start_core_threads();
        Self(pool)
    }

    fn fire(&self, task: Task) {
        self.0.execute(move || task.report());
    }

    fn submit(&self, task: Task) -> impl FnOnce() -> u64 + Send {
        let handle = self.0.evaluate(move || task.run());
        || handle.await_complete()
    }
}
