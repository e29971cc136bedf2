//! A task: what may be asked for it, its state, its handle, and what it knows while it runs.

mod cell;
mod context;
pub mod current;
mod end;
mod handle;
pub mod job;
mod on_cancel;
mod options;
mod priority;
#[expect(unsafe_code, reason = "a task and its work share one allocation")]
mod sole;
mod state;

pub use cell::{AnyCell, Cell, HasCell};
pub use context::TaskContext;
pub use end::End;
pub use handle::{CancelOutcome, TaskHandle};
pub(crate) use on_cancel::Callbacks;
pub use on_cancel::OnCancel;
pub use options::{TaskInfo, TaskOptions};
pub use priority::Priority;
pub use sole::{Close, Key, Sole, Task};
pub use state::TaskCore;
