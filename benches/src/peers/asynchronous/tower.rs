//! The crate tower: a `Buffer` before each of some services, which are asked in turn. The buffer's worker does the work
//! in the service's `call`.

use std::sync::atomic::{AtomicUsize, Ordering};

use benches::work::Task;
use futures::future::{Ready, ready};
use tower::buffer::Buffer;
use tower::util::ServiceExt;
use tower::{BoxError, Service, service_fn};

use super::Tasks;
use crate::ability::{Ability, Lacks};

pub(crate) struct Peer {
    buffers: Vec<Buffer<Task, Answer>>,
    next: AtomicUsize,
}

type Answer = Ready<Result<u64, BoxError>>;

/// Requests that may wait: enough for every work here.
const BOUND: usize = 2_000_000;

impl Tasks for Peer {
    const NAME: &'static str = "tower's Buffer";
    const LACKS: Lacks = &[(Ability::Fire, "a dropped response cancels its request")];

    async fn start(workers: usize) -> Self {
        let service = || service_fn(|task: Task| -> Answer { ready(Ok(task.run())) });
        let buffers = (0..workers).map(|_| Buffer::new(service(), BOUND));
        Self { buffers: buffers.collect(), next: AtomicUsize::new(0) }
    }

    async fn fire(&self, _: Task) {
        unreachable!("left out of works that fire");
    }

    async fn submit(&self, task: Task) -> impl Future<Output = u64> + Send {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.buffers.len();
        let mut buffer = self.buffers[next].clone();
        let response = buffer.ready().await.expect("the worker lives").call(task);
        async { response.await.expect("the task succeeds") }
    }
}
