//! Stopping pools from outside.

use std::fmt;

use crate::engine::Engine;
use crate::sync::{Arc, Lock, Weak};
use crate::task::job::Job;

/// A signal that starts the graceful stop of every pool built with it as its parent.
///
/// Clones are the same signal.
///
/// ```
/// use tasker_core::CancelToken;
///
/// let token = CancelToken::new();
/// let clone = token.clone();
/// clone.cancel();
/// assert!(token.is_cancelled());
/// ```
#[derive(Clone, Default)]
pub struct CancelToken {
    state: Arc<Lock<State>>,
}

#[derive(Default)]
struct State {
    cancelled: bool,
    pools: Vec<Weak<dyn Stop>>,
}

trait Stop: Send + Sync {
    fn stop(&self);
}

impl<J: Job> Stop for Engine<J> {
    fn stop(&self) {
        let _ = crate::life::stop(self, None);
    }
}

impl CancelToken {
    /// A signal that was not given.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts the graceful stop of all pools that have this as their parent. Returns at once; again, it does nothing.
    pub fn cancel(&self) {
        let mut state = self.state.lock();
        state.cancelled = true;
        let pools = std::mem::take(&mut state.pools);
        drop(state);
        for pool in pools.iter().filter_map(Weak::upgrade) {
            pool.stop();
        }
    }

    /// Whether the signal was given.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state.lock().cancelled
    }

    /// Stops this pool when the signal is given, or at once if it was.
    pub(crate) fn adopt<J: Job>(&self, engine: &Arc<Engine<J>>) {
        let mut state = self.state.lock();
        if state.cancelled {
            drop(state);
            engine.stop();
            return;
        }
        state.pools.retain(|pool| pool.strong_count() > 0);
        let pool: Arc<dyn Stop> = Arc::clone(engine) as _;
        state.pools.push(Arc::downgrade(&pool));
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_given_once_any_clone_gives_it() {
        let token = CancelToken::new();
        assert!(!token.is_cancelled());
        token.clone().cancel();
        assert!(token.is_cancelled());
    }
}
