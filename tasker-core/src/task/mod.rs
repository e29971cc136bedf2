//! A task: what may be asked for it, its state, its handle, and what it knows while it runs.

mod context;
pub mod current;
mod end;
mod handle;
pub mod job;
mod on_cancel;
mod on_complete;
mod options;
mod priority;
#[expect(unsafe_code, reason = "a task's state, its work and its result share one allocation")]
mod sole;
mod state;
mod word;

pub use context::TaskContext;
pub use end::End;
pub use handle::{CancelOutcome, TaskHandle};
pub(crate) use on_cancel::Callbacks;
pub use on_cancel::OnCancel;
pub use options::{TaskInfo, TaskOptions};
pub use priority::Priority;
pub(crate) use sole::Window;
pub use sole::{Close, Key, Shared, Sole, Taker, Task, Work};
pub use state::TaskCore;
pub(crate) use word::Finished;
