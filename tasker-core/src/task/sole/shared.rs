//! References to what everybody may see of a task.

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::task::Waker;

use super::{Head, publish_early, release};
use crate::task::state::TaskCore;
use crate::task::word::How;

/// A reference to the part of a task that everybody may see.
pub struct Shared {
    pub(super) head: NonNull<Head>,
}

// SAFETY: what it refers to, a task's core, may be shared and sent.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// Publishes an end that was decided, and that is not the task's own doing. Returns the waker of whoever waits for it.
    pub(in crate::task) fn publish_early(&self, how: How) -> Option<Waker> {
        publish_early(self.head(), how)
    }

    fn head(&self) -> &Head {
        // SAFETY: the task begins with its head, and lives as long as this reference.
        unsafe { self.head.as_ref() }
    }
}

impl Clone for Shared {
    fn clone(&self) -> Self {
        self.word.retain();
        Self { head: self.head }
    }
}

impl Deref for Shared {
    type Target = TaskCore;

    #[inline]
    fn deref(&self) -> &TaskCore {
        &self.head().core
    }
}

impl Drop for Shared {
    #[inline]
    fn drop(&mut self) {
        release(self.head, 1);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&**self).finish()
    }
}
