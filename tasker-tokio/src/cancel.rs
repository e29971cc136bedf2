//! tokio-util's cancellation token as what stops a pool.

use tasker_core::{Events, Resource};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Pool;

/// Starts the graceful stop of `pool` once `token`, or one it is a child of, is cancelled; at once if it was.
///
/// What [`parent`](tasker_core::Builder::parent) does for a [`CancelToken`](crate::CancelToken), for programs that
/// have a `CancellationToken` already. The pool's end does not cancel the token: hand over a clone, and go on with it.
///
/// This is done by a small task on the current runtime, which ends when the pool has ended, however that came about.
/// It does not count as a handle to the pool: when the last one is dropped the pool stops as ever. Dropping the
/// returned handle changes nothing; aborting it takes the pool off the token.
///
/// ```
/// # use tasker_tokio::{CreateContext, Pool, Resource};
/// use tasker_tokio::stop_on_cancel;
/// use tokio_util::sync::CancellationToken;
/// # struct Echo;
/// # impl Resource for Echo {
/// #     type Config = ();
/// #     type Error = std::io::Error;
/// #     async fn create(_: &(), _: &CreateContext) -> Result<Self, Self::Error> { Ok(Self) }
/// # }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shutdown = CancellationToken::new();
/// let pool = Pool::<Echo>::builder(()).workers(1).build().await?;
/// stop_on_cancel(&pool, shutdown.clone());
///
/// let handle = pool.submit(async |_, _| Ok("still done"));
/// shutdown.cancel();
/// assert_eq!(handle.await?, "still done");
/// assert!(pool.ended().await.is_clean());
/// # Ok(())
/// # }
/// ```
///
/// # Panics
///
/// Outside of a tokio runtime.
pub fn stop_on_cancel<R: Resource>(pool: &Pool<R>, token: CancellationToken) -> JoinHandle<()> {
    let (events, pool) = (pool.events(), pool.downgrade());
    tokio::spawn(async move {
        if token.run_until_cancelled(end_of(events)).await.is_some() {
            return;
        }
        // With no handle left it is stopping already.
        if let Some(pool) = pool.upgrade() {
            // Refused only inside a task of the pool, which this is not.
            let _ = pool.stop().await;
        }
    })
}

/// Returns once the pool has ended: nothing else tells of that without holding the pool.
async fn end_of(mut events: Events) {
    while events.recv().await.is_some() {}
}
