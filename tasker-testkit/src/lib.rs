//! What tests of pools are made of: a clock that moves only when told, gates, resources that follow a script, and
//! the conformance suite that every backend has to pass.
//!
//! ```text
//!   Case ── builds ──▶ a pool of Scripted resources on a FakeClock, through the backend's Driver
//!     │                    ▲ tasks are data: Task = steps (log, pass a gate, succeed, fail, panic, submit, ..)
//!     │                    │
//!     └── steps ───────────┘ gates are opened, time is advanced; between steps the pool comes to rest
//! ```
//!
//! Nothing here sleeps. A case that hangs is ended by a watchdog on the one real clock, with all that is known of
//! its pools.
//!
//! Two simulations stand beside this, both in virtual time: [`sim`] looks for broken promises of the whole pool, [`lab`]
//! shows how well scaling policies do under a load.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod asynchronous;
mod case;
mod clock;
pub mod conformance;
mod driver;
mod ends;
mod gate;
pub mod lab;
mod log;
mod real_clock;
mod script;
pub mod sim;
mod task;

pub use asynchronous::{AsyncRuntime, OnRuntime};
pub use case::{Case, Helper, Pool, Size};
pub use clock::FakeClock;
pub use driver::{Capabilities, Driver, Handle, Waiting};
pub use ends::ends_by_kind;
pub use gate::{Gate, Pass};
pub use log::Log;
pub use real_clock::{rests_until_woken, within};
pub use script::{Counters, Fault, Op, Outcome, Script, Scripted};
pub use task::{Answer, Armed, Bomb, Step, Task};

/// The examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/scaling-lab.md")]
struct ScalingLab;
