//! Callbacks for the moment from which nobody waits for an attempt any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::task::Wake;

use crate::engine::Hub;
use crate::sync::{Arc, Condvar, Lock, wait_on};
use crate::task::Shared;

/// A callback of [`OnCancel`].
pub(super) type Callback = Box<dyn FnOnce() + Send>;

/// Keeps a callback armed for the moment from which nobody waits for its task any more.
///
/// Dropping it disarms the callback; if that runs just then, the drop waits for its end. So nothing of the callback
/// happens after the drop.
#[must_use = "dropping it disarms the callback"]
pub struct OnCancel<'a> {
    callbacks: Arc<Callbacks>,
    id: u64,
    /// Not beyond the attempt.
    attempt: PhantomData<&'a ()>,
}

impl OnCancel<'_> {
    pub(super) fn arm(callbacks: Arc<Callbacks>, callback: Callback) -> Self {
        let id = callbacks.arm(callback);
        Self { callbacks, id, attempt: PhantomData }
    }
}

impl Drop for OnCancel<'_> {
    fn drop(&mut self) {
        self.callbacks.disarm(self.id);
    }
}

impl fmt::Debug for OnCancel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnCancel").finish_non_exhaustive()
    }
}

/// The callbacks of one attempt. Waking it calls them, each once, if nobody waits for the attempt any more: wakers are
/// called for other reasons, too.
pub(crate) struct Callbacks {
    hub: Arc<Hub>,
    /// What is attempted; `None` inside `run`.
    task: Option<Shared>,
    state: Lock<State>,
    came_back: Condvar,
}

#[derive(Default)]
struct State {
    armed: BTreeMap<u64, Callback>,
    running: BTreeSet<u64>,
    next: u64,
}

impl Callbacks {
    pub(crate) fn new(hub: Arc<Hub>, task: Option<Shared>) -> Self {
        Self { hub, task, state: Lock::default(), came_back: Condvar::new() }
    }

    /// Calls those that are armed, under no lock, if it is time to.
    pub(crate) fn look(&self) {
        let is_due = self.task.as_ref().map_or_else(|| self.hub.is_killed(), |task| task.should_stop());
        if !is_due {
            return;
        }
        loop {
            let mut state = self.state.lock();
            let Some((id, callback)) = state.armed.pop_first() else { return };
            state.running.insert(id);
            drop(state);
            self.hub.guard("on_cancel", callback);
            self.state.lock().running.remove(&id);
            self.came_back.notify_all();
        }
    }

    fn arm(&self, callback: Callback) -> u64 {
        let mut state = self.state.lock();
        state.next += 1;
        let id = state.next;
        state.armed.insert(id, callback);
        id
    }

    fn disarm(&self, id: u64) {
        let mut state = self.state.lock();
        let unused = state.armed.remove(&id);
        while state.running.contains(&id) {
            state = wait_on(&self.came_back, state);
        }
        drop(state);
        crate::engine::quietly(|| drop(unused));
    }
}

impl Wake for Callbacks {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks").field("armed", &self.state.lock().armed.len()).finish_non_exhaustive()
    }
}
