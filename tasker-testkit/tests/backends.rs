//! All backends in one program: the same resource, the same handles, and pools that are none of each other's business.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tasker_core::{CreateContext, Health, Resource, TaskContext, TaskError, TaskHandle};

/// How many counters were made, and how many destroyed.
type Tally = Arc<[AtomicUsize; 2]>;

/// Counts the tasks it has served.
struct Counter {
    served: u64,
    tally: Tally,
}

impl Resource for Counter {
    type Config = Tally;
    type Error = String;

    async fn create(tally: &Tally, _cx: &CreateContext) -> Result<Self, String> {
        tally[0].fetch_add(1, Ordering::SeqCst);
        Ok(Self { served: 0, tally: Arc::clone(tally) })
    }

    async fn destroy(self) -> Result<(), String> {
        self.tally[1].fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn check_health(&self, error: &String) -> Health {
        if error == "sick" { Health::Unhealthy } else { Health::Healthy }
    }
}

impl Counter {
    fn serve(&mut self) -> u64 {
        self.served += 1;
        self.served
    }
}

type OnThreads = tasker_thread::Pool<Counter>;
type OnTokio = tasker_tokio::Pool<Counter>;
type OnAsyncStd = tasker_async_std::Pool<Counter>;

/// One pool of each backend, with `workers` workers each.
async fn pools(workers: usize, tally: &Tally) -> (OnThreads, OnTokio, OnAsyncStd) {
    let config = || Arc::clone(tally);
    let threads = OnThreads::builder(config()).workers(workers).build().expect("threads start");
    let tokio = OnTokio::builder(config()).workers(workers).build().await.expect("tasks start");
    let async_std = OnAsyncStd::builder(config()).workers(workers).build().await.expect("tasks start");
    (threads, tokio, async_std)
}

/// Runs a test on a tokio runtime; async-std brings its own threads.
fn on_a_runtime<F: Future>(body: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    runtime.expect("a runtime starts").block_on(body)
}

#[test]
fn handles_of_all_backends_are_of_one_type_and_awaited_alike() {
    let tally = Tally::default();
    on_a_runtime(async {
        let (threads, tokio, async_std) = pools(1, &tally).await;
        let mut handles: Vec<TaskHandle<u64, String>> = Vec::new();
        for _ in 0..2 {
            handles.push(threads.submit(|counter, _| Ok(counter.serve())));
            handles.push(tokio.submit(async |counter, _| Ok(counter.serve())));
            handles.push(async_std.submit(async |counter, _| Ok(counter.serve())));
        }
        let mut served = Vec::new();
        for handle in handles {
            served.push(handle.await.unwrap());
        }
        assert_eq!(served, [1, 1, 1, 2, 2, 2], "each has a resource of its own");
        assert!(tokio.stop().await.unwrap().is_clean());
        assert!(async_std.stop().await.unwrap().is_clean());
        assert!(threads.stop().unwrap().is_clean());
    });
    assert_eq!(tally.each_ref().map(|count| count.load(Ordering::SeqCst)), [3, 3]);
}

#[test]
fn tasks_wait_for_tasks_of_other_pools_whatever_their_backends() {
    on_a_runtime(async {
        let (threads, tokio, async_std) = pools(1, &Tally::default()).await;
        let (inner, middle) = (async_std.clone(), tokio.clone());
        let handle = threads.submit(move |counter: &mut Counter, _: &TaskContext| {
            let inner = inner.clone();
            let sum = middle.submit(async move |counter, _| {
                let innermost = inner.submit(async |counter, _| Ok(counter.serve()));
                let served = innermost.await.map_err(|error| error.to_string())?;
                Ok(served + counter.serve())
            });
            // Each pool's only worker waits, and none for its own pool.
            Ok(sum.wait().map_err(|error| error.to_string())? + counter.serve())
        });
        assert_eq!(handle.await.unwrap(), 3);
        let own = threads.clone();
        let nested = threads.submit(move |_, _| {
            let handle = own.submit(|counter, _| Ok(counter.serve()));
            Ok(matches!(handle.wait(), Err(TaskError::WouldDeadlock)))
        });
        assert!(nested.await.unwrap(), "that would be another matter");
        threads.stop().unwrap();
    });
}

#[test]
fn what_befalls_one_pool_leaves_the_others_alone() {
    let tally = Tally::default();
    on_a_runtime(async {
        let (threads, tokio, async_std) = pools(1, &tally).await;
        let sick = async_std.task().retries(0).submit(async |_, _| Err::<(), _>("sick".into())).await;
        assert!(matches!(sick, Err(TaskError::Exhausted { .. })), "{sick:?}");
        let killed = tokio.submit(async |_, _| std::future::pending::<Result<(), String>>().await);
        tokio.kill().await.unwrap();
        assert!(matches!(killed.await, Err(TaskError::Killed)));
        assert_eq!(threads.submit(|counter, _| Ok(counter.serve())).await.unwrap(), 1);
        assert_eq!(async_std.submit(async |counter, _| Ok(counter.serve())).await.unwrap(), 1, "replaced");
        assert_eq!((threads.metrics().completed, async_std.metrics().completed), (1, 1));
        let stopped = threads.stop_within(Duration::from_secs(60)).unwrap();
        assert_eq!((stopped.done, stopped.is_clean()), (1, true));
        assert!(async_std.stop().await.unwrap().is_clean());
    });
    assert_eq!(tally.each_ref().map(|count| count.load(Ordering::SeqCst)), [4, 4]);
}
