//! Pools whose workers each own a long-lived resource, on tokio.

mod runtime;

pub use runtime::{Tokio, TokioClock, TokioSpawner};
pub use tasker_core::*;

/// A pool on tokio.
pub type Pool<R> = asynchronous::Pool<R, Tokio>;
/// A handle that does not keep its pool from stopping.
pub type WeakPool<R> = asynchronous::WeakPool<R, Tokio>;
