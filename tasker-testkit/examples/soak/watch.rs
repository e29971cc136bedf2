//! Turns a hang into a dump of all states.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::world::lock;

/// How long anybody may wait for one thing.
const PATIENCE: Duration = Duration::from_secs(60);

/// What shows the state of the pool that is there now.
type Show = Box<dyn Fn() -> String + Send>;

/// Knows what everybody does, and since when.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    actors: BTreeMap<String, (String, Instant)>,
    pool: Option<Show>,
    events: VecDeque<String>,
}

/// One who says what it does; forgotten when dropped.
pub(crate) struct Actor {
    watch: Watch,
    name: String,
}

impl Watch {
    /// Starts looking; the process ends with status 1 once somebody has waited too long.
    pub(crate) fn start() -> Self {
        let watch = Self::default();
        let looking = watch.clone();
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                if looking.somebody_hangs() {
                    println!("HANG: {}", looking.dump());
                    std::process::exit(1);
                }
            }
        });
        watch
    }

    pub(crate) fn actor(&self, name: impl Into<String>) -> Actor {
        let actor = Actor { watch: self.clone(), name: name.into() };
        actor.does("begins");
        actor
    }

    /// How the state of the round's pool is shown; nothing between rounds.
    pub(crate) fn pool(&self, show: Option<Show>) {
        // What was there is dropped without the lock: it may hold the last handle to its pool.
        let before = std::mem::replace(&mut lock(&self.0).pool, show);
        drop(before);
        lock(&self.0).events.clear();
    }

    /// Keeps what the pool said last.
    pub(crate) fn hears(&self, event: String) {
        let mut state = lock(&self.0);
        state.events.push_back(event);
        if state.events.len() > 60 {
            state.events.pop_front();
        }
    }

    fn somebody_hangs(&self) -> bool {
        lock(&self.0).actors.values().any(|(_, since)| since.elapsed() > PATIENCE)
    }

    fn dump(&self) -> String {
        let state = lock(&self.0);
        let mut text = state.pool.as_ref().map_or_else(|| "no pool".into(), |show| show());
        for event in &state.events {
            text.push_str(&format!("\n  {event}"));
        }
        for (name, (what, since)) in &state.actors {
            text.push_str(&format!("\n  {name}: {what}, for {:.1?}", since.elapsed()));
        }
        text
    }
}

impl Actor {
    /// Says what is done from now on.
    pub(crate) fn does(&self, what: impl Into<String>) {
        lock(&self.watch.0).actors.insert(self.name.clone(), (what.into(), Instant::now()));
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        lock(&self.watch.0).actors.remove(&self.name);
    }
}
