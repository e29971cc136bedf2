//! The life of a worker.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::asynchronous::job::{AsyncJob, AsyncWork, Place};
use crate::asynchronous::race::race as raced;
use crate::clock::{AsyncClock, Sleep};
use crate::engine::{self, Begun, Fate, Owed, Step, Worker};
use crate::ids::ExitReason;
use crate::metrics::Owned;
use crate::race;
use crate::resource::Resource;
use crate::sync::Arc;
use crate::task::current::{self, Inside};
use crate::task::job::Attempt;
use crate::task::{Key, TaskContext};
use crate::time::Timestamp;

/// The life of a worker: creates its resource, serves, and destroys it.
pub(super) async fn live<R: Resource>(
    mut worker: Worker<AsyncJob<R>>,
    config: Arc<R::Config>,
    clock: Arc<dyn AsyncClock>,
) {
    let Some(mut resource) = create::<R>(&mut worker, &config, &*clock).await else { return };
    let why = serve(&mut worker, resource.get_mut(), &*clock).await;
    let deadline = worker.leave(why, clock.now());
    let result = destroy(resource.take(), &*clock, deadline, worker.inside()).await;
    worker.destroyed(result);
}

async fn create<R: Resource>(
    worker: &mut Worker<AsyncJob<R>>,
    config: &R::Config,
    clock: &dyn AsyncClock,
) -> Option<Owned<R>> {
    let post = Arc::clone(worker.post());
    let context = post.create_context();
    let made =
        raced(|| R::create(config, &context), clock, worker.create_deadline(), worker.inside(), Some(&post))
            .await;
    let (created, resource) = race::created(made);
    let hub = Arc::clone(&worker.engine().hub);
    let resource = resource.map(|resource| Owned::new(resource, hub));
    worker.created(created, clock.now()).then_some(resource).flatten()
}

/// Destroys a resource; what went wrong comes back as text.
pub(super) async fn destroy<R: Resource>(
    resource: R,
    clock: &dyn AsyncClock,
    deadline: Option<Timestamp>,
    inside: Inside,
) -> Result<(), Arc<str>> {
    race::went_well("destroy", raced(|| resource.destroy(), clock, deadline, inside, None).await)
}

async fn serve<R: Resource>(
    worker: &mut Worker<AsyncJob<R>>,
    resource: &mut R,
    clock: &dyn AsyncClock,
) -> ExitReason {
    let engine = Arc::clone(worker.engine());
    let mut now = clock.now();
    let mut turn = Turn::new(now);
    loop {
        let step = poll_fn(|cx| Poll::Ready(worker.step(now, cx.waker()))).await;
        let (fate, gave_way);
        (fate, now, gave_way) = match step {
            Step::Run(job) => run(worker, resource, Owed::new(job, &engine.hub), now, clock).await,
            Step::Look => {
                give_way().await;
                (Fate::Keep, clock.now(), true)
            }
            Step::Wait(until) => {
                Pause::until(until.map(|until| clock.sleep_until(until))).await;
                (Fate::Keep, clock.now(), true)
            }
            Step::Probe => (probe(worker, resource, clock).await, clock.now(), false),
            Step::Leave(why) => return why,
        };
        if let Fate::Leave(why) = fate {
            return why;
        }
        if gave_way {
            turn = Turn::new(now);
        } else if turn.is_over(now) {
            give_way().await;
            now = clock.now();
            turn = Turn::new(now);
        }
    }
}

/// How long a worker has run tasks without giving way to the runtime's other tasks. Each of many workers has a turn of its
/// own.
struct Turn {
    since: Timestamp,
    tasks: u32,
}

impl Turn {
    /// To change over costs the runtime as much as many short tasks; and what a poll may take is some ten microseconds.
    const LONGEST: Duration = Duration::from_micros(50);
    /// For clocks that stand still.
    const MOST: u32 = 1_024;

    const fn new(now: Timestamp) -> Self {
        Self { since: now, tasks: 0 }
    }

    /// Whether to give way, one more task being done.
    fn is_over(&mut self, now: Timestamp) -> bool {
        self.tasks += 1;
        self.tasks >= Self::MOST || now.saturating_since(self.since) >= Self::LONGEST
    }
}

/// Runs a task that was taken `now`; returns when it was done, too, and whether it gave way meanwhile.
async fn run<R: Resource>(
    worker: &mut Worker<AsyncJob<R>>,
    resource: &mut R,
    mut job: Owed<'_, AsyncJob<R>>,
    now: Timestamp,
    clock: &dyn AsyncClock,
) -> (Fate, Timestamp, bool) {
    let begun = worker.begin(job.get_mut(), now);
    let mut gave_way = false;
    let attempt = attempt(job.get_mut(), resource, &begun, worker, &mut gave_way).await;
    let now = clock.now();
    let fate = worker.finish(job.take(), &begun, attempt, |error| resource.check_health(error), now);
    (fate, now, gave_way)
}

async fn attempt<R: Resource>(
    job: &mut AsyncJob<R>,
    resource: &mut R,
    begun: &Begun,
    worker: &Worker<AsyncJob<R>>,
    gave_way: &mut bool,
) -> Attempt<R::Error> {
    let (context, post) = (worker.context(), worker.post());
    let (task, key) = job.0.open();
    let place = pin!(None);
    let mut future = Guarded { future: place, inside: worker.inside(), span: &begun.span };
    let mut call = Some(Call { task, key, resource, context, last: begun.last });
    poll_fn(move |cx| {
        let polled = future.poll(call.take(), cx);
        if polled.is_pending() {
            post.watch(cx.waker());
            if context.is_cancelled() {
                return Poll::Ready(future.interrupt());
            }
            *gave_way = true;
        }
        polled
    })
    .await
}

/// A call of a task's closure.
struct Call<'a, R: Resource> {
    task: &'a dyn AsyncWork<R>,
    key: Key<'a>,
    resource: &'a mut R,
    context: &'a TaskContext,
    last: bool,
}

/// A task's future, made, polled and dropped as its task, with panics caught.
struct Guarded<'p, 'a, R: Resource> {
    future: Place<'p, 'a, R::Error>,
    inside: Inside,
    span: &'p tracing::Span,
}

impl<'a, R: Resource> Guarded<'_, 'a, R> {
    /// Polls the future, which is made by `call` at first. Once it is done it is dropped in the same go.
    fn poll(&mut self, call: Option<Call<'a, R>>, cx: &mut Context<'_>) -> Poll<Attempt<R::Error>> {
        let (span, inside, future) = (self.span, self.inside, &mut self.future);
        let go = || {
            // Calling the closure may panic, and so may cloning it.
            if let Some(Call { task, key, resource, context, last }) = call {
                task.attempt(key, resource, context, last, future.as_mut());
            }
            let Some(polled) = future.as_mut().as_pin_mut().map(|future| future.poll(cx)) else {
                return Poll::Pending;
            };
            if polled.is_ready() {
                future.set(None);
            }
            polled
        };
        match span.in_scope(|| current::enter(inside, || engine::catch(go))) {
            Ok(polled) => polled,
            Err(message) => {
                self.dropped();
                Poll::Ready(Attempt::Panicked(message))
            }
        }
    }

    fn interrupt(&mut self) -> Attempt<R::Error> {
        self.dropped().map_or(Attempt::Interrupted, Attempt::Panicked)
    }

    /// Drops the future, if it is there; what a panic said meanwhile.
    #[inline]
    fn dropped(&mut self) -> Option<Arc<str>> {
        if self.future.is_none() { None } else { self.drop_future() }
    }

    fn drop_future(&mut self) -> Option<Arc<str>> {
        let future = &mut self.future;
        self.span.in_scope(|| current::enter(self.inside, || engine::catch(|| future.set(None)))).err()
    }
}

impl<R: Resource> Drop for Guarded<'_, '_, R> {
    fn drop(&mut self) {
        self.dropped();
    }
}

async fn probe<R: Resource>(
    worker: &mut Worker<AsyncJob<R>>,
    resource: &mut R,
    clock: &dyn AsyncClock,
) -> Fate {
    let post = Arc::clone(worker.post());
    // A probe that takes as long as a creation may is no sign of health.
    let timeout = worker.engine().limits.create_timeout;
    let deadline = timeout.map(|timeout| clock.now().saturating_add(timeout));
    let probe = raced(|| resource.probe(), clock, deadline, worker.inside(), Some(&post));
    let healthy = race::went_well("probe", probe.await);
    worker.probed(healthy, clock.now())
}

/// Waits until the worker is woken, or for the time given.
struct Pause {
    sleep: Option<Sleep>,
    asked: bool,
}

impl Pause {
    const fn until(sleep: Option<Sleep>) -> Self {
        Self { sleep, asked: false }
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.asked, true) {
            return Poll::Ready(());
        }
        self.sleep.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx))
    }
}

/// Lets the runtime's other tasks run.
async fn give_way() {
    let mut gave = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut gave, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_over_after_some_time_or_where_clocks_stand_still_many_tasks() {
        let start = Timestamp::from_nanos(7);
        let after = |nanos| start.saturating_add(Duration::from_nanos(nanos));
        let mut turn = Turn::new(start);
        assert!(!turn.is_over(after(49_999)) && turn.is_over(after(50_000)));
        let mut turn = Turn::new(start);
        assert_eq!((1..).find(|_| turn.is_over(start)), Some(1_024));
    }
}
