//! What a live pool was seen doing, the laboratory does too.

use std::sync::Arc;
use std::time::Duration;

use tasker_core::scaling::{RateBased, ScalingPolicy, Utilization};
use tasker_core::{AsyncClock, Clock, Timestamp};
use tasker_testkit::lab::{Dist, Lab, Load, Outcome, Recorder, Resources, Task, Trace};
use tasker_tokio::{
    CancelOutcome, CreateContext, Health, Metrics, Pool, PoolEvent, Priority, Received, Resource, TokioClock,
    WorkerId,
};

const CREATE: Duration = Duration::from_millis(700);
const BASE: usize = 2;
const MOST: usize = 24;
/// tokio's timers go off at whole milliseconds.
const TICK: Duration = Duration::from_millis(1);

/// Time that moves whenever nothing else does: tokio's, paused.
#[derive(Clone)]
struct Virtual(Arc<TokioClock>);

impl Virtual {
    fn new() -> Self {
        Self(Arc::new(TokioClock::new()))
    }

    async fn until(&self, at: Timestamp) {
        self.0.sleep_until(at).await;
    }

    async fn pass(&self, time: Duration) {
        self.until(self.0.now().saturating_add(time)).await;
    }
}

struct Machine;

impl Resource for Machine {
    type Config = Virtual;
    type Error = String;

    async fn create(time: &Virtual, _cx: &CreateContext) -> Result<Self, String> {
        time.pass(CREATE).await;
        Ok(Self)
    }
}

/// What a live pool did.
struct Live {
    metrics: Metrics,
    /// Creations begun beyond the base workers.
    creations: usize,
    /// The most workers wanted.
    peak: usize,
    recorder: Recorder,
}

/// Runs the trace through a pool in tokio's virtual time.
async fn live(trace: &Trace, policy: impl ScalingPolicy) -> Live {
    let (recorder, time) = (Recorder::new(), Virtual::new());
    let pool = Pool::<Machine>::builder(time.clone())
        .clock(time.0.clone())
        .workers(BASE)
        .max_workers(MOST)
        .scaling(policy)
        .collector(recorder.clone())
        .event_capacity(100_000)
        .build()
        .await
        .expect("nothing keeps it from being built");
    let mut events = pool.events();
    // All base workers are ready, as in the laboratory.
    time.pass(CREATE).await;
    let began = time.0.now();
    let mut tasks = Vec::new();
    for task in trace.tasks() {
        time.until(began.saturating_add(since_start(task))).await;
        let (time, service) = (time.clone(), task.service);
        let handle = pool.task().priority(task.priority).submit(async move |_, _| {
            time.pass(service).await;
            Ok(())
        });
        tasks.push(handle);
    }
    for task in tasks {
        task.await.expect("the task succeeds");
    }
    time.pass(Duration::from_secs(60)).await;
    pool.stop().await.expect("nobody stops it from inside");
    let (mut creations, mut peak) = (0, BASE);
    while let Some(Received::Event(event)) = events.try_recv() {
        recorder.hear(&event);
        if let PoolEvent::WorkerStarted { .. } = event {
            creations += 1;
        } else if let PoolEvent::Scaled { to, .. } = event {
            peak = peak.max(to);
        }
    }
    Live { metrics: pool.metrics(), creations, peak, recorder }
}

fn since_start(task: &Task) -> Duration {
    task.arrival.saturating_since(Timestamp::ZERO)
}

/// Times in whole milliseconds, as tokio's timers have them.
fn trace() -> Trace {
    let load = Load::pieces(&[
        (Duration::ZERO, 20.0),
        (Duration::from_secs(20), 100.0),
        (Duration::from_secs(60), 20.0),
    ]);
    let drawn = load
        .service(Dist::exponential(Duration::from_millis(100)))
        .priorities(0.1, 0.1)
        .lasting(Duration::from_secs(80))
        .trace(5);
    let whole =
        |time: Duration| Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1));
    drawn
        .tasks()
        .iter()
        .map(|task| Task {
            arrival: Timestamp::ZERO.saturating_add(whole(since_start(task))),
            service: whole(task.service),
            ..*task
        })
        .collect()
}

fn near(ours: f64, theirs: f64, share: f64) -> bool {
    (ours - theirs).abs() <= share * ours.abs().max(theirs.abs())
}

fn near_in_time(ours: Duration, theirs: Duration, share: f64) -> bool {
    ours.abs_diff(theirs) <= 3 * TICK || near(ours.as_secs_f64(), theirs.as_secs_f64(), share)
}

fn assert_alike(live: &Live, replayed: &Outcome) {
    let Live { metrics, creations, peak, .. } = live;
    let told = format!("live: {metrics:?}, {creations} creations, {peak} at most; replayed: {replayed:?}");
    assert!(near(metrics.completed as f64, replayed.tasks, 0.0), "{told}");
    assert!(near_in_time(metrics.wait.mean, replayed.wait_mean, 0.1), "{told}");
    assert!(near_in_time(metrics.wait.p99, replayed.wait_p99, 0.1), "{told}");
    assert!(near_in_time(metrics.wait.max, replayed.wait_max, 0.1), "{told}");
    assert!(near(*creations as f64, replayed.creations, 0.1), "{told}");
}

async fn record_and_replay<P: ScalingPolicy + Clone>(policy: P) {
    let sent = trace();
    let live = live(&sent, policy.clone()).await;
    let recorded = live.recorder.take();
    // Through a file, as a user would.
    let recorded =
        Trace::from_csv(&recorded.to_csv()).expect("the recorder writes what the laboratory reads");
    assert_eq!(recorded.len(), sent.len());
    for (recorded, sent) in recorded.tasks().iter().zip(sent.tasks()) {
        assert!(recorded.service.abs_diff(sent.service) <= 2 * TICK, "{recorded:?} {sent:?}");
    }
    assert_eq!(live.recorder.unstarted() + live.recorder.missed(), 0);
    let lab = Lab::new(recorded).workers(BASE).max_workers(MOST).resources(live.recorder.resources());
    let replayed = lab.run(policy);
    assert!(
        live.metrics.wait.p99 > 10 * TICK && live.creations > 5,
        "the load must put the pool to the test"
    );
    assert_alike(&live, &replayed.outcome);
    let peak = replayed.timeline.workers.iter().map(|workers| workers.desired).max();
    assert!(near(live.peak as f64, peak.unwrap_or(0) as f64, 0.1), "{} and {peak:?} at most", live.peak);
}

#[tokio::test(start_paused = true)]
async fn a_recorded_load_is_replayed_as_it_was_with_utilization() {
    record_and_replay(Utilization::new()).await;
}

#[tokio::test(start_paused = true)]
async fn a_recorded_load_is_replayed_as_it_was_with_rates() {
    record_and_replay(RateBased::new().window(Duration::from_secs(5))).await;
}

/// A resource whose second creation fails, and whose tasks say what is sick.
struct Fragile;

impl Resource for Fragile {
    type Config = Virtual;
    type Error = String;

    async fn create(time: &Virtual, cx: &CreateContext) -> Result<Self, String> {
        time.pass(Duration::from_secs(3)).await;
        if cx.worker == Some(WorkerId::new(2)) { Err("refused".to_owned()) } else { Ok(Self) }
    }

    fn check_health(&self, _error: &String) -> Health {
        Health::Unhealthy
    }
}

#[tokio::test(start_paused = true)]
async fn delayed_retried_and_unstarted_tasks_are_recorded_as_documented() {
    let (recorder, time) = (Recorder::new(), Virtual::new());
    let builder = Pool::<Fragile>::builder(time.clone()).clock(time.0.clone());
    let pool = builder.workers(1).collector(recorder.clone()).build().await.unwrap();
    let following = tokio::spawn({
        let (recorder, events) = (recorder.clone(), pool.events());
        async move { recorder.follow(events).await }
    });
    // Arrives at second 3, when the pool was built, and is due at 13.
    let clock = time.clone();
    let delayed = pool.task().delay(Duration::from_secs(10)).submit(async move |_, _| {
        clock.pass(Duration::from_secs(2)).await;
        Ok(())
    });
    delayed.await.unwrap();
    // Submitted at 15; its second attempt succeeds, after two creations.
    let clock = time.clone();
    let retried = pool.task().priority(Priority::Low).submit(async move |_, cx| {
        clock.pass(Duration::from_secs(1)).await;
        if cx.attempt() == 1 { Err("sick".to_owned()) } else { Ok(()) }
    });
    time.pass(Duration::from_millis(500)).await;
    assert_eq!(pool.submit(async |_, _| Ok(())).cancel(), CancelOutcome::BeforeStart);
    retried.await.unwrap();
    pool.stop().await.unwrap();
    following.await.unwrap();

    let trace = recorder.take();
    let figures = |task: &Task| (since_start(task).as_secs(), task.service.as_secs(), task.priority);
    let recorded: Vec<_> = trace.tasks().iter().map(figures).collect();
    assert_eq!(recorded, [(13, 2, Priority::Normal), (15, 1, Priority::Low)]);
    assert_eq!((recorder.unstarted(), recorder.missed()), (1, 0));
    assert!(recorder.take().is_empty(), "it was taken");
    let heard = Resources::new().create(Dist::measured(&[Duration::from_secs(3)])).fail(0.5).sick(1.0 / 3.0);
    assert_eq!(recorder.resources(), heard);
}
