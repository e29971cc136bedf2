//! What the tests of the policies share: random samples, and a pool of workers in virtual time.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Sample, ScalingPolicy};
use crate::{Timestamp, splitmix};

pub(super) fn at(millis: u64) -> Timestamp {
    Timestamp::ZERO.saturating_add(Duration::from_millis(millis))
}

pub(super) fn sample(workers: usize, max_workers: usize) -> Sample {
    Sample { workers, max_workers, ..Sample::default() }
}

/// A caller that submits its tasks of 100 ms one after the other needs one worker, and gets no second one.
pub(super) fn assert_serves_one_after_the_other(mut policy: impl ScalingPolicy) {
    for tick in 0..1_000u64 {
        let sample = Sample {
            live: 1,
            busy: 1,
            arrived: tick + 1,
            completed: tick,
            busy_time: Duration::from_millis(100 * tick),
            ..sample(1, 20)
        };
        assert_eq!(policy.desired(at(tick * 100), &sample), 1);
    }
}

/// SplitMix64.
#[derive(Debug)]
pub(super) struct Rng(pub(super) u64);

impl Rng {
    fn next(&mut self) -> u64 {
        splitmix::next(&mut self.0)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// In (0, 1].
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// How many of rare things happen if `mean` do on average (Knuth's method; for means up to some hundreds).
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        let (mut count, mut product) = (0, self.unit());
        while product > (-mean).exp() {
            count += 1;
            product *= self.unit();
        }
        count
    }

    /// A level: usually small, sometimes as large as can be.
    fn level(&mut self) -> usize {
        match self.below(8) {
            0 => usize::MAX,
            1 => usize::MAX / 2,
            2 => self.next() as usize,
            3 => 0,
            _ => self.below(100) as usize,
        }
    }

    /// A counter: usually stands still or moves a little, sometimes jumps to the end or back.
    fn counter(&mut self, before: u64) -> u64 {
        match self.below(8) {
            0..=2 => before,
            3 => u64::MAX,
            4 => self.next(),
            _ => before.saturating_add(self.below(1_000)),
        }
    }

    fn time(&mut self, before: Duration) -> Duration {
        match self.below(8) {
            0..=2 => before,
            3 => Duration::MAX,
            4 => Duration::from_nanos(self.next()),
            _ => before.saturating_add(Duration::from_micros(self.below(1_000_000))),
        }
    }

    fn timestamp(&mut self, before: Timestamp) -> Timestamp {
        match self.below(16) {
            0..=2 => before,
            3 => before.saturating_add(Duration::from_secs(86_400)),
            4 => before.saturating_add(Duration::from_nanos(1)),
            5 => Timestamp::from_nanos(self.next()),
            6 => Timestamp::from_nanos(self.below(1_000)),
            7 => Timestamp::MAX,
            _ => before.saturating_add(Duration::from_millis(100)),
        }
    }

    fn sample(&mut self, before: &Sample) -> Sample {
        Sample {
            workers: self.level(),
            max_workers: self.level(),
            live: self.level(),
            creating: self.level(),
            busy: self.level(),
            queued: self.level(),
            delayed: self.level(),
            blocked: self.level(),
            arrived: self.counter(before.arrived),
            started: self.counter(before.started),
            completed: self.counter(before.completed),
            failed: self.counter(before.failed),
            busy_time: self.time(before.busy_time),
            wait_time: self.time(before.wait_time),
            created: self.counter(before.created),
            create_time: self.time(before.create_time),
            create_failed: self.counter(before.create_failed),
            failing: self.level() as u32,
        }
    }
}

/// Feeds random walks of extreme samples: nothing may panic, and the same samples must give the same answers.
pub(super) fn assert_survives_extremes<P: ScalingPolicy>(policy: impl Fn() -> P) {
    for seed in 0..300 {
        let walk = || {
            let (mut rng, mut policy) = (Rng(seed), policy());
            let (mut now, mut sample) = (Timestamp::ZERO, Sample::default());
            let mut step = |_| {
                now = rng.timestamp(now);
                sample = rng.sample(&sample);
                policy.desired(now, &sample)
            };
            (0..200).map(&mut step).collect::<Vec<_>>()
        };
        assert_eq!(walk(), walk(), "seed {seed}");
    }
}

pub(super) const BASE: usize = 2;
pub(super) const MAX: usize = 16;
const TICK: u64 = 100;
const CREATION: u64 = 200;
const END: u64 = 120_000;

/// What arrives, in percent of what [`MAX`] workers can do, and how long a task takes, in milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Load {
    /// From when on, how much.
    steps: Vec<(u64, u64)>,
    service: u64,
    /// Tasks that arrive at once.
    batch: u32,
}

impl Load {
    pub(super) fn constant(percent: u64) -> Self {
        Self { steps: vec![(0, percent)], service: 100, batch: 1 }
    }

    /// Little, then 80 % for twenty seconds, then nothing.
    pub(super) fn burst() -> Self {
        Self { steps: vec![(0, 5), (10_000, 80), (30_000, 0)], service: 100, batch: 1 }
    }

    pub(super) fn service(mut self, millis: u64) -> Self {
        self.service = millis;
        self
    }

    pub(super) fn batch(mut self, tasks: u32) -> Self {
        self.batch = tasks;
        self
    }

    fn percent(&self, now: u64) -> u64 {
        self.steps.iter().rev().find(|step| step.0 <= now).map_or(0, |step| step.1)
    }

    fn end(&self) -> u64 {
        self.steps.last().map_or(0, |step| step.0)
    }
}

/// The size and the backlog at each tick of a simulation.
pub(super) struct Run {
    load: Load,
    sizes: Vec<usize>,
    backlog: Vec<usize>,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for size in &self.sizes {
            match runs.last_mut() {
                Some((last, times)) if last == size => *times += 1,
                _ => runs.push((*size, 1)),
            }
        }
        write!(f, "{:?}, (size, ticks): {runs:?}, backlog at most {:?}", self.load, self.backlog.iter().max())
    }
}

impl Run {
    pub(super) fn peak(&self) -> usize {
        self.sizes.iter().copied().max().unwrap_or(0)
    }

    pub(super) fn backlog_after(&self, millis: u64) -> usize {
        self.backlog.iter().skip((millis / TICK) as usize).copied().max().unwrap_or(0)
    }

    /// Milliseconds from the end of the load until the pool was at its base for good.
    pub(super) fn back_at_base_after_load(&self) -> u64 {
        let above = self.sizes.iter().rposition(|size| *size > BASE).map_or(0, |tick| tick as u64 + 1);
        (above * TICK).saturating_sub(self.load.end())
    }

    /// The sizes of the second half, by which everything should have calmed down.
    fn settled(&self) -> &[usize] {
        &self.sizes[self.sizes.len() / 2..]
    }

    /// How often the size changes in the second half.
    pub(super) fn changes(&self) -> usize {
        self.settled().windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    /// In the second minute the size changes at most so often, over at most so many workers, and carries the load.
    pub(super) fn assert_settled(&self, most_changes: usize, most_spread: usize) {
        let (sizes, changes) = (self.settled(), self.changes());
        let spread = sizes.iter().max().unwrap().abs_diff(*sizes.iter().min().unwrap());
        assert!(
            changes <= most_changes && spread <= most_spread,
            "{changes} changes over {spread} workers: {self:?}"
        );
        self.assert_served();
    }

    /// The load is carried.
    pub(super) fn assert_served(&self) {
        assert!(self.backlog_after(20_000) < 100 * self.load.batch as usize, "{self:?}");
    }

    /// How many asks the two changes of the second minute are apart that are closest.
    pub(super) fn closest_changes(&self) -> Option<usize> {
        let sizes = self.settled();
        let at: Vec<usize> = (1..sizes.len()).filter(|&tick| sizes[tick] != sizes[tick - 1]).collect();
        at.windows(2).map(|pair| pair[1] - pair[0]).min()
    }
}

#[derive(Debug, Default)]
struct Worker {
    started: u64,
    until: Option<u64>,
    leaving: bool,
}

/// A pool in virtual time, a millisecond a step: Poisson arrivals, constant service (M/D/n), n up to the policy.
#[derive(Debug)]
struct Pool {
    rng: Rng,
    load: Load,
    next_arrival: f64,
    workers: Vec<Worker>,
    creating: Vec<u64>,
    queue: VecDeque<u64>,
    sample: Sample,
}

pub(super) fn simulate<P: ScalingPolicy>(mut policy: P, load: Load, seed: u64) -> Run {
    let mut pool = Pool::new(load.clone(), seed);
    let mut run = Run { load, sizes: Vec::new(), backlog: Vec::new() };
    for now in 0..END {
        pool.step(now);
        if now % TICK == 0 {
            let sample = pool.sample();
            let timestamp = Timestamp::ZERO.saturating_add(Duration::from_millis(now));
            // Like the pool, which asks nothing while it idles at its base.
            let idle = sample.live <= BASE && sample.creating + sample.busy + sample.queued == 0;
            let desired = if idle { BASE } else { policy.desired(timestamp, &sample).clamp(BASE, MAX) };
            run.sizes.push(pool.resize(now, desired));
            run.backlog.push(sample.queued);
        }
    }
    run
}

impl Pool {
    fn new(load: Load, seed: u64) -> Self {
        let workers = (0..BASE).map(|_| Worker::default()).collect();
        Self {
            rng: Rng(seed),
            load,
            next_arrival: 0.0,
            workers,
            creating: Vec::new(),
            queue: VecDeque::new(),
            sample: sample(BASE, MAX),
        }
    }

    fn step(&mut self, now: u64) {
        self.arrive(now);
        self.finish(now);
        let ready = self.creating.iter().filter(|ready| **ready <= now).count();
        self.creating.retain(|ready| *ready > now);
        self.workers.extend((0..ready).map(|_| Worker::default()));
        for worker in self.workers.iter_mut().filter(|worker| worker.until.is_none()) {
            let Some(arrived) = self.queue.pop_front() else { break };
            (worker.started, worker.until) = (now, Some(now + self.load.service));
            self.sample.started += 1;
            self.sample.wait_time += Duration::from_millis(now - arrived);
        }
    }

    fn arrive(&mut self, now: u64) {
        let per_milli = self.load.percent(now) as f64 / 100.0 * MAX as f64 / self.load.service as f64;
        if per_milli <= 0.0 {
            return;
        }
        self.next_arrival = self.next_arrival.max(now as f64);
        while self.next_arrival < (now + 1) as f64 {
            self.queue.extend((0..self.load.batch).map(|_| now));
            self.sample.arrived += u64::from(self.load.batch);
            self.next_arrival -= self.rng.unit().ln() / per_milli * f64::from(self.load.batch);
        }
    }

    fn finish(&mut self, now: u64) {
        for worker in &mut self.workers {
            if worker.until.is_some_and(|until| until <= now) {
                worker.until = None;
                self.sample.completed += 1;
                self.sample.busy_time += Duration::from_millis(now - worker.started);
            }
        }
        self.workers.retain(|worker| !worker.leaving || worker.until.is_some());
    }

    fn sample(&self) -> Sample {
        Sample {
            live: self.workers.iter().filter(|worker| !worker.leaving).count(),
            creating: self.creating.len(),
            busy: self.workers.iter().filter(|worker| worker.until.is_some()).count(),
            queued: self.queue.len(),
            ..self.sample.clone()
        }
    }

    /// Creates or lets go; the size that will come of it.
    fn resize(&mut self, now: u64, desired: usize) -> usize {
        let size = self.sample().live + self.creating.len();
        for _ in size..desired.min(size + MAX - self.workers.len() - self.creating.len()) {
            self.creating.push(now + CREATION);
        }
        for _ in desired..size {
            if let Some(idle) = self.workers.iter().position(|worker| worker.until.is_none()) {
                self.workers.remove(idle);
            } else if let Some(busy) = self.workers.iter_mut().find(|worker| !worker.leaving) {
                busy.leaving = true;
            }
        }
        self.sample().live + self.creating.len()
    }
}
