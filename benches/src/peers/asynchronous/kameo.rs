//! The crate kameo: actors with unbounded mailboxes, asked in turn.

use std::sync::atomic::{AtomicUsize, Ordering};

use benches::work::Task;
use kameo::actor::{Actor, ActorRef, Spawn};
use kameo::error::Infallible;
use kameo::mailbox;
use kameo::message::{Context, Message};

use super::Tasks;

pub(crate) struct Peer {
    actors: Vec<ActorRef<Worker>>,
    next: AtomicUsize,
}

pub(super) struct Worker;

/// A task whose result is wanted.
pub(super) struct Run(pub(super) Task);
/// A task whose result is not.
pub(super) struct Report(pub(super) Task);

impl Actor for Worker {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(worker: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(worker)
    }
}

impl Message<Run> for Worker {
    type Reply = u64;

    async fn handle(&mut self, Run(task): Run, _: &mut Context<Self, u64>) -> u64 {
        task.run()
    }
}

impl Message<Report> for Worker {
    type Reply = ();

    async fn handle(&mut self, Report(task): Report, _: &mut Context<Self, ()>) {
        task.report();
    }
}

impl Peer {
    fn next(&self) -> &ActorRef<Worker> {
        &self.actors[self.next.fetch_add(1, Ordering::Relaxed) % self.actors.len()]
    }
}

impl Tasks for Peer {
    const NAME: &'static str = "kameo";

    async fn start(workers: usize) -> Self {
        let actors = (0..workers).map(|_| Worker::spawn_with_mailbox(Worker, mailbox::unbounded()));
        Self { actors: actors.collect(), next: AtomicUsize::new(0) }
    }

    async fn fire(&self, task: Task) {
        self.next().tell(Report(task)).send().await.expect("the actor lives");
    }

    async fn submit(&self, task: Task) -> impl Future<Output = u64> + Send {
        let reply = self.next().ask(Run(task)).enqueue().await.expect("the actor lives");
        async { reply.await.expect("the task succeeds") }
    }
}
