//! A deterministic simulation of the whole pool.
//!
//! The real engine runs (supervisor, control loop, queue, retry decision, scaling policies, reserve, alarms, metrics);
//! everything around it is simulated on one thread: workers, resources, users, the clock and the mail are state
//! machines, and a seeded scheduler decides who moves next, so that messages meet in any order they could. When
//! nobody can move, time jumps to the next moment at which something is due.
//!
//! ```text
//!   seed ──▶ script: settings, moves of the users, how often things go wrong, how it ends
//!              │
//!              ▼            one step: a worker, a user, the control loop, a `run` ...
//!   world: real engine ───────────────▶ facts, in order ───▶ invariants, one a file
//!              ▲                                                  │
//!              └── nobody can move: time jumps, "quiet" is a fact ◀┘
//! ```
//!
//! After the moves, faults are switched off and the pool has to end within bounded virtual time and steps. A seed
//! that fails is shrunk, by dropping moves for as long as it fails, and printed with what happened; the same seed
//! gives the same failure on every machine. [`Plant`] is how we know that the invariants can fail.
//!
//! ```
//! use tasker_testkit::sim::{Plant, check};
//!
//! assert!(check(1, Plant::Nothing).is_ok());
//! ```

mod drive;
mod facts;
#[expect(clippy::wildcard_enum_match_arm, reason = "an invariant looks at the facts that concern it")]
mod invariants;
mod parts;
mod plant;
mod policy;
#[cfg(test)]
mod regressions;
mod rng;
mod runs;
mod script;
mod user;
mod worker;
mod world;

pub use drive::{Failure, Passed, check, check_bytes, simulate};
pub use plant::Plant;
