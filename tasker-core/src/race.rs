//! A user's future against panics and interrupts, and what its end means.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use crate::engine::{self, Created, Post};
use crate::sync::Arc;
use crate::task::current::{self, Inside};

/// How the race ended. The future is dropped in any case.
#[derive(Debug)]
pub enum Raced<T> {
    /// It completed.
    Done(T),
    /// It panicked.
    Panicked(Arc<str>),
    /// Its deadline came first.
    Late,
    /// The worker was interrupted.
    Interrupted,
}

/// Polls the future that `make` gives, as `inside`, until it completes, panics, or `post` is interrupted.
pub async fn guarded<F: Future>(
    make: impl FnOnce() -> F,
    inside: Inside,
    post: Option<&Post>,
) -> Raced<F::Output> {
    let future = match current::enter(inside, || engine::catch(make)) {
        Ok(future) => future,
        Err(message) => return Raced::Panicked(message),
    };
    let mut future = Fragile { future: Some(Box::pin(future)), inside };
    poll_fn(|cx| {
        let Some(pinned) = &mut future.future else { return Poll::Pending };
        match current::enter(inside, || engine::catch(|| pinned.as_mut().poll(cx))) {
            Ok(Poll::Ready(output)) => return Poll::Ready(Raced::Done(output)),
            Ok(Poll::Pending) => {}
            Err(message) => return Poll::Ready(Raced::Panicked(message)),
        }
        let Some(post) = post else { return Poll::Pending };
        post.watch(cx.waker());
        if post.interrupted().is_some() { Poll::Ready(Raced::Interrupted) } else { Poll::Pending }
    })
    .await
}

/// A user's future whose drop may panic, which harms nothing: what it yielded before is kept.
struct Fragile<F> {
    future: Option<Pin<Box<F>>>,
    inside: Inside,
}

impl<F> Drop for Fragile<F> {
    fn drop(&mut self) {
        let future = self.future.take();
        current::enter(self.inside, || engine::quietly(|| drop(future)));
    }
}

/// What came of a `create`.
pub fn created<R, E>(raced: Raced<Result<R, E>>) -> (Created<E>, Option<R>) {
    let broken = |text: String| (Created::Broken(text.into()), None);
    match raced {
        Raced::Done(Ok(resource)) => (Created::Ready, Some(resource)),
        Raced::Done(Err(error)) => (Created::Failed(error), None),
        Raced::Panicked(message) => broken(format!("`create` panicked: {message}")),
        Raced::Late => broken("`create` took longer than `create_timeout`".into()),
        Raced::Interrupted => broken("the pool did not wait for `create`".into()),
    }
}

/// What came of a `destroy` or a `probe`, as text.
///
/// # Errors
///
/// What went wrong.
pub fn went_well<E: fmt::Display>(what: &str, raced: Raced<Result<(), E>>) -> Result<(), Arc<str>> {
    match raced {
        Raced::Done(Ok(())) | Raced::Interrupted => Ok(()),
        Raced::Done(Err(error)) => {
            let text = engine::describe(&error);
            engine::quietly(|| drop(error));
            Err(text)
        }
        Raced::Panicked(message) => Err(format!("`{what}` panicked: {message}").into()),
        Raced::Late => Err(format!("`{what}` took too long").into()),
    }
}
