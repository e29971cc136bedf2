//! A user's future against the clock.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::clock::AsyncClock;
use crate::engine::{self, Post};
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
        let Some(sleep) = &mut sleep else { return Poll::Pending };
        // Timers of a runtime that is shut down may panic, where this is awaited outside of it.
        engine::catch(|| sleep.as_mut().poll(cx))
            .map_or_else(|message| Poll::Ready(Raced::Panicked(message)), |slept| slept.map(|()| Raced::Late))
    })
    .await
}
