//! Pools whose workers each own a long-lived resource, on plain threads.

mod builder;
mod control;
mod job;
mod mail;
mod pool;
mod request;
mod reserve;
mod worker;

pub use builder::{ThreadBuilder, Threads};
pub use pool::{Pool, StopGuard, WeakPool};
pub use request::Request;
pub use tasker_core::LocalResource;
pub use tasker_core::asynchronous::{Once, Repeatable};
pub use tasker_core::user::*;
