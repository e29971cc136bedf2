//! The runtime-agnostic core of tasker: pools whose workers each own a long-lived resource.
//!
//! Programs depend on a backend (`tasker-tokio`, `tasker-thread` or `tasker-async-std`), which re-exports what its users
//! need from here: the contents of [`user`]. Use this crate directly to write a backend, or to test a policy, a
//! resource or the supervisor without any runtime.
//!
//! # The picture
//!
//! ```text
//!  submit ──▶ Inbox ──▶ Worker ──▶ the task, on &mut resource ──▶ decide ──▶ TaskHandle
//!   (job)    (lanes)   (step)                                        │
//!               ▲                                                    ├─ retry: back to the Inbox
//!               │ permits, close, discard                            └─ replace: the worker leaves
//!               │                                                                   │
//!          Controller ◀── commands ── Supervisor ◀── Ready, Leaving, Exited, .. ────┘
//!           (turn)                    (pure) ◀── a tick: Sample ─▶ ScalingPolicy
//!               └──▶ Launch: start a worker, which creates its resource
//! ```
//!
//! The upper half is the *data plane*: a task goes from its submitter to a worker through one queue, and meets nobody
//! else. The lower half is the *control plane*: one loop per pool hears of workers, never of tasks, and keeps as many
//! of them as there should be.
//!
//! What is decided is decided in pure state machines, which are told the time: [`supervisor`], [`scaling`],
//! [`decide`], [`retry policies`](RetryPolicy), [`queue::Lanes`]. What moves them is [`engine`]. A backend adds how a
//! worker is started and how it waits, and nothing else.
//!
//! # For writers of a backend
//!
//! An async runtime needs a [`Spawner`](asynchronous::Spawner), an [`AsyncClock`] and a
//! [`Runtime`](asynchronous::Runtime); [`asynchronous`] is the rest. Anything else drives an
//! [`engine::Controller`] and [`engine::Worker`]s by itself, as `tasker-thread` does.
//!
//! # For testers
//!
//! [`supervisor::Supervisor`] is driven by three verbs and compared command by command. A policy is asked with a
//! [`scaling::Sample`] made by hand. `tasker-testkit` has a clock that tests drive.
//!
//! # Modules
//!
//! | module | what is in it |
//! |---|---|
//! | [`user`] | what backends re-export: the types that users meet |
//! | [`builder`] | the settings of a pool, their defaults and their checks |
//! | [`supervisor`] | how many workers, which, and when; from running to ended |
//! | [`scaling`] | policies that say how many workers there should be |
//! | [`decide`] | what follows from an attempt |
//! | [`queue`] | the order of waiting tasks, the inbox, room for submitters |
//! | [`task`] | a task's state, its handle, its job, its context |
//! | [`engine`] | what the pools of all backends are made of |
//! | [`submit`], [`life`], [`reserve`], [`race`] | the parts of a pool's methods that all backends share |
//! | [`asynchronous`] | the async pool, over a runtime's spawner and clock |
//! | [`metrics`] | histograms, rates and counters of constant memory |
//! | [`parker`], [`activity`], [`sync`] | waiting on a thread, knowing when nothing moves, the door to locks and atomics |
//!
//! What backends re-export is stable: all of [`user`], and the few names that they take from [`asynchronous`], [`builder`] and
//! [`task`]. The rest is what they are made of; it may change with any version, so each backend asks for exactly its own.
#![warn(clippy::print_stdout, clippy::print_stderr)]
#![deny(unsafe_code)]

pub mod activity;
pub mod asynchronous;
pub mod builder;
mod cancel;
mod clock;
mod config_error;
pub mod decide;
pub mod due;
pub mod engine;
mod error;
mod event;
mod ids;
pub mod life;
pub mod metrics;
mod panics;
pub mod parker;
pub mod queue;
pub mod race;
pub mod reserve;
mod resource;
mod retry;
pub mod scaling;
mod spin;
pub mod splitmix;
pub mod submit;
pub mod supervisor;
pub mod sync;
pub mod task;
#[cfg(test)]
mod testing;
mod time;
pub mod user;

pub use resource::LocalResource;
pub use task::TaskOptions;
pub use user::*;
