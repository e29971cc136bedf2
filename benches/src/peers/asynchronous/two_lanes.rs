//! Priorities by hand: tasks of the runtime that look into an urgent channel first, and then into another. A channel of
//! tokio has one receiver, so each task has two of its own, and the submitter asks one after the other.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use benches::work::Task;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

pub(crate) struct TwoLanes {
    workers: Vec<[UnboundedSender<Job>; 2]>,
    next: AtomicUsize,
}

enum Job {
    Report(Task),
    Answer(Task, oneshot::Sender<u64>),
}

impl TwoLanes {
    pub(crate) const NAME: &'static str = "floor: two channels a worker";

    /// Inside of a runtime.
    pub(crate) fn start(workers: usize) -> Self {
        let start = |_| {
            let (urgent, urgent_queue) = unbounded_channel();
            let (low, low_queue) = unbounded_channel();
            tokio::spawn(serve([urgent_queue, low_queue]));
            [urgent, low]
        };
        Self { workers: (0..workers).map(start).collect(), next: AtomicUsize::new(0) }
    }

    pub(crate) fn fire(&self, task: Task) {
        let [_, low] = self.next();
        low.send(Job::Report(task)).expect("the worker lives");
    }

    pub(crate) fn urgent(&self, task: Task) -> impl Future<Output = u64> + Send {
        let (sender, receiver) = oneshot::channel();
        let [urgent, _] = self.next();
        urgent.send(Job::Answer(task, sender)).expect("the worker lives");
        async { receiver.await.expect("the task succeeds") }
    }

    fn next(&self) -> &[UnboundedSender<Job>; 2] {
        &self.workers[self.next.fetch_add(1, Ordering::Relaxed) % self.workers.len()]
    }
}

/// Until both are closed.
async fn serve(mut lanes: [UnboundedReceiver<Job>; 2]) {
    while let Some(job) = poll_fn(|cx| poll_lanes(&mut lanes, cx)).await {
        match job {
            Job::Report(task) => task.report(),
            Job::Answer(task, sender) => sender.send(task.run()).expect("the result is awaited"),
        }
    }
}

fn poll_lanes([urgent, low]: &mut [UnboundedReceiver<Job>; 2], cx: &mut Context<'_>) -> Poll<Option<Job>> {
    match urgent.poll_recv(cx) {
        Poll::Ready(Some(job)) => Poll::Ready(Some(job)),
        Poll::Ready(None) | Poll::Pending => low.poll_recv(cx),
    }
}
