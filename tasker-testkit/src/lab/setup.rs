//! What is simulated: a load, resources, and the settings of a pool.

use std::sync::Arc;
use std::time::Duration;

use tasker_core::scaling::ScalingPolicy;
use tasker_core::supervisor::SupervisorConfig;
use tasker_core::{Backoff, Immediate, InvalidConfig, RetryPolicy, Timestamp};

use super::outcome::Run;
use super::resources::Resources;
use super::trace::Trace;
use super::world::World;

/// What a task over its wait target and a creation cost, in worker-seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prices {
    /// Each task that waits longer than the target.
    pub late: f64,
    /// Each creation that is begun, beside the time it takes, which is paid as worker-seconds.
    pub creation: f64,
}

impl Default for Prices {
    /// One worker-second each.
    fn default() -> Self {
        Self { late: 1.0, creation: 1.0 }
    }
}

/// A pool to be simulated under a load, with one policy or another.
///
/// The supervisor, the policy, the order of the queue, the verdict on an attempt and the retry policy are those of
/// real pools; workers, resources and time are simulated. What a pool does in no time here does take some on a machine
/// (waking a worker, running the control loop), so that waits far below a millisecond say nothing.
///
/// Unless [`cold`](Self::cold) is asked for, the base workers are ready when the trace begins, as after `build`, and
/// are not counted as creations. After the last arrival the simulation goes on for the [`tail`](Self::tail), and until
/// all tasks are done, so that a policy pays for workers that it does not let go.
///
/// ```
/// use std::time::Duration;
/// use tasker_core::scaling::{Fixed, Utilization};
/// use tasker_testkit::lab::{Dist, Lab, Load, Resources};
///
/// let load = Load::step(20.0, 120.0, Duration::from_secs(30))
///     .service(Dist::exponential(Duration::from_millis(100)));
/// let lab = Lab::new(load.trace(1))
///     .workers(4)
///     .max_workers(32)
///     .resources(Resources::new().create(Dist::constant(Duration::from_secs(2))));
///
/// let (grown, fixed) = (lab.run(Utilization::new()), lab.run(Fixed::new()));
/// assert!(grown.outcome.wait_p99 < fixed.outcome.wait_p99);
/// assert!(grown.outcome.creations > 0.0 && fixed.outcome.creations == 0.0);
/// assert_eq!(lab.run(Utilization::new()).outcome, grown.outcome);
/// ```
#[derive(Clone, Debug)]
pub struct Lab {
    pub(super) trace: Arc<Trace>,
    pub(super) config: SupervisorConfig,
    pub(super) resources: Resources,
    pub(super) max_retries: u32,
    pub(super) retry: Arc<dyn RetryPolicy>,
    pub(super) ageing: Option<Duration>,
    pub(super) wait_target: Duration,
    pub(super) tail: Duration,
    pub(super) step_at: Option<Timestamp>,
    pub(super) calm_at: Option<Timestamp>,
    pub(super) prices: Prices,
    pub(super) seed: u64,
    pub(super) cold: bool,
}

impl Lab {
    /// A pool of one worker, which may grow to 16, under the load of `trace`; everything else as in a pool's builder.
    /// The wait target is 100 ms, the tail a minute.
    #[must_use]
    pub fn new(trace: impl Into<Arc<Trace>>) -> Self {
        let mut config = SupervisorConfig::new(1);
        config.max_workers = 16;
        Self {
            trace: trace.into(),
            config,
            resources: Resources::new(),
            max_retries: 3,
            retry: Arc::new(Immediate),
            ageing: None,
            wait_target: Duration::from_millis(100),
            tail: Duration::from_secs(60),
            step_at: None,
            calm_at: None,
            prices: Prices::default(),
            seed: 0,
            cold: false,
        }
    }

    /// The same pool under another load.
    #[must_use]
    pub fn trace(mut self, trace: impl Into<Arc<Trace>>) -> Self {
        self.trace = trace.into();
        self
    }

    /// Base workers.
    #[must_use]
    pub const fn workers(mut self, workers: usize) -> Self {
        self.config.workers = workers;
        self
    }

    /// The most workers there may be.
    #[must_use]
    pub const fn max_workers(mut self, workers: usize) -> Self {
        self.config.max_workers = workers;
        self
    }

    /// How often the policy is asked.
    #[must_use]
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.config.burst_interval = interval;
        self
    }

    /// How resources behave.
    #[must_use]
    pub fn resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// How often a task whose error was unhealthy is retried, and after what delay.
    #[must_use]
    pub fn retries(mut self, most: u32, policy: impl RetryPolicy) -> Self {
        self.max_retries = most;
        self.retry = Arc::new(policy);
        self
    }

    /// How long a failed creation waits before it is tried again.
    #[must_use]
    pub const fn create_backoff(mut self, backoff: Backoff) -> Self {
        self.config.backoff = backoff;
        self
    }

    /// How long a task waits before it counts as one priority higher.
    #[must_use]
    pub const fn ageing(mut self, period: Duration) -> Self {
        self.ageing = Some(period);
        self
    }

    /// How long a task should wait at most; beyond it counts as late.
    #[must_use]
    pub const fn wait_target(mut self, target: Duration) -> Self {
        self.wait_target = target;
        self
    }

    /// How long the simulation goes on after the last arrival, at least.
    #[must_use]
    pub const fn tail(mut self, tail: Duration) -> Self {
        self.tail = tail;
        self
    }

    /// When the load jumps, for [`Outcome::absorb`](super::Outcome::absorb).
    #[must_use]
    pub fn step_at(mut self, at: Duration) -> Self {
        self.step_at = Some(Timestamp::ZERO.saturating_add(at));
        self
    }

    /// When the load is over or down again, for [`Outcome::back`](super::Outcome::back). Default: the last arrival.
    #[must_use]
    pub fn calm_at(mut self, at: Duration) -> Self {
        self.calm_at = Some(Timestamp::ZERO.saturating_add(at));
        self
    }

    /// What late tasks and creations cost.
    #[must_use]
    pub const fn prices(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    /// Where creation times, failures and jitter come from.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Begins with no worker; creating the base workers is part of what is simulated, and paid.
    #[must_use]
    pub const fn cold(mut self) -> Self {
        self.cold = true;
        self
    }

    /// Says which setting makes no sense, if one does.
    ///
    /// # Errors
    ///
    /// The field, its value, and the rule it breaks.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        self.config.validate()
    }

    /// Simulates the pool with this policy.
    #[must_use]
    pub fn run(&self, policy: impl ScalingPolicy) -> Run {
        World::new(self, Box::new(policy)).run()
    }

    /// Base workers and the most there may be.
    #[must_use]
    pub const fn bounds(&self) -> (usize, usize) {
        (self.config.workers, self.config.max_workers)
    }

    /// The target that tasks' waits are held against.
    #[must_use]
    pub const fn target(&self) -> Duration {
        self.wait_target
    }

    /// What late tasks and creations cost.
    #[must_use]
    pub const fn price_list(&self) -> Prices {
        self.prices
    }

    /// The load.
    #[must_use]
    pub fn load(&self) -> &Trace {
        &self.trace
    }
}
