//! What a pool says when it has ended.

use std::fmt;
use std::time::Duration;

use crate::ids::{TaskId, WorkerId};
use crate::sync::{Arc, Lock};
use crate::task::TaskCore;

/// How a pool came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// Everything that was owed was done.
    Drained,
    /// The stop's deadline came first, and the rest was killed.
    DeadlinePassed,
    /// It was killed.
    Killed,
    /// Every worker gave up creating its resource.
    NoWorkers,
    /// Its runtime was shut down under it.
    RuntimeGone,
}

/// A task that was accepted and not done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undone {
    /// Its id.
    pub id: TaskId,
    /// Its name, if it was given one.
    pub name: Option<Arc<str>>,
    /// Whether it had started.
    pub started: bool,
}

/// Collects the tasks that were given up, as they are.
#[derive(Debug, Default)]
pub(crate) struct UndoneList(Lock<Vec<Undone>>);

impl UndoneList {
    /// Notes a task, unless it had not started and the list is full.
    pub(crate) fn note(&self, core: &TaskCore) {
        let started = core.attempts() > 0;
        let mut list = self.0.lock();
        if started || list.len() < StopReport::LISTED {
            list.push(Undone { id: core.id(), name: core.name().cloned(), started });
        }
    }

    /// What a report lists: those that had started first, and all in the order they came.
    pub(crate) fn listed(&self) -> Vec<Undone> {
        let mut list = std::mem::take(&mut *self.0.lock());
        list.sort_by_key(|undone| (!undone.started, undone.id));
        list.truncate(StopReport::LISTED);
        list
    }
}

/// A worker that would not end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerLeft {
    /// The worker.
    pub worker: WorkerId,
    /// The task it is inside of, if it is in one rather than in creating or destroying its resource.
    pub task: Option<TaskId>,
    /// That task's name.
    pub name: Option<Arc<str>>,
    /// For how long it has been there.
    pub since: Duration,
}

/// What a pool did in its life, and what it left undone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StopReport {
    /// How it ended.
    pub how: Stopped,
    /// Tasks that returned a value.
    pub done: u64,
    /// Tasks that ended in an error of their own, a panic, a timeout, at their deadline, or displaced by another.
    pub failed: u64,
    /// Tasks cancelled through their handles.
    pub cancelled: u64,
    /// Tasks that were accepted and given up because of the end.
    pub undone: u64,
    /// The first of these, up to [`StopReport::LISTED`].
    pub undone_tasks: Vec<Undone>,
    /// Resources whose destruction failed, panicked or took too long.
    pub destroy_errors: u64,
    /// The first of these, up to [`StopReport::LISTED`], as text.
    pub destroy_error_texts: Vec<Arc<str>>,
    /// Resources dropped without being destroyed, since their runtime was gone.
    pub destroy_skipped: u64,
    /// Workers that would not end.
    pub workers_left: Vec<WorkerLeft>,
    /// Resources that served `run`, and were in use or being destroyed when they were no longer waited for.
    pub reserve_left: usize,
}

impl StopReport {
    /// How many undone tasks and destroy errors a report lists at most. The counts are always exact.
    pub const LISTED: usize = 1024;

    /// Whether everything that was accepted came to an end of its own, be it a failure, and everything that was created
    /// was destroyed without an error.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.undone == 0
            && self.destroy_errors == 0
            && self.destroy_skipped == 0
            && self.workers_left.is_empty()
            && self.reserve_left == 0
    }
}

impl fmt::Display for StopReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.how {
            Stopped::Drained => "drained",
            Stopped::DeadlinePassed => "stopped at its deadline",
            Stopped::Killed => "killed",
            Stopped::NoWorkers => "ended for want of workers",
            Stopped::RuntimeGone => "ended with its runtime",
        };
        let Self { done, failed, cancelled, undone, destroy_errors, .. } = self;
        write!(f, "{how}: {done} done, {failed} failed, {cancelled} cancelled, {undone} undone")?;
        write!(f, ", {destroy_errors} destroy errors, {} workers left", self.workers_left.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::TaskOptions;
    use crate::time::Timestamp;

    fn task(id: u64, started: bool) -> TaskCore {
        let core = TaskCore::new(TaskOptions::default(), 0, Timestamp::ZERO);
        core.name_it(|| TaskId::new(id));
        if started {
            core.count_attempt();
        }
        core
    }

    #[test]
    fn a_full_list_of_undone_tasks_takes_those_that_had_started_and_shows_them_first() {
        let list = UndoneList::default();
        let full = StopReport::LISTED as u64;
        (1..=full + 1).for_each(|id| list.note(&task(id, false)));
        list.note(&task(full + 3, true));
        list.note(&task(full + 2, true));
        let listed = list.listed();
        assert_eq!(listed.len(), StopReport::LISTED);
        let ids: Vec<_> = listed.iter().map(|undone| (undone.id.get(), undone.started)).collect();
        assert_eq!(ids[..3], [(full + 2, true), (full + 3, true), (1, false)]);
        assert_eq!(ids[ids.len() - 1], (full - 2, false));
        (1..=full + 1).for_each(|id| list.note(&task(id, false)));
        assert_eq!(list.0.lock().len(), StopReport::LISTED, "no more are kept than are shown");
    }

    fn report(how: Stopped) -> StopReport {
        StopReport {
            how,
            done: 5,
            failed: 4,
            cancelled: 3,
            undone: 0,
            undone_tasks: Vec::new(),
            destroy_errors: 0,
            destroy_error_texts: Vec::new(),
            destroy_skipped: 0,
            workers_left: Vec::new(),
            reserve_left: 0,
        }
    }

    #[test]
    fn a_report_says_how_the_pool_ended_and_what_it_left() {
        let rows = [
            (Stopped::Drained, "drained"),
            (Stopped::DeadlinePassed, "stopped at its deadline"),
            (Stopped::Killed, "killed"),
            (Stopped::NoWorkers, "ended for want of workers"),
            (Stopped::RuntimeGone, "ended with its runtime"),
        ];
        for (how, text) in rows {
            let counts = "5 done, 4 failed, 3 cancelled, 0 undone, 0 destroy errors, 0 workers left";
            assert_eq!(report(how).to_string(), format!("{text}: {counts}"));
        }
    }

    #[test]
    fn a_report_is_clean_if_nothing_is_left_whatever_failed() {
        let clean = report(Stopped::Drained);
        assert!(clean.is_clean(), "failed and cancelled tasks have ended");
        let left = WorkerLeft { worker: WorkerId::new(1), task: None, name: None, since: Duration::ZERO };
        let rows = [
            StopReport { undone: 1, ..clean.clone() },
            StopReport { destroy_errors: 1, ..clean.clone() },
            StopReport { destroy_skipped: 1, ..clean.clone() },
            StopReport { workers_left: vec![left], ..clean.clone() },
            StopReport { reserve_left: 1, ..clean },
        ];
        assert!(rows.iter().all(|report| !report.is_clean()));
    }
}
