//! A user's future against the clock.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::clock::AsyncClock;
use crate::engine::Post;
use crate::race::{Raced, guarded};
use crate::task::current::Inside;
use crate::time::Timestamp;

/// Polls the future that `make` gives until it completes, panics, is late, or `post` is interrupted.
pub(super) async fn race<F: Future>(
    make: impl FnOnce() -> F,
    clock: &dyn AsyncClock,
    deadline: Option<Timestamp>,
    inside: Inside,
    post: Option<&Post>,
) -> Raced<F::Output> {
    let mut race = pin!(guarded(make, inside, post));
    let mut sleep = deadline.map(|deadline| clock.sleep_until(deadline));
    poll_fn(|cx| {
        if let Poll::Ready(raced) = race.as_mut().poll(cx) {
            return Poll::Ready(raced);
        }
        match &mut sleep {
            Some(sleep) => sleep.as_mut().poll(cx).map(|()| Raced::Late),
            None => Poll::Pending,
        }
    })
    .await
}
