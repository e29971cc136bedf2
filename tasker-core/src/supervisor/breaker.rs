//! The breaker: while every creation fails, they are tried one at a time.

use crate::{Timestamp, WorkerId};

/// Counts creations that failed in a row, over all workers, and opens when there are too many.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Opens after this many; 0 for never.
    threshold: u32,
    streak: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    /// The next probe starts no sooner.
    until: Timestamp,
    /// The creation that tries whether things are better.
    probe: Option<WorkerId>,
    /// Probes that failed, the failure that opened it included.
    failures: u32,
}

impl Breaker {
    pub(super) const fn new(threshold: u32) -> Self {
        Self { threshold, streak: 0, open: None }
    }

    /// Creations that failed since the last one that succeeded.
    pub(super) const fn streak(&self) -> u32 {
        self.streak
    }

    /// When the next creation may start, with `creating` under way: any time, from a moment on, or not yet.
    pub(super) fn gate(&self, creating: usize) -> Option<Timestamp> {
        match &self.open {
            None => Some(Timestamp::ZERO),
            Some(open) => (creating == 0).then_some(open.until),
        }
    }

    pub(super) fn started(&mut self, worker: WorkerId) {
        if let Some(open) = &mut self.open {
            open.probe = Some(worker);
        }
    }

    /// How many failures in a row the delay after this one is to be reckoned from: those of the worker's place, or
    /// of the probes if there were more. A hundred places would otherwise each begin with the first delay.
    pub(super) fn failures(&self, worker: WorkerId, of_place: u32) -> u32 {
        match &self.open {
            Some(open) if open.probe == Some(worker) => of_place.max(open.failures.saturating_add(1)),
            Some(_) | None => of_place,
        }
    }

    /// A creation failed and would be tried again at `until`. Says whether this opened the breaker.
    pub(super) fn failed(&mut self, worker: WorkerId, until: Timestamp) -> bool {
        self.streak = self.streak.saturating_add(1);
        match &mut self.open {
            Some(open) if open.probe == Some(worker) => {
                *open = Open { until, probe: None, failures: open.failures.saturating_add(1) };
                false
            }
            Some(_) => false,
            None if self.threshold > 0 && self.streak >= self.threshold => {
                self.open = Some(Open { until, probe: None, failures: 1 });
                true
            }
            None => false,
        }
    }

    /// A creation succeeded. Says whether this closed the breaker.
    pub(super) fn succeeded(&mut self) -> bool {
        self.streak = 0;
        self.open.take().is_some()
    }
}
