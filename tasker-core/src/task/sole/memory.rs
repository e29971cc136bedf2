//! Where the memory of tasks comes from.
//!
//! Most tasks are made on one thread and freed on another, which is what allocators do worst: the freed block goes through a
//! lock or a list whose links lie in memory that the other core has just written. So the memory of a small task, which most
//! are, goes to a *shelf* of the thread that frees it, for the next task of its size. A shelf that is full takes half of its
//! blocks to the *depot*, where threads with an empty shelf get theirs. A lock is taken once for many tasks.
//!
//! What is kept is bounded: so much a thread, so much in the depot; the rest goes back to the allocator. (The scheme is that
//! of magazines and a depot: J. Bonwick and J. Adams, "Magazines and Vmem", USENIX 2001.)

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::ptr::NonNull;
// Loom's and shuttle's cannot live in a static; with them nothing is kept.
use std::sync::{Mutex, PoisonError};

/// The size of the largest that are kept: what allocators round up to two cache lines.
const LARGEST: usize = 120;
/// How sizes differ.
const STEP: usize = 8;
/// As many sizes are kept, from the largest down.
const SIZES: usize = 4;
/// Blocks that go to the depot, or come from there, at once.
const BATCH: usize = 32;
/// Blocks of a size on a thread's shelf at most.
const SHELF: usize = 2 * BATCH;
/// Blocks of a size in the depot at most.
const DEPOT: usize = 4_096;
/// Checkers of memory see more where each task has memory of its own; but this has to be checked, too.
const KEEPS: bool =
    cfg!(tasker_keep_memory) || !cfg!(any(miri, tasker_loom, tasker_shuttle, tasker_plain_memory));

/// Memory for something of this layout.
#[inline]
pub(super) fn allocate(layout: Layout) -> NonNull<u8> {
    kept_size(layout).and_then(take).map_or_else(|| allocate_anew(layout), |Block(memory)| memory)
}

/// Gives memory back.
///
/// # Safety
///
/// It comes from [`allocate`] for the same layout, and nobody uses it any more.
#[inline]
pub(super) unsafe fn free(memory: NonNull<u8>, layout: Layout) {
    if !kept_size(layout).is_some_and(|size| put(size, Block(memory))) {
        // SAFETY: it was allocated for this layout: blocks are kept for their own size alone.
        unsafe { dealloc(memory.as_ptr(), layout) };
    }
}

/// Which of the sizes that are kept this is.
#[inline]
const fn kept_size(layout: Layout) -> Option<usize> {
    let is_small = KEEPS && layout.size() <= LARGEST && layout.align() == STEP;
    let size = if is_small { (LARGEST - layout.size()) / STEP } else { SIZES };
    if size < SIZES { Some(size) } else { None }
}

fn layout_of(size: usize) -> Layout {
    Layout::from_size_align(LARGEST - size * STEP, STEP).expect("it is small")
}

fn allocate_anew(layout: Layout) -> NonNull<u8> {
    // SAFETY: a task is not of size zero.
    let memory = unsafe { alloc(layout) };
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
}

/// A block that is free.
struct Block(NonNull<u8>);

// SAFETY: it is memory, which belongs to whoever has this.
unsafe impl Send for Block {}

thread_local! {
    static SHELVES: RefCell<Shelves> = const { RefCell::new(Shelves([const { Vec::new() }; SIZES])) };
}

static DEPOTS: [Mutex<Vec<Block>>; SIZES] = [const { Mutex::new(Vec::new()) }; SIZES];

/// The free blocks of a thread.
struct Shelves([Vec<Block>; SIZES]);

#[inline]
fn take(size: usize) -> Option<Block> {
    let taken = SHELVES.try_with(|shelves| {
        let shelf = &mut shelves.borrow_mut().0[size];
        if shelf.is_empty() {
            fetch(size, shelf);
        }
        shelf.pop()
    });
    // A thread whose locals are gone keeps nothing.
    taken.ok().flatten()
}

/// `false`: it is not kept.
#[inline]
fn put(size: usize, block: Block) -> bool {
    let kept = SHELVES.try_with(|shelves| {
        let shelf = &mut shelves.borrow_mut().0[size];
        if shelf.len() >= SHELF {
            give(size, shelf.drain(BATCH..));
        }
        shelf.push(block);
    });
    kept.is_ok()
}

#[cold]
fn fetch(size: usize, shelf: &mut Vec<Block>) {
    let mut depot = DEPOTS[size].lock().unwrap_or_else(PoisonError::into_inner);
    let left = depot.len().saturating_sub(BATCH);
    shelf.extend(depot.drain(left..));
}

/// Takes blocks to the depot as far as there is room.
#[cold]
fn give(size: usize, mut blocks: impl Iterator<Item = Block>) {
    let mut depot = DEPOTS[size].lock().unwrap_or_else(PoisonError::into_inner);
    let room = DEPOT.saturating_sub(depot.len());
    depot.extend(blocks.by_ref().take(room));
    drop(depot);
    for Block(memory) in blocks {
        // SAFETY: it was allocated for this size, and is used by nobody.
        unsafe { dealloc(memory.as_ptr(), layout_of(size)) };
    }
}

impl Drop for Shelves {
    fn drop(&mut self) {
        self.0.iter_mut().enumerate().for_each(|(size, shelf)| give(size, shelf.drain(..)));
    }
}
