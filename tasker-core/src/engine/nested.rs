//! Tasks that wait for tasks of their own pool.
//!
//! A worker inside such a wait cannot run anything. If every worker the pool may have is, nobody is left to run what
//! they wait for: the wait that would make it so is refused. If only every worker the pool *has* is, the supervisor is
//! asked for one more.
//!
//! A wait is over once its target's result is there, whether or not the waiter has moved since; and it ends with the
//! attempt it was made in, since a handle may leave its task unresolved.

use std::collections::BTreeMap;

use crate::engine::{Hub, Msg};
use crate::ids::{TaskId, WorkerId};
use crate::supervisor::Event;
use crate::sync::Lock;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::task::{TaskCore, current};

/// Which workers are inside nested waits.
#[derive(Debug, Default)]
pub(crate) struct Nested {
    state: Lock<State>,
    /// How many waits there are; most pools never have one, and look no further.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    /// Who waits for which task; a task has one handle, and so one waiter at most.
    waits: BTreeMap<TaskId, WorkerId>,
    /// How many waits each worker is inside of. One worker may await many tasks at once, and is blocked once.
    blocked: BTreeMap<WorkerId, usize>,
}

impl Nested {
    /// How many workers are inside a nested wait.
    pub(crate) fn blocked(&self) -> usize {
        self.state.lock().blocked.len()
    }

    /// The wait for this task is over.
    pub(crate) fn leave(&self, target: TaskId) {
        self.change(|state| state.remove(target));
    }

    /// Whatever the worker waited for, it does not any more.
    pub(crate) fn clear(&self, worker: WorkerId) {
        self.change(|state| {
            if state.blocked.remove(&worker).is_some() {
                state.waits.retain(|_, waiter| *waiter != worker);
            }
        });
    }

    fn change(&self, f: impl FnOnce(&mut State)) {
        if self.count.load(Ordering::Acquire) > 0 {
            let mut state = self.state.lock();
            f(&mut state);
            self.count.store(state.waits.len(), Ordering::Release);
        }
    }

    /// Notes the wait unless it would leave none of `workers` unblocked; how many are blocked then.
    fn enter(&self, worker: WorkerId, target: TaskId, workers: usize) -> Result<usize, ()> {
        let mut state = self.state.lock();
        if state.waits.get(&target) == Some(&worker) {
            return Ok(0);
        }
        state.remove(target);
        let blocked = state.blocked.len() + usize::from(!state.blocked.contains_key(&worker));
        if blocked < workers {
            state.waits.insert(target, worker);
            *state.blocked.entry(worker).or_default() += 1;
        }
        self.count.store(state.waits.len(), Ordering::Release);
        if blocked < workers { Ok(blocked) } else { Err(()) }
    }
}

impl State {
    fn remove(&mut self, target: TaskId) {
        let Some(worker) = self.waits.remove(&target) else { return };
        if let Some(count) = self.blocked.get_mut(&worker) {
            *count -= 1;
            if *count == 0 {
                self.blocked.remove(&worker);
            }
        }
    }
}

impl Hub {
    /// Notes that the current thread, if it is inside a task of this pool, is about to wait for `target`. Whoever
    /// calls this looks afterwards whether the result is there: only later ones end the wait.
    ///
    /// # Errors
    ///
    /// If that wait would never end.
    pub(crate) fn enter_nested(&self, target: &TaskCore) -> Result<(), ()> {
        let Some(worker) = current::inside_of(self.pool()).and_then(|inside| inside.worker) else {
            return Ok(());
        };
        let live = self.board().levels().live;
        let (_, max_workers) = self.board().bounds();
        let blocked = match self.nested().enter(worker, target.id, max_workers.max(live)) {
            Ok(blocked) => blocked,
            // Its result is about to be there.
            Err(()) if target.has_ended() => return Ok(()),
            Err(()) => return Err(()),
        };
        if blocked > 0 && blocked >= live {
            self.post(Msg::Event(Event::Blocked));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: WorkerId = WorkerId::new(1);
    const B: WorkerId = WorkerId::new(2);

    #[test]
    fn a_worker_counts_once_however_much_it_waits_for() {
        let nested = Nested::default();
        for task in 1..=3 {
            assert_eq!(nested.enter(A, TaskId::new(task), 2), Ok(1));
        }
        nested.leave(TaskId::new(1));
        nested.leave(TaskId::new(2));
        assert_eq!(nested.blocked(), 1);
        nested.leave(TaskId::new(3));
        assert_eq!(nested.blocked(), 0);
    }

    #[test]
    fn the_wait_that_would_block_the_last_worker_is_refused_and_not_counted() {
        let nested = Nested::default();
        assert_eq!(nested.enter(A, TaskId::new(1), 2), Ok(1));
        assert_eq!(nested.enter(B, TaskId::new(2), 2), Err(()));
        assert_eq!(nested.blocked(), 1);
        nested.leave(TaskId::new(1));
        assert_eq!(nested.enter(B, TaskId::new(2), 2), Ok(1));
    }

    #[test]
    fn a_handle_that_moves_to_another_worker_blocks_that_one_only() {
        let nested = Nested::default();
        assert_eq!(nested.enter(A, TaskId::new(1), 3), Ok(1));
        assert_eq!(nested.enter(B, TaskId::new(1), 3), Ok(1));
        nested.clear(A);
        assert_eq!(nested.blocked(), 1);
        nested.clear(B);
        assert_eq!(nested.blocked(), 0);
        nested.leave(TaskId::new(1));
    }
}
