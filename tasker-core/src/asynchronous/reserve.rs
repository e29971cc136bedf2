//! The reserve of an async pool: its resources are destroyed by tasks of the runtime.

use std::fmt;

use crate::asynchronous::control::Starter;
use crate::asynchronous::worker;
use crate::engine::Hub;
use crate::reserve::{Kept, ReserveLimits};
use crate::resource::Resource;
use crate::sync::Arc;
use crate::time::Timestamp;

/// The reserve, and what ends its resources.
pub(super) struct Reserve<R: Resource> {
    pub(super) shared: Arc<crate::reserve::Reserve<R>>,
    pub(super) starter: Starter,
    pub(super) limits: crate::engine::Limits,
}

impl<R: Resource> Reserve<R> {
    pub(super) fn new(
        limits: ReserveLimits,
        worker_limits: crate::engine::Limits,
        hub: Arc<Hub>,
        starter: Starter,
    ) -> Self {
        Self { shared: Arc::new(crate::reserve::Reserve::new(limits, hub)), starter, limits: worker_limits }
    }

    /// Takes no more `run`s and destroys what is idle; `true` if nothing is left.
    pub(super) fn close(&self) -> bool {
        for kept in self.shared.close() {
            self.dispose(kept);
        }
        self.shared.is_gone()
    }

    /// Destroys what is idle and too old; when to look again.
    pub(super) fn age(&self, now: Timestamp) -> Option<Timestamp> {
        let (old, next) = self.shared.age(now);
        for kept in old {
            self.dispose(kept);
        }
        next
    }

    /// Destroys a resource on a task of its own.
    pub(super) fn dispose(&self, mut kept: Box<Kept<R>>) {
        let clock = Arc::clone(&self.starter.clock);
        let deadline = self.destroy_deadline(clock.now());
        kept.condemn(deadline.map_or(Timestamp::MAX, |deadline| deadline.saturating_add(self.limits.grace)));
        // If it cannot be started the future is dropped, which counts the resource as skipped.
        let started = self.starter.start("tasker-dispose", async move {
            let inside = kept.reserve().inside();
            let result = worker::destroy(kept.owned.take(), &*clock, deadline, inside).await;
            kept.reserve().hub().destroyed(None, result);
            drop(kept);
        });
        if let Err(error) = started {
            tracing::warn!(%error, "a resource could not be destroyed");
        }
    }

    pub(super) fn create_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        self.limits.create_timeout.map(|timeout| now.saturating_add(timeout))
    }

    pub(super) fn destroy_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        self.limits.destroy_timeout.map(|timeout| now.saturating_add(timeout))
    }
}

impl<R: Resource> fmt::Debug for Reserve<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserve").field("shared", &self.shared).finish_non_exhaustive()
    }
}
