//! The order of waiting tasks, and the one place where workers wait for them.
//!
//! [`Queue`] is only the order; it never blocks and knows no threads. [`Inbox`] puts one behind a lock and does the
//! waiting and waking, for await and block alike: tasks, permits to leave, and the end all come to a worker here,
//! since it can wait in one place only.

mod arrivals;
mod inbox;
mod intake;
mod lanes;
mod pull;
mod room;
mod seekers;
mod share;
mod sharing;
mod state;
#[cfg(test)]
mod tests;

pub use inbox::{Comes, Counts, Inbox, Mail, Overflow, QueueSettings, Rank};
pub use lanes::Lanes;
pub use pull::{Appetite, CameFrom, Leave, Pull};
pub use room::{RoomWait, Ticket};
pub use share::Share;

use crate::task::Priority;
use crate::time::Timestamp;

/// The order in which waiting tasks start. Never blocks.
pub trait Queue<T>: Send {
    /// Adds `item` to the lane of `priority`. Within a lane the lower `rank` goes first, and among equal ranks the
    /// one that was pushed first.
    fn push(&mut self, priority: Priority, rank: u64, now: Timestamp, item: T);

    /// Takes the next item.
    fn pop(&mut self, now: Timestamp) -> Option<T>;

    /// Takes the oldest item of the lowest lane that is not above `floor` and that `choose` accepts.
    fn evict(&mut self, floor: Priority, choose: &mut dyn FnMut(&T) -> bool) -> Option<T>;

    /// Keeps the items that `keep` accepts and returns the others.
    fn sweep(&mut self, keep: &mut dyn FnMut(&T) -> bool) -> Vec<T>;

    /// How many items are in the lane of `priority`.
    fn len(&self, priority: Priority) -> usize;

    /// Whether all lanes are empty.
    fn is_empty(&self) -> bool {
        Priority::ALL.iter().all(|&priority| self.len(priority) == 0)
    }
}
