//! What it costs to look at a pool that has done a lot, and to let its supervisor think.

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::figures::median;
use benches::work::{Task, sum_of};
use tasker_core::Timestamp;
use tasker_core::supervisor::{Event, Supervisor, SupervisorConfig};
use tasker_core::{ExitReason, WorkerId};

use super::results::{IN_FLIGHT, produce};
use super::{Limit, Scale, Unit, Work};
use crate::OURS;
use crate::rounds::{Entrant, nanos_each};
use crate::threads::{Ours, Threads};

pub(super) fn works() -> Vec<Work> {
    let work = |id, what: &str, most, entrant: fn(Scale) -> Entrant| {
        Work::steady(id, what, Unit::Nanos, "", move |scale| vec![entrant(scale)]).bar(Limit::Figure(most))
    };
    vec![
        work("stats", "one call of stats, many tasks done", 5_000.0, |scale| {
            looking(scale, |pool| {
                black_box(pool.0.stats());
            })
        }),
        work("metrics", "one call of metrics, many tasks done", 5_000.0, |scale| {
            looking(scale, |pool| {
                black_box(pool.0.metrics());
            })
        }),
        work(
            "supervisor",
            "the supervisor on one event of 8 workers, its commands taken",
            1_000.0,
            |scale| Entrant::new(OURS, move || Box::new(move || thinking(scale))),
        ),
    ]
}

fn looking(scale: Scale, look: fn(&Ours)) -> Entrant {
    Entrant::new(OURS, move || {
        let (pool, tasks) = (Ours::start(2), scale.pick(100_000, 1_000_000));
        assert_eq!(produce(&pool, tasks, IN_FLIGHT, Task::empty), sum_of(tasks));
        Box::new(move || {
            let times: Vec<f64> = (0..200).map(|_| nanos(|| look(&pool))).collect();
            median(&times)
        })
    })
}

/// Workers come, leave sick and are gone; the supervisor replaces them.
fn thinking(scale: Scale) -> f64 {
    const WORKERS: u64 = 8;
    let mut supervisor = Supervisor::new(SupervisorConfig::new(8), None);
    let mut now = Timestamp::ZERO;
    supervisor.start(now);
    while supervisor.poll_command().is_some() {}
    for worker in 1..=WORKERS {
        supervisor.handle_event(now, Event::Ready(WorkerId::new(worker)));
        supervisor.handle_event(now, Event::FirstTaskDone(WorkerId::new(worker)));
    }
    while supervisor.poll_command().is_some() {}
    let turns = scale.pick(5_000, 50_000);
    let mut commands = 0_u64;
    let began = Instant::now();
    for turn in 0..turns {
        now = now.saturating_add(Duration::from_millis(1));
        let (old, new) = (WorkerId::new(turn + 1), WorkerId::new(turn + 1 + WORKERS));
        let events = [
            Event::Leaving(old, ExitReason::Unhealthy),
            Event::Exited(old),
            Event::Ready(new),
            Event::FirstTaskDone(new),
        ];
        for event in events {
            supervisor.handle_event(now, event);
            while let Some(command) = supervisor.poll_command() {
                black_box(command);
                commands += 1;
            }
            black_box(supervisor.poll_timeout());
        }
    }
    let time = began.elapsed();
    assert!(commands >= turns, "a replacement a turn");
    nanos_each(time, turns * 4)
}

fn nanos(act: impl FnOnce()) -> f64 {
    let began = Instant::now();
    act();
    nanos_each(began.elapsed(), 1)
}
