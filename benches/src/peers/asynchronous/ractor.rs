//! The crate ractor: its factory, which hands jobs to whichever worker is free.

use benches::work::Task;
use ractor::factory::queues::DefaultQueue;
use ractor::factory::routing::QueuerRouting;
use ractor::factory::{Factory, FactoryArguments, FactoryRef, Job, Worker, WorkerId, worker_builder};
use ractor::{Actor, ActorProcessingErr, RpcReplyPort, concurrency};

use super::Tasks;

pub(crate) struct Peer(FactoryRef<(), Order>);

enum Order {
    Report(Task),
    Answer(Task, RpcReplyPort<u64>),
}

struct Runner;

impl Worker for Runner {
    type Key = ();
    type Message = Order;
    type State = ();
    type Arguments = ();

    async fn pre_start(
        &self,
        _: WorkerId,
        _: &FactoryRef<(), Order>,
        (): (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: WorkerId,
        _: &FactoryRef<(), Order>,
        job: Job<(), Order>,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match job.msg {
            Order::Report(task) => task.report(),
            Order::Answer(task, port) => port.send(task.run())?,
        }
        Ok(())
    }
}

impl Tasks for Peer {
    const NAME: &'static str = "ractor's factory";

    async fn start(workers: usize) -> Self {
        let factory =
            Factory::<(), Order, (), Runner, QueuerRouting<(), Order>, DefaultQueue<(), Order>>::default();
        let arguments = FactoryArguments::builder()
            .worker_builder(Box::new(worker_builder(|_| (Runner, ()))))
            .queue(DefaultQueue::default())
            .router(QueuerRouting::default())
            .num_initial_workers(workers)
            .build();
        let (factory, _) = Actor::spawn(None, factory, arguments).await.expect("the factory starts");
        Self(factory)
    }

    async fn fire(&self, task: Task) {
        self.0.dispatch((), Order::Report(task)).expect("the factory lives");
    }

    async fn submit(&self, task: Task) -> impl Future<Output = u64> + Send {
        let (sender, receiver) = concurrency::oneshot();
        self.0.dispatch((), Order::Answer(task, sender.into())).expect("the factory lives");
        async { receiver.await.expect("the task succeeds") }
    }
}
