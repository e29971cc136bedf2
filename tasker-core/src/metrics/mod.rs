//! Figures of constant memory: how long things took, and how often they happen.
//!
//! Each comes in two forms that share their arithmetic: a plain value, and an atomic one that a single writer stores
//! into, without read-modify-write instructions, while anybody reads.

mod histogram;
mod ledger;
mod meter;
mod rate;
mod runs;
mod snapshot;

pub use histogram::{AtomicHistogram, Histogram, RELATIVE_ERROR};
pub use ledger::{Ledger, Owned};
pub use meter::{EndKind, Ends};
pub use rate::{AtomicRateWindow, RateWindow};
pub use runs::Runs;
pub use snapshot::{Metrics, MetricsCollector, Spread, Stats, TaskTimes};

pub(crate) use meter::{Counters, Meter, SharedEnds, Totals};
