//! The runtime-agnostic core of tasker.
#![deny(unsafe_code)]

pub mod activity;
pub mod asynchronous;
pub mod builder;
mod cancel;
mod clock;
mod config_error;
pub mod decide;
pub mod engine;
mod error;
mod event;
mod ids;
pub mod life;
pub mod metrics;
pub mod parker;
pub mod queue;
pub mod race;
pub mod reserve;
mod resource;
mod retry;
pub mod scaling;
pub mod submit;
pub mod supervisor;
pub mod sync;
pub mod task;
mod time;

pub use builder::Builder;
pub use cancel::CancelToken;
pub use clock::{AsyncClock, Clock, Sleep, SystemClock, park_for};
pub use config_error::InvalidConfig;
pub use engine::{Events, Received, StopReport, Stopped, Undone, WorkerLeft};
pub use error::{BuildError, Refusal, Refused, RunError, StopError, TaskError};
pub use event::{Diagnosis, PoolEvent, ScaleReason};
pub use ids::{ExitReason, SpawnReason, TaskId, WorkerId};
pub use resource::{CreateContext, Health, LocalResource, Resource};
pub use retry::{Backoff, Constant, Immediate, RetryPolicy};
pub use task::{CancelOutcome, Priority, TaskContext, TaskHandle, TaskInfo, TaskOptions};
pub use time::Timestamp;
