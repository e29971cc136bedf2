//! What is known of the current thread: its number, and how it submits and waits.

use std::cell::Cell;
// Loom's atomics cannot live in a static.
use std::sync::atomic::{AtomicUsize as CountOfProcess, Ordering};

use crate::ids::TaskId;
use crate::spin::Trials;

/// What a thread is known by, and what it did last.
struct Local {
    /// 0 until it is asked for.
    number: Cell<usize>,
    /// The pool to which it submitted last.
    pool: Cell<u64>,
    /// The task that it submitted there.
    task: Cell<u64>,
    /// Whether it pays to look for what a worker was called for.
    trials: Cell<Trials>,
}

thread_local! {
    static LOCAL: Local = const {
        Local { number: Cell::new(0), pool: Cell::new(0), task: Cell::new(0), trials: Cell::new(Trials::new()) }
    };
}

/// Threads in the order in which they first asked.
#[inline]
pub(super) fn number_of_this_thread() -> usize {
    static THREADS: CountOfProcess = CountOfProcess::new(1);
    let number = LOCAL.try_with(|Local { number, .. }| {
        if number.get() == 0 {
            number.set(THREADS.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    });
    // A thread whose locals are gone.
    number.unwrap_or(0)
}

/// The current thread has submitted this task.
#[inline]
pub(crate) fn note_submitted(pool: u64, task: TaskId) {
    // A thread whose locals are gone waits as if it had submitted nothing.
    let _ = LOCAL.try_with(|local| {
        local.pool.set(pool);
        local.task.set(task.get());
    });
}

/// Looks for something on the current thread, unless that was in vain of late; `look` says whether it was.
pub(crate) fn try_here(look: impl FnOnce() -> bool) {
    let mut trials = LOCAL.try_with(|local| local.trials.get()).unwrap_or_default();
    if trials.is_due() {
        trials.note(look());
    }
    let _ = LOCAL.try_with(|local| local.trials.set(trials));
}

/// Whether the current thread is in the middle of a stream of tasks where it waits for this one: it has submitted others to
/// the same pool since then, about as many as a worker takes along.
pub(crate) fn is_in_stream(pool: u64, task: TaskId) -> bool {
    /// As ids go, so less where others submit as well.
    const MANY: u64 = 32;
    let last = LOCAL.try_with(|local| (local.pool.get() == pool).then(|| local.task.get()));
    last.ok().flatten().is_some_and(|last| last >= task.get().saturating_add(MANY))
}

#[cfg(all(test, not(any(tasker_loom, tasker_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_looks_less_often_where_that_is_in_vain() {
        let look = |found| {
            let looks = Cell::new(0);
            (0..16).for_each(|_| {
                try_here(|| {
                    looks.set(looks.get() + 1);
                    found
                });
            });
            looks.get()
        };
        assert_eq!([look(true), look(false)], [16, 5]);
    }

    #[test]
    fn a_thread_is_in_a_stream_where_it_has_submitted_many_since() {
        let stream = |pool, task| is_in_stream(pool, TaskId::new(task));
        assert!(!stream(1, 1), "it has submitted nothing");
        note_submitted(1, TaskId::new(40));
        assert_eq!([1, 8, 9, 40].map(|task| stream(1, task)), [true, true, false, false]);
        assert!(!stream(2, 1), "that was another pool");
        std::thread::scope(|scope| scope.spawn(|| assert!(!stream(1, 1))).join().expect("another thread"));
    }
}
