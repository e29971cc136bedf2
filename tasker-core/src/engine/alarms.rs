//! Tasks with times: deadlines, timeouts, and the grace time after them.
//!
//! Alarms are kept in a queue of their own, and only tasks that have times ever touch it.

use crate::due::DueQueue;
use crate::ids::{TaskId, WorkerId};
use crate::sync::Lock;
use crate::task::Shared;
use crate::time::Timestamp;

/// What to do at a moment.
#[derive(Debug)]
pub(crate) enum Alarm {
    /// The task must have ended.
    Deadline(Shared),
    /// The attempt, one at this task, must have ended.
    Timeout(Running, Shared),
    /// The worker must have come back from an attempt that nobody waits for.
    Grace(Running),
}

/// One attempt on one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    pub(crate) worker: WorkerId,
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
}

/// Alarms by the moment they are due.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    state: Lock<State>,
}

#[derive(Debug, Default)]
struct State {
    queue: DueQueue<Alarm>,
    /// How many alarms there may be before dead ones are looked for.
    sweep_at: usize,
}

impl Alarms {
    /// Sets an alarm. `true` if it is the first to come, so that whoever waits must wait less.
    pub(crate) fn set(&self, due: Timestamp, alarm: Alarm) -> bool {
        let mut state = self.state.lock();
        let first = state.queue.push(due, alarm);
        state.sweep();
        first
    }

    /// Takes the next alarm that is due.
    pub(crate) fn pop_due(&self, now: Timestamp) -> Option<Alarm> {
        self.state.lock().queue.pop_due(now)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// When the next alarm is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.state.lock().queue.next_due()
    }
}

impl State {
    /// Throws away the deadlines and timeouts of what has ended, whenever there are twice as many as it last left. This may
    /// free a task, of which nothing of users' is left by then.
    fn sweep(&mut self) {
        const WORTH_IT: usize = 1024;
        if self.queue.len() < self.sweep_at.max(WORTH_IT) {
            return;
        }
        self.queue.sweep(&mut |alarm| match alarm {
            Alarm::Deadline(task) => !task.has_ended(),
            Alarm::Timeout(running, task) => !task.has_ended() && task.attempts() == running.attempt,
            Alarm::Grace(_) => true,
        });
        self.sweep_at = self.queue.len() * 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Sole, Task, TaskCore, TaskOptions};

    type Idle = Sole<Task<(), (), String>>;

    fn task() -> Idle {
        let core = TaskCore::new(TaskOptions::default(), 0, Timestamp::ZERO);
        Task::pair(core, (), |task| task).0
    }

    fn attempt_at(task: &Idle, attempt: u32) -> Alarm {
        Alarm::Timeout(Running { worker: WorkerId::new(1), task: task.core().id(), attempt }, task.share())
    }

    #[test]
    fn alarms_for_what_has_ended_are_thrown_away_once_there_are_twice_as_many_as_were_left() {
        let (alarms, due) = (Alarms::default(), Timestamp::from_nanos(1));
        let (runs, ended) = (task(), task());
        runs.core().count_attempt();
        runs.core().count_attempt();
        ended.core().count_attempt();
        ended.core().finish();
        let set = |count, alarm: &dyn Fn() -> Alarm| {
            for _ in 0..count {
                alarms.set(due, alarm());
            }
        };
        set(600, &|| Alarm::Deadline(runs.share()));
        set(200, &|| attempt_at(&runs, 2));
        // Beside the end of its task, that of an attempt.
        set(100, &|| attempt_at(&runs, 1));
        set(60, &|| Alarm::Deadline(ended.share()));
        set(63, &|| attempt_at(&ended, 1));
        assert_eq!(alarms.len(), 1_023);
        set(1, &|| Alarm::Deadline(runs.share()));
        assert_eq!(alarms.len(), 801);
        set(800, &|| attempt_at(&runs, 1));
        assert_eq!(alarms.len(), 1_601);
        set(1, &|| attempt_at(&runs, 1));
        assert_eq!(alarms.len(), 801);
        assert_eq!(alarms.next_due(), Some(due));
    }
}
