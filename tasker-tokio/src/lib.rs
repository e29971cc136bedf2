//! Pools whose workers each own a long-lived resource, on tokio.

#[cfg(feature = "tokio-util")]
mod cancel;
mod runtime;

#[cfg(feature = "tokio-util")]
pub use cancel::stop_on_cancel;
pub use runtime::{Tokio, TokioClock, TokioSpawner};
pub use tasker_core::user::*;

/// A pool on tokio.
pub type Pool<R> = tasker_core::asynchronous::Pool<R, Tokio>;
/// A handle that does not keep its pool from stopping.
pub type WeakPool<R> = tasker_core::asynchronous::WeakPool<R, Tokio>;
