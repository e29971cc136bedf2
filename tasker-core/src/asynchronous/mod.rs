//! The async pool, written once: a runtime crate plugs in how to spawn and how to sleep.
//!
//! A worker is a task of the runtime. It owns its resource, and polls the future of the task it runs in place, so
//! that dropping that future at an await point is all it takes to cancel it.

mod control;
mod job;
mod mail;
mod pool;
mod race;
mod request;
mod reserve;
mod run;
mod runtime;
mod worker;

pub use job::{AsyncTask, RetryTask};
pub use pool::{Pool, WeakPool};
pub use request::{Once, Repeatable, Request};
pub use runtime::{AsyncBackend, Runtime, Spawner};
