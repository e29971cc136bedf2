//! Whole pools, of threads and async, under schedules drawn by chance.
//!
//! Each test is a scenario of a few threads around a small pool. It runs under `TASKER_SCHEDULES` schedules, half of
//! them from the random scheduler and half from the one that looks for few but decisive preemptions (PCT, three of
//! them). After each: every handle has resolved in a way that agrees with what its task did, no task was begun too
//! often, every resource was destroyed exactly once, there were never too many workers, and the report adds up. A wait
//! that never ends is a deadlock, which shuttle reports; so is a thread of the pool that never ends. A failure prints a
//! seed: with `SHUTTLE_RANDOM_SEED` set to it the test begins with that schedule.
//!
//! Time stands still but where a scenario moves it. Shuttle explores orders and not weak memory.
#![cfg(tasker_shuttle)]

mod book;
mod clock;
mod colours;
mod scene;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use book::{Answer, Deed, End, Task};
use colours::{Colour, OnFutures, OnThreads};
use scene::{ATTEMPTS, Scene, joined, submit_all, told, waited};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};
use tasker_core::parker::block_on;
use tasker_core::sync::thread::{self, JoinHandle};
use tasker_core::{CancelOutcome, Overflow, RunError, Stopped};

const LONG: Duration = Duration::from_secs(4);

/// Runs `scenario` under many schedules.
fn explore(scenario: fn()) {
    let schedules = std::env::var("TASKER_SCHEDULES").map_or(1_000, |text| text.parse().expect("a number"));
    let mut config = Config::new();
    config.stack_size = 128 * 1024;
    config.silence_warnings = true;
    let tally = Tally::default();
    let count = Arc::clone(&tally.0);
    let counted = move || {
        count.fetch_add(1, Ordering::Relaxed);
        scenario();
    };
    Runner::new(RandomScheduler::new(schedules / 2), config.clone()).run(counted.clone());
    Runner::new(PctScheduler::new(3, schedules / 2), config).run(counted);
}

/// Says how many schedules it took to find a fault.
#[derive(Default)]
struct Tally(Arc<AtomicUsize>);

impl Drop for Tally {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("found in schedule {}", self.0.load(Ordering::Relaxed));
        }
    }
}

/// Each scenario, with both colours of pools.
macro_rules! scenarios {
    ($($name:ident,)+) => {
        mod threads {
            $(#[test]
            fn $name() {
                super::explore(super::$name::<super::OnThreads>);
            })+
        }
        mod futures {
            $(#[test]
            fn $name() {
                super::explore(super::$name::<super::OnFutures>);
            })+
        }
    };
}

scenarios! {
    a_submission_racing_a_stop_is_run_or_refused,
    a_submission_racing_a_kill_is_run_refused_or_killed,
    a_submitter_that_waits_for_room_is_served_or_refused_by_a_stop,
    a_task_displaced_while_the_pool_stops_is_in_the_report,
    a_cancel_racing_the_worker_and_a_stop_says_what_became_of_the_task,
    a_cancel_racing_a_kill_counts_once,
    a_resource_that_grows_too_old_is_replaced_between_tasks,
    a_resource_that_is_used_up_is_replaced_between_tasks,
    a_panic_costs_one_resource_and_no_other_task,
    a_sick_worker_is_replaced_while_the_pool_stops,
    a_kill_meets_workers_that_are_being_replaced,
    a_resize_up_and_down_loses_no_task,
    a_resize_racing_a_stop_holds_nothing_up,
    a_stop_and_a_kill_at_once_give_one_report,
    a_deadline_that_comes_while_the_pool_drains_ends_it,
    the_last_handle_dropped_runs_what_was_taken,
    a_pause_and_a_resume_beside_submissions_lose_none,
    a_run_racing_a_stop_leaves_no_resource_behind,
    a_run_racing_a_kill_leaves_no_resource_behind,
}

fn a_submission_racing_a_stop_is_run_or_refused<C: Colour>() {
    let scene = Scene::<C>::new(2, 2, |builder| builder);
    let submitter = scene.submitter([Deed::Succeed; 3]);
    let report = told(C::stop(&scene.pool));
    scene.close(&report, &[Stopped::Drained], &joined(submitter), &[End::Done, End::Refused]);
}

fn a_submission_racing_a_kill_is_run_refused_or_killed<C: Colour>() {
    let scene = Scene::<C>::new(2, 2, |builder| builder);
    let submitter = scene.submitter([Deed::Succeed; 3]);
    let report = told(C::kill(&scene.pool));
    let allowed = [End::Done, End::Refused, End::Killed];
    scene.close(&report, &[Stopped::Killed], &joined(submitter), &allowed);
}

fn a_submitter_that_waits_for_room_is_served_or_refused_by_a_stop<C: Colour>() {
    let scene = Scene::<C>::new(1, 1, |builder| builder.capacity(1));
    let submitters = [(); 2].map(|()| {
        scene.beside(|pool| {
            let task = || Task::new(Deed::Succeed, ATTEMPTS);
            let taken = [task(), task()].map(|task| Some((task.clone(), C::submit_wait(pool, task)?)));
            taken.into_iter().flatten().map(waited).collect::<Vec<_>>()
        })
    });
    let report = told(C::stop(&scene.pool));
    let answers: Vec<Answer> = submitters.into_iter().flat_map(joined).collect();
    scene.close(&report, &[Stopped::Drained], &answers, &[End::Done]);
}

fn a_task_displaced_while_the_pool_stops_is_in_the_report<C: Colour>() {
    let scene = Scene::<C>::new(1, 1, |builder| builder.capacity(1).overflow(Overflow::DropOldest));
    let submitters = [(); 2].map(|()| scene.submitter([Deed::Succeed; 2]));
    let report = told(C::stop(&scene.pool));
    let answers: Vec<Answer> = submitters.into_iter().flat_map(joined).collect();
    let allowed = [End::Done, End::Displaced, End::Refused];
    scene.close(&report, &[Stopped::Drained], &answers, &allowed);
}

/// A thread that submits two tasks, cancels them, and checks what it was told.
fn canceller<C: Colour>(scene: &Scene<C>) -> JoinHandle<Vec<Answer>> {
    scene.beside(|pool| {
        let submitted = submit_all::<C>(pool, &[Deed::Succeed; 2]);
        let outcomes: Vec<_> = submitted.iter().map(|(_, handle)| handle.cancel()).collect();
        let answers: Vec<_> = submitted.into_iter().map(waited).collect();
        for (outcome, answer) in outcomes.iter().zip(&answers) {
            let end = answer.end();
            let agrees = match outcome {
                CancelOutcome::BeforeStart => end == End::Cancelled && answer.task.attempts() == 0,
                CancelOutcome::WhileRunning => end == End::Cancelled && answer.task.attempts() <= 1,
                CancelOutcome::TooLate => end != End::Cancelled,
            };
            assert!(agrees, "{outcome:?}, {answer:?}");
        }
        answers
    })
}

fn a_cancel_racing_the_worker_and_a_stop_says_what_became_of_the_task<C: Colour>() {
    let scene = Scene::<C>::new(1, 1, |builder| builder);
    let canceller = canceller(&scene);
    let report = told(C::stop(&scene.pool));
    let allowed = [End::Done, End::Cancelled, End::Refused];
    scene.close(&report, &[Stopped::Drained], &joined(canceller), &allowed);
}

fn a_cancel_racing_a_kill_counts_once<C: Colour>() {
    let scene = Scene::<C>::new(1, 1, |builder| builder);
    let canceller = canceller(&scene);
    let report = told(C::kill(&scene.pool));
    let allowed = [End::Done, End::Cancelled, End::Refused, End::Killed];
    scene.close(&report, &[Stopped::Killed], &joined(canceller), &allowed);
}

fn a_resource_that_grows_too_old_is_replaced_between_tasks<C: Colour>() {
    let scene = Scene::<C>::new(1, 1, |builder| builder.max_lifetime(LONG / 2));
    let submitter = scene.submitter([Deed::Succeed; 2]);
    scene.clock.leap(LONG);
    let answers = joined(submitter);
    let report = told(C::stop(&scene.pool));
    assert!(scene.book.created() <= 2, "one for before the leap and one for after");
    scene.close(&report, &[Stopped::Drained], &answers, &[End::Done]);
}

fn a_resource_that_is_used_up_is_replaced_between_tasks<C: Colour>() {
    let scene = Scene::<C>::new(1, 2, |builder| builder.max_uses(1));
    let submitter = scene.submitter([Deed::Succeed, Deed::Fail, Deed::Succeed]);
    let report = told(C::stop(&scene.pool));
    let answers = joined(submitter);
    let uses = answers.iter().filter(|answer| answer.task.attempts() > 0).count();
    assert!(scene.book.created() >= uses, "{uses} uses");
    scene.close(&report, &[Stopped::Drained], &answers, &[End::Done, End::Failed, End::Refused]);
}

fn a_panic_costs_one_resource_and_no_other_task<C: Colour>() {
    let scene = Scene::<C>::new(1, 2, |builder| builder);
    let submitter = scene.submitter([Deed::Panic, Deed::Succeed, Deed::Panic]);
    let report = told(C::stop(&scene.pool));
    let allowed = [End::Done, End::Panicked, End::Refused];
    scene.close(&report, &[Stopped::Drained], &joined(submitter), &allowed);
}

fn a_sick_worker_is_replaced_while_the_pool_stops<C: Colour>() {
    let scene = Scene::<C>::new(2, 2, |builder| builder);
    let submitter = scene.submitter([Deed::Sicken, Deed::Succeed, Deed::Sicken]);
    let report = told(C::stop(&scene.pool));
    let allowed = [End::Done, End::Exhausted, End::Refused];
    scene.close(&report, &[Stopped::Drained], &joined(submitter), &allowed);
}

fn a_kill_meets_workers_that_are_being_replaced<C: Colour>() {
    let scene = Scene::<C>::new(2, 2, |builder| builder);
    let submitter = scene.submitter([Deed::Sicken, Deed::Panic, Deed::Sicken]);
    let report = told(C::kill(&scene.pool));
    let allowed = [End::Done, End::Exhausted, End::Panicked, End::Refused, End::Killed];
    scene.close(&report, &[Stopped::Killed], &joined(submitter), &allowed);
}

fn a_resize_up_and_down_loses_no_task<C: Colour>() {
    let scene = Scene::<C>::new(1, 2, |builder| builder);
    let submitter = scene.submitter([Deed::Succeed, Deed::Sicken, Deed::Succeed]);
    C::resize(&scene.pool, 2, 2).expect("in order");
    C::resize(&scene.pool, 1, 1).expect("in order");
    let answers = joined(submitter);
    let report = told(C::stop(&scene.pool));
    scene.close(&report, &[Stopped::Drained], &answers, &[End::Done]);
}

fn a_resize_racing_a_stop_holds_nothing_up<C: Colour>() {
    let scene = Scene::<C>::new(2, 2, |builder| builder);
    let submitter = scene.submitter([Deed::Succeed; 2]);
    let resizer = scene.beside(|pool| {
        C::resize(pool, 1, 1).expect("in order");
        C::resize(pool, 2, 2).expect("in order");
    });
    let report = told(C::stop(&scene.pool));
    joined(resizer);
    scene.close(&report, &[Stopped::Drained], &joined(submitter), &[End::Done, End::Refused]);
}

fn a_stop_and_a_kill_at_once_give_one_report<C: Colour>() {
    let scene = Scene::<C>::new(1, 1, |builder| builder);
    let submitter = scene.submitter([Deed::Succeed; 2]);
    let killer = scene.beside(|pool| told(C::kill(pool)));
    let report = told(C::stop(&scene.pool));
    assert!(Arc::ptr_eq(&report, &joined(killer)));
    let allowed = [End::Done, End::Refused, End::Killed];
    scene.close(&report, &[Stopped::Drained, Stopped::Killed], &joined(submitter), &allowed);
}

fn a_deadline_that_comes_while_the_pool_drains_ends_it<C: Colour>() {
    let scene = Scene::<C>::new(1, 1, |builder| builder);
    let submitter = scene.submitter([Deed::Succeed; 2]);
    let clock = scene.clock.clone();
    let ageing = scene.beside(move |_| clock.leap(LONG));
    let report = told(C::stop_within(&scene.pool, LONG / 2));
    joined(ageing);
    let allowed = [End::Done, End::Refused, End::Killed];
    scene.close(&report, &[Stopped::Drained, Stopped::DeadlinePassed], &joined(submitter), &allowed);
}

fn the_last_handle_dropped_runs_what_was_taken<C: Colour>() {
    let Scene { pool, book, .. } = Scene::<C>::new(1, 2, |builder| builder);
    let mut events = C::events(&pool);
    let submitters = [(); 2].map(|()| {
        let pool = pool.clone();
        thread::spawn(move || {
            let submitted = submit_all::<C>(&pool, &[Deed::Succeed; 2]);
            drop(pool);
            submitted.into_iter().map(waited).collect::<Vec<_>>()
        })
    });
    drop(pool);
    let answers: Vec<Answer> = submitters.into_iter().flat_map(joined).collect();
    while block_on(events.recv()).is_some() {}
    book.close(2);
    assert!(answers.iter().all(|answer| answer.end() == End::Done), "{answers:?}");
}

fn a_pause_and_a_resume_beside_submissions_lose_none<C: Colour>() {
    let scene = Scene::<C>::new(2, 2, |builder| builder);
    let submitter = scene.submitter([Deed::Succeed; 3]);
    let pauser = scene.beside(|pool| {
        C::pause(pool);
        C::resume(pool);
    });
    let answers = joined(submitter);
    joined(pauser);
    let report = told(C::stop(&scene.pool));
    scene.close(&report, &[Stopped::Drained], &answers, &[End::Done]);
}

/// Two threads that run a task each, on the one resource of the reserve.
fn runners<C: Colour>(scene: &Scene<C>) -> [JoinHandle<Result<(), RunError<book::Fault>>>; 2] {
    [Deed::Succeed, Deed::Sicken].map(|deed| scene.beside(move |pool| C::run(pool, Task::new(deed, 1))))
}

fn a_run_racing_a_stop_leaves_no_resource_behind<C: Colour>() {
    let scene = Scene::<C>::new(1, 1, |builder| builder.reserve(1).max_temporary(0));
    let runners = runners(&scene);
    let report = told(C::stop(&scene.pool));
    for ran in runners.map(joined) {
        assert!(matches!(ran, Ok(()) | Err(RunError::Failed(_) | RunError::Stopping)), "{ran:?}");
    }
    scene.close(&report, &[Stopped::Drained], &[], &[]);
}

fn a_run_racing_a_kill_leaves_no_resource_behind<C: Colour>() {
    let scene = Scene::<C>::new(1, 1, |builder| builder.reserve(1).max_temporary(0));
    let runners = runners(&scene);
    let report = told(C::kill(&scene.pool));
    for ran in runners.map(joined) {
        let fits = matches!(ran, Ok(()) | Err(RunError::Failed(_) | RunError::Stopping | RunError::Killed));
        assert!(fits, "{ran:?}");
    }
    scene.close(&report, &[Stopped::Killed], &[], &[]);
}
