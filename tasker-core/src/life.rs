//! From the first handle to the last: what the pools of all backends do alike.

use std::task::{Poll, Waker};
use std::time::Duration;

use crate::config_error::InvalidConfig;
use crate::engine::{Engine, Events, Msg};
use crate::error::{BuildError, StopError};
use crate::metrics::Stats;
use crate::supervisor::{Event, Phase};
use crate::sync::Arc;
use crate::task::current;
use crate::task::job::Job;

/// What building comes to, once the control loop has said whether the pool could start.
///
/// # Errors
///
/// Why it could not. What was begun has ended by the time this is returned.
pub async fn built<J: Job>(
    engine: &Arc<Engine<J>>,
    started: Result<(), Arc<str>>,
) -> Result<(), BuildError<J::Error>> {
    let Err(text) = started else { return Ok(()) };
    engine.ended.wait().await;
    let error = engine.create_error.lock().take();
    Err(error.map_or(BuildError::Start(text), BuildError::Create))
}

/// Begins a graceful stop, to be turned into a kill after `timeout`.
///
/// # Errors
///
/// Inside a task of the pool: the stop has begun, but cannot be waited for there.
pub fn stop<J: Job>(engine: &Engine<J>, timeout: Option<Duration>) -> Result<(), StopError> {
    let deadline = timeout.map(|timeout| engine.hub.now().saturating_add(timeout));
    engine.hub.post(Msg::Event(Event::Stop { deadline }));
    // The control loop does the same; here it keeps out what is submitted before that hears of it.
    engine.inbox.close();
    outside_of_tasks(engine)
}

/// Begins a kill.
///
/// # Errors
///
/// Inside a task of the pool: the kill has begun, but cannot be waited for there.
pub fn kill<J: Job>(engine: &Engine<J>) -> Result<(), StopError> {
    // The control loop ends what waits; until it hears of this, workers must not begin any of that.
    engine.inbox.halt();
    engine.hub.post(Msg::Event(Event::Kill));
    outside_of_tasks(engine)
}

fn outside_of_tasks<J: Job>(engine: &Engine<J>) -> Result<(), StopError> {
    match current::inside_of(engine.hub.pool()) {
        Some(_) => Err(StopError::InsideTask),
        None => Ok(()),
    }
}

/// The last handle was dropped.
pub fn last_drop<J: Job>(engine: &Engine<J>) {
    if engine.ended.get().is_none() {
        // Inside a task this begins the stop all the same.
        let _ = stop(engine, None);
    }
}

/// Keeps tasks from starting, or lets them start again.
pub fn pause<J: Job>(engine: &Engine<J>, paused: bool) {
    // Here and not in the control loop: once this has returned, nothing starts.
    if engine.inbox.pause(paused) {
        engine.hub.post(Msg::Pause(paused));
    }
}

/// Changes the bounds.
///
/// # Errors
///
/// The bound that makes no sense.
pub fn resize<J: Job>(engine: &Engine<J>, workers: usize, max_workers: usize) -> Result<(), InvalidConfig> {
    if workers == 0 {
        return Err(InvalidConfig::new("workers", workers, "must be at least 1"));
    }
    if max_workers < workers {
        return Err(InvalidConfig::new("max_workers", max_workers, "must not be less than `workers`"));
    }
    engine.hub.post(Msg::Event(Event::Resize { workers, max_workers }));
    Ok(())
}

/// Asks for at least so many workers; the answer is for [`poll_warm`].
pub fn begin_warm_up<J: Job>(engine: &Engine<J>, workers: usize) -> u64 {
    engine.hub.ask_for_warm_up(workers)
}

/// Ready once the workers that were asked for are live, cannot be had in full, or the pool stops.
pub fn poll_warm<J: Job>(engine: &Engine<J>, asked: u64, waker: &Waker) -> Poll<()> {
    engine.hub.board().poll_until(waker, |levels, phase| {
        (levels.warm_ups >= asked && levels.warming == 0) || phase != Phase::Running
    })
}

/// Stats, with the reserve's free and busy resources.
pub fn stats<J: Job>(engine: &Engine<J>, (free, busy): (usize, usize)) -> Stats {
    let mut stats = engine.stats();
    (stats.reserve_free, stats.reserve_busy) = (free, busy);
    stats
}

/// Subscribes to events; the subscription of a pool that has ended is at its end.
pub fn events<J: Job>(engine: &Engine<J>) -> Events {
    engine.hub.bus().subscribe(engine.event_capacity)
}
