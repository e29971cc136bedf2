//! Where a worker shows what it is inside of.

use std::ptr::{self, NonNull};

use super::{Head, Shared};
use crate::sync::atomic::{AtomicPtr, Ordering};
use crate::sync::load_in_order;
use crate::sync::thread::yield_now;
use crate::task::TaskCore;

/// Where a worker shows the task that it is inside of, so that others can look at it meanwhile.
///
/// It holds a pointer, and with it a reference: nothing, a task, or a task that somebody looks at, which is the same
/// pointer with its lowest bit set. That is taken away by whoever set it, after a few instructions, and who wants anything
/// else waits for it. So a worker shows and hides a task with one step each.
pub(crate) struct Window(AtomicPtr<Head>);

impl Window {
    pub(crate) fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Shows a task. What was shown before is hidden.
    #[inline]
    pub(crate) fn show(&self, task: Shared) {
        let raw = task.head.as_ptr();
        std::mem::forget(task);
        // Whoever looks for it, or for what it should know, does that after it was shown, or is seen by what comes after.
        while self.0.compare_exchange(ptr::null_mut(), raw, Ordering::SeqCst, Ordering::Relaxed).is_err() {
            drop(self.hide());
        }
    }

    /// Shows nothing any more; what was shown.
    #[inline]
    pub(crate) fn hide(&self) -> Option<Shared> {
        let shown = self.change(|_| ptr::null_mut())?;
        Some(Shared { head: shown })
    }

    /// What is shown.
    pub(crate) fn peek(&self) -> Option<Shared> {
        self.glance(|shared| shared.clone())
    }

    /// Looks at what is shown, which is not hidden meanwhile. Not for users' code, nor for anything that takes long.
    pub(crate) fn look<T>(&self, f: impl FnOnce(&TaskCore) -> T) -> Option<T> {
        self.glance(|shared| f(shared))
    }

    fn glance<T>(&self, f: impl FnOnce(&Shared) -> T) -> Option<T> {
        let shown = self.change(looked_at)?;
        // The reference is the window's.
        let shared = std::mem::ManuallyDrop::new(Shared { head: shown });
        let _restore = Restore { window: self, shown };
        Some(f(&shared))
    }

    /// Changes what is shown, once nobody looks at it; what it was.
    #[inline]
    fn change(&self, to: impl Fn(*mut Head) -> *mut Head) -> Option<NonNull<Head>> {
        loop {
            let shown = NonNull::new(load_in_order(|ordering| self.0.load(ordering)))?;
            let raw = shown.as_ptr();
            if raw == looked_at(raw) {
                yield_now();
            } else if let Ok(found) =
                self.0.compare_exchange(raw, to(raw), Ordering::SeqCst, Ordering::Relaxed)
            {
                // Not the one from before: a task of the same address may have come in its place.
                return NonNull::new(found);
            }
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        drop(self.hide());
    }
}

struct Restore<'a> {
    window: &'a Window,
    shown: NonNull<Head>,
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        self.window.0.store(self.shown.as_ptr(), Ordering::SeqCst);
    }
}

/// The pointer while somebody looks at it. A head is aligned to more than two bytes.
fn looked_at(raw: *mut Head) -> *mut Head {
    raw.map_addr(|address| address | 1)
}
