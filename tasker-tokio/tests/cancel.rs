//! A `CancellationToken` of tokio-util stops pools.
#![cfg(feature = "tokio-util")]

use tasker_tokio::{CreateContext, Pool, Refusal, Resource, Stopped, stop_on_cancel};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

struct Unit;

impl Resource for Unit {
    type Config = ();
    type Error = String;

    async fn create(_config: &(), _cx: &CreateContext) -> Result<Self, String> {
        Ok(Self)
    }
}

async fn pool() -> Pool<Unit> {
    Pool::<Unit>::builder(()).workers(1).build().await.expect("nothing keeps it from being built")
}

/// Waits until the pool takes no more tasks.
async fn until_stopping(pool: &Pool<Unit>) {
    loop {
        match pool.try_submit(async |_, _| Ok(())) {
            Ok(handle) => handle.detach(),
            Err(refused) => return assert_eq!(refused.reason, Refusal::Stopping),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn cancelling_the_token_stops_the_pool_gracefully() {
    let (pool, token) = (pool().await, CancellationToken::new());
    let forwarding = stop_on_cancel(&pool, token.child_token());
    let (open, gate) = oneshot::channel::<()>();
    let first = pool.submit_once(async move |_, _| gate.await.map_err(|error| error.to_string()));
    let second = pool.submit(async |_, _| Ok(2));
    token.cancel();
    // What was accepted before the stop is still done.
    until_stopping(&pool).await;
    open.send(()).unwrap();
    assert_eq!((first.await.unwrap(), second.await.unwrap()), ((), 2));
    let report = pool.ended().await;
    assert_eq!((report.how, report.undone), (Stopped::Drained, 0));
    forwarding.await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_cancelled_later_stops_the_pool_then() {
    let (pool, token) = (pool().await, CancellationToken::new());
    let forwarding = stop_on_cancel(&pool, token.clone());
    // By the end of this the small task has long begun.
    pool.submit(async |_, _| Ok(())).await.unwrap();
    assert!(!forwarding.is_finished(), "it waits for the token");
    token.cancel();
    forwarding.await.unwrap();
    assert_eq!(pool.ended().await.how, Stopped::Drained);
}

#[tokio::test]
async fn a_token_that_was_cancelled_stops_the_pool_at_once() {
    let (pool, token) = (pool().await, CancellationToken::new());
    token.cancel();
    stop_on_cancel(&pool, token).await.unwrap();
    assert_eq!(pool.ended().await.how, Stopped::Drained);
}

#[tokio::test]
async fn forwarding_ends_with_the_pool_and_leaves_the_token_alone() {
    let (pool, token) = (pool().await, CancellationToken::new());
    let forwarding = stop_on_cancel(&pool, token.clone());
    pool.stop().await.unwrap();
    forwarding.await.unwrap();
    assert!(!token.is_cancelled());
}

#[tokio::test]
async fn forwarding_is_no_handle_to_the_pool() {
    let (pool, token) = (pool().await, CancellationToken::new());
    let forwarding = stop_on_cancel(&pool, token.clone());
    drop(pool);
    forwarding.await.unwrap();
}
