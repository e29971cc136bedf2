//! The crate rayon, a pool of its own. `spawn_fifo` keeps the order; a one-shot channel gives the result.

use benches::work::Task;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Threads;

pub(crate) struct Peer(ThreadPool);

impl Threads for Peer {
    const NAME: &'static str = "rayon";

    fn start(workers: usize) -> Self {
        Self(ThreadPoolBuilder::new().num_threads(workers).build().expect("threads can be started"))
    }

    fn fire(&self, task: Task) {
        self.0.spawn_fifo(move || task.report());
    }

    fn submit(&self, task: Task) -> impl FnOnce() -> u64 + Send {
        let (sender, receiver) = oneshot::channel();
        self.0.spawn_fifo(move || sender.send(task.run()).expect("the result is awaited"));
        || receiver.recv().expect("the task succeeds")
    }
}
