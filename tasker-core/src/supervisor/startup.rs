//! Whether building the pool has succeeded.

use super::Startup;

/// Answers once.
#[derive(Debug)]
pub(super) struct StartupGate {
    mode: Startup,
    answered: bool,
    /// Base workers whose first creation has not failed.
    untried: usize,
}

impl StartupGate {
    pub(super) const fn new(mode: Startup, workers: usize) -> Self {
        Self { mode, answered: false, untried: workers }
    }

    pub(super) const fn is_lazy(&self) -> bool {
        matches!(self.mode, Startup::Lazy)
    }

    /// Says whether this is the first answer.
    pub(super) const fn answer(&mut self) -> bool {
        !std::mem::replace(&mut self.answered, true)
    }

    /// The first creation of a base worker failed.
    pub(super) const fn base_failed(&mut self) {
        self.untried = self.untried.saturating_sub(1);
    }

    pub(super) const fn has_failed(&self) -> bool {
        matches!(self.mode, Startup::Fail) && !self.answered && self.untried == 0
    }
}
