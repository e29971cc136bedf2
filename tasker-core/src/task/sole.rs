//! One allocation a task: its state, its work, and then its result in the place of the work.
//!
//! A [`Task`] has these owners, each of which holds references that are counted in the task's [word](super::word):
//!
//! - the *work* (the closure, later the result) belongs to one at a time: first to the [`Sole`], which moves from the
//!   submitter to the queue, to a worker, and back to the queue for a retry; then, if the task ended by itself, to the
//!   [`Taker`], which is the handle's;
//! - any number of [`Shared`]s see the [`TaskCore`], whose parts are atomic.
//!
//! # Protocol
//!
//! - `Task::pair` makes a task with its one `Sole` and its one `Taker`. There is no other way to make either, and neither
//!   clones.
//! - Only a `Key` opens the work. It is borrowed mutably from the `Sole`, or from the `Taker` once the word says that the
//!   result was published, which uses the `Sole` up. So there is one key at a time. It names the address of the task it is
//!   for, a task refuses the key of another, and no reference to the work outlives it. Its owner keeps the task alive, so no
//!   other task can have that address meanwhile.
//! - Whoever drops the `Sole` closes the task: it ends as killed if its end is not decided, and the work is dropped there
//!   and then, however long a handle lives on. Whoever drops the `Taker` drops a result that is there; if it comes later, the
//!   `Sole` does.
//! - The slot of the waker is the `Taker`'s, until it says in the word that there is one; then it is had back by taking that
//!   away, and belongs otherwise to whoever publishes the end. The word sees to it that only one of them gets it.
//! - Whoever gives the last reference back frees the memory. All pointers to a task come from the one its memory
//!   came with, so each may.
//! - A claim takes references for what the worker will show and tell of the task (`spare`), and its end gives them back,
//!   each time in the same step as the rest. Only the owner of the `Sole` touches their count.

use std::alloc::Layout;
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::task::Waker;

use crate::error::TaskError;
use crate::panics::quietly;
use crate::sync::TurnCell;
use crate::task::state::TaskCore;
use crate::task::word::{How, Published};

mod memory;
mod owner;
mod shared;
mod taker;
mod window;

pub use owner::Sole;
pub use shared::Shared;
pub use taker::Taker;
pub(crate) use window::Window;

/// A task in one allocation: its state, and its work of type `W`.
#[repr(C)]
pub struct Task<W, T, E> {
    /// First, so that a pointer to it is one to the task.
    head: Head,
    work: TurnCell<Work<W, T, E>>,
}

/// What does not depend on the types of a task.
#[repr(C)]
struct Head {
    core: TaskCore,
    free: unsafe fn(NonNull<Self>),
    listener: TurnCell<MaybeUninit<Waker>>,
}

// SAFETY: the work is reached only with a key, of which there is one at a time, so it is never shared, only sent. The
// listener is a waker, which may be sent, and is reached by one owner at a time.
unsafe impl<W: Send, T: Send, E: Send> Sync for Task<W, T, E> {}
// SAFETY: as above. What else there is can be sent.
unsafe impl<W: Send, T: Send, E: Send> Send for Task<W, T, E> {}

/// What a task does, and then what came of it.
#[derive(Debug)]
pub enum Work<W, T, E> {
    /// What is to be called.
    Todo(W),
    /// What came of it.
    Done(Result<T, TaskError<E>>),
    /// Nothing is left of it.
    Gone,
}

impl<W, T, E> Work<W, T, E> {
    /// Leaves a result in the place of the work. What is dropped for it is users' code.
    #[inline]
    pub fn leave(&mut self, result: Result<T, TaskError<E>>) {
        let before = std::mem::replace(self, Self::Done(result));
        if std::mem::needs_drop::<W>() {
            quietly(|| drop(before));
        }
    }

    /// Takes what is to be called, so that it is called once.
    #[inline]
    pub fn take(&mut self) -> Option<W> {
        match std::mem::replace(self, Self::Gone) {
            Self::Todo(work) => Some(work),
            other @ (Self::Done(_) | Self::Gone) => {
                *self = other;
                None
            }
        }
    }
}

/// The right to touch the work of one task.
pub struct Key<'a> {
    address: usize,
    owner: PhantomData<&'a mut ()>,
}

/// What happens to a task that loses its owner.
pub trait Close: Send + Sync {
    /// Drops what is left of its work.
    fn close(&self, key: Key<'_>);
}

/// A task whatever its work.
trait Yields<T, E>: Send + Sync {
    fn take(&self, key: Key<'_>) -> Option<Result<T, TaskError<E>>>;
}

impl<W, T, E> Task<W, T, E> {
    /// The work.
    ///
    /// # Panics
    ///
    /// If the key is that of another task.
    #[inline]
    pub fn work<'a>(&self, key: Key<'a>) -> &'a mut Work<W, T, E> {
        assert!(key.address == ptr::from_ref(self).addr(), "the key of another task");
        // SAFETY: the key is the only one to this task (see the protocol above), and for as long as the reference
        // lives, the task's owner is borrowed mutably, gives out no other, and keeps the task alive.
        unsafe { &mut *self.work.get() }
    }
}

impl<W, T, E> Task<W, T, E>
where
    W: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    /// A task with its one owner, which sees it as `erase` shows it, and the one that may take its result.
    ///
    /// # Panics
    ///
    /// If `erase` returns anything but what it was given.
    pub fn pair<D>(
        core: TaskCore,
        work: W,
        erase: impl for<'a> FnOnce(&'a mut Self) -> &'a mut D,
    ) -> (Sole<D>, Taker<T, E>)
    where
        D: ?Sized + Close,
    {
        let head = Head { core, free: Self::free, listener: TurnCell::new(MaybeUninit::uninit()) };
        let memory = memory::allocate(Layout::new::<Self>()).cast::<Self>();
        // SAFETY: the memory is for one of this type, and nobody else's.
        let task = unsafe {
            memory.write(Self { head, work: TurnCell::new(Work::Todo(work)) });
            &mut *memory.as_ptr()
        };
        let address = ptr::from_mut(task).addr();
        let erased = erase(task);
        // What has no size may have the address of anything.
        let is_whole = size_of_val(erased) == size_of::<Self>();
        let task = NonNull::from(erased);
        assert!(is_whole && task.addr().get() == address, "a task has one owner, its own");
        let whole: NonNull<Self> = task.cast();
        (
            Sole { task, owns: PhantomData },
            Taker { task: whole as NonNull<dyn Yields<T, E>>, is_over: false, owns: PhantomData },
        )
    }

    /// # Safety
    ///
    /// The pointer is to the head of a task of this type, nobody has another, and it is not used again.
    unsafe fn free(head: NonNull<Head>) {
        let task = head.cast::<Self>();
        // SAFETY: the head comes first in the task, and nobody uses it any more.
        unsafe {
            task.as_ref().take_last_turns();
            task.drop_in_place();
        }
        // SAFETY: it was allocated for this type, and the pointer is derived from what that gave.
        unsafe { memory::free(task.cast(), Layout::new::<Self>()) };
    }
}

impl<W, T, E> Task<W, T, E> {
    /// Nobody else has a turn any more, which loom checks.
    fn take_last_turns(&self) {
        let _ = (self.work.get(), self.head.listener.get());
    }
}

impl<W: Send, T: Send, E: Send> Close for Task<W, T, E> {
    #[inline]
    fn close(&self, key: Key<'_>) {
        drop(std::mem::replace(self.work(key), Work::Gone));
    }
}

impl<W: Send, T: Send, E: Send> Yields<T, E> for Task<W, T, E> {
    #[inline]
    fn take(&self, key: Key<'_>) -> Option<Result<T, TaskError<E>>> {
        let work = self.work(key);
        match std::mem::replace(work, Work::Gone) {
            Work::Done(result) => Some(result),
            other @ (Work::Todo(_) | Work::Gone) => {
                *work = other;
                None
            }
        }
    }
}

struct Release {
    head: NonNull<Head>,
    refs: usize,
}

impl Drop for Release {
    fn drop(&mut self) {
        release(self.head, self.refs);
    }
}

impl<W, T, E> fmt::Debug for Task<W, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("core", &self.head.core).finish_non_exhaustive()
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

/// Publishes an end that is not the task's own doing.
fn publish_early(head: &Head, how: How) -> Option<Waker> {
    match head.core.word.publish(how, 0) {
        // SAFETY: the word says that the slot is full, and the publisher's.
        Published::Listener => Some(unsafe { (*head.listener.get()).assume_init_read() }),
        Published::Done | Published::Unwanted => None,
    }
}

/// Gives references back, which the caller has.
#[inline]
fn release(head: NonNull<Head>, refs: usize) {
    // SAFETY: the task lives as long as the caller's references.
    let (last, free) = unsafe {
        let head = head.as_ref();
        let free = head.free;
        (head.core.word.release(refs), free)
    };
    if last {
        // SAFETY: nobody has another reference, and `free` is that of the task's type.
        unsafe { free(head) };
    }
}

#[cfg(all(test, target_pointer_width = "64", not(any(tasker_loom, tasker_shuttle))))]
mod tests {
    use super::*;
    use crate::sync::Arc;
    use crate::task::TaskOptions;
    use crate::testing::{Bell, Desk};
    use crate::time::Timestamp;

    type Plain = Task<(), Arc<()>, String>;

    /// A task, and its name, which lives as long as the task does.
    fn named() -> (Arc<str>, Sole<Plain>, Taker<Arc<()>, String>) {
        let name = Arc::<str>::from("import");
        let options = TaskOptions { name: Some(Arc::clone(&name)), ..TaskOptions::default() };
        let core = TaskCore::new(options, 0, Timestamp::ZERO);
        let (sole, taker) = Plain::pair(core, (), |task| task);
        (name, sole, taker)
    }

    #[test]
    fn a_task_that_is_retried_often_keeps_no_more_references_than_one_attempt_needs() {
        let core = TaskCore::new(TaskOptions::default(), 0, Timestamp::ZERO);
        let (mut sole, taker) = Task::<(), u64, String>::pair(core, (), |task| task);
        for attempt in 0..1_000 {
            assert!(sole.claim(), "attempt {attempt}");
            let lent = [sole.lend(), sole.lend()];
            lent.into_iter().for_each(|lent| sole.take_back(lent));
            assert!(sole.core().again());
            assert_eq!(sole.spare(), 2);
        }
        drop((sole, taker));
    }

    #[test]
    fn a_task_is_freed_by_the_last_of_its_owners() {
        let (name, mut sole, taker) = named();
        let shared = taker.share();
        assert!(sole.claim());
        drop(sole);
        drop(taker);
        assert_eq!(Arc::strong_count(&name), 2);
        drop(shared);
        assert_eq!(Arc::strong_count(&name), 1);
    }

    #[test]
    fn a_result_that_nobody_takes_is_dropped_with_its_taker() {
        let result = Arc::new(());
        let (_, mut sole, taker) = named();
        let _shared = taker.share();
        assert!(sole.claim());
        let (task, key) = sole.open();
        task.work(key).leave(Ok(Arc::clone(&result)));
        assert!(sole.core().finish().is_some());
        assert!(sole.publish(|_| panic!("somebody may take it")).is_none());
        assert_eq!(Arc::strong_count(&result), 2);
        drop(taker);
        assert_eq!(Arc::strong_count(&result), 1);
    }

    #[test]
    fn a_small_task_takes_120_bytes() {
        // What allocators round up to 128.
        assert_eq!(size_of::<Task<[u64; 2], u64, String>>(), 120);
    }

    #[test]
    fn no_task_takes_back_what_another_lent() {
        let (name, sole, taker) = named();
        let (_, mut other, _taker) = named();
        other.take_back(sole.share());
        assert_eq!(other.spare(), 0);
        drop((sole, taker));
        assert_eq!(Arc::strong_count(&name), 1);
    }

    #[test]
    fn what_a_task_takes_back_beyond_what_it_can_count_is_given_up_at_once() {
        let (name, mut sole, taker) = named();
        for _ in 0..300 {
            let shared = sole.share();
            sole.take_back(shared);
        }
        assert_eq!(sole.spare(), u8::MAX);
        drop((sole, taker));
        assert_eq!(Arc::strong_count(&name), 1);
    }

    #[test]
    fn a_task_that_loses_its_owner_ends_as_killed() {
        let (desk, bell) = (Desk::new(), Arc::<Bell>::default());
        let (_, sole, mut taker) = named();
        assert!(taker.listen(&bell.waker()));
        drop(sole);
        assert!(taker.core().has_ended());
        assert_eq!(bell.rung(), 1);
        assert!(matches!(taker.take(&desk.hub), Some(Err(TaskError::Killed))));
    }

    #[test]
    fn a_task_that_has_ended_otherwise_is_not_killed_by_the_loss_of_its_owner() {
        let desk = Desk::new();
        let (_, sole, mut taker) = named();
        assert!(taker.core().finish().is_some());
        drop(sole);
        assert!(taker.take(&desk.hub).is_none(), "whoever decided the end publishes it");
        assert!(taker.publish_early(How::Cancelled).is_none());
        assert!(matches!(taker.take(&desk.hub), Some(Err(TaskError::Cancelled))));
    }

    #[test]
    fn a_waker_that_is_taken_back_is_not_called() {
        let bell = Arc::<Bell>::default();
        let (_, sole, mut taker) = named();
        assert!(taker.listen(&bell.waker()));
        assert!(taker.unlisten().is_some_and(|waker| waker.will_wake(&bell.waker())));
        assert_eq!(Arc::strong_count(&bell), 1);
        assert!(taker.unlisten().is_none());
        drop(sole);
        assert_eq!(bell.rung(), 0);
    }

    #[test]
    fn a_waker_goes_with_its_taker() {
        let bell = Arc::<Bell>::default();
        let (_, sole, mut taker) = named();
        assert!(taker.listen(&bell.waker()));
        assert!(taker.listen(&bell.waker()), "the second comes in the place of the first");
        assert_eq!(Arc::strong_count(&bell), 2);
        drop(taker);
        assert_eq!(Arc::strong_count(&bell), 1);
        drop(sole);
        assert_eq!(bell.rung(), 0);
    }

    #[test]
    fn a_result_that_comes_too_late_is_its_owners() {
        let result = Arc::new(());
        let (_, mut sole, taker) = named();
        assert!(sole.claim());
        assert!(taker.core().finish().is_some());
        assert!(taker.publish_early(How::Cancelled).is_none());
        let (task, key) = sole.open();
        task.work(key).leave(Ok(Arc::clone(&result)));
        drop(taker);
        assert_eq!(Arc::strong_count(&result), 2);
        drop(sole);
        assert_eq!(Arc::strong_count(&result), 1);
    }

    #[test]
    fn a_window_gives_back_what_it_shows_when_it_goes() {
        let (name, sole, taker) = named();
        let window = Window::new();
        window.show(sole.share());
        drop((sole, taker));
        assert_eq!(Arc::strong_count(&name), 2);
        drop(window);
        assert_eq!(Arc::strong_count(&name), 1);
    }
}
