//! The account of creations, for the policy.

use std::time::Duration;

use crate::scaling::Sample;

/// Counts creations by how they ended.
#[derive(Debug, Default)]
pub(super) struct Creations {
    created: u64,
    time: Duration,
    failed: u64,
}

impl Creations {
    pub(super) const fn succeeded(&mut self, took: Duration) {
        self.created = self.created.saturating_add(1);
        self.time = self.time.saturating_add(took);
    }

    pub(super) const fn failed(&mut self) {
        self.failed = self.failed.saturating_add(1);
    }

    pub(super) const fn fill(&self, sample: &mut Sample) {
        sample.created = self.created;
        sample.create_time = self.time;
        sample.create_failed = self.failed;
    }
}
