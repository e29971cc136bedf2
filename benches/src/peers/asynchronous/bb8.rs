//! The crate bb8: a pool of resources. A task of the runtime takes one, works and gives it back.

use std::convert::Infallible;

use bb8::{ManageConnection, Pool};
use benches::Nothing;
use benches::work::Task;

use super::Tasks;

pub(crate) struct Peer(pub(crate) Pool<Maker>);

pub(crate) struct Maker;

impl ManageConnection for Maker {
    type Connection = Nothing;
    type Error = Infallible;

    async fn connect(&self) -> Result<Nothing, Infallible> {
        Ok(Nothing)
    }

    async fn is_valid(&self, _: &mut Nothing) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut Nothing) -> bool {
        false
    }
}

impl Tasks for Peer {
    const NAME: &'static str = "bb8 + spawn";

    async fn start(workers: usize) -> Self {
        let size = u32::try_from(workers).expect("a few");
        Self(Pool::builder().max_size(size).build(Maker).await.expect("a pool"))
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
