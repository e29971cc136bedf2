//! What is decided off the task path: the supervisor on an event and on a tick, the policies on a sample.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use tasker_core::scaling::{
    Fixed, RateBased, Sample, ScalingPolicy, ScalingPolicyExt, Threshold, Utilization,
};
use tasker_core::supervisor::{Event, Supervisor, SupervisorConfig};
use tasker_core::{ExitReason, Timestamp, WorkerId};

fn supervisor(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("supervisor");
    for workers in [8, 64] {
        group.bench_function(format!("one of {workers} replaced, four events"), |bencher| {
            let mut rig = Rig::new(workers);
            bencher.iter(|| rig.replace());
        });
        group.bench_function(format!("a tick of {workers}"), |bencher| {
            let mut rig = Rig::new(workers);
            bencher.iter(|| rig.tick());
        });
    }
    group.finish();
}

fn policies(criterion: &mut Criterion) {
    let policies: [(&str, Box<dyn ScalingPolicy>); 5] = [
        ("Fixed", Box::new(Fixed::new())),
        ("Threshold", Box::new(Threshold::new(16))),
        ("RateBased", Box::new(RateBased::new())),
        ("Utilization", Box::new(Utilization::new())),
        (
            "Utilization, cooldown",
            Box::new(Utilization::new().cooldown(Duration::from_secs(1), Duration::from_secs(5))),
        ),
    ];
    let mut group = criterion.benchmark_group("policy");
    for (name, mut policy) in policies {
        let (mut now, mut sample) = (Timestamp::ZERO, sample(8));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                advance(&mut now, &mut sample);
                black_box(policy.desired(now, black_box(&sample)))
            });
        });
    }
    group.finish();
}

/// A supervisor whose workers are all up and have done something.
struct Rig {
    supervisor: Supervisor,
    now: Timestamp,
    sample: Sample,
    oldest: u64,
    workers: u64,
}

impl Rig {
    fn new(workers: u64) -> Self {
        let count = usize::try_from(workers).expect("some dozens");
        let mut config = SupervisorConfig::new(count);
        config.max_workers = 2 * count;
        let supervisor = Supervisor::new(config, Some(Box::new(Utilization::new())));
        let mut rig = Self { supervisor, now: Timestamp::ZERO, sample: sample(count), oldest: 1, workers };
        rig.supervisor.start(rig.now);
        for worker in 1..=workers {
            rig.event(Event::Ready(WorkerId::new(worker)));
            rig.event(Event::FirstTaskDone(WorkerId::new(worker)));
        }
        rig
    }

    fn replace(&mut self) {
        self.now = self.now.saturating_add(Duration::from_millis(1));
        let (old, new) = (WorkerId::new(self.oldest), WorkerId::new(self.oldest + self.workers));
        self.event(Event::Leaving(old, ExitReason::Unhealthy));
        self.event(Event::Exited(old));
        self.event(Event::Ready(new));
        self.event(Event::FirstTaskDone(new));
        self.oldest += 1;
    }

    fn tick(&mut self) {
        advance(&mut self.now, &mut self.sample);
        self.supervisor.handle_timeout(self.now, &self.sample);
        self.drain();
    }

    fn event(&mut self, event: Event) {
        self.supervisor.handle_event(self.now, event);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(command) = self.supervisor.poll_command() {
            black_box(command);
        }
        black_box(self.supervisor.poll_timeout());
    }
}

/// A pool of which half the workers are busy.
fn sample(workers: usize) -> Sample {
    let mut sample = Sample::default();
    sample.workers = workers;
    sample.max_workers = 2 * workers;
    sample.live = workers;
    sample.busy = workers / 2;
    sample
}

/// 100 ms and a thousand tasks of 0.1 ms later.
fn advance(now: &mut Timestamp, sample: &mut Sample) {
    *now = now.saturating_add(Duration::from_millis(100));
    for counter in [&mut sample.arrived, &mut sample.started, &mut sample.completed] {
        *counter += 1_000;
    }
    sample.busy_time += Duration::from_millis(100);
    sample.wait_time += Duration::from_millis(10);
}

criterion_group!(benches, supervisor, policies);
criterion_main!(benches);
