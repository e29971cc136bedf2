//! The scaling laboratory: a pool under a load, in virtual time, to see what a policy makes of it before production.
//!
//! ```text
//!   Load ── draws ──▶ Trace ──▶ Lab (bounds, interval, resources, wait target, prices)
//!   CSV, Recorder ────▲          │
//!                                ├── run(policy) ──▶ Outcome: waits, worker-seconds, creations, turns
//!                                │                   Timeline: arrivals, backlog, workers, waits over time
//!                                └── Oracle: the same by plans that know the future
//! ```
//!
//! What decides in a pool decides here: [`Supervisor`](tasker_core::supervisor::Supervisor), [`ScalingPolicy`](tasker_core::scaling::ScalingPolicy),
//! [`Lanes`](tasker_core::queue::Lanes), [`decide`](tasker_core::decide::decide)
//! and [`RetryPolicy`](tasker_core::RetryPolicy). Workers and resources are numbers, so that a million tasks take less
//! than two seconds. The same seed gives the same outcome on every machine.
//!
//! This is about how well a policy scales. Whether the pool keeps its promises whatever happens is what
//! [`sim`](crate::sim) looks for.

mod chance;
mod choice;
mod dist;
pub mod judge;
mod load;
mod oracle;
mod outcome;
mod recorder;
mod report;
mod resources;
pub mod scenario;
mod setup;
mod tally;
mod timeline;
mod trace;
mod tune;
mod world;

pub use choice::{Choice, ChoiceError, Kind, Param, Unit, parse_seconds};
pub use dist::Dist;
pub use load::Load;
pub use oracle::Oracle;
pub use outcome::{Outcome, Run};
pub use recorder::Recorder;
pub use report::{Report, Row, quoted};
pub use resources::Resources;
pub use scenario::Scenario;
pub use setup::{Lab, Prices};
pub use timeline::{Bin, Timeline, Workers};
pub use trace::{HEADER, Task, Trace, TraceError};
pub use tune::{Trial, Tuned, tune};
