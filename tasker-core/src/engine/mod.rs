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
mod nested;
mod parts;
mod report;
mod roster;
#[cfg(test)]
mod tests;
mod worker;

pub use bus::{EventBus, Events, Received};
pub use controller::{Controller, Launch, Turn};
pub use hub::{Hub, Msg};
pub use latch::{Latch, LatchWait};
pub use parts::{Engine, Limits, Parts, RankFn};
pub use report::{StopReport, Stopped, Undone, WorkerLeft};
pub use roster::{Interrupt, Post, Roster};
pub use worker::{Begun, Created, Fate, Order, Step, Worker};

pub(crate) use crate::metrics::EndKind;
pub use worker::describe;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::sync::Arc;
use crate::task::End;
use crate::task::job::{Job, JobEnd};

/// Runs `f`, which may drop or wake what belongs to users; a panic is swallowed, there being nobody to tell.
pub(crate) fn quietly(f: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(f)).is_err() {
        tracing::warn!("a waker or the drop of a task panicked");
    }
}

/// Runs user code; its panic comes back as its message.
///
/// # Errors
///
/// What the panic said.
pub fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Arc<str>> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| panic_message(&*payload))
}

/// What a panic said.
pub fn panic_message(payload: &(dyn Any + Send)) -> Arc<str> {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").into()
}

/// Fills a job whose end was decided by the caller with an end that is not its own doing.
pub(crate) fn fill_early<J: Job>(job: J, end: End) {
    let core = job.core();
    core.hub.count_end(core, end.kind());
    quietly(|| job.fill(JobEnd::Error(end.into())));
}
