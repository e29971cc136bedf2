//! The life of a worker.

use std::future::Future;
use std::sync::Arc;

use tasker_core::engine::{self, Fate, Owed, Post, Step, Worker};
use tasker_core::metrics::Owned;
use tasker_core::parker::{Parker, block_on, block_on_until};
use tasker_core::race::{self, Raced};
use tasker_core::task::current::{self, Inside};
use tasker_core::task::job::Attempt;
use tasker_core::{Clock, ExitReason, LocalResource, Timestamp};

use crate::job::SyncJob;

/// The life of a worker: creates its resource, serves, and destroys it, all on the current thread.
pub(crate) fn live<R: LocalResource>(mut worker: Worker<SyncJob<R>>, config: &R::Config, clock: &dyn Clock) {
    worker.looks_around();
    let Some(mut resource) = create::<R>(&mut worker, config, clock) else { return };
    let why = serve(&mut worker, resource.get_mut(), clock);
    let deadline = worker.leave(why, clock.now());
    let result = destroy(resource.take(), clock, deadline, worker.inside());
    worker.destroyed(result);
}

fn create<R: LocalResource>(
    worker: &mut Worker<SyncJob<R>>,
    config: &R::Config,
    clock: &dyn Clock,
) -> Option<Owned<R>> {
    let post = Arc::clone(worker.post());
    let context = post.create_context();
    let made =
        raced(|| R::create(config, &context), clock, worker.create_deadline(), worker.inside(), Some(&post));
    let (created, resource) = race::created(made);
    let hub = Arc::clone(&worker.engine().hub);
    let resource = resource.map(|resource| Owned::new(resource, hub));
    worker.created(created, clock.now()).then_some(resource).flatten()
}

/// Destroys a resource; what went wrong comes back as text.
pub(crate) fn destroy<R: LocalResource>(
    resource: R,
    clock: &dyn Clock,
    deadline: Option<Timestamp>,
    inside: Inside,
) -> Result<(), Arc<str>> {
    race::went_well("destroy", raced(|| resource.destroy(), clock, deadline, inside, None))
}

/// Runs the future that `make` gives on this thread. One that blocks inside a poll is not interrupted.
pub(crate) fn raced<F: Future>(
    make: impl FnOnce() -> F,
    clock: &dyn Clock,
    deadline: Option<Timestamp>,
    inside: Inside,
    post: Option<&Post>,
) -> Raced<F::Output> {
    let race = race::guarded(make, inside, post);
    match deadline {
        Some(deadline) => block_on_until(clock, deadline, race).unwrap_or(Raced::Late),
        None => block_on(race),
    }
}

fn serve<R: LocalResource>(
    worker: &mut Worker<SyncJob<R>>,
    resource: &mut R,
    clock: &dyn Clock,
) -> ExitReason {
    let engine = Arc::clone(worker.engine());
    Parker::with_current(|parker| {
        let waker = parker.waker();
        let mut now = clock.now();
        loop {
            let fate;
            (fate, now) = match worker.step(now, &waker) {
                Step::Run(job) => run(worker, resource, Owed::new(job, &engine.hub), now, clock),
                Step::Look => {
                    worker.look_around();
                    (Fate::Keep, clock.now())
                }
                Step::Wait(until) => {
                    match until {
                        Some(until) => clock.park_until(parker, until),
                        None => parker.park(),
                    }
                    (Fate::Keep, clock.now())
                }
                Step::Probe => (probe(worker, resource, clock), clock.now()),
                Step::Leave(why) => return why,
            };
            if let Fate::Leave(why) = fate {
                return why;
            }
        }
    })
}

/// Runs a task that was taken `now`; returns, too, when the next may be taken.
fn run<R: LocalResource>(
    worker: &mut Worker<SyncJob<R>>,
    resource: &mut R,
    mut job: Owed<'_, SyncJob<R>>,
    now: Timestamp,
    clock: &dyn Clock,
) -> (Fate, Timestamp) {
    let begun = worker.begin(job.get_mut(), now);
    let (inside, context) = (worker.inside(), worker.context());
    let (task, key) = job.get_mut().open();
    let call = || task.attempt(key, resource, context);
    let attempt = begun.span.in_scope(|| current::enter(inside, || engine::catch(call)));
    let attempt = attempt.unwrap_or_else(Attempt::Panicked);
    let end = clock.now();
    (worker.finish(job.take(), &begun, attempt, |error| resource.check_health(error), end), end)
}

fn probe<R: LocalResource>(worker: &mut Worker<SyncJob<R>>, resource: &mut R, clock: &dyn Clock) -> Fate {
    let post = Arc::clone(worker.post());
    // A probe that takes as long as a creation may is no sign of health.
    let timeout = worker.engine().limits.create_timeout;
    let deadline = timeout.map(|timeout| clock.now().saturating_add(timeout));
    let probed = raced(|| resource.probe(), clock, deadline, worker.inside(), Some(&post));
    let healthy = race::went_well("probe", probed);
    worker.probed(healthy, clock.now())
}
