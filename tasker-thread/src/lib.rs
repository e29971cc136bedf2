//! Pools whose workers each own a long-lived resource, on plain threads.
//!
//! A **resource** is what is costly to make and lives long: a database connection, a browser, a child process, a model
//! session. Each **worker** of a pool creates one and keeps it; **tasks** borrow the resource of the worker that runs
//! them. The pool replaces resources that fall ill and retries their tasks elsewhere, runs urgent tasks first, grows and
//! shrinks with the load, and stops without losing a task.
//!
//! Here a worker is a thread, and a task is a plain closure, which may block and compute as long as it likes. A resource
//! need not even be `Send`: it is made, used and destroyed on the thread of its worker ([`LocalResource`]). No runtime is
//! needed; handles can be awaited all the same, from any. For tasks that mostly wait, take `tasker-tokio`, the same pool
//! as async tasks.
//!
//! # Quick patterns
//!
//! Submit and wait:
//!
//! ```
//! use tasker_thread::{CreateContext, Health, Pool, Resource};
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
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = Pool::<Db>::builder("db://orders".to_string()).workers(2).build()?;
//!
//! let id = 42;
//! let order = pool
//!     .submit(move |db, _cx| {
//!         db.queries += 1;
//!         Ok(format!("order {id}"))
//!     })
//!     .wait()?;
//! assert_eq!(order, "order 42");
//!
//! let report = pool.stop()?;
//! assert!(report.is_clean());
//! # Ok(())
//! # }
//! ```
//!
//! Ahead of the others, and never twice. A task that may be retried must be callable again (`FnMut`); `once` alone takes
//! one that is not:
//!
//! ```
//! # use tasker_thread::{CreateContext, Pool, Resource};
//! use tasker_thread::Priority;
//! # struct Db;
//! # impl Resource for Db {
//! #     type Config = ();
//! #     type Error = std::io::Error;
//! #     async fn create(_: &(), _: &CreateContext) -> Result<Self, Self::Error> { Ok(Self) }
//! # }
//! # impl Db {
//! #     fn query(&mut self, _sql: &str) -> std::io::Result<u64> { Ok(3) }
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pool = Pool::<Db>::builder(()).workers(1).build()?;
//! let payment = String::from("INSERT INTO payments ..");
//! let rows = pool
//!     .task()
//!     .priority(Priority::High)
//!     .name("payment")
//!     .once()
//!     .submit(move |db, _cx| {
//!         let sql = payment; // moved out, so this can be called only once
//!         db.query(&sql)
//!     })
//!     .wait()?;
//! assert_eq!(rows, 3);
//! # pool.stop()?;
//! # Ok(())
//! # }
//! ```
//!
//! More workers while many tasks wait:
//!
//! ```
//! # use tasker_thread::{CreateContext, Pool, Resource};
//! use std::sync::{Arc, Barrier};
//! use std::time::Duration;
//!
//! use tasker_thread::scaling::Threshold;
//!
//! # struct Db;
//! # impl Resource for Db {
//! #     type Config = ();
//! #     type Error = std::io::Error;
//! #     async fn create(_: &(), _: &CreateContext) -> Result<Self, Self::Error> { Ok(Self) }
//! # }
//! # impl Db {
//! #     fn query(&mut self, _sql: &str) -> std::io::Result<u64> { Ok(3) }
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Two workers always, up to four when more than one task waits, two again when none does.
//! let pool = Pool::<Db>::builder(())
//!     .workers(2)
//!     .max_workers(4)
//!     .scaling(Threshold::new(1).step(2))
//!     .burst_interval(Duration::from_millis(10))
//!     .build()?;
//!
//! // Four at a time or none at all: the two base workers alone would never get through these.
//! let four = Arc::new(Barrier::new(4));
//! let mut handles = Vec::new();
//! for _ in 0..8 {
//!     let four = Arc::clone(&four);
//!     handles.push(pool.submit(move |_db, _cx| {
//!         four.wait();
//!         Ok(())
//!     }));
//! }
//! for handle in handles {
//!     handle.wait()?;
//! }
//!
//! while pool.stats().burst > 0 {
//!     println!("{:?}", pool.stats());
//!     std::thread::sleep(Duration::from_millis(5));
//! }
//! assert_eq!(pool.stats().queued_total(), 0);
//! assert_eq!(pool.metrics().completed, 8);
//! # pool.stop()?;
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
//! # What blocks, what does not
//!
//! `F` is the task: `move |resource: &mut R, cx: &TaskContext| -> Result<T, R::Error>`.
//!
//! | call | gives | blocks |
//! |---|---|---|
//! | [`Pool::builder`]`(config)`, then setters | [`Builder`] | no |
//! | [`Pool::local_builder`]`(config)`: not `Send`, so no `run` | `Builder` | no |
//! | `builder.`[`build`](Builder::build)`()` | `Result<Pool<R>, `[`BuildError`]`<E>>` | until the first worker is ready |
//! | [`submit`](Pool::submit)`(F)` | [`TaskHandle`]`<T, E>` | no; a refusal arrives in the handle |
//! | [`submit_once`](Pool::submit_once)`(F)` | `TaskHandle<T, E>` | no |
//! | [`submit_all`](Pool::submit_all)`(tasks)` | `Vec<TaskHandle<T, E>>` | no |
//! | [`submit_then`](Pool::submit_then)`(F, callback)` | `()` | no |
//! | [`try_submit`](Pool::try_submit)`(F)` | `Result<TaskHandle<T, E>, `[`Refused`]`<F>>` | no; a refusal hands the task back |
//! | [`submit_wait`](Pool::submit_wait)`(F)` | the same | until there is room in the queue |
//! | [`submit_timeout`](Pool::submit_timeout)`(time, F)` | the same | until there is room, for that long |
//! | [`task`](Pool::task)`()`, then options, then one of these | as these | as these |
//! | [`run`](Pool::run)`(F)` | `Result<T, `[`RunError`]`<E>>` | until a resource of the reserve is free, and while the task runs on it, right here |
//! | `handle.`[`wait`](TaskHandle::wait)`()` | `Result<T, `[`TaskError`]`<E>>` | until the task has ended |
//! | `handle.`[`wait_timeout`](TaskHandle::wait_timeout)`(time)` | `Option` of the same | for that long |
//! | `handle.await` | the same as `wait` | no: it is a future, for any runtime |
//! | `handle.`[`cancel`](TaskHandle::cancel)`()` | [`CancelOutcome`] | no |
//! | [`stop`](Pool::stop)`()`, [`stop_within`](Pool::stop_within)`(time)`, [`kill`](Pool::kill)`()` | `Result<Arc<`[`StopReport`]`>, `[`StopError`]`>` | until the end |
//! | [`ended`](Pool::ended)`()` | `Arc<StopReport>` | until the end, without asking for it |
//! | [`stop_on_drop`](Pool::stop_on_drop)`()` | [`StopGuard`] | when dropped, until the end |
//! | [`warm_up`](Pool::warm_up)`(n)` | `()` | until there are `n` workers |
//! | [`pause`](Pool::pause)`()`, [`resume`](Pool::resume)`()`, [`resize`](Pool::resize)`(n, max)` | `()`, `()`, `Result<(), `[`InvalidConfig`]`>` | no |
//! | [`stats`](Pool::stats)`()`, [`metrics`](Pool::metrics)`()` | [`Stats`], [`Metrics`] | no |
//! | [`events`](Pool::events)`()` | [`Events`]: `wait` blocks, `try_recv` does not, `recv` is a future | no |
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
//!   a failed probe, an attempt that is retried for its timeout, or a task that does not come back; after nothing else. The task of an unhealthy one is retried on
//!   another resource, at most `max_retries` times; a retry is never refused for want of room. By default every error is
//!   healthy: it goes to the caller and changes nothing.
//! - **Once.** A `once` task is never started twice.
//! - **Panics.** A panic reaches whoever waits for the task, as an error with its message, and harms nobody else.
//! - **Limits.** Workers that create, have or destroy a resource are never more than `max_workers` together. Scaling down
//!   interrupts no task. Of resources there are never more than `max_workers` + `reserve` + `max_temporary` +
//!   `max_abandoned` while the pool runs.
//! - **Creation.** It happens on the worker, delays nobody, and is retried with backoff when it fails; the pool lives on
//!   with the workers it has.
//! - **Destruction.** `destroy` is called once for each resource that was created, unless its thread never
//!   comes back.
//! - **Cut short.** A thread cannot be interrupted. A task that is cancelled, times out or is killed is told by
//!   [`TaskContext::is_cancelled`], or by a callback ([`ThreadContext::on_cancel`]); its handle resolves at once. A worker that does not come back within a grace time is
//!   abandoned, replaced, and named in events and stats; how many there may be is limited too.
//! - **The end.** `stop` runs everything that was accepted, `stop_within` kills what is left after a time, `kill` answers
//!   every handle now. Each destroys the resources and returns a report that names what was not done. Dropping the last
//!   handle to a pool starts the graceful stop and returns at once; so at the end of `main`, stop the pool or hold a
//!   [`StopGuard`], or the process ends before its threads have.
//!
//! What no pool can hold: a stack overflow, an abort, or a panic while another unwinds ends the process.
//!
//! # Where to go on
//!
//! - A resource: [`Resource`], [`CreateContext`], [`Health`]; not `Send`: [`LocalResource`]
//! - Settings and their defaults: [`Builder`], [`ThreadBuilder`]
//! - How many workers: [`scaling`]; when to retry: [`RetryPolicy`], [`Backoff`]
//! - What happens inside: [`PoolEvent`], and [`Diagnosis`] when something looks wrong; your own metrics:
//!   [`MetricsCollector`]
//! - Stopping from outside: [`CancelToken`]
//! - Examples: `calculator` is the smallest, `sqlite` has connections that are interrupted, fall ill and are replaced

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod builder;
#[cfg(tasker_shuttle)]
mod channel;
mod context;
mod control;
mod job;
mod mail;
mod pool;
mod request;
mod reserve;
mod sealed;
mod worker;

pub use builder::{ThreadBuilder, Threads};
pub use context::ThreadContext;
pub use pool::{Pool, StopGuard, WeakPool};
pub use request::Request;
pub use tasker_core::LocalResource;
pub use tasker_core::asynchronous::{Once, Repeatable};
pub use tasker_core::task::OnCancel;
pub use tasker_core::user::*;
