//! What happened, in its order.

use tasker_core::sync::{Arc, Lock};

/// What happened, in its order. Clones are the same log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    entries: Arc<Lock<Vec<String>>>,
}

impl Log {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry.
    pub fn push(&self, entry: impl Into<String>) {
        self.entries.lock().push(entry.into());
    }

    /// All entries so far.
    #[must_use]
    pub fn entries(&self) -> Vec<String> {
        self.entries.lock().clone()
    }

    /// How often `entry` was added.
    #[must_use]
    pub fn count(&self, entry: &str) -> usize {
        self.entries.lock().iter().filter(|logged| *logged == entry).count()
    }
}
