//! Behaviour of the supervisor: arrange, one event, compare the whole list of commands.
//!
//! Commands are compared as short lines of text; `Emit` is written `! ` and the event's sentence. The event that goes
//! with every `Spawn` is checked here and left out of the lists.

mod breaker;
mod creation;
mod limits;
mod replacement;
mod scaling;
mod shutdown;
mod startup;
mod table;
mod walk;
mod watchdogs;

use std::time::Duration;

use super::{Command, Event, Supervisor, SupervisorConfig};
use crate::scaling::{Sample, ScalingPolicy};
use crate::{Backoff, ExitReason, PoolEvent, SpawnReason, Timestamp, WorkerId};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn id(number: u64) -> WorkerId {
    WorkerId::new(number)
}

fn ready(worker: u64) -> Event {
    Event::Ready(id(worker))
}

fn refused(worker: u64) -> Event {
    Event::CreateFailed(id(worker), "refused".into())
}

fn done(worker: u64) -> Event {
    Event::FirstTaskDone(id(worker))
}

fn leaving(worker: u64, why: ExitReason) -> Event {
    Event::Leaving(id(worker), why)
}

fn exited(worker: u64) -> Event {
    Event::Exited(id(worker))
}

const STOP: Event = Event::Stop { deadline: None };

/// Backoff of 100, 200, 400 .. 1000 ms without jitter, 10 ms of grace, no timeouts, no breaker.
fn config(workers: usize, max_workers: usize) -> SupervisorConfig {
    SupervisorConfig {
        max_workers,
        backoff: Backoff::new().first(ms(100)).max(ms(1000)).jitter(0.0),
        create_timeout: None,
        destroy_timeout: None,
        grace: ms(10),
        breaker_threshold: 0,
        ..SupervisorConfig::new(workers)
    }
}

/// A supervisor, the time, and the sample the next tick will see.
struct Rig {
    supervisor: Supervisor,
    now: Timestamp,
    sample: Sample,
}

impl Rig {
    fn new(config: SupervisorConfig) -> Self {
        Self::with_policy(config, None)
    }

    fn with_policy(config: SupervisorConfig, policy: Option<Box<dyn ScalingPolicy>>) -> Self {
        let supervisor = Supervisor::new(config, policy);
        Self { supervisor, now: Timestamp::ZERO, sample: Sample::default() }
    }

    /// Started, with every base worker ready.
    fn running(config: SupervisorConfig) -> Self {
        Self::new(config).up()
    }

    fn up(mut self) -> Self {
        let workers = self.supervisor.config().workers as u64;
        self.start();
        (1..=workers).for_each(|worker| drop(self.event(ready(worker))));
        self
    }

    /// As [`running`](Self::running), and every base worker has completed a task.
    fn proven(config: SupervisorConfig) -> Self {
        let mut rig = Self::running(config);
        (1..=rig.supervisor.config().workers as u64).for_each(|worker| drop(rig.event(done(worker))));
        rig
    }

    fn start(&mut self) -> Vec<String> {
        self.supervisor.start(self.now);
        self.commands()
    }

    fn event(&mut self, event: Event) -> Vec<String> {
        self.supervisor.handle_event(self.now, event);
        self.commands()
    }

    /// Time goes by and the timer fires.
    fn wait(&mut self, millis: u64) -> Vec<String> {
        self.now = self.now.saturating_add(ms(millis));
        self.supervisor.handle_timeout(self.now, &self.sample);
        self.commands()
    }

    /// Milliseconds until the supervisor wants to be woken.
    fn timeout(&self) -> Option<u128> {
        self.supervisor.poll_timeout().map(|at| at.saturating_since(self.now).as_millis())
    }

    fn commands(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(command) = self.supervisor.poll_command() {
            lines.push(brief(&command));
            if let Command::Spawn { worker, reason, attempt } = command {
                let told = self.supervisor.poll_command();
                let started = PoolEvent::WorkerStarted { worker, reason, attempt };
                assert_eq!(told, Some(Command::Emit(started)));
            }
        }
        lines
    }
}

fn brief(command: &Command) -> String {
    match command {
        Command::Spawn { worker, reason, attempt } => {
            format!("spawn {} {} #{attempt}", worker.get(), purpose(*reason))
        }
        Command::Retire(count) => format!("retire {count}"),
        Command::Recall(count) => format!("recall {count}"),
        Command::CloseQueue => "close queue".into(),
        Command::DiscardQueue => "discard queue".into(),
        Command::CancelRunning => "cancel running".into(),
        Command::Abandon(worker) => format!("abandon {}", worker.get()),
        Command::Started(Ok(())) => "started".into(),
        Command::Started(Err(error)) => format!("not started: {error}"),
        Command::Fail(error) => format!("fail: {error}"),
        Command::Emit(PoolEvent::Diagnosis(diagnosis)) => format!("! {diagnosis:?}"),
        Command::Emit(event) => format!("! {event}"),
        Command::Terminate => "terminate".into(),
    }
}

fn purpose(reason: SpawnReason) -> String {
    format!("{reason:?}").to_lowercase()
}
