//! The pools of the soak: every setting by chance.

use std::sync::Arc;
use std::time::Duration;

use tasker_core::builder::{Backend, Builder};
use tasker_core::scaling::{Adaptive, Sample, ScalingPolicy, Threshold, Utilization};
use tasker_core::{Backoff, CancelToken, Constant, Overflow, Startup, Timestamp};

use crate::chance::Chance;
use crate::panics;
use crate::world::{Collector, World};

/// What is needed to judge the pool afterwards.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) workers: usize,
    pub(crate) max_workers: usize,
    pub(crate) reserve: usize,
    pub(crate) temporary: usize,
    pub(crate) abandoned: usize,
    pub(crate) parent: CancelToken,
}

impl Shape {
    pub(crate) fn any(chance: &mut Chance) -> Self {
        let workers = chance.count(1, 4);
        Self {
            workers,
            max_workers: workers + chance.count(0, 4),
            reserve: chance.count(0, 3),
            temporary: chance.count(1, 3),
            abandoned: chance.count(1, 4),
            parent: CancelToken::new(),
        }
    }

    /// The most resources there may be, whatever happens: a resize stays within `MOST_WORKERS`.
    pub(crate) const fn most_resources(&self) -> u64 {
        (Self::MOST_WORKERS + self.reserve + self.temporary + self.abandoned) as u64
    }

    /// The most workers any pool of the soak is ever allowed.
    pub(crate) const MOST_WORKERS: usize = 8;

    /// Sets a builder up; what is not fixed by the shape is by chance.
    pub(crate) fn apply<B: Backend>(
        &self,
        builder: Builder<B>,
        world: &Arc<World>,
        chance: &mut Chance,
    ) -> Builder<B> {
        let builder = builder
            .workers(self.workers)
            .max_workers(self.max_workers)
            .reserve(self.reserve)
            .max_temporary(self.temporary)
            .max_abandoned(self.abandoned)
            .parent(&self.parent)
            .collector(Collector(Arc::clone(world)))
            .burst_interval(chance.micros(1_000, 10_000))
            .max_retries(u32::try_from(chance.between(0, 3)).unwrap_or(0))
            .event_capacity(chance.count(1, 64))
            .startup(if chance.happens(500) { Startup::Fail } else { Startup::Lazy })
            .grace(chance.micros(1_000, 20_000))
            .create_timeout(chance.micros(5_000, 30_000))
            .destroy_timeout(chance.micros(5_000, 30_000))
            .create_backoff(Backoff::new().first(Duration::from_millis(1)).max(Duration::from_millis(8)))
            .breaker_threshold(u32::try_from(chance.between(0, 5)).unwrap_or(0))
            .seed(chance.next());
        health(queue(scaled(builder, chance), chance), chance)
    }
}

fn scaled<B: Backend>(builder: Builder<B>, chance: &mut Chance) -> Builder<B> {
    match chance.between(0, 3) {
        0 => builder.scaling(Threshold::new(4).step(2)),
        1 => builder.scaling(Utilization::new()),
        2 => builder.scaling(Adaptive::new()),
        _ => builder.scaling(Moody(chance.fork())),
    }
}

fn queue<B: Backend>(builder: Builder<B>, chance: &mut Chance) -> Builder<B> {
    let builder = match chance.between(0, 2) {
        0 => builder.capacity(chance.count(1, 64)),
        1 => builder.capacity(1024),
        _ => builder.unbounded(),
    };
    let builder = if chance.happens(300) { builder.overflow(Overflow::DropOldest) } else { builder };
    match chance.between(0, 3) {
        0 => builder.ageing(chance.micros(100, 5_000)),
        1 => {
            builder.rank(|task| if task.attempts == 3 { panics::planned("rank") } else { task.id.get() % 7 })
        }
        _ => builder,
    }
}

fn health<B: Backend>(mut builder: Builder<B>, chance: &mut Chance) -> Builder<B> {
    if chance.happens(300) {
        builder = builder.max_lifetime(chance.micros(5_000, 100_000));
    }
    if chance.happens(300) {
        builder = builder.max_uses(chance.between(1, 50));
    }
    if chance.happens(300) {
        builder = builder.probe_interval(chance.micros(1_000, 20_000));
    }
    if chance.happens(300) {
        builder = builder.idle_timeout(chance.micros(1_000, 20_000));
    }
    if chance.happens(300) {
        builder = builder.retry(Constant(chance.micros(1, 5_000)));
    }
    if chance.happens(100) {
        builder = builder.create_retries(u32::try_from(chance.between(2, 6)).unwrap_or(2));
    }
    if chance.happens(300) {
        builder = builder.spin(0);
    }
    builder
}

/// Wants anything, and panics now and then.
#[derive(Debug)]
struct Moody(Chance);

impl ScalingPolicy for Moody {
    fn desired(&mut self, _now: Timestamp, sample: &Sample) -> usize {
        match self.0.between(0, 9) {
            0 => 0,
            1 => usize::MAX,
            2 => panics::planned("policy"),
            _ => self.0.count(0, sample.max_workers + 1),
        }
    }
}
