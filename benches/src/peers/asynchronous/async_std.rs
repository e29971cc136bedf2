//! tasker on async-std, and what async-std itself does: one process-wide runtime of as many threads as cores.

use std::sync::Arc;

use async_std::task;
use benches::Nothing;
use benches::work::Task;
use tasker_async_std::{Pool, TaskContext};

use super::{AsyncWork, Tasks, WORKERS};
use crate::rounds::Entrant;

/// By what ours is divided.
pub(crate) const FLOOR: &str = Floor::NAME;

/// Both, ready for this work.
pub(crate) fn on_async_std(work: impl AsyncWork) -> Vec<Entrant> {
    vec![one::<Floor>(work), one::<Ours>(work)]
}

fn one<P: Tasks>(work: impl AsyncWork) -> Entrant {
    Entrant::new(P::NAME, move || {
        let pool = Arc::new(task::block_on(P::start(WORKERS)));
        Box::new(move || {
            let pool = Arc::clone(&pool);
            task::block_on(task::spawn(async move { work.measure(&pool).await }))
        })
    })
}

struct Floor;

impl Tasks for Floor {
    const NAME: &'static str = "floor: async_std::task::spawn";

    async fn start(_: usize) -> Self {
        Self
    }

    async fn fire(&self, task: Task) {
        drop(task::spawn(async move { task.report() }));
    }

    async fn submit(&self, task: Task) -> impl Future<Output = u64> + Send {
        task::spawn(async move { task.run() })
    }
}

struct Ours(Pool<Nothing>);

impl Tasks for Ours {
    const NAME: &'static str = crate::OURS;

    async fn start(workers: usize) -> Self {
        let pool =
            Pool::builder(()).workers(workers).unbounded().build().await.expect("tasks can be started");
        pool.warm_up(workers).await;
        Self(pool)
    }

    async fn fire(&self, task: Task) {
        let task = async move |_: &mut Nothing, _: &TaskContext| {
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
