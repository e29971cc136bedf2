//! Tasks that are submitted to a paused pool of one thread and run off when it goes on.
//!
//! Submitter and worker are so never at work at the same time, and meet once for all tasks: the count is that of both,
//! and does not depend on who is quicker.

use std::convert::Infallible;
use std::time::Duration;

use benches::Nothing;
use benches::work::{Task, sum_of};
use tasker_thread::{CancelOutcome, Pool, Priority, TaskHandle};

use crate::{Path, on_threads, room};

pub(crate) const PATHS: [Path; 7] = [
    ("thread-queued", |count| run_off(count, |pool, task| pool.submit(move |_, _| Ok(task.run())))),
    ("thread-queued-once", |count| run_off(count, |pool, task| pool.submit_once(move |_, _| Ok(task.run())))),
    ("thread-queued-timeout", |count| {
        run_off(count, |pool, task| pool.task().timeout(LONG).submit(move |_, _| Ok(task.run())));
    }),
    ("thread-queued-priorities", |count| {
        run_off(count, |pool, task| pool.task().priority(lane(task)).submit(move |_, _| Ok(task.run())));
    }),
    ("thread-queued-batch", batches),
    ("thread-queued-detached", detached),
    ("thread-cancel", cancel),
];

type Handle = TaskHandle<u64, Infallible>;

/// A timeout that no task needs.
const LONG: Duration = Duration::from_secs(3600);

/// A third of the tasks each.
fn lane(task: Task) -> Priority {
    match task.run() % 3 {
        0 => Priority::High,
        1 => Priority::Normal,
        _ => Priority::Low,
    }
}

/// Submit, run, complete and take the result.
fn run_off(count: u64, submit: impl Fn(&Pool<Nothing>, Task) -> Handle) {
    let pool = paused();
    let mut handles = room(count);
    handles.extend((1..=count).map(|number| submit(&pool, Task::empty(number))));
    // Behind all others, so that waiting for it is the one wait there is.
    let last = pool.task().priority(Priority::Low).submit(|_, _| Ok(0));
    pool.resume();
    assert!(matches!(last.wait(), Ok(0)));
    assert_eq!(sum(handles), sum_of(count));
}

/// The same, a thousand at a time.
fn batches(count: u64) {
    const AT_ONCE: u64 = 1_000;
    let pool = paused();
    let mut handles = room(count);
    for _ in 0..count / AT_ONCE {
        let tasks = (1..=AT_ONCE).map(Task::empty).map(|task| move |_: &mut _, _: &_| Ok(task.run()));
        handles.extend(pool.submit_all(tasks));
    }
    let last = pool.submit(|_, _| Ok(0));
    pool.resume();
    assert!(matches!(last.wait(), Ok(0)));
    assert_eq!(sum(handles), sum_of(AT_ONCE) * (count / AT_ONCE));
}

/// Nobody asks for the results.
fn detached(count: u64) {
    let pool = paused();
    (1..=count).map(Task::empty).for_each(|task| pool.submit(move |_, _| Ok(task.run())).detach());
    let last = pool.submit(|_, _| Ok(0));
    pool.resume();
    assert!(matches!(last.wait(), Ok(0)));
    assert_eq!(pool.metrics().attempts, count + 1);
}

/// Submitted, and cancelled before they start.
fn cancel(count: u64) {
    let pool = paused();
    for task in (1..=count).map(Task::empty) {
        let handle: Handle = pool.submit(move |_, _| Ok(task.run()));
        assert_eq!(handle.cancel(), CancelOutcome::BeforeStart);
    }
    assert_eq!(pool.metrics().cancelled, count);
}

fn sum(handles: Vec<Handle>) -> u64 {
    handles.into_iter().map(|handle| handle.wait().expect("the task succeeds")).sum()
}

fn paused() -> Pool<Nothing> {
    let pool = on_threads();
    pool.pause();
    pool
}
