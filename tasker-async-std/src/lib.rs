//! Pools whose workers each own a long-lived resource, on async-std.
//!
//! **async-std itself is discontinued upstream.** This backend is for programs that still run on it; for new ones take
//! `tasker-tokio`, or `tasker-thread` where no runtime is wanted. The pool is the same on all three: on async-std, too, a
//! worker is a task that creates a resource, keeps it, and lends it to one task of the pool after the other.
//!
//! ```
//! use tasker_async_std::{CreateContext, Pool, Resource};
//!
//! /// Stands for a connection.
//! struct Db {
//!     queries: u64,
//! }
//!
//! impl Resource for Db {
//!     type Config = String; // what `create` needs
//!     type Error = std::io::Error;
//!
//!     async fn create(_url: &String, _cx: &CreateContext) -> Result<Self, Self::Error> {
//!         Ok(Self { queries: 0 })
//!     }
//! }
//!
//! # #[async_std::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = Pool::<Db>::builder("db://orders".to_string()).workers(2).build().await?;
//!
//! let id = 42;
//! let order = pool
//!     .submit(async move |db, _cx| {
//!         db.queries += 1;
//!         Ok(format!("order {id}"))
//!     })
//!     .await?;
//! assert_eq!(order, "order 42");
//!
//! let report = pool.stop().await?;
//! assert!(report.is_clean());
//! # Ok(())
//! # }
//! ```
//!
//! What awaits: [`build`](Builder::build), [`submit_wait`](Pool::submit_wait), [`submit_timeout`](Pool::submit_timeout),
//! [`run`](Pool::run), the [handles](TaskHandle), [`warm_up`](Pool::warm_up), [`stop`](Pool::stop),
//! [`stop_within`](Pool::stop_within), [`kill`](Pool::kill), [`ended`](Pool::ended), [`scope`](Pool::scope) and
//! [`Events::recv`]. What blocks the thread, and so is for threads outside of the executor: [`TaskHandle::wait`],
//! [`TaskHandle::wait_timeout`] and [`Events::wait`]. All else returns at once.
//!
//! - A task that is cancelled, times out or is killed is dropped at its await point, and its resource replaced, unless the
//!   task was declared `cancel_safe`.
//! - async-std has one executor in a process, which lives as long as the process does: a pool can't outlive it, and when
//!   `main` returns what still runs is cut off. Stop the pool before.
//! - The example `graceful_stop` shows `stop`, `stop_within` and `kill` side by side.
//!
//! The guarantees, the picture, and the patterns of use are those of `tasker-tokio`, whose documentation has them in full.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod runtime;

pub use runtime::{AsyncStd, AsyncStdClock, AsyncStdSpawner};
pub use tasker_core::asynchronous::{
    AsyncBackend, AsyncTask, Once, Repeatable, Request, RetryTask, Runtime, Spawner,
};
pub use tasker_core::user::*;

/// A pool on async-std.
pub type Pool<R> = tasker_core::asynchronous::Pool<R, AsyncStd>;
/// A handle that does not keep its pool from stopping.
pub type WeakPool<R> = tasker_core::asynchronous::WeakPool<R, AsyncStd>;
