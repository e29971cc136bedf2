//! The crate kameo_actors: a pool of kameo's actors, which hands messages to the one with the fewest.

use benches::work::Task;
use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use kameo_actors::pool::{ActorPool, Dispatch};

use super::Tasks;
use super::kameo::{Report, Run, Worker};

pub(crate) struct Peer(ActorRef<ActorPool<Worker>>);

impl Tasks for Peer {
    const NAME: &'static str = "kameo's pool";

    async fn start(workers: usize) -> Self {
        let worker = || Worker::spawn_with_mailbox(Worker, mailbox::unbounded());
        Self(ActorPool::spawn_with_mailbox(ActorPool::new(workers, worker), mailbox::unbounded()))
    }

    async fn fire(&self, task: Task) {
        self.0.tell(Dispatch(Report(task))).send().await.expect("the pool lives");
    }

    async fn submit(&self, task: Task) -> impl Future<Output = u64> + Send {
        let reply = self.0.ask(Dispatch(Run(task))).enqueue().await.expect("the pool lives");
        async { reply.await.expect("the task succeeds") }
    }
}
