//! Which children live, and what each is working at: for the worker that owns one, and for whoever shoots at it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::process::Child;

/// A child's place, shared by its worker and the list of all.
///
/// The child is killed through its handle, never by its number: numbers are used again.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    child: Option<Child>,
    /// The file it is working at.
    file: Option<Arc<str>>,
    shot: bool,
}

impl Seat {
    /// The child begins to work at a file, or to answer a probe. `false` if it was shot: it will not.
    pub(crate) fn begin(&self, file: Option<&Arc<str>>) -> bool {
        let mut state = locked(&self.state);
        state.file = file.filter(|_| !state.shot).cloned();
        !state.shot
    }

    /// The child is done with what it began. `false` if it was shot meanwhile.
    pub(crate) fn finish(&self) -> bool {
        let mut state = locked(&self.state);
        state.file = None;
        !state.shot
    }

    /// Takes the child out, to be waited for. It can no longer be shot.
    pub(crate) fn vacate(&self) -> Option<Child> {
        locked(&self.state).child.take()
    }
}

/// The children that live.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    seats: Mutex<Vec<Weak<Seat>>>,
}

impl Registry {
    /// Enters a child.
    pub(crate) fn seat(&self, child: Child) -> Arc<Seat> {
        let seat = Arc::new(Seat { state: Mutex::new(State { child: Some(child), ..State::default() }) });
        let mut seats = locked(&self.seats);
        seats.retain(|seat| seat.strong_count() > 0);
        seats.push(Arc::downgrade(&seat));
        seat
    }

    /// The children that live now.
    pub(crate) fn seats(&self) -> Vec<Arc<Seat>> {
        locked(&self.seats).iter().filter_map(Weak::upgrade).collect()
    }
}

/// How many kills there may be, so that none costs a good image its thumbnail.
///
/// A child killed at work costs the file it works at one attempt, and `per_file` limits how often that happens to
/// each. A child killed while it idles costs one attempt of whichever file comes next, so `idle` limits these over
/// all. No file can lose more attempts than the sum, and a file that may be retried so often has one left.
#[derive(Debug)]
pub(crate) struct Rules {
    per_file: u32,
    idle: u32,
    fired: Fired,
    hits: HashMap<Arc<str>, u32>,
}

/// Kills so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fired {
    pub(crate) at_work: u32,
    pub(crate) idle: u32,
}

impl Rules {
    /// Rules under which a file that may be retried `retries` times is never lost.
    pub(crate) fn new(retries: u32) -> Self {
        let idle = retries / 3;
        Self { per_file: retries - idle, idle, fired: Fired::default(), hits: HashMap::new() }
    }

    pub(crate) const fn fired(&self) -> Fired {
        self.fired
    }

    /// Kills the child, if the rules permit.
    pub(crate) fn shoot(&mut self, seat: &Seat) {
        // What it works at cannot change until the shot is noted: begin, finish and this hold the same lock.
        let mut state = locked(&seat.state);
        let State { child: Some(child), file, shot: shot @ false } = &mut *state else { return };
        if self.permit(file.as_ref()) && child.start_kill().is_ok() {
            *shot = true;
            self.note(file.as_ref());
        }
    }

    fn permit(&self, file: Option<&Arc<str>>) -> bool {
        match file {
            Some(file) => self.hits.get(file).copied().unwrap_or_default() < self.per_file,
            None => self.fired.idle < self.idle,
        }
    }

    fn note(&mut self, file: Option<&Arc<str>>) {
        match file {
            Some(file) => {
                self.fired.at_work += 1;
                *self.hits.entry(Arc::clone(file)).or_default() += 1;
            }
            None => self.fired.idle += 1,
        }
    }
}

/// Nothing here can panic half-way through a change, so a poisoned lock guards a sound value.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_can_lose_more_attempts_than_it_has_retries() {
        for retries in 0..20 {
            let mut rules = Rules::new(retries);
            let file: Arc<str> = "a.jpg".into();
            let mut lost = 0;
            // The worst luck: each kill the rules permit costs this very file an attempt.
            for target in [Some(&file), None] {
                while rules.permit(target) {
                    rules.note(target);
                    lost += 1;
                }
            }
            assert_eq!(lost, retries);
            let other = "b.jpg".into();
            assert_eq!(rules.permit(Some(&other)), retries > 0, "other files have hits of their own");
        }
    }
}
