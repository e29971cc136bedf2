//! `tokio::spawn`, which gives each task a task of the runtime.

use benches::work::Task;

use super::Tasks;

pub(crate) struct Floor;

impl Tasks for Floor {
    const NAME: &'static str = "floor: tokio::spawn";

    async fn start(_: usize) -> Self {
        Self
    }

    async fn fire(&self, task: Task) {
        drop(tokio::spawn(async move { task.report() }));
    }

    async fn submit(&self, task: Task) -> impl Future<Output = u64> + Send {
        let handle = tokio::spawn(async move { task.run() });
        async { handle.await.expect("the task succeeds") }
    }
}
