//! Pools whose workers each own a long-lived resource, on tokio.

mod runtime;

pub use runtime::{Tokio, TokioClock, TokioSpawner};
pub use tasker_core::asynchronous::{AsyncTask, Once, Repeatable, Request};
pub use tasker_core::user::*;

/// A pool on tokio.
pub type Pool<R> = tasker_core::asynchronous::Pool<R, Tokio>;
/// A handle that does not keep its pool from stopping.
pub type WeakPool<R> = tasker_core::asynchronous::WeakPool<R, Tokio>;

/// The examples of the README, compiled and run with the documentation's own.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The examples of the guide.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../docs/guide/resources-and-health.md")]
    struct ResourcesAndHealth;
    #[doc = include_str!("../../docs/guide/bursting.md")]
    struct Bursting;
    #[doc = include_str!("../../docs/guide/stopping.md")]
    struct Stopping;
    #[doc = include_str!("../../docs/guide/troubleshooting.md")]
    struct Troubleshooting;
}
