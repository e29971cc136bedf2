//! Pools whose workers each own a long-lived resource, on tokio.
//!
//! A **resource** is what is costly to make and lives long: a database connection, a browser, a child process, a model
//! session. Each **worker** of a pool creates one and keeps it; **tasks** borrow the resource of the worker that runs
//! them. The pool replaces resources that fall ill and retries their tasks elsewhere, runs urgent tasks first, grows and
//! shrinks with the load, and stops without losing a task.
//!
//! Here a worker is a task of the tokio runtime that [`build`](Builder::build) is awaited in, and a task of the pool is
//! an async closure. For work that blocks or computes without pause, and for resources that are not `Send`, take
//! `tasker-thread`, the same pool on threads of its own.
//!
//! # Quick patterns
//!
//! Submit and wait:
//!
//! ```
//! use tasker_tokio::{CreateContext, Health, Pool, Resource};
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
//!
//!     // Only if an error can mean that the resource is broken: it is replaced then, and the task retried elsewhere.
//!     fn check_health(&self, error: &Self::Error) -> Health {
//!         match error.kind() {
//!             std::io::ErrorKind::ConnectionReset => Health::Unhealthy,
//!             _ => Health::Healthy,
//!         }
//!     }
//! }
//!
//! # #[tokio::main]
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
//! Ahead of the others, and never twice. A task that may be retried must be `Clone`, since each attempt runs a clone of
//! it; `once` alone takes one that is not:
//!
//! ```
//! # use tasker_tokio::{CreateContext, Pool, Resource};
//! use tasker_tokio::Priority;
//! # struct Db;
//! # impl Resource for Db {
//! #     type Config = ();
//! #     type Error = std::io::Error;
//! #     async fn create(_: &(), _: &CreateContext) -> Result<Self, Self::Error> { Ok(Self) }
//! # }
//! # impl Db {
//! #     async fn query(&mut self, _sql: &str) -> std::io::Result<u64> { Ok(3) }
//! # }
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pool = Pool::<Db>::builder(()).workers(1).build().await?;
//! let (paid, receipt) = tokio::sync::oneshot::channel(); // the sender can be used only once: it is not `Clone`
//! pool.task()
//!     .priority(Priority::High)
//!     .name("payment")
//!     .once()
//!     .submit(async move |db, _cx| {
//!         let rows = db.query("INSERT INTO payments ..").await?;
//!         let _ = paid.send(rows);
//!         Ok(())
//!     })
//!     .await?;
//! assert_eq!(receipt.await?, 3);
//! # pool.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! More workers while many tasks wait:
//!
//! ```
//! # use tasker_tokio::{CreateContext, Pool, Resource};
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use tasker_tokio::scaling::Threshold;
//! use tokio::sync::Barrier;
//!
//! # struct Db;
//! # impl Resource for Db {
//! #     type Config = ();
//! #     type Error = std::io::Error;
//! #     async fn create(_: &(), _: &CreateContext) -> Result<Self, Self::Error> { Ok(Self) }
//! # }
//! # impl Db {
//! #     async fn query(&mut self, _sql: &str) -> std::io::Result<u64> { Ok(3) }
//! # }
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Two workers always, up to four when more than one task waits, two again when none does.
//! let pool = Pool::<Db>::builder(())
//!     .workers(2)
//!     .max_workers(4)
//!     .scaling(Threshold::new(1).step(2))
//!     .burst_interval(Duration::from_millis(10))
//!     .build()
//!     .await?;
//!
//! // Four at a time or none at all: the two base workers alone would never get through these.
//! let four = Arc::new(Barrier::new(4));
//! let mut handles = Vec::new();
//! for _ in 0..8 {
//!     let four = Arc::clone(&four);
//!     handles.push(pool.submit(async move |_db, _cx| {
//!         four.wait().await;
//!         Ok(())
//!     }));
//! }
//! for handle in handles {
//!     handle.await?;
//! }
//!
//! while pool.stats().burst > 0 {
//!     println!("{:?}", pool.stats());
//!     tokio::time::sleep(Duration::from_millis(5)).await;
//! }
//! assert_eq!(pool.stats().queued_total(), 0);
//! assert_eq!(pool.metrics().completed, 8);
//! # pool.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # The picture
//!
//! ```text
//!                1 submit                      2 pop
//!  your code ───────────────> queue ─────────────────────────────> worker
//!      ^                      high     ..                          owns ONE resource, and
//!      │                      normal   ......                      lends it to one task    3
//!      │                      low      ...                         after the other
//!      │                      delayed  ..  <────── 5 retry ────────  │   │         ^
//!      │                                                             │   │         │
//!      └─────────────────── 4 value or error ────────────────────────┘   │         │
//!                                                                        │         │
//!                              events: ready, unhealthy, gone, ..        │         │  commands: spawn,
//!                                                                        v         │  retire, cancel, ..
//!  scaling policy <── how much waits, how many work, once a tick ─── supervisor
//!                 ─── workers wanted ──────────────────────────────> hears of workers, never of tasks
//! ```
//!
//! One task: `submit` makes options and closure into a job and pushes it to the queue (1). A free worker pops the most
//! urgent one (2) and runs it on its resource (3). A value, or the error of a healthy resource, resolves the handle (4). If
//! `check_health` finds the resource unhealthy, the job goes back to wait for another worker (5); this one destroys its
//! resource and leaves, and the supervisor, which still wants as many as before, has another started.
//!
//! The supervisor is a pure state machine: events and the time go in, commands come out. Submitting and running never meet
//! it, so that it may be as careful as it likes.
//!
//! # What awaits, what blocks
//!
//! Only what says so blocks a thread. `F` is the task:
//! `async move |resource: &mut R, cx: &TaskContext| -> Result<T, R::Error>`, and its future must be `Send`.
//!
//! | call | gives | waits |
//! |---|---|---|
//! | [`Pool::builder`]`(config)`, then setters | [`Builder`] | no |
//! | `builder.`[`build`](Builder::build)`()` | `Result<Pool<R>, `[`BuildError`]`<E>>` | awaits the first worker |
//! | [`submit`](Pool::submit)`(F)` | [`TaskHandle`]`<T, E>` | no; a refusal arrives in the handle |
//! | [`submit_once`](Pool::submit_once)`(F)` | `TaskHandle<T, E>` | no |
//! | [`submit_all`](Pool::submit_all)`(tasks)` | `Vec<TaskHandle<T, E>>` | no |
//! | [`submit_then`](Pool::submit_then)`(F, callback)` | `()` | no |
//! | [`try_submit`](Pool::try_submit)`(F)` | `Result<TaskHandle<T, E>, `[`Refused`]`<F>>` | no; a refusal hands the task back |
//! | [`submit_wait`](Pool::submit_wait)`(F)` | the same | awaits room in the queue |
//! | [`submit_timeout`](Pool::submit_timeout)`(time, F)` | the same | awaits room, for that long |
//! | [`task`](Pool::task)`()`, then options, then one of these | as these | as these |
//! | [`run`](Pool::run)`(F)` | `Result<T, `[`RunError`]`<E>>` | awaits a resource of the reserve, and the task |
//! | `handle` | `Result<T, `[`TaskError`]`<E>>` | is a future |
//! | `handle.`[`wait`](TaskHandle::wait)`()` | the same | **blocks**; for threads outside of the runtime |
//! | `handle.`[`wait_timeout`](TaskHandle::wait_timeout)`(time)` | `Option` of the same | **blocks**, for that long |
//! | `handle.`[`cancel`](TaskHandle::cancel)`()` | [`CancelOutcome`] | no |
//! | [`stop`](Pool::stop)`()`, [`stop_within`](Pool::stop_within)`(time)`, [`kill`](Pool::kill)`()` | `Result<Arc<`[`StopReport`]`>, `[`StopError`]`>` | await the end |
//! | [`ended`](Pool::ended)`()` | `Arc<StopReport>` | awaits the end, without asking for it |
//! | [`scope`](Pool::scope)`(body)` | `Result<(T, Arc<StopReport>), StopError>` | awaits the body, then stops and awaits the end |
//! | [`warm_up`](Pool::warm_up)`(n)` | `()` | awaits `n` workers |
//! | [`pause`](Pool::pause)`()`, [`resume`](Pool::resume)`()`, [`resize`](Pool::resize)`(n, max)` | `()`, `()`, `Result<(), `[`InvalidConfig`]`>` | no |
//! | [`stats`](Pool::stats)`()`, [`metrics`](Pool::metrics)`()` | [`Stats`], [`Metrics`] | no |
//! | [`events`](Pool::events)`()` | [`Events`]: `recv` awaits, `wait` **blocks**, `try_recv` does neither | no |
//!
//! # Guarantees
//!
//! - **Answers.** Every handle resolves, once: with a value, the task's own error, or a [`TaskError`] that says what
//!   happened instead.
//! - **Order.** A task of a higher priority starts first, always. Within one, tasks start in the order they were queued:
//!   exactly so with one worker; with several, some of those that were queued later may overtake a short task, about 1,024
//!   at most. A retry goes to the back. [`Builder::ageing`] keeps a stream of urgent ones from starving the rest, if you ask
//!   for it, and [`Builder::rank`] is an order of your own.
//! - **Health.** A resource is taken for sick, and replaced, after an error that `check_health` calls unhealthy, a panic,
//!   a failed probe, an attempt that is retried for its timeout, or a task dropped half-way or stuck; after nothing else. The task of an unhealthy one is retried on
//!   another resource, at most `max_retries` times; a retry is never refused for want of room. By default every error is
//!   healthy: it goes to the caller and changes nothing.
//! - **Once.** A `once` task is never started twice.
//! - **Panics.** A panic reaches whoever waits for the task, as an error with its message, and harms nobody else.
//! - **Limits.** Workers that create, have or destroy a resource are never more than `max_workers` together. Scaling down
//!   interrupts no task. Of resources there are never more than `max_workers` + `reserve` + `max_temporary` +
//!   `max_abandoned` while the pool runs.
//! - **Creation.** It happens on the worker, delays nobody, and is retried with backoff when it fails; the pool lives on
//!   with the workers it has.
//! - **Destruction.** `destroy` is called once for each resource that was created, as long as the runtime lives.
//! - **Cut short.** A task that is cancelled, times out or is killed is dropped at its await point, and its resource
//!   replaced, unless the task was declared `cancel_safe`. One that never comes to an await point cannot be interrupted:
//!   its handle resolves all the same, and its worker is given up and replaced after a grace time.
//! - **The end.** `stop` runs everything that was accepted, `stop_within` kills what is left after a time, `kill` answers
//!   every handle now. Each destroys the resources and returns a report that names what was not done. Dropping the last
//!   handle to a pool starts the graceful stop and returns at once. A runtime that is shut down under a pool takes the
//!   pool with it: handles resolve as killed, and resources are dropped without `destroy`.
//!
//! What no pool can hold: a stack overflow, an abort, or a panic while another unwinds ends the process.
//!
//! # Where to go on
//!
//! - A resource: [`Resource`], [`CreateContext`], [`Health`]
//! - Settings and their defaults: [`Builder`]
//! - How many workers: [`scaling`]; when to retry: [`RetryPolicy`], [`Backoff`]
//! - What happens inside: [`PoolEvent`], and [`Diagnosis`] when something looks wrong; your own metrics:
//!   [`MetricsCollector`]
//! - Stopping from outside: [`CancelToken`]; with the feature `tokio-util` its `CancellationToken`, by `stop_on_cancel`
//! - Examples: `calculator_tokio` is the smallest, `bursting` shows a pool grow and shrink

#![warn(clippy::print_stdout, clippy::print_stderr)]

#[cfg(feature = "tokio-util")]
mod cancel;
mod runtime;

#[cfg(feature = "tokio-util")]
pub use cancel::stop_on_cancel;
pub use runtime::{Tokio, TokioClock, TokioSpawner};
pub use tasker_core::asynchronous::{
    AsyncBackend, AsyncTask, Once, Repeatable, Request, RetryTask, Runtime, Spawner,
};
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
    #[doc = include_str!("../../docs/guide/which-policy.md")]
    struct WhichPolicy;
    #[doc = include_str!("../../docs/guide/stopping.md")]
    struct Stopping;
    #[doc = include_str!("../../docs/guide/troubleshooting.md")]
    struct Troubleshooting;
}
