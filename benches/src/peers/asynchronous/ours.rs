//! tasker, with a fixed number of workers, room for everything and otherwise as it comes.

use benches::Nothing;
use benches::work::Task;
use tasker_tokio::Pool;

use super::Tasks;

pub(crate) struct Ours(pub(crate) Pool<Nothing>);

impl Tasks for Ours {
    const NAME: &'static str = crate::OURS;

    async fn start(workers: usize) -> Self {
        let pool =
            Pool::builder(()).workers(workers).unbounded().build().await.expect("tasks can be started");
        pool.warm_up(workers).await;
        Self(pool)
    }

    async fn fire(&self, task: Task) {
        let task = async move |_: &mut Nothing, _: &tasker_tokio::TaskContext| {
            task.report();
            Ok(())
        };
        self.0.submit(task).detach();
    }

    async fn submit(&self, task: Task) -> impl Future<Output = u64> + Send {
        let handle = self.0.submit(async move |_, _| Ok(task.run()));
        async { handle.await.expect("the task succeeds") }
    }
}
