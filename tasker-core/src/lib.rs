//! The runtime-agnostic core of tasker.
#![deny(unsafe_code)]

mod config_error;
mod event;
mod ids;
mod retry;
pub mod scaling;
pub mod supervisor;
mod time;

pub use config_error::InvalidConfig;
pub use event::{Diagnosis, PoolEvent, ScaleReason};
pub use ids::{ExitReason, SpawnReason, TaskId, WorkerId};
pub use retry::{Backoff, Constant, Immediate, RetryPolicy};
pub use time::Timestamp;
