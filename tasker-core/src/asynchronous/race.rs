//! A user's future against the clock and against interrupts.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::clock::AsyncClock;
use crate::engine::{self, Interrupt, Post};
use crate::sync::Arc;
use crate::time::Timestamp;

/// How the race ended. The future is dropped in any case.
pub(super) enum Raced<T> {
    /// It completed.
    Done(T),
    /// It panicked.
    Panicked(Arc<str>),
    /// Its deadline came first.
    Late,
    /// The worker was interrupted.
    Interrupted(Interrupt),
}

/// Polls the future that `make` gives until it completes, panics, is late, or `post` is interrupted.
pub(super) async fn race<F: Future>(
    make: impl FnOnce() -> F,
    clock: &dyn AsyncClock,
    deadline: Option<Timestamp>,
    post: Option<&Post>,
) -> Raced<F::Output> {
    let future = match engine::catch(make) {
        Ok(future) => future,
        Err(message) => return Raced::Panicked(message),
    };
    let mut future = pin!(future);
    let mut sleep = deadline.map(|deadline| clock.sleep_until(deadline));
    poll_fn(|cx| {
        match engine::catch(|| future.as_mut().poll(cx)) {
            Ok(Poll::Ready(output)) => return Poll::Ready(Raced::Done(output)),
            Ok(Poll::Pending) => {}
            Err(message) => return Poll::Ready(Raced::Panicked(message)),
        }
        if let Some(post) = post {
            post.watch(cx.waker());
            if let Some(interrupt) = post.interrupted() {
                return Poll::Ready(Raced::Interrupted(interrupt));
            }
        }
        match &mut sleep {
            Some(sleep) => sleep.as_mut().poll(cx).map(|()| Raced::Late),
            None => Poll::Pending,
        }
    })
    .await
}
