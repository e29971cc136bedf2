//! What workers take along: it is for whoever comes first, and no order suffers from it beyond what is promised.
#![cfg(not(any(tasker_loom, tasker_shuttle)))]

mod common;

use std::sync::Arc;
use std::task::Waker;

use common::{Bench, Number, Taken, bench, put, put_with, serve};
use tasker_core::engine::{Controller, Engine, Step, Worker};
use tasker_core::task::TaskOptions;
use tasker_core::task::job::{Job, JobEnd};
use tasker_core::{CancelOutcome, ExitReason, Priority, Refusal, TaskError, TaskHandle, Timestamp, life};

/// Two workers. The first is inside task 1, and has others with it.
struct Laden {
    engine: Arc<Engine<Number>>,
    first: Worker<Number>,
    second: Worker<Number>,
    inside: Taken,
    handles: Vec<TaskHandle<u32, String>>,
    _controller: Controller<Number>,
}

/// `tasks` of them, all normal, numbered from 1; a quarter of what waits then is taken along, in a pool of this capacity.
fn laden(tasks: u32, capacity: usize) -> Laden {
    let Two { engine, mut first, second, controller } = two(capacity);
    let handles = (1..=tasks).map(|number| put(&engine, number)).collect();
    let inside = take(&mut first).expect("task 1");
    Laden { engine, first, second, inside, handles, _controller: controller }
}

/// Two workers with nothing to do. The first has run task 0, and knows from it how long tasks take: no time at all.
struct Two {
    engine: Arc<Engine<Number>>,
    first: Worker<Number>,
    second: Worker<Number>,
    controller: Controller<Number>,
}

fn two(capacity: usize) -> Two {
    let Bench { engine, mut workers, controller } = bench(2, capacity);
    let (mut first, second) = (workers.remove(0), workers.remove(0));
    put(&engine, 0).detach();
    assert_eq!(take(&mut first).expect("task 0").finish(&mut first), 0);
    Two { engine, first, second, controller }
}

/// The worker takes the next task and begins it.
fn take(worker: &mut Worker<Number>) -> Option<Taken> {
    match worker.step(Timestamp::ZERO, Waker::noop()) {
        Step::Run(job) => Some(Taken::begin(worker, job)),
        Step::Look | Step::Wait(_) | Step::Probe | Step::Leave(_) => None,
    }
}

fn put_high(engine: &Arc<Engine<Number>>, number: u32) -> TaskHandle<u32, String> {
    let mut options = TaskOptions::default();
    options.priority = Priority::High;
    put_with(engine, options, number)
}

fn numbers(worker: &mut Worker<Number>) -> Vec<u32> {
    std::iter::from_fn(|| take(worker).map(|taken| taken.finish(worker))).collect()
}

#[test]
fn what_one_worker_took_along_still_waits_and_counts() {
    let mut pool = laden(9, 64);
    let counts = pool.engine.inbox.counts();
    assert_eq!((counts.queued(), counts.running), (8, 1));
    pool.inside.finish(&mut pool.first);
    let next = take(&mut pool.first).expect("task 2");
    let counts = pool.engine.inbox.counts();
    assert_eq!((counts.queued(), counts.running), (7, 1));
    assert_eq!(next.finish(&mut pool.first), 2);
}

#[test]
fn no_task_waits_behind_a_running_one_while_a_worker_has_nothing_to_do() {
    let mut pool = laden(9, 64);
    // Tasks 2 and 3 went along with the first worker.
    assert_eq!(numbers(&mut pool.second), [4, 5, 6, 7, 8, 9, 2, 3]);
    assert_eq!(pool.engine.inbox.counts().queued(), 0);
    assert_eq!(pool.inside.finish(&mut pool.first), 1);
    assert_eq!(numbers(&mut pool.first), []);
}

#[test]
fn one_worker_alone_keeps_the_order_exactly() {
    let Bench { engine, mut workers, controller: _controller } = bench(1, 64);
    let mut worker = workers.remove(0);
    let handles: Vec<_> = (0..40).map(|number| put(&engine, number)).collect();
    let order: Vec<_> = numbers(&mut worker);
    assert_eq!(order, (0..40).collect::<Vec<_>>());
    drop(handles);
}

#[test]
fn an_urgent_task_goes_before_what_a_worker_took_along() {
    let mut pool = laden(9, 64);
    let urgent = put_high(&pool.engine, 100);
    pool.inside.finish(&mut pool.first);
    assert_eq!(take(&mut pool.first).expect("a task").finish(&mut pool.first), 100);
    assert_eq!(take(&mut pool.first).expect("a task").finish(&mut pool.first), 2);
    drop(urgent);
}

#[test]
fn a_newer_task_goes_before_those_of_lower_lanes_though_the_older_of_its_own_was_cancelled() {
    let Two { engine, mut first, second: _second, controller: _controller } = two(64);
    let _running = put(&engine, 1);
    let inside = take(&mut first).expect("task 1");
    let mut options = TaskOptions::default();
    options.priority = Priority::Low;
    let _low = put_with(&engine, options, 2);
    assert_eq!(put(&engine, 3).cancel(), CancelOutcome::BeforeStart);
    let _newer = put(&engine, 4);
    inside.finish(&mut first);
    assert_eq!(take(&mut first).expect("a task").finish(&mut first), 4);
}

#[test]
fn urgent_tasks_that_one_worker_took_along_go_before_others_of_the_lanes() {
    let Two { engine, mut first, mut second, controller: _controller } = two(64);
    let normal = put(&engine, 50);
    let urgent: Vec<_> = (1..=9).map(|number| put_high(&engine, number)).collect();
    let inside = take(&mut first).expect("task 1");
    assert_eq!(numbers(&mut second), [4, 5, 6, 7, 8, 9, 2, 3, 50]);
    inside.finish(&mut first);
    drop((normal, urgent));
}

#[test]
fn a_task_that_was_taken_along_is_cancelled_like_any_other() {
    let mut pool = laden(9, 64);
    assert_eq!(pool.handles[1].cancel(), CancelOutcome::BeforeStart);
    assert_eq!(pool.engine.inbox.counts().queued(), 7);
    pool.inside.finish(&mut pool.first);
    assert_eq!(take(&mut pool.first).expect("a task").finish(&mut pool.first), 3);
    assert_eq!(pool.engine.inbox.counts().queued(), 6);
}

#[test]
fn a_pause_holds_what_was_taken_along_too_and_puts_it_back_in_its_place() {
    let mut pool = laden(9, 64);
    life::pause(&pool.engine, true);
    pool.inside.finish(&mut pool.first);
    assert!(take(&mut pool.first).is_none() && take(&mut pool.second).is_none());
    life::pause(&pool.engine, false);
    assert_eq!(take(&mut pool.second).expect("a task").finish(&mut pool.second), 2);
}

#[test]
fn a_kill_ends_what_was_taken_along() {
    let mut pool = laden(9, 64);
    pool.engine.inbox.halt();
    let killed: Vec<_> = pool.engine.inbox.discard(Refusal::Stopping);
    assert_eq!(killed.len(), 8);
    for job in killed {
        Job::fill(job, &pool.engine.hub, JobEnd::Error(TaskError::Killed));
    }
    pool.inside.finish(&mut pool.first);
    assert_eq!(pool.engine.inbox.counts().queued(), 0);
}

#[test]
fn a_worker_that_leaves_gives_back_what_it_took_along() {
    let mut pool = laden(9, 64);
    pool.inside.finish(&mut pool.first);
    pool.first.leave(ExitReason::Retired, Timestamp::ZERO);
    drop(pool.first);
    assert_eq!(pool.engine.inbox.counts().queued(), 8);
    assert_eq!(numbers(&mut pool.second), [2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn room_is_free_once_a_task_that_was_taken_along_has_started() {
    let mut pool = laden(8, 8);
    let last = put(&pool.engine, 9);
    assert_eq!(pool.engine.inbox.try_room(Priority::Normal).err(), Some(Refusal::Full));
    pool.inside.finish(&mut pool.first);
    let next = take(&mut pool.first).expect("a task");
    assert!(pool.engine.inbox.try_room(Priority::Normal).is_ok(), "one of eight has started");
    next.finish(&mut pool.first);
    drop(last);
}

#[test]
fn a_worker_that_waited_gets_one_of_many_that_come_at_once() {
    let Two { engine, mut first, mut second, controller: _controller } = two(64);
    assert!(take(&mut second).is_none(), "it waits now");
    life::pause(&engine, true);
    let handles: Vec<_> = (1..=9).map(|number| put(&engine, number)).collect();
    life::pause(&engine, false);
    assert!(take(&mut second).is_some());
    assert_eq!(numbers(&mut first).len(), 8, "and the other gets the rest");
    drop(handles);
}

#[test]
fn a_task_that_was_taken_along_is_overtaken_by_so_many_and_no_more() {
    let mut pool = laden(9, 4_096);
    pool.handles.extend((10..3_000).map(|number| put(&pool.engine, number)));
    let order = numbers(&mut pool.second);
    let place = order.iter().position(|&number| number == 2).expect("it ran");
    assert!((1_000..1_200).contains(&place), "task 2 ran after {place} others");
    assert_eq!(order.len(), 2_998);
    pool.inside.finish(&mut pool.first);
}

#[test]
fn a_stop_runs_what_was_taken_along() {
    let mut pool = laden(9, 64);
    pool.inside.finish(&mut pool.first);
    pool.engine.inbox.close();
    drop(pool.second);
    assert_eq!(serve(&mut pool.first), ((2..=9).collect(), ExitReason::Drained));
    assert!(pool.handles.into_iter().all(|handle| handle.wait().is_ok()));
}
