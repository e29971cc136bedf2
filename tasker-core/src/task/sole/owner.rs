//! The one owner of a task's work.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::task::Waker;

use super::{Close, Head, Key, Release, Shared, publish_early, release};
use crate::panics::quietly;
use crate::sync::atomic::Ordering;
use crate::task::state::TaskCore;
use crate::task::word::{How, Published};

/// The one owner of a task's work, whatever the type of the task: `D` is the task, or a trait object of it.
pub struct Sole<D: ?Sized + Close> {
    pub(super) task: NonNull<D>,
    pub(super) owns: PhantomData<D>,
}

// SAFETY: it is an owner of a task, which may be sent.
unsafe impl<D: ?Sized + Close> Send for Sole<D> {}
// SAFETY: what is shared by sharing it is the task's core.
unsafe impl<D: ?Sized + Close> Sync for Sole<D> {}

impl<D: ?Sized + Close> Sole<D> {
    /// The task, and the key to its work.
    #[inline]
    pub fn open(&mut self) -> (&D, Key<'_>) {
        let key = Key { address: self.task.addr().get(), owner: PhantomData };
        (self, key)
    }

    /// What everybody may see.
    #[inline]
    pub fn core(&self) -> &TaskCore {
        &self.head().core
    }

    /// Another reference to what everybody may see.
    #[must_use]
    pub fn share(&self) -> Shared {
        self.core().word.retain();
        Shared { head: self.task.cast() }
    }

    /// Takes the task to run it. `false`: it has ended.
    #[inline]
    pub(crate) fn claim(&mut self) -> bool {
        const SPARE: u8 = 2;
        // After an attempt before this one, they may be there still.
        let missing = SPARE.saturating_sub(self.spare());
        let claimed = self.core().word.claim(missing.into());
        if claimed {
            self.set_spare(self.spare() + missing);
        }
        claimed
    }

    /// [`share`](Self::share), with a spare reference if there is any.
    #[inline]
    pub(crate) fn lend(&mut self) -> Shared {
        let spare = self.spare();
        if spare == 0 {
            return self.share();
        }
        self.set_spare(spare - 1);
        Shared { head: self.task.cast() }
    }

    /// Takes a reference back that was lent, to give it up with the others.
    #[inline]
    pub(crate) fn take_back(&mut self, shared: Shared) {
        let spare = self.spare();
        if shared.head == self.task.cast() && spare < u8::MAX {
            self.set_spare(spare + 1);
            std::mem::forget(shared);
        }
    }

    /// Publishes the result that was left in the work. Returns the waker of whoever waits for it. If nobody will take it,
    /// it is dropped inside of `unwanted`.
    #[inline]
    pub(crate) fn publish(self, unwanted: impl FnOnce(&mut dyn FnMut())) -> Option<Waker> {
        let mut this = ManuallyDrop::new(self);
        let refs = this.refs();
        let head: NonNull<Head> = this.task.cast();
        match this.core().word.publish(How::Itself, refs) {
            // Not ours any more, and perhaps not there.
            Published::Done => None,
            Published::Listener => {
                // SAFETY: the word says that the slot is full, and the publisher's. The reference was not given back.
                let waker = unsafe { (*head.as_ref().listener.get()).assume_init_read() };
                release(head, refs);
                Some(waker)
            }
            Published::Unwanted => {
                unwanted(&mut || {
                    let (task, key) = this.open();
                    task.close(key);
                });
                // For whatever the callee left undone.
                drop(ManuallyDrop::into_inner(this));
                None
            }
        }
    }

    /// Publishes an end that was decided, and that is not the task's own doing. Returns the waker of whoever waits for it.
    pub(in crate::task) fn publish_early(&self, how: How) -> Option<Waker> {
        publish_early(self.head(), how)
    }

    /// Has the processor fetch the task's memory, which another core has written, while something else is done.
    #[inline]
    pub(crate) fn prefetch(&self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            use core::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
            const LINE: usize = 64;
            let first = self.task.as_ptr().cast::<i8>();
            // SAFETY: it is a hint, and does nothing where there is nothing to fetch.
            unsafe {
                _mm_prefetch::<_MM_HINT_ET0>(first);
                _mm_prefetch::<_MM_HINT_ET0>(first.wrapping_add(LINE));
            }
        }
    }

    #[inline]
    fn head(&self) -> &Head {
        // SAFETY: the task begins with its head, and lives as long as this owner, which has a reference.
        unsafe { self.task.cast::<Head>().as_ref() }
    }

    #[inline]
    pub(super) fn spare(&self) -> u8 {
        self.core().spare.load(Ordering::Relaxed)
    }

    #[inline]
    fn set_spare(&mut self, spare: u8) {
        self.core().spare.store(spare, Ordering::Relaxed);
    }

    /// All references it has.
    #[inline]
    fn refs(&self) -> usize {
        1 + usize::from(self.spare())
    }
}

impl<D: ?Sized + Close> Deref for Sole<D> {
    type Target = D;

    #[inline]
    fn deref(&self) -> &D {
        // SAFETY: the task lives as long as this owner, which has a reference, and is never borrowed mutably.
        unsafe { self.task.as_ref() }
    }
}

impl<D: ?Sized + Close> Drop for Sole<D> {
    fn drop(&mut self) {
        if !self.core().has_ended() && self.core().finish().is_some() {
            let waker = publish_early(self.head(), How::Killed);
            quietly(|| waker.into_iter().for_each(Waker::wake));
        }
        let refs = self.refs();
        let head = self.task.cast();
        // Whatever the drop of users' code does, the references are given back.
        let _release = Release { head, refs };
        let (task, key) = self.open();
        task.close(key);
    }
}

impl<D: ?Sized + Close> fmt::Debug for Sole<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sole").field("core", self.core()).finish_non_exhaustive()
    }
}
