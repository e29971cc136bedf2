//! The crate executors, its pool on crossbeam's channel. It gives no results: a one-shot channel does.

use benches::work::Task;
use executors::Executor;
use executors::crossbeam_channel_pool::ThreadPool;

use super::Threads;

pub(crate) struct Peer(ThreadPool);

impl Threads for Peer {
    const NAME: &'static str = "executors";

    fn start(workers: usize) -> Self {
        Self(ThreadPool::new(workers))
    }

    fn fire(&self, task: Task) {
        self.0.execute(move || task.report());
    }

    fn submit(&self, task: Task) -> impl FnOnce() -> u64 + Send {
        let (sender, receiver) = oneshot::channel();
        self.0.execute(move || sender.send(task.run()).expect("the result is awaited"));
        || receiver.recv().expect("the task succeeds")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.0.shutdown_borrowed().expect("the pool can be shut down");
    }
}
