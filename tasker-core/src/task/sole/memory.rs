//! Where the memory of tasks comes from.
//!
//! Most tasks are made on one thread and freed on another, which is what allocators do worst: the freed block goes through a
//! lock or a list whose links lie in memory that the other core has just written. So small tasks, which are most, all take a
//! cell of one size, and a cell that is free goes to a *shelf* of the thread that freed it. A shelf that is full takes half
//! of its cells to the *depot*, where threads with an empty shelf get theirs. A lock is taken once for many tasks.
//!
//! What is kept is bounded: so much a thread, so much in the depot; the rest goes back to the allocator. (The scheme is that
//! of magazines and a depot: J. Bonwick and J. Adams, "Magazines and Vmem", USENIX 2001.)

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::ptr::NonNull;
// Loom's and shuttle's cannot live in a static; with them nothing is kept.
use std::sync::{Mutex, PoisonError};

/// A small task's: what allocators round up to two cache lines.
const CELL: Layout = match Layout::from_size_align(120, 16) {
    Ok(layout) => layout,
    Err(_) => unreachable!(),
};
/// Cells that go to the depot, or come from there, at once.
const BATCH: usize = 32;
/// Cells on a shelf at most.
const SHELF: usize = 2 * BATCH;
/// Cells in the depot at most.
const DEPOT: usize = 4_096;
/// Checkers of memory see more where each task has memory of its own; but this has to be checked, too.
const KEEPS: bool =
    cfg!(tasker_keep_memory) || !cfg!(any(miri, tasker_loom, tasker_shuttle, tasker_plain_memory));

/// Memory for something of this layout.
#[inline]
pub(super) fn allocate(layout: Layout) -> NonNull<u8> {
    if !is_small(layout) {
        return allocate_anew(layout);
    }
    let kept = SHELVES.try_with(|shelf| shelf.borrow_mut().take()).ok().flatten();
    kept.map_or_else(|| allocate_anew(CELL), |Block(cell)| cell)
}

/// Gives memory back.
///
/// # Safety
///
/// It comes from [`allocate`] for the same layout, and nobody uses it any more.
#[inline]
pub(super) unsafe fn free(memory: NonNull<u8>, layout: Layout) {
    let kept = is_small(layout) && SHELVES.try_with(|shelf| shelf.borrow_mut().put(Block(memory))).is_ok();
    if !kept {
        // SAFETY: a block that is not small was allocated for its own layout, and a small one as a cell.
        unsafe { dealloc(memory.as_ptr(), if is_small(layout) { CELL } else { layout }) };
    }
}

const fn is_small(layout: Layout) -> bool {
    KEEPS && layout.size() <= CELL.size() && layout.align() <= CELL.align()
}

fn allocate_anew(layout: Layout) -> NonNull<u8> {
    // SAFETY: a task is not of size zero.
    let memory = unsafe { alloc(layout) };
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
}

thread_local! {
    static SHELVES: RefCell<Shelf> = const { RefCell::new(Shelf(Vec::new())) };
}

static COMMON: Mutex<Vec<Block>> = Mutex::new(Vec::new());

/// A free cell.
struct Block(NonNull<u8>);

// SAFETY: it is memory, which belongs to whoever has this.
unsafe impl Send for Block {}

/// The free cells of a thread.
struct Shelf(Vec<Block>);

impl Shelf {
    #[inline]
    fn take(&mut self) -> Option<Block> {
        if self.0.is_empty() {
            self.fetch();
        }
        self.0.pop()
    }

    #[inline]
    fn put(&mut self, cell: Block) {
        if self.0.len() >= SHELF {
            give(self.0.drain(BATCH..));
        }
        self.0.push(cell);
    }

    #[cold]
    fn fetch(&mut self) {
        let mut common = COMMON.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = common.len().saturating_sub(BATCH);
        self.0.extend(common.drain(kept..));
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        give(self.0.drain(..));
    }
}

/// Takes cells to the depot as far as there is room.
#[cold]
fn give(mut cells: impl Iterator<Item = Block>) {
    let mut common = COMMON.lock().unwrap_or_else(PoisonError::into_inner);
    let room = DEPOT.saturating_sub(common.len());
    common.extend(cells.by_ref().take(room));
    drop(common);
    for Block(cell) in cells {
        // SAFETY: a cell was allocated as one, and is used by nobody.
        unsafe { dealloc(cell.as_ptr(), CELL) };
    }
}
