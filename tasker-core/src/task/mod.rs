//! A task: what may be asked for it, its state, its handle, and what it knows while it runs.

pub(crate) mod cell;
mod context;
pub mod current;
mod handle;
pub mod job;
mod on_cancel;
mod options;
mod priority;

pub use cell::{AnyCell, Cell, End, TaskCore};
pub use context::TaskContext;
pub use handle::{CancelOutcome, TaskHandle};
pub use on_cancel::OnCancel;
pub use options::{TaskInfo, TaskOptions};
pub use priority::Priority;
