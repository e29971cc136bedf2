//! The reserve of a thread pool, and `run` on the caller's thread.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::task::Poll;

use tasker_core::engine::{self, Created, Limits};
use tasker_core::metrics::Owned;
use tasker_core::parker::Parker;
use tasker_core::race;
use tasker_core::reserve::{Kept, Lease, Line, Reserve, Slot};
use tasker_core::task::current;
use tasker_core::{Clock, CreateContext, Health, Resource, RunError, TaskContext, Timestamp};

use crate::control::Starter;
use crate::worker::{destroy, raced};

/// A reserve whose resource's type is hidden: a pool of resources that are not `Send` has none.
pub(crate) trait AnyReserve: Send + Sync {
    /// Takes no more `run`s and destroys what is idle; `true` if nothing is left.
    fn close(&self) -> bool;
    /// Destroys what is idle and too old; when to look again.
    fn age(&self, now: Timestamp) -> Option<Timestamp>;
    /// When nobody waits any more for what is left of it.
    fn given_up_at(&self) -> Option<Timestamp>;
    /// Free resources, and those in use.
    fn levels(&self) -> (usize, usize);
    /// For getting the type back.
    fn as_any(&self) -> &(dyn Any + Send + Sync);
}

pub(crate) struct ThreadReserve<R: Resource> {
    pub(crate) shared: Arc<Reserve<R>>,
    pub(crate) starter: Starter,
    pub(crate) limits: Limits,
}

impl<R: Resource> AnyReserve for ThreadReserve<R> {
    fn close(&self) -> bool {
        self.shared.close().into_iter().for_each(|kept| self.dispose(kept));
        self.shared.is_gone()
    }

    fn age(&self, now: Timestamp) -> Option<Timestamp> {
        let (old, next) = self.shared.age(now);
        old.into_iter().for_each(|kept| self.dispose(kept));
        next
    }

    fn given_up_at(&self) -> Option<Timestamp> {
        self.shared.given_up_at()
    }

    fn levels(&self) -> (usize, usize) {
        self.shared.levels()
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
}

impl<R: Resource> ThreadReserve<R> {
    /// Destroys a resource on a thread of its own, so that one that takes its time holds up no other.
    fn dispose(&self, mut kept: Box<Kept<R>>) {
        let (clock, limits) = (Arc::clone(&self.starter.clock), self.limits.clone());
        let timeout = limits.destroy_timeout.map(|timeout| timeout.saturating_add(limits.grace));
        kept.condemn(timeout.map_or(Timestamp::MAX, |timeout| clock.now().saturating_add(timeout)));
        // If it cannot be started the resource is dropped, which counts it as skipped.
        let started =
            self.starter.start("tasker-dispose".into(), move || drop(discard(*kept, &*clock, &limits)));
        if let Err(error) = started {
            tracing::warn!(%error, "a resource of the reserve could not be destroyed");
        }
    }

    /// Runs a task on the current thread, on a resource of the reserve or a temporary one.
    pub(crate) fn run<T>(
        &self,
        config: &R::Config,
        task: impl FnOnce(&mut R, &TaskContext) -> Result<T, R::Error>,
    ) -> Result<T, RunError<R::Error>> {
        let mut kept = self.acquire(config)?;
        let inside = self.shared.inside();
        let (resource, context) = kept.lend();
        let result = match current::enter(inside, || engine::catch(|| task(resource, context))) {
            Ok(result) => result.map_err(RunError::Failed),
            Err(message) => Err(RunError::Panicked { message }),
        };
        let healthy = match &result {
            Ok(_) => true,
            Err(error) => {
                kept.fail();
                self.is_healthy(&mut kept, error)
            }
        };
        self.release(kept, healthy);
        result
    }

    /// The same rules as for workers: a panic spoils a resource, an error is judged by it.
    #[cold]
    fn is_healthy(&self, kept: &mut Kept<R>, error: &RunError<R::Error>) -> bool {
        let RunError::Failed(error) = error else { return false };
        let resource = kept.owned.get_mut();
        self.shared.hub().guard("check_health", || resource.check_health(error)) == Some(Health::Healthy)
    }

    fn acquire(&self, config: &R::Config) -> Result<Box<Kept<R>>, RunError<R::Error>> {
        let lease = self.shared.try_lease().or_else(|| self.wait_for_lease());
        let slot = match lease.ok_or(RunError::Stopping)? {
            Lease::Ready(kept) => return Ok(kept),
            Lease::Stale(kept) => discard(*kept, &*self.starter.clock, &self.limits),
            Lease::Make(slot) => slot,
        };
        self.make(slot, config)
    }

    fn wait_for_lease(&self) -> Option<Lease<R>> {
        let mut line = Line::new(Arc::clone(&self.shared));
        Parker::with_current(|parker| {
            let waker = parker.waker();
            loop {
                if let Poll::Ready(lease) = self.shared.poll_lease(&mut line, &waker) {
                    return lease;
                }
                parker.park();
            }
        })
    }

    fn make(&self, slot: Slot<R>, config: &R::Config) -> Result<Box<Kept<R>>, RunError<R::Error>> {
        if self.shared.is_closed() {
            return Err(RunError::Stopping);
        }
        let clock = &*self.starter.clock;
        let context = CreateContext::new(None, 1, slot.reason());
        let deadline = self.limits.create_timeout.map(|timeout| clock.now().saturating_add(timeout));
        let made =
            raced(|| <R as Resource>::create(config, &context), clock, deadline, self.shared.inside(), None);
        match race::created(made) {
            (Created::Failed(error), _) => Err(RunError::Create(error)),
            (Created::Broken(text), _) => Err(RunError::Start(text)),
            (Created::Ready, resource) => {
                let resource = resource.ok_or(RunError::Stopping)?;
                let owned = Owned::new(resource, Arc::clone(self.shared.hub()));
                let mut kept = Kept::new(owned, slot, clock.now());
                if self.shared.is_closed() {
                    drop(discard(*kept, clock, &self.limits));
                    return Err(RunError::Stopping);
                }
                kept.begin();
                Ok(kept)
            }
        }
    }

    fn release(&self, kept: Box<Kept<R>>, healthy: bool) {
        let gone = if healthy { self.shared.put_back(kept).err() } else { Some(kept) };
        if let Some(kept) = gone {
            drop(discard(*kept, &*self.starter.clock, &self.limits));
        }
    }
}

/// Destroys a resource on the current thread; its slot can be used anew.
fn discard<R: Resource>(mut kept: Kept<R>, clock: &dyn Clock, limits: &Limits) -> Slot<R> {
    let deadline: Option<Timestamp> =
        limits.destroy_timeout.map(|timeout| clock.now().saturating_add(timeout));
    let result = destroy(kept.owned.take(), clock, deadline, kept.reserve().inside());
    kept.reserve().hub().destroyed(None, result);
    kept.into_slot()
}

impl<R: Resource> fmt::Debug for ThreadReserve<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadReserve").field("shared", &self.shared).finish_non_exhaustive()
    }
}
