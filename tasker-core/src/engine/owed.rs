//! A job that must not get lost without its pool's knowing.

use crate::engine::{Hub, fill_early, quietly};
use crate::task::End;
use crate::task::current::{self, Inside};
use crate::task::job::Job;

/// A job in the hands of a worker. Dropped before its task has ended, as happens to the futures of a runtime that is shut
/// down, it resolves the handle as killed, and the pool counts that.
pub struct Owed<'a, J: Job> {
    job: Option<J>,
    hub: &'a Hub,
}

impl<'a, J: Job> Owed<'a, J> {
    /// A job of this pool.
    pub const fn new(job: J, hub: &'a Hub) -> Self {
        Self { job: Some(job), hub }
    }

    /// The job.
    ///
    /// # Panics
    ///
    /// Never: only [`take`](Self::take) takes it, and that takes this, too.
    pub fn get_mut(&mut self) -> &mut J {
        self.job.as_mut().expect("it is there until it is taken")
    }

    /// The job, for whoever ends it now.
    ///
    /// # Panics
    ///
    /// Never, as above.
    #[must_use]
    pub fn take(mut self) -> J {
        self.job.take().expect("it is there until it is taken")
    }
}

impl<J: Job> Drop for Owed<'_, J> {
    #[inline]
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            lose(job, self.hub);
        }
    }
}

#[cold]
fn lose<J: Job>(job: J, hub: &Hub) {
    // What it holds and whom it tells is users' code, which must not wait for the pool's end.
    let worker = current::inside_of(hub.pool()).and_then(|inside| inside.worker);
    current::enter(Inside { pool: hub.pool(), worker }, || {
        if job.core().finish().is_some() {
            fill_early(hub, job, End::Killed);
        } else {
            quietly(|| drop(job));
        }
    });
}

impl<J: Job> std::fmt::Debug for Owed<'_, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owed").finish_non_exhaustive()
    }
}
