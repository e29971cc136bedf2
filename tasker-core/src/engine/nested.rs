//! Tasks that wait for tasks of their own pool.
//!
//! A worker inside such a wait cannot run anything. If every worker the pool may have were, and the task waited for
//! has not started, nobody would ever run it: that wait is refused. If only every worker the pool *has* is, the
//! supervisor is asked for one more.

use std::fmt;

use crate::engine::{Hub, Msg};
use crate::supervisor::Event;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::task::{TaskCore, current};

/// How many workers are inside a nested wait.
#[derive(Debug, Default)]
pub(crate) struct Nested {
    blocked: AtomicUsize,
}

impl Nested {
    pub(crate) fn blocked(&self) -> usize {
        self.blocked.load(Ordering::Acquire)
    }
}

impl Hub {
    /// Notes that the current thread, if it is inside a task of this pool, is about to wait for `target`.
    ///
    /// # Errors
    ///
    /// If that wait would never end.
    pub(crate) fn enter_nested(self: &Arc<Self>, target: &TaskCore) -> Result<Option<NestedGuard>, ()> {
        if current::inside_of(self.pool()).and_then(|inside| inside.worker).is_none() {
            return Ok(None);
        }
        let blocked = self.nested().blocked.fetch_add(1, Ordering::AcqRel) + 1;
        let guard = NestedGuard(Arc::clone(self));
        let (_, max_workers) = self.board().bounds();
        if blocked >= max_workers && target.is_waiting() {
            return Err(());
        }
        if blocked >= self.board().levels().live {
            self.post(Msg::Event(Event::Blocked));
        }
        Ok(Some(guard))
    }
}

/// Counts one nested wait for as long as it lives.
pub struct NestedGuard(Arc<Hub>);

impl Drop for NestedGuard {
    fn drop(&mut self) {
        self.0.nested().blocked.fetch_sub(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for NestedGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NestedGuard").finish_non_exhaustive()
    }
}
