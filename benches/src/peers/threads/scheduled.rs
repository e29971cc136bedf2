//! The crate scheduled-thread-pool. It gives no results: a one-shot channel does.

use benches::work::Task;
use scheduled_thread_pool::ScheduledThreadPool;

use super::Threads;

pub(crate) struct Peer(ScheduledThreadPool);

impl Threads for Peer {
    const NAME: &'static str = "scheduled-thread-pool";

    fn start(workers: usize) -> Self {
        Self(ScheduledThreadPool::new(workers))
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
