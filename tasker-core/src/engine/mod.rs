//! What the pools of all backends are made of.
//!
//! A backend differs only in how it starts a worker and how it waits. Everything else is here, split by who touches
//! it: the [`Hub`] is what handles and tasks need of their pool, the [`Roster`] knows who works on what, the
//! [`Controller`] carries out what the supervisor wants, and a [`Worker`] decides what one worker does next.

mod alarms;
mod bus;
mod controller;
mod hub;
mod latch;
mod levels;
mod local;
mod nested;
mod owed;
mod pace;
mod parts;
mod report;
mod roster;
mod seat;
#[cfg(test)]
mod tests;
mod worker;

pub use alarms::Running;
pub use bus::{EventBus, Events, Received};
pub use controller::{Controller, Launch, Turn};
pub use hub::{Hub, Msg};
pub use latch::{Latch, LatchWait};
pub use owed::Owed;
pub use parts::{Engine, Limits, Parts, RankFn};
pub use report::{StopReport, Stopped, Undone, WorkerLeft};
pub use roster::{Interrupt, Post, Roster};
pub use worker::{Begun, Created, Fate, Order, Step, Worker};

pub(crate) use crate::metrics::EndKind;
pub(crate) use crate::panics::quietly;
pub use crate::panics::{catch, panic_message};
pub(crate) use local::{is_in_stream, note_submitted, try_here};
pub(crate) use nested::{RoomBlock, Target};
pub(crate) use seat::{Seat, Seats};
pub use worker::describe;

use crate::task::End;
use crate::task::job::Job;

/// Fills a job whose end was decided by the caller with an end that is not its own doing.
pub(crate) fn fill_early<J: Job>(hub: &Hub, job: J, end: End) {
    hub.count_end(job.core(), end.kind());
    quietly(|| job.end_early(hub, &end));
}
