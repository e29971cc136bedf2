//! The one that may take a task's result.

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::task::Waker;

use super::{Head, Key, Release, Shared, Yields, publish_early, release};
use crate::engine::Hub;
use crate::error::TaskError;
use crate::panics::quietly;
use crate::task::state::TaskCore;
use crate::task::word::{How, Left};

/// The one that may take a task's result.
pub struct Taker<T, E> {
    pub(super) task: NonNull<dyn Yields<T, E>>,
    /// The result was taken.
    pub(super) is_over: bool,
    pub(super) owns: PhantomData<Result<T, E>>,
}

// SAFETY: it is an owner of a result that may be sent.
unsafe impl<T: Send, E: Send> Send for Taker<T, E> {}
// SAFETY: what is shared by sharing it is the task's core.
unsafe impl<T: Send, E: Send> Sync for Taker<T, E> {}

// Moving it does not move the task.
impl<T, E> Unpin for Taker<T, E> {}

impl<T, E> Taker<T, E> {
    /// What everybody may see.
    #[inline]
    pub(crate) fn core(&self) -> &TaskCore {
        &self.head().core
    }

    /// Another reference to what everybody may see.
    pub(crate) fn share(&self) -> Shared {
        self.core().word.retain();
        Shared { head: self.task.cast() }
    }

    /// Whether an end waits to be taken.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        !self.is_over && self.core().word.how().is_some()
    }

    /// Takes the result of a task of this pool, if it is there.
    ///
    /// # Panics
    ///
    /// If it was taken before.
    #[inline]
    pub(crate) fn take(&mut self, hub: &Hub) -> Option<Result<T, TaskError<E>>> {
        let how = self.core().word.how()?;
        assert!(!std::mem::replace(&mut self.is_over, true), "a task's result can be taken only once");
        match self.core().error(how, hub) {
            Some(error) => Some(Err(error)),
            None => self.take_own(),
        }
    }

    /// Takes what the task itself has left; the caller knows that this was published.
    fn take_own(&mut self) -> Option<Result<T, TaskError<E>>> {
        let key = Key { address: self.task.addr().get(), owner: PhantomData };
        // SAFETY: the task lives as long as this owner, which has a reference.
        let task = unsafe { self.task.as_ref() };
        // Its `Sole` is used up, and so the key is the only one.
        task.take(key)
    }

    /// Leaves a waker to be called when the end is published. `false`: it is published already.
    pub(crate) fn listen(&mut self, waker: &Waker) -> bool {
        // Users' code.
        let waker = waker.clone();
        let before = self.unlisten();
        if self.core().word.how().is_some() {
            return false;
        }
        // SAFETY: the word says that there is no waker, and nobody but this owner says that there is. So the slot is ours.
        unsafe { (*self.head().listener.get()).write(waker) };
        let listens = self.core().word.listen();
        if !listens {
            // SAFETY: it was written above, and the word says that it is still ours.
            let unused = unsafe { (*self.head().listener.get()).assume_init_read() };
            quietly(|| drop(unused));
        }
        quietly(|| drop(before));
        listens
    }

    /// Publishes an end that was decided, and that is not the task's own doing. Returns the waker of whoever waits for it.
    pub(in crate::task) fn publish_early(&self, how: How) -> Option<Waker> {
        publish_early(self.head(), how)
    }

    /// Takes the waker back, if it was not called.
    pub(crate) fn unlisten(&mut self) -> Option<Waker> {
        // SAFETY: the word says that there was a waker, and that the slot is ours now.
        self.core().word.unlisten().then(|| unsafe { (*self.head().listener.get()).assume_init_read() })
    }

    fn head(&self) -> &Head {
        // SAFETY: the task begins with its head, and lives as long as this owner, which has a reference.
        unsafe { self.task.cast::<Head>().as_ref() }
    }
}

impl<T, E> Drop for Taker<T, E> {
    #[inline]
    fn drop(&mut self) {
        let head: NonNull<Head> = self.task.cast();
        if self.is_over {
            return release(head, 1);
        }
        match self.core().word.detach() {
            Left::Nothing => {}
            Left::Listener => {
                // SAFETY: the word says that there was a waker, and that the slot is ours now.
                let waker = unsafe { (*self.head().listener.get()).assume_init_read() };
                quietly(|| drop(waker));
                release(head, 1);
            }
            Left::Ready => {
                let _release = Release { head, refs: 1 };
                let is_own = self.core().word.how() == Some(How::Itself);
                let result = if is_own { self.take_own() } else { None };
                quietly(|| drop(result));
            }
        }
    }
}

impl<T, E> fmt::Debug for Taker<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taker").field("core", self.core()).finish_non_exhaustive()
    }
}
