//! References to the hub that threads count apart from each other.

use std::fmt;
use std::ops::Deref;

use crate::engine::Hub;
use crate::engine::local::number_of_this_thread;
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
