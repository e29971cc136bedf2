//! Pools whose workers each own a long-lived resource, on async-std.
//!
//! **async-std itself is discontinued upstream.** This backend is for programs that still run on it; for new ones
//! take `tasker-tokio`, or `tasker-thread` where no runtime is wanted.

mod runtime;

pub use runtime::{AsyncStd, AsyncStdClock, AsyncStdSpawner};
pub use tasker_core::asynchronous::{AsyncTask, Once, Repeatable, Request};
pub use tasker_core::user::*;

/// A pool on async-std.
pub type Pool<R> = tasker_core::asynchronous::Pool<R, AsyncStd>;
/// A handle that does not keep its pool from stopping.
pub type WeakPool<R> = tasker_core::asynchronous::WeakPool<R, AsyncStd>;
