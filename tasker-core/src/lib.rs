//! The runtime-agnostic core of tasker.
#![deny(unsafe_code)]

mod config_error;
mod ids;
pub mod metrics;
pub mod scaling;
mod sync;
mod time;

pub use config_error::InvalidConfig;
pub use ids::{ExitReason, SpawnReason, TaskId, WorkerId};
pub use time::Timestamp;
