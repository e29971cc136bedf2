//! Does one thing so many times, all on one thread or first on one and then on another, for a tool that counts
//! instructions. Twice, with two counts, and the difference is what one time costs, without what starts and ends the
//! process: see `.ci/instructions.py`.

mod figures;
mod floor;
mod queued;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use benches::Nothing;
use benches::work::{Task, sum_of};
use tasker_core::metrics::AtomicHistogram;
use tasker_core::supervisor::{Event, Supervisor, SupervisorConfig};
use tasker_core::{ExitReason, Timestamp, WorkerId};
use tokio::runtime::Runtime;

/// A name, and what does it so many times.
type Path = (&'static str, fn(u64));

fn paths() -> impl Iterator<Item = Path> {
    [&PATHS[..], &queued::PATHS, &floor::PATHS, &figures::PATHS].into_iter().flatten().copied()
}

const PATHS: [Path; 7] = [
    ("tokio-await", tokio_await),
    ("tokio-stream", tokio_stream),
    ("tokio-run", tokio_run),
    ("thread-run", thread_run),
    ("thread-submit", thread_submit),
    ("supervisor-replacement", supervisor_replacement),
    ("histogram-record", histogram_record),
];

const USAGE: &str = "\
Does one thing so many times.

usage: instructions NAME COUNT
       instructions --list";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list"] => paths().for_each(|(name, _)| println!("{name}")),
        [name, count] => {
            let path = paths().find(|path| path.0 == name);
            let (Some((_, path)), Ok(count)) = (path, count.parse()) else {
                eprintln!("{USAGE}");
                return ExitCode::from(64);
            };
            path(count);
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(64);
        }
    }
    // Nothing of what still runs is to be counted.
    std::process::exit(0)
}

/// So that no tick falls into one run and not into another.
const NEVER: Duration = Duration::from_secs(3600);

/// Submit, run, complete and await, one task at a time.
fn tokio_await(count: u64) {
    let (runtime, pool) = on_tokio();
    let sum = runtime.block_on(async {
        let mut sum = 0;
        for task in (1..=count).map(Task::empty) {
            sum += pool.submit(async move |_, _| Ok(task.run())).await.expect("the task succeeds");
        }
        sum
    });
    assert_eq!(sum, sum_of(count));
}

/// Submit, run, complete and await, 500 tasks at a time.
fn tokio_stream(count: u64) {
    const AT_ONCE: u64 = 500;
    let (runtime, pool) = on_tokio();
    runtime.block_on(async {
        for _ in 0..count / AT_ONCE {
            let mut sum = 0;
            let tasks = (1..=AT_ONCE).map(Task::empty);
            let handles: Vec<_> = tasks.map(|task| pool.submit(async move |_, _| Ok(task.run()))).collect();
            for handle in handles {
                sum += handle.await.expect("the task succeeds");
            }
            assert_eq!(sum, sum_of(AT_ONCE));
        }
    });
}

fn tokio_run(count: u64) {
    let (runtime, pool) = on_tokio();
    let sum = runtime.block_on(async {
        let mut sum = 0;
        for task in (1..=count).map(Task::empty) {
            sum += pool.run(async move |_, _| Ok(task.run())).await.expect("the task succeeds");
        }
        sum
    });
    assert_eq!(sum, sum_of(count));
}

fn thread_run(count: u64) {
    let pool = on_threads();
    let run = |task: Task| pool.run(|_, _| Ok(task.run())).expect("the task succeeds");
    assert_eq!((1..=count).map(Task::empty).map(run).sum::<u64>(), sum_of(count));
}

/// The submitter's part alone: the pool is paused, its threads sleep.
fn thread_submit(count: u64) {
    let pool = on_threads();
    pool.pause();
    (1..=count).map(Task::empty).for_each(|task| pool.submit(move |_, _| Ok(task.run())).detach());
    assert_eq!(pool.stats().queued_total() as u64, count);
}

/// One worker of eight leaves sick and is replaced: four events and what follows from them.
fn supervisor_replacement(count: u64) {
    const WORKERS: u64 = 8;
    let mut supervisor = Supervisor::new(SupervisorConfig::new(8), None);
    let mut now = Timestamp::ZERO;
    supervisor.start(now);
    for worker in 1..=WORKERS {
        supervisor.handle_event(now, Event::Ready(WorkerId::new(worker)));
        supervisor.handle_event(now, Event::FirstTaskDone(WorkerId::new(worker)));
    }
    let mut commands = 0_u64;
    for turn in 1..=count {
        now = now.saturating_add(Duration::from_millis(1));
        let (old, new) = (WorkerId::new(turn), WorkerId::new(turn + WORKERS));
        let leaving = Event::Leaving(old, ExitReason::Unhealthy);
        for event in [leaving, Event::Exited(old), Event::Ready(new), Event::FirstTaskDone(new)] {
            supervisor.handle_event(now, event);
            while let Some(command) = supervisor.poll_command() {
                black_box(command);
                commands += 1;
            }
        }
    }
    assert!(commands >= count, "a replacement a turn");
}

fn histogram_record(count: u64) {
    let histogram = AtomicHistogram::new();
    (1..=count).for_each(|number| histogram.record(Duration::from_nanos(black_box(number))));
    assert_eq!(histogram.snapshot().count(), count);
}

fn on_tokio() -> (Runtime, tasker_tokio::Pool<Nothing>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let builder = tasker_tokio::Pool::builder(()).workers(1).unbounded().burst_interval(NEVER).seed(1);
    let pool = runtime.block_on(async { builder.build().await }).expect("a worker starts");
    (runtime, pool)
}

fn on_threads() -> tasker_thread::Pool<Nothing> {
    let builder = tasker_thread::Pool::builder(()).workers(1).unbounded().burst_interval(NEVER).seed(1);
    builder.build().expect("a thread starts")
}

/// Room for so many, so that what is counted has none to make.
fn room<T>(count: u64) -> Vec<T> {
    Vec::with_capacity(usize::try_from(count).expect("some thousands"))
}
