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
pub mod user;

pub use clock::{Sleep, park_for};
pub use resource::LocalResource;
pub use task::TaskOptions;
pub use user::*;
