//! A pool, who uses it, and what has to hold once it has ended.

use std::sync::Arc;
use std::time::Duration;

use tasker_core::builder::Builder;
use tasker_core::sync::thread::{self, JoinHandle};
use tasker_core::{Backoff, StopReport, Stopped};

use crate::book::{Answer, Book, Deed, End, Task};
use crate::clock::Hands;
use crate::colours::{Colour, Handle};

/// How often a task is begun at most, as long as nothing else is asked for.
pub(crate) const ATTEMPTS: u32 = 4;

/// A pool with the book of its resources, and its clock.
pub(crate) struct Scene<C: Colour> {
    pub(crate) pool: C::Pool,
    pub(crate) book: Book,
    pub(crate) clock: Hands,
    max_workers: usize,
}

impl<C: Colour> Scene<C> {
    /// A pool of `workers` workers that are never more than `max_workers`.
    pub(crate) fn new(
        workers: usize,
        max_workers: usize,
        set: impl FnOnce(Builder<C::Backend>) -> Builder<C::Backend>,
    ) -> Self {
        let (book, clock) = (Book::default(), Hands::default());
        let builder = C::builder(book.clone(), clock.clone()).workers(workers).max_workers(max_workers);
        // Nobody moves the clock for a backoff.
        let at_once = Backoff::new().first(Duration::ZERO).max(Duration::ZERO);
        let builder = builder.create_backoff(at_once).max_retries(ATTEMPTS - 1).seed(7);
        let pool = C::build(set(builder));
        Self { pool, book, clock, max_workers }
    }

    /// A thread with a handle to the pool.
    pub(crate) fn beside<T: Send + 'static>(
        &self,
        act: impl FnOnce(&C::Pool) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let pool = self.pool.clone();
        thread::spawn(move || act(&pool))
    }

    /// A thread that submits a task for each deed, the last of them to be started once at most, and waits for all.
    pub(crate) fn submitter<const N: usize>(&self, deeds: [Deed; N]) -> JoinHandle<Vec<Answer>> {
        self.beside(move |pool| submit_all::<C>(pool, &deeds).into_iter().map(waited).collect())
    }

    /// The pool has ended `how`, with these `answers`, each of an end that is allowed, and all adds up.
    pub(crate) fn close(self, report: &StopReport, how: &[Stopped], answers: &[Answer], allowed: &[End]) {
        self.book.close(self.max_workers);
        assert!(how.contains(&report.how), "{report:?}");
        let ends: Vec<End> = answers.iter().map(Answer::end).collect();
        assert!(ends.iter().all(|end| allowed.contains(end)), "{ends:?}");
        let of = |kinds: &[End]| ends.iter().filter(|end| kinds.contains(end)).count() as u64;
        assert_eq!(report.done, of(&[End::Done]), "{report:?}, {ends:?}");
        let failed = [End::Failed, End::Exhausted, End::Panicked, End::Displaced];
        assert_eq!(report.failed, of(&failed), "{report:?}, {ends:?}");
        assert_eq!(report.cancelled, of(&[End::Cancelled]), "{report:?}, {ends:?}");
        assert_eq!(report.undone, of(&[End::Killed]), "{report:?}, {ends:?}");
        let left =
            (report.destroy_errors, report.destroy_skipped, report.workers_left.len(), report.reserve_left);
        assert_eq!(left, (0, 0, 0, 0), "{report:?}");
    }
}

/// Submits a task for each deed, the last of them to be started once at most.
pub(crate) fn submit_all<C: Colour>(pool: &C::Pool, deeds: &[Deed]) -> Vec<(Task, Handle)> {
    let last = deeds.len() - 1;
    let submit = |(place, &deed)| {
        let once = place == last;
        let task = Task::new(deed, if once { 1 } else { ATTEMPTS });
        let submit = if once { C::submit_once } else { C::submit };
        (task.clone(), submit(pool, task))
    };
    deeds.iter().enumerate().map(submit).collect()
}

/// Waits for the task's end.
pub(crate) fn waited((task, handle): (Task, Handle)) -> Answer {
    Answer { task, end: handle.wait() }
}

/// What a thread gave.
pub(crate) fn joined<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("no panic")
}

/// What a stop or kill from outside of the pool's tasks gave.
pub(crate) fn told(stop: crate::colours::Stop) -> Arc<StopReport> {
    stop.expect("asked for outside of tasks")
}
