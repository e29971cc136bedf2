//! The crate cronoq: a scheduler in memory, with priorities, deadlines and retries, of a fixed number of workers.

use std::sync::Arc;

use benches::work::Task;
use cronoq::{Pool, Scheduler, TaskError};

use super::Tasks;
use crate::ability::{Ability, Lacks};

pub(crate) struct Peer(pub(crate) Scheduler<Order, u64>);

#[derive(Clone, Copy)]
pub(crate) enum Order {
    Report(Task),
    Answer(Task),
}

impl Order {
    fn run(self) -> u64 {
        match self {
            Self::Report(task) => {
                task.report();
                0
            }
            Self::Answer(task) => task.run(),
        }
    }
}

/// Tasks that may wait: enough for every work here.
const CAPACITY: usize = 2_000_000;

impl Tasks for Peer {
    const NAME: &'static str = "cronoq";
    const LACKS: Lacks = &[(Ability::Queue, "its submit awaits the scheduler, which starts tasks meanwhile")];

    async fn start(workers: usize) -> Self {
        let workers = u32::try_from(workers).expect("a few");
        let pool = Pool::fixed("default", workers)
            .executor_fn(|_, order: Arc<Order>| async move { Ok::<_, TaskError>(order.run()) });
        let scheduler = Scheduler::builder().pool(pool).queue_capacity(CAPACITY).build().await;
        Self(scheduler.expect("the scheduler starts"))
    }

    async fn fire(&self, task: Task) {
        self.0.enqueue(cronoq::Task::new(Order::Report(task))).await.expect("the scheduler takes it");
    }

    async fn submit(&self, task: Task) -> impl Future<Output = u64> + Send {
        let task = cronoq::Task::new(Order::Answer(task));
        let handle = self.0.submit(task).await.expect("the scheduler takes it");
        async { *handle.await.expect("the task succeeds") }
    }
}
