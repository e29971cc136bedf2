//! The crate deadpool: a pool of resources. A task of the runtime takes one, works and gives it back.

use std::convert::Infallible;

use benches::Nothing;
use benches::work::Task;
use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};

use super::Tasks;

pub(crate) struct Peer(pub(crate) Pool<Maker>);

pub(crate) struct Maker;

impl Manager for Maker {
    type Type = Nothing;
    type Error = Infallible;

    async fn create(&self) -> Result<Nothing, Infallible> {
        Ok(Nothing)
    }

    async fn recycle(&self, _: &mut Nothing, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

impl Tasks for Peer {
    const NAME: &'static str = "deadpool + spawn";

    async fn start(workers: usize) -> Self {
        Self(Pool::builder(Maker).max_size(workers).build().expect("a pool"))
    }

    async fn fire(&self, task: Task) {
        let pool = self.0.clone();
        drop(tokio::spawn(async move {
            let _resource = pool.get().await.expect("a resource");
            task.report();
        }));
    }

    async fn submit(&self, task: Task) -> impl Future<Output = u64> + Send {
        let pool = self.0.clone();
        let handle = tokio::spawn(async move {
            let _resource = pool.get().await.expect("a resource");
            task.run()
        });
        async { handle.await.expect("the task succeeds") }
    }
}
