//! One allocation a task: its state, the slot of its result, and its work.
//!
//! A [`Task`] has two kinds of owners. The handle, alarms and contexts share it: they see its cell, whose parts are
//! atomic or locked. The *work* (the closure, what an attempt left) belongs to one owner alone, the [`Sole`], which
//! moves from the submitter to the queue, to a worker, and back to the queue for a retry.
//!
//! # Protocol
//!
//! - `Task::pair` makes a task together with its one `Sole`. There is no other way to make either, and neither clones.
//! - Only a `Key` opens the work. It is borrowed from the `Sole` mutably, so there is one at a time, and it names the
//!   address of the task it is for; a task refuses the key of another, and no reference to the work outlives it. A `Sole` keeps its task alive, so no other
//!   task can have that address meanwhile.
//! - Whoever drops the `Sole` closes the task: its handle is resolved as killed if its end is not decided, and the work is
//!   dropped there and then, however long a handle lives on.
//! - The memory is freed by whoever drops the last reference, `Sole` or sharer: `Arc` sees to that.

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr;

use crate::sync::Arc;
use crate::task::cell::Cell;

/// A task in one allocation: its cell, and its work of type `W`.
pub struct Task<W, T, E> {
    cell: Cell<T, E>,
    work: Locked<W>,
}

/// What only a key opens.
struct Locked<W>(UnsafeCell<W>);

// SAFETY: it is reached only with a key, of which there is one at a time, so it is never shared, only sent.
unsafe impl<W: Send> Sync for Locked<W> {}

/// The one owner of a task's work, whatever the type of the task: `D` is the task, or a trait object of it.
pub struct Sole<D: ?Sized + Close> {
    task: Arc<D>,
}

/// The right to touch the work of one task.
pub struct Key<'a> {
    address: usize,
    owner: PhantomData<&'a mut ()>,
}

/// What happens to a task that loses its owner.
pub trait Close {
    /// Ends the task if its end is not decided, and drops its work.
    fn close(&self, key: Key<'_>);
}

impl<W, T, E> Task<W, T, E> {
    /// A task with its one owner, which sees it as `erase` shows it.
    ///
    /// # Panics
    ///
    /// If `erase` returns anything but what it was given.
    pub fn pair<D>(cell: Cell<T, E>, work: W, erase: impl FnOnce(Arc<Self>) -> Arc<D>) -> (Sole<D>, Arc<Self>)
    where
        D: ?Sized + Close,
    {
        let shared = Arc::new(Self { cell, work: Locked(UnsafeCell::new(work)) });
        let task = erase(Arc::clone(&shared));
        assert!(ptr::addr_eq(Arc::as_ptr(&task), Arc::as_ptr(&shared)), "a task has one owner, its own");
        (Sole { task }, shared)
    }

    /// What everybody may see.
    pub const fn cell(&self) -> &Cell<T, E> {
        &self.cell
    }

    /// The work.
    ///
    /// # Panics
    ///
    /// If the key is that of another task.
    pub fn work<'a>(&self, key: Key<'a>) -> &'a mut W {
        assert!(key.address == ptr::from_ref(self).addr(), "the key of another task");
        // SAFETY: the key is the only one to this task (see the protocol above), and for as long as the reference
        // lives, the task's owner is borrowed mutably, gives out no other, and keeps the task alive.
        unsafe { &mut *self.work.0.get() }
    }
}

impl<D: ?Sized + Close> Sole<D> {
    /// The task, and the key to its work.
    pub fn open(&mut self) -> (&D, Key<'_>) {
        (&self.task, Key { address: Arc::as_ptr(&self.task).cast::<()>().addr(), owner: PhantomData })
    }

    /// Another reference to the task, which shares it and does not own its work.
    #[must_use]
    pub fn share(&self) -> Arc<D> {
        Arc::clone(&self.task)
    }
}

impl<D: ?Sized + Close> Deref for Sole<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.task
    }
}

impl<D: ?Sized + Close> Drop for Sole<D> {
    fn drop(&mut self) {
        let (task, key) = self.open();
        task.close(key);
    }
}

impl<W, T, E> fmt::Debug for Task<W, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("cell", &self.cell).finish_non_exhaustive()
    }
}

impl<D: ?Sized + Close> fmt::Debug for Sole<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sole").finish_non_exhaustive()
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}
