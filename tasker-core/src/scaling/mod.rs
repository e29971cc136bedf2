//! How many workers there should be: pure values that look at a [`Sample`] and answer with a number.
//!
//! [`Adaptive`] is what a pool takes that may grow; it needs no parameter at all. [`ScalingPolicyExt`] tempers and
//! combines policies.
//!
//! With the feature `serde` every policy is `Serialize` and `Deserialize`. Its parameters are, under the names of the
//! methods that set them, and durations as `serde` has them (`secs` and `nanos`); what it remembers is not. What is left
//! out has its default. Values are not checked when they are read, but by
//! [`validate`](ScalingPolicy::validate), which a pool's builder asks.

mod adaptive;
mod aimd;
mod ext;
mod fixed;
mod panic_window;
mod rate_based;
mod schedule;
#[cfg(feature = "serde")]
mod serial;
mod target_wait;
#[cfg(test)]
mod testing;
mod threshold;
mod utilization;
mod window;

use std::fmt;
use std::time::Duration;

use crate::Timestamp;

pub use adaptive::Adaptive;
pub use aimd::Aimd;
pub use ext::{Clamp, Cooldown, Hysteresis, MaxOf, MinOf, ScalingPolicyExt, StepLimit};
pub use fixed::Fixed;
pub use panic_window::PanicWindow;
pub use rate_based::RateBased;
pub use schedule::Schedule;
pub use target_wait::TargetWait;
pub use threshold::Threshold;
pub use utilization::Utilization;

/// What a policy sees: levels as they are now, and counters since the pool began.
///
/// Counters never go down; a policy takes differences over a window of its own. Built with
/// [`Sample::default`] and field assignment in tests and simulations.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// Base workers: the least the pool keeps.
    pub workers: usize,
    /// The most workers the pool may have.
    pub max_workers: usize,
    /// Workers whose resource is ready and that were not asked to leave.
    pub live: usize,
    /// Workers creating their resource.
    pub creating: usize,
    /// Workers running a task right now.
    pub busy: usize,
    /// Tasks waiting to start, in all lanes.
    pub queued: usize,
    /// Tasks waiting for their delay or for their next attempt.
    pub delayed: usize,
    /// Waits, inside tasks, for other tasks of this pool. A task that waits for several at once counts as often.
    pub blocked: usize,
    /// Tasks accepted since the pool began.
    pub arrived: u64,
    /// Task attempts started since the pool began.
    pub started: u64,
    /// Tasks that ended since the pool began, whatever their end.
    pub completed: u64,
    /// Of those, the tasks that did not end in a value.
    pub failed: u64,
    /// Time spent executing finished attempts, summed over workers.
    pub busy_time: Duration,
    /// Time that started attempts had waited in the queue, summed over tasks.
    pub wait_time: Duration,
    /// Creations that made a worker ready since the pool began.
    pub created: u64,
    /// Time those creations took, summed over workers.
    pub create_time: Duration,
    /// Creations that failed since the pool began.
    pub create_failed: u64,
    /// Of those, the ones after the last creation that made a worker ready: 0 while creating works.
    pub failing: u32,
}

/// Decides how many workers a pool should have.
///
/// A policy is a value: no clock, no randomness, no threads. The same samples give the same answers, so a policy
/// can be replayed in virtual time. The pool asks once per burst interval while there is a reason to (tasks waiting
/// or running, or more workers than the base), clamps the answer to `workers..=max_workers`, and never interrupts a
/// task to follow it. A policy that panics is reported, and the pool keeps its size.
pub trait ScalingPolicy: fmt::Debug + Send + 'static {
    /// The number of workers wanted at `now`.
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize;

    /// When an idle pool should ask again; `None`, the default, when only new work could change the answer.
    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        let _ = now;
        None
    }

    /// Says which parameter makes no sense, if one does. The pool's builder asks before anything starts.
    ///
    /// # Errors
    ///
    /// The field, its value, and the rule it breaks.
    fn validate(&self) -> Result<(), crate::InvalidConfig> {
        Ok(())
    }
}
