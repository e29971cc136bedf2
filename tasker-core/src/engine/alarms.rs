//! Tasks with times: deadlines, timeouts, and the grace time after them.
//!
//! Alarms are kept in a heap of their own, and only tasks that have times ever touch it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::ids::{TaskId, WorkerId};
use crate::sync::{Lock, Weak};
use crate::task::AnyCell;
use crate::time::Timestamp;

/// What to do at a moment.
#[derive(Debug)]
pub(crate) enum Alarm {
    /// The task must have ended.
    Deadline(Weak<dyn AnyCell>),
    /// The attempt, one at this cell's task, must have ended.
    Timeout(Running, Weak<dyn AnyCell>),
    /// The worker must have come back from an attempt that nobody waits for.
    Grace(Running),
}

/// One attempt on one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Running {
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
    heap: BinaryHeap<Reverse<Entry>>,
    next: u64,
    /// How many alarms there may be before dead ones are looked for.
    sweep_at: usize,
}

#[derive(Debug)]
struct Entry {
    due: Timestamp,
    sequence: u64,
    alarm: Alarm,
}

impl Alarms {
    /// Sets an alarm. `true` if it is the first to come, so that whoever waits must wait less.
    pub(crate) fn set(&self, due: Timestamp, alarm: Alarm) -> bool {
        let mut state = self.state.lock();
        let first = state.heap.peek().is_none_or(|Reverse(entry)| due < entry.due);
        let sequence = state.next;
        state.next += 1;
        state.heap.push(Reverse(Entry { due, sequence, alarm }));
        state.sweep();
        first
    }

    /// Takes the next alarm that is due.
    pub(crate) fn pop_due(&self, now: Timestamp) -> Option<Alarm> {
        let mut state = self.state.lock();
        if state.heap.peek()?.0.due > now {
            return None;
        }
        state.heap.pop().map(|Reverse(entry)| entry.alarm)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.state.lock().heap.len()
    }

    /// When the next alarm is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.state.lock().heap.peek().map(|Reverse(entry)| entry.due)
    }
}

impl State {
    /// Throws away the deadlines and timeouts of what has ended, whenever the heap has doubled since it last did.
    fn sweep(&mut self) {
        const WORTH_IT: usize = 1024;
        if self.heap.len() < self.sweep_at.max(WORTH_IT) {
            return;
        }
        self.heap.retain(|Reverse(entry)| match &entry.alarm {
            Alarm::Deadline(cell) => cell.upgrade().is_some_and(|cell| !cell.core().has_ended()),
            Alarm::Timeout(running, cell) => {
                cell.upgrade().is_some_and(|cell| cell.core().is_inside(running.attempt))
            }
            Alarm::Grace(_) => true,
        });
        self.sweep_at = self.heap.len() * 2;
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.sequence).cmp(&(other.due, other.sequence))
    }
}
