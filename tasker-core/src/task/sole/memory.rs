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
            fetch(&DEPOTS[size], shelf);
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
            give(&DEPOTS[size], size, shelf.drain(BATCH..));
        }
        shelf.push(block);
    });
    kept.is_ok()
}

#[cold]
fn fetch(depot: &Mutex<Vec<Block>>, shelf: &mut Vec<Block>) {
    let mut depot = depot.lock().unwrap_or_else(PoisonError::into_inner);
    let left = depot.len().saturating_sub(BATCH);
    shelf.extend(depot.drain(left..));
}

/// Takes blocks to the depot as far as there is room.
#[cold]
fn give(depot: &Mutex<Vec<Block>>, size: usize, mut blocks: impl Iterator<Item = Block>) {
    let mut depot = depot.lock().unwrap_or_else(PoisonError::into_inner);
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
        self.0.iter_mut().enumerate().for_each(|(size, shelf)| give(&DEPOTS[size], size, shelf.drain(..)));
    }
}

#[cfg(all(test, not(any(miri, tasker_plain_memory))))]
mod tests {
    use super::*;

    /// Of the least size that is kept, which few tasks have.
    const SIZE: usize = 3;

    fn blocks(count: usize) -> impl Iterator<Item = Block> {
        (0..count).map(|_| Block(allocate_anew(layout_of(SIZE))))
    }

    fn discard(blocks: Vec<Block>) {
        for Block(memory) in blocks {
            // SAFETY: it was allocated for this size, and is used by nobody.
            unsafe { dealloc(memory.as_ptr(), layout_of(SIZE)) };
        }
    }

    fn on_shelf() -> usize {
        SHELVES.with_borrow(|shelves| shelves.0[SIZE].len())
    }

    /// Does something where all shelves are empty.
    fn on_a_new_thread(f: impl FnOnce() + Send) {
        std::thread::scope(|scope| scope.spawn(f).join().expect("no panic"));
    }

    #[test]
    fn small_memory_of_pointers_is_kept_by_its_size() {
        let of = |size, align| kept_size(Layout::from_size_align(size, align).expect("valid"));
        let kept = [88, 96, 104, 112, 120, 128].map(|size| of(size, STEP));
        assert_eq!(kept, [None, Some(3), Some(2), Some(1), Some(0), None]);
        assert_eq!([of(LARGEST, 4), of(LARGEST, 16)], [None, None], "blocks are aligned for pointers alone");
        assert!((0..SIZES).all(|size| kept_size(layout_of(size)) == Some(size)));
    }

    #[test]
    fn memory_given_back_is_the_next_of_its_size_that_is_handed_out() {
        let [small, large] = [layout_of(SIZE), layout_of(SIZE - 1)];
        let (first, other) = (allocate(small), allocate(large));
        // SAFETY: it was allocated for this layout, and is used by nobody.
        unsafe { free(first, small) };
        let (another, again) = (allocate(large), allocate(small));
        assert_eq!(again, first);
        assert_ne!(another, first);
        for (memory, layout) in [(other, large), (another, large), (again, small)] {
            // SAFETY: as above.
            unsafe { free(memory, layout) };
        }
    }

    #[test]
    fn a_full_shelf_gives_half_away_when_one_more_comes() {
        on_a_new_thread(|| {
            assert!(blocks(SHELF).all(|block| put(SIZE, block)));
            assert_eq!(on_shelf(), 64);
            assert!(blocks(1).all(|block| put(SIZE, block)));
            assert_eq!(on_shelf(), 33);
        });
    }

    #[test]
    fn an_empty_shelf_gets_a_batch_of_what_is_in_the_depot() {
        let (depot, mut shelf) = (Mutex::new(blocks(BATCH + 8).collect()), Vec::new());
        fetch(&depot, &mut shelf);
        assert_eq!(shelf.len(), BATCH);
        fetch(&depot, &mut shelf);
        assert_eq!(shelf.len(), BATCH + 8);
        fetch(&depot, &mut shelf);
        assert_eq!(shelf.len(), BATCH + 8);
        discard(shelf);
    }

    #[test]
    fn the_depot_takes_no_more_than_it_may_hold() {
        let depot = Mutex::new(blocks(DEPOT - 3).collect());
        give(&depot, SIZE, blocks(2));
        assert_eq!(depot.lock().expect("no panic").len(), DEPOT - 1);
        give(&depot, SIZE, blocks(2));
        let kept = depot.into_inner().expect("no panic");
        assert_eq!(kept.len(), DEPOT);
        discard(kept);
    }

    #[test]
    fn what_a_thread_has_kept_goes_to_the_depot_when_it_ends() {
        // Other tests may take it from there at once, but not every time.
        let arrived = || {
            let (block, mut address) = (blocks(1).next(), None);
            on_a_new_thread(|| {
                address = block.as_ref().map(|block| block.0.addr());
                assert!(block.into_iter().all(|block| put(SIZE, block)));
            });
            let depot = DEPOTS[SIZE].lock().expect("no panic");
            depot.iter().any(|block| Some(block.0.addr()) == address)
        };
        assert!((0..100).any(|_| arrived()));
    }
}
