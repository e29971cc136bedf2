//! The crate blocking. It has one pool a process, of as many threads as it likes (500 at most); the number of workers
//! asked for has no influence, but where a process of its own is told to have one.

use benches::work::Task;
use futures::executor::block_on;

use super::Threads;

pub(crate) struct Peer;

impl Threads for Peer {
    const NAME: &'static str = "blocking (its own threads)";

    fn start(_: usize) -> Self {
        Self
    }

    fn fire(&self, task: Task) {
        blocking::unblock(move || task.report()).detach();
    }

    fn submit(&self, task: Task) -> impl FnOnce() -> u64 + Send {
        let result = blocking::unblock(move || task.run());
        || block_on(result)
    }
}
