//! References to the hub that threads count apart from each other.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
// Loom's atomics cannot live in a static.
use std::sync::atomic::{AtomicUsize as CountOfProcess, Ordering};

use crate::engine::Hub;
use crate::sync::Arc;

/// A reference to the hub, for handles. Each submission takes one and each handle gives one back; if all were counted in
/// one place, its cache line would travel between all cores that submit.
#[derive(Clone)]
pub(crate) struct Seat(Arc<Place>);

/// Where some threads count their references, on a line of its own.
#[repr(align(128))]
struct Place {
    hub: Arc<Hub>,
}

/// The places of a pool.
pub(crate) struct Seats([Seat; Self::COUNT]);

impl Seats {
    const COUNT: usize = 8;

    pub(crate) fn new(hub: &Arc<Hub>) -> Self {
        Self(std::array::from_fn(|_| Seat(Arc::new(Place { hub: Arc::clone(hub) }))))
    }

    /// The one where the current thread counts.
    #[inline]
    pub(crate) fn of_this_thread(&self) -> Seat {
        self.0[number_of_this_thread() % Self::COUNT].clone()
    }
}

impl Deref for Seat {
    type Target = Hub;

    #[inline]
    fn deref(&self) -> &Hub {
        &self.0.hub
    }
}

/// Threads in the order in which they first asked.
#[inline]
pub(crate) fn number_of_this_thread() -> usize {
    static THREADS: CountOfProcess = CountOfProcess::new(1);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(0) };
    }
    let number = NUMBER.try_with(|number| {
        if number.get() == 0 {
            number.set(THREADS.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    });
    // A thread whose locals are gone.
    number.unwrap_or(0)
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").finish_non_exhaustive()
    }
}

impl fmt::Debug for Seats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seats").finish_non_exhaustive()
    }
}
