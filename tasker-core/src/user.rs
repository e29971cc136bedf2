//! What a user of any backend needs; each backend re-exports it.
//!
//! [`LocalResource`](crate::LocalResource) is not here: its methods have the names of those of
//! [`Resource`], and both in scope would make calls ambiguous.

pub use crate::builder::Builder;
pub use crate::cancel::CancelToken;
pub use crate::clock::{AsyncClock, Clock, Sleep, SystemClock, park_for};
pub use crate::config_error::InvalidConfig;
pub use crate::engine::{Events, Received, StopReport, Stopped, Undone, WorkerLeft};
pub use crate::error::{BuildError, Refusal, Refused, RunError, StopError, TaskError};
pub use crate::event::{Diagnosis, PoolEvent, ScaleReason};
pub use crate::ids::{ExitReason, SpawnReason, TaskId, WorkerId};
pub use crate::metrics::{EndKind, Metrics, MetricsCollector, Spread, Stats, TaskTimes};
pub use crate::parker::Parker;
pub use crate::queue::Overflow;
pub use crate::resource::{CreateContext, Health, Resource};
pub use crate::retry::{Backoff, Constant, Immediate, RetryPolicy};
pub use crate::scaling;
pub use crate::supervisor::Startup;
pub use crate::task::{CancelOutcome, Priority, TaskContext, TaskHandle, TaskInfo};
pub use crate::time::Timestamp;
