//! `run`: a task on the caller's own task, past the queue.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::asynchronous::job::AsyncTask;
use crate::asynchronous::race::race as raced;
use crate::asynchronous::reserve::Reserve;
use crate::asynchronous::worker::destroy;
use crate::engine::{self, Created};
use crate::error::RunError;
use crate::metrics::Owned;
use crate::race;
use crate::reserve::{Kept, Lease, Line, Slot};
use crate::resource::{CreateContext, Health, Resource};
use crate::sync::Arc;
use crate::task::current;

/// A resource in use; dropped half-way, as by a cancelled `run`, it is destroyed and not put back.
struct InUse<'a, R: Resource> {
    reserve: &'a Reserve<R>,
    kept: Option<Box<Kept<R>>>,
}

impl<R: Resource> Drop for InUse<'_, R> {
    fn drop(&mut self) {
        if let Some(mut kept) = self.kept.take() {
            kept.fail();
            self.reserve.dispose(kept);
        }
    }
}

pub(super) async fn run<R, F, T>(
    reserve: &Reserve<R>,
    config: &R::Config,
    task: F,
) -> Result<T, RunError<R::Error>>
where
    R: Resource,
    F: for<'a> AsyncTask<'a, R, Result<T, R::Error>>,
{
    // Made when first needed: most find a resource, and do not wait on it either.
    let mut line = None;
    let kept = match reserve.shared.try_lease() {
        Some(Lease::Ready(kept)) => kept,
        // Seldom, and large: boxed, so that the others do not carry it along.
        lease => Box::pin(acquire(reserve, lease, &mut line, config)).await?,
    };
    let mut in_use = InUse { reserve, kept: Some(kept) };
    let result = attempt(&mut in_use, &mut line, task).await;
    let healthy = result.as_ref().map_or_else(|error| is_healthy(&mut in_use, error), |_| true);
    if let Some(kept) = put_back(in_use, healthy) {
        drop(Box::pin(discard(reserve, kept)).await);
    }
    result
}

async fn acquire<R: Resource>(
    reserve: &Reserve<R>,
    lease: Option<Lease<R>>,
    line: &mut Option<Line<R>>,
    config: &R::Config,
) -> Result<Box<Kept<R>>, RunError<R::Error>> {
    let lease = match lease {
        Some(lease) => Some(lease),
        None => {
            let line = place(line, reserve);
            poll_fn(|cx| reserve.shared.poll_lease(line, cx.waker())).await
        }
    };
    let slot = match lease.ok_or(RunError::Stopping)? {
        Lease::Ready(kept) => return Ok(kept),
        Lease::Stale(kept) => discard(reserve, kept).await,
        Lease::Make(slot) => slot,
    };
    make(reserve, slot, config).await
}

fn place<'a, R: Resource>(line: &'a mut Option<Line<R>>, reserve: &Reserve<R>) -> &'a mut Line<R> {
    line.get_or_insert_with(|| Line::new(Arc::clone(&reserve.shared)))
}

async fn make<R: Resource>(
    reserve: &Reserve<R>,
    slot: Slot<R>,
    config: &R::Config,
) -> Result<Box<Kept<R>>, RunError<R::Error>> {
    if reserve.shared.is_closed() {
        return Err(RunError::Stopping);
    }
    let clock = &*reserve.starter.clock;
    let context = CreateContext::new(None, 1, slot.reason());
    let deadline = reserve.create_deadline(clock.now());
    let made = raced(|| R::create(config, &context), clock, deadline, reserve.shared.inside(), None).await;
    match race::created(made) {
        (Created::Failed(error), _) => Err(RunError::Create(error)),
        (Created::Broken(text), _) => Err(RunError::Start(text)),
        (Created::Ready, resource) => {
            let resource = resource.ok_or(RunError::Stopping)?;
            let owned = Owned::new(resource, Arc::clone(reserve.shared.hub()));
            let mut kept = Kept::new(owned, slot, clock.now());
            if reserve.shared.is_closed() {
                drop(discard(reserve, kept).await);
                return Err(RunError::Stopping);
            }
            kept.begin();
            Ok(kept)
        }
    }
}

async fn attempt<R, F, T>(
    in_use: &mut InUse<'_, R>,
    line: &mut Option<Line<R>>,
    task: F,
) -> Result<T, RunError<R::Error>>
where
    R: Resource,
    F: for<'a> AsyncTask<'a, R, Result<T, R::Error>>,
{
    let reserve = in_use.reserve;
    let shared = &reserve.shared;
    let hub = shared.hub();
    let Some(kept) = &mut in_use.kept else { return Err(RunError::Stopping) };
    let (resource, context) = kept.lend();
    // The call of the closure is the beginning of the first poll.
    let mut future = pin!(async move { task.call(resource, context).await });
    poll_fn(|cx| {
        match current::enter(shared.inside(), || engine::catch(|| future.as_mut().poll(cx))) {
            Ok(Poll::Ready(result)) => return Poll::Ready(result.map_err(RunError::Failed)),
            Ok(Poll::Pending) => {}
            Err(message) => return Poll::Ready(Err(RunError::Panicked { message })),
        }
        shared.watch(place(line, reserve), cx.waker());
        if hub.is_killed() { Poll::Ready(Err(RunError::Killed)) } else { Poll::Pending }
    })
    .await
}

/// The same rules as for workers: a panic or an interruption spoils a resource, an error is judged by it.
#[cold]
fn is_healthy<R: Resource>(in_use: &mut InUse<'_, R>, error: &RunError<R::Error>) -> bool {
    let Some(kept) = &mut in_use.kept else { return false };
    kept.fail();
    let RunError::Failed(error) = error else { return false };
    let resource = kept.owned.get_mut();
    let hub = in_use.reserve.shared.hub();
    hub.guard("check_health", || resource.check_health(error)) == Some(Health::Healthy)
}

/// Puts a healthy resource back; returns what is to be destroyed.
fn put_back<R: Resource>(mut in_use: InUse<'_, R>, healthy: bool) -> Option<Box<Kept<R>>> {
    let kept = in_use.kept.take()?;
    if healthy { in_use.reserve.shared.put_back(kept).err() } else { Some(kept) }
}

/// Destroys a resource; its slot can be used anew.
async fn discard<R: Resource>(reserve: &Reserve<R>, mut kept: Box<Kept<R>>) -> Slot<R> {
    let clock = &*reserve.starter.clock;
    let deadline = reserve.destroy_deadline(clock.now());
    let result = destroy(kept.owned.take(), clock, deadline, reserve.shared.inside()).await;
    reserve.shared.hub().destroyed(None, result);
    kept.into_slot()
}
