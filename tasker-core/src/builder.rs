//! How a pool is set up, for every backend alike.

use std::fmt;
use std::time::Duration;

use crate::Clock;
use crate::cancel::CancelToken;
use crate::config_error::InvalidConfig;
use crate::engine::{Limits, Parts, RankFn};
use crate::metrics::MetricsCollector;
use crate::queue::{Mail, Overflow, QueueSettings};
use crate::retry::{Backoff, Immediate, RetryPolicy};
use crate::scaling::{Adaptive, ScalingPolicy};
use crate::supervisor::{Startup, SupervisorConfig};
use crate::sync::Arc;
use crate::task::TaskInfo;

/// What a backend makes of a [`Builder`].
pub trait Backend: Sized {
    /// What `build` returns: a future on async backends, a result on threads.
    type Build;
    /// The clock this backend takes.
    type Clock: ?Sized + Clock;

    /// Builds the pool from settings that were not looked at yet.
    fn build(builder: Builder<Self>) -> Self::Build;
}

/// Sets up a pool. Only the number of workers has to be given; [`build`](Self::build) refuses what makes no sense.
///
/// The setters are the same on every backend; what `build` returns is the backend's.
#[must_use = "a builder does nothing until it is built"]
pub struct Builder<B: Backend> {
    /// What is the backend's own.
    #[doc(hidden)]
    pub backend: B,
    /// The backend's own clock is used if there is none.
    #[doc(hidden)]
    pub clock: Option<Arc<B::Clock>>,
    settings: Settings,
}

#[derive(Debug)]
struct Settings {
    name: Option<Arc<str>>,
    workers: Option<usize>,
    max_workers: Option<usize>,
    scaling: Option<Box<dyn ScalingPolicy>>,
    burst_interval: Duration,
    idle_timeout: Option<Duration>,
    capacity: Option<usize>,
    overflow: Overflow,
    ageing: Option<Duration>,
    rank: Option<RankFn>,
    max_retries: u32,
    retry: Box<dyn RetryPolicy>,
    startup: Startup,
    create_timeout: Option<Duration>,
    create_backoff: Backoff,
    create_retries: Option<u32>,
    breaker_threshold: u32,
    destroy_timeout: Option<Duration>,
    max_lifetime: Option<Duration>,
    max_uses: Option<u64>,
    probe_interval: Option<Duration>,
    reserve: Option<usize>,
    max_temporary: Option<usize>,
    grace: Duration,
    spin: Option<u32>,
    max_abandoned: Option<usize>,
    event_capacity: usize,
    collector: Option<Arc<dyn MetricsCollector>>,
    parent: Option<CancelToken>,
    seed: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: None,
            workers: None,
            max_workers: None,
            scaling: None,
            burst_interval: Duration::from_millis(100),
            idle_timeout: None,
            capacity: Some(65_536),
            overflow: Overflow::Reject,
            ageing: None,
            rank: None,
            max_retries: 3,
            retry: Box::new(Immediate),
            startup: Startup::Fail,
            create_timeout: Some(Duration::from_secs(30)),
            create_backoff: Backoff::new(),
            create_retries: None,
            breaker_threshold: 5,
            destroy_timeout: Some(Duration::from_secs(10)),
            max_lifetime: None,
            max_uses: None,
            probe_interval: None,
            reserve: None,
            max_temporary: None,
            grace: Duration::from_secs(5),
            spin: None,
            max_abandoned: None,
            event_capacity: 1024,
            collector: None,
            parent: None,
            seed: None,
        }
    }
}

impl<B: Backend> Builder<B> {
    /// A builder with every default.
    #[doc(hidden)]
    pub fn new(backend: B) -> Self {
        Self { backend, clock: None, settings: Settings::default() }
    }

    /// Builds the pool: on async backends a future to await, on threads a call that blocks, until the first worker
    /// has its resource ([`startup`](Self::startup) says otherwise). Both give the pool or a
    /// [`BuildError`](crate::BuildError): [`Config`](crate::BuildError::Config) if a setting makes no sense, or
    /// the error that kept every base worker from creating its resource. After an error nothing is left running.
    ///
    /// # Cancel safety
    ///
    /// On async backends: to drop the future stops what was begun, and resources that were made meanwhile are destroyed in
    /// the background.
    pub fn build(self) -> B::Build {
        B::build(self)
    }

    /// Base workers, which the pool always keeps. Required; at least 1.
    pub fn workers(mut self, workers: usize) -> Self {
        self.settings.workers = Some(workers);
        self
    }

    /// The most workers there may be at any moment, counting those that create or destroy their resource. Default:
    /// as many as `workers`, a pool of fixed size.
    pub fn max_workers(mut self, max_workers: usize) -> Self {
        self.settings.max_workers = Some(max_workers);
        self
    }

    /// How many workers there should be, between `workers` and `max_workers`. Default, where there is a choice:
    /// [`Adaptive`].
    pub fn scaling(mut self, policy: impl ScalingPolicy) -> Self {
        self.settings.scaling = Some(Box::new(policy));
        self
    }

    /// How often the scaling policy is asked while there is work or there are burst workers. Default: 100 ms; less than
    /// 1 ms is taken as 1 ms.
    pub fn burst_interval(mut self, interval: Duration) -> Self {
        self.settings.burst_interval = interval;
        self
    }

    /// How long a worker may be idle before a pool with burst workers becomes one smaller. Default: never; the
    /// scaling policy alone decides. Has no effect while the size is fixed.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.settings.idle_timeout = Some(timeout);
        self
    }

    /// The pool's name, for traces and threads: the control loop's thread has it, and those of workers are called
    /// after it and their [`WorkerId`](crate::WorkerId). It has no NUL character. Default: "tasker".
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.settings.name = Some(name.into());
        self
    }

    /// How many tasks may wait, delayed ones included; at least 1. Retries never count. Default: 65,536.
    pub fn capacity(mut self, tasks: usize) -> Self {
        self.settings.capacity = Some(tasks);
        self
    }

    /// Lets any number of tasks wait. Memory is then the only limit.
    pub fn unbounded(mut self) -> Self {
        self.settings.capacity = None;
        self
    }

    /// What `submit`, `submit_all` and `try_submit` do when the queue is full. Default: refuse the new task. The waiting
    /// forms never displace a task.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.settings.overflow = overflow;
        self
    }

    /// Lets a task count as one priority higher for each such period it has waited, so that a steady stream of
    /// urgent tasks cannot starve the others. Cannot be combined with [`rank`](Self::rank). Default: strict
    /// priorities.
    pub fn ageing(mut self, period: Duration) -> Self {
        self.settings.ageing = Some(period);
        self
    }

    /// Your own order within a priority: the lower rank first, equal ranks in the order they came. Asked at each
    /// submission, on the submitter, and again for each retry, on the worker; never under a lock. Should it panic, the
    /// rank is 0. Cannot be combined with [`ageing`](Self::ageing).
    pub fn rank(mut self, rank: impl Fn(&TaskInfo) -> u64 + Send + Sync + 'static) -> Self {
        self.settings.rank = Some(RankFn(Arc::new(rank)));
        self
    }

    /// How often a task whose error was unhealthy is retried; 0 means not at all. Default: 3.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.settings.max_retries = retries;
        self
    }

    /// The delay before a retry. Should the policy panic, there is none. Default: [`Immediate`].
    pub fn retry(mut self, policy: impl RetryPolicy) -> Self {
        self.settings.retry = Box::new(policy);
        self
    }

    /// What `build` waits for. Default, [`Startup::Fail`]: for the first worker to be ready, or for the first attempt
    /// of each base worker to fail.
    pub fn startup(mut self, startup: Startup) -> Self {
        self.settings.startup = startup;
        self
    }

    /// How long `create` may take, and `probe`. On threads a `create` that blocks is given up after this and the
    /// [`grace`](Self::grace). Default: 30 s.
    pub fn create_timeout(mut self, timeout: Duration) -> Self {
        self.settings.create_timeout = Some(timeout);
        self
    }

    /// How long to wait before `create` is tried again, or a worker is replaced in a crash loop: from the second in a
    /// row that left sick without having completed a task. Default:
    /// [`Backoff::new`], 100 ms and more.
    pub fn create_backoff(mut self, backoff: Backoff) -> Self {
        self.settings.create_backoff = backoff;
        self
    }

    /// How often in a row one worker's `create` is retried before the pool does without it. Default: for ever. A pool
    /// that has given up its last worker ends, and its tasks with [`NoWorkers`](crate::TaskError::NoWorkers).
    pub fn create_retries(mut self, retries: u32) -> Self {
        self.settings.create_retries = Some(retries);
        self
    }

    /// After how many failed creations in a row, over all workers, only one is tried at a time; 0 for never.
    /// Default: 5.
    pub fn breaker_threshold(mut self, failures: u32) -> Self {
        self.settings.breaker_threshold = failures;
        self
    }

    /// How long anybody waits for a `destroy`; on threads one that blocks is given up after this and the
    /// [`grace`](Self::grace). Default: 10 s.
    pub fn destroy_timeout(mut self, timeout: Duration) -> Self {
        self.settings.destroy_timeout = Some(timeout);
        self
    }

    /// How old a resource may become before it is replaced, between two tasks; each lives up to a tenth less, by
    /// chance, so that they do not all go at once. An idle resource of the reserve is destroyed at that age. Default:
    /// any age.
    pub fn max_lifetime(mut self, age: Duration) -> Self {
        self.settings.max_lifetime = Some(age);
        self
    }

    /// How many attempts may run on a resource before it is replaced; at least 1. Default: any number.
    pub fn max_uses(mut self, uses: u64) -> Self {
        self.settings.max_uses = Some(uses);
        self
    }

    /// How often the resource of an idle worker is probed. Default: never.
    pub fn probe_interval(mut self, interval: Duration) -> Self {
        self.settings.probe_interval = Some(interval);
        self
    }

    /// How many resources are kept for `run`, made when first needed. They are not counted by `max_workers`. 0: `run`
    /// makes one each time. Default: as many as `workers`.
    pub fn reserve(mut self, resources: usize) -> Self {
        self.settings.reserve = Some(resources);
        self
    }

    /// How many temporary resources `run` may have at once when the reserve is used up; beyond that it waits.
    /// Default: as many as the reserve, at least 1.
    pub fn max_temporary(mut self, resources: usize) -> Self {
        self.settings.max_temporary = Some(resources);
        self
    }

    /// How long a worker may take to come back from a task that was cancelled, timed out or expired before it is
    /// abandoned and replaced. A kill waits as long for running tasks. Default: 5 s.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// How many rounds a thread looks again before it sleeps, each about a microsecond: a worker of a thread pool that comes
    /// from a task for its next one, and whoever blocks on a handle whose task is about to be taken, or, for up to four times
    /// as many, for whose task a worker had to be called. Who blocks on a handle in the middle of a stream of tasks, or for
    /// room in the queue, lets other threads have the core so often.
    ///
    /// An idle pool never looks, nor does a worker on a runtime, whose thread others need. 0: sleep at once. Default: 32,
    /// on one core 0.
    pub fn spin(mut self, rounds: u32) -> Self {
        self.settings.spin = Some(rounds);
        self
    }

    /// How many abandoned workers there may be, in addition to `max_workers`; beyond that a stuck worker is not
    /// replaced. Default: as many as `max_workers`.
    pub fn max_abandoned(mut self, workers: usize) -> Self {
        self.settings.max_abandoned = Some(workers);
        self
    }

    /// How many events a subscription holds before it loses the oldest; at least 1. Default: 1,024.
    pub fn event_capacity(mut self, events: usize) -> Self {
        self.settings.event_capacity = events;
        self
    }

    /// Your own metrics.
    pub fn collector(mut self, collector: impl MetricsCollector) -> Self {
        self.settings.collector = Some(Arc::new(collector));
        self
    }

    /// Starts the graceful stop when this signal is given.
    pub fn parent(mut self, token: &CancelToken) -> Self {
        self.settings.parent = Some(token.clone());
        self
    }

    /// Where jitter comes from. Pools with the same seed and the same history behave the same. Default: a seed of
    /// chance, so that pools and processes that fail together do not all come back at the same moments.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// Checks the settings and fills in what depends on others.
    ///
    /// # Errors
    ///
    /// The first setting that makes no sense.
    #[doc(hidden)]
    pub fn into_parts(self, clock: Arc<dyn Clock>, mail: Arc<dyn Mail>) -> Result<(B, Parts), InvalidConfig> {
        let Self { backend, settings, .. } = self;
        Ok((backend, settings.into_parts(clock, mail)?))
    }
}

impl<B: Backend> fmt::Debug for Builder<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Settings {
    fn into_parts(self, clock: Arc<dyn Clock>, mail: Arc<dyn Mail>) -> Result<Parts, InvalidConfig> {
        self.validate()?;
        let supervisor = self.supervisor();
        supervisor.validate()?;
        let default_policy = || Box::new(Adaptive::new()) as Box<dyn ScalingPolicy>;
        let reserve = self.reserve.unwrap_or(supervisor.workers);
        Ok(Parts {
            name: self.name.unwrap_or_else(|| "tasker".into()),
            clock,
            mail,
            collector: self.collector,
            policy: Some(self.scaling.unwrap_or_else(default_policy)),
            queue: QueueSettings { capacity: self.capacity, overflow: self.overflow, ageing: self.ageing },
            rank: self.rank,
            limits: Limits {
                create_timeout: self.create_timeout,
                destroy_timeout: self.destroy_timeout,
                max_lifetime: self.max_lifetime,
                max_uses: self.max_uses,
                probe_interval: self.probe_interval,
                idle_timeout: self.idle_timeout,
                grace: self.grace,
                spin: self.spin.unwrap_or_else(crate::spin::default_rounds),
            },
            retry: self.retry,
            max_retries: self.max_retries,
            reserve,
            max_temporary: self.max_temporary.unwrap_or_else(|| reserve.max(1)),
            event_capacity: self.event_capacity,
            parent: self.parent,
            supervisor,
        })
    }

    fn supervisor(&self) -> SupervisorConfig {
        let workers = self.workers.unwrap_or_default();
        let max_workers = self.max_workers.unwrap_or(workers);
        let mut config = SupervisorConfig::new(workers);
        config.max_workers = max_workers;
        config.backoff = self.create_backoff;
        config.create_retries = self.create_retries;
        config.create_timeout = self.create_timeout;
        config.destroy_timeout = self.destroy_timeout;
        config.grace = self.grace;
        config.max_abandoned = self.max_abandoned.unwrap_or(max_workers);
        config.burst_interval = self.burst_interval;
        config.startup = self.startup;
        config.breaker_threshold = self.breaker_threshold;
        config.seed = self.seed.unwrap_or_else(any_seed);
        config
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        if self.workers.is_none() {
            return Err(InvalidConfig::new("workers", "not set", "must be given"));
        }
        positive_count("capacity", self.capacity.map(|capacity| capacity as u64))?;
        positive_count("max_uses", self.max_uses)?;
        positive_count("event_capacity", Some(self.event_capacity as u64))?;
        positive_time("burst_interval", Some(self.burst_interval))?;
        positive_time("idle_timeout", self.idle_timeout)?;
        positive_time("ageing", self.ageing)?;
        positive_time("create_timeout", self.create_timeout)?;
        positive_time("destroy_timeout", self.destroy_timeout)?;
        positive_time("max_lifetime", self.max_lifetime)?;
        positive_time("probe_interval", self.probe_interval)?;
        self.validate_reserve()?;
        self.validate_name()?;
        self.retry.validate().map_err(|error| error.of("retry"))?;
        let scaling = self.scaling.as_ref().map_or(Ok(()), |policy| policy.validate());
        scaling.map_err(|error| error.of("scaling"))
    }

    /// Threads are called after the pool, and the system ends their names there.
    fn validate_name(&self) -> Result<(), InvalidConfig> {
        match &self.name {
            Some(name) if name.contains('\0') => {
                Err(InvalidConfig::new("name", format_args!("{name:?}"), "must not contain a NUL character"))
            }
            _ => Ok(()),
        }
    }

    fn validate_reserve(&self) -> Result<(), InvalidConfig> {
        if self.reserve == Some(0) && self.max_temporary == Some(0) {
            return Err(InvalidConfig::new(
                "max_temporary",
                0,
                "must be at least 1 if `reserve` is 0, or `run` could never run",
            ));
        }
        if self.rank.is_some() && self.ageing.is_some() {
            return Err(InvalidConfig::new(
                "ageing",
                "set",
                "cannot be combined with `rank`, which orders waiting tasks itself",
            ));
        }
        Ok(())
    }
}

/// A seed that differs from pool to pool and from process to process, so that a fleet's jitter spreads.
fn any_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

fn positive_count(field: &'static str, value: Option<u64>) -> Result<(), InvalidConfig> {
    match value {
        Some(0) => Err(InvalidConfig::new(field, 0, "must be at least 1")),
        _ => Ok(()),
    }
}

fn positive_time(field: &'static str, value: Option<Duration>) -> Result<(), InvalidConfig> {
    match value {
        Some(Duration::ZERO) => Err(InvalidConfig::zero_time(field)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
