//! The runtime-agnostic core of tasker.
#![deny(unsafe_code)]

mod config_error;
pub mod scaling;
mod time;

pub use config_error::InvalidConfig;
pub use time::Timestamp;
