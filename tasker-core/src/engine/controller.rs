//! Carries out what the supervisor wants.
//!
//! One per pool, driven by the backend's loop, which on a thread or a task is:
//!
//! ```text
//! while let Turn::Wait(until) = controller.turn(clock.now(), msg.take()) { msg = mailbox.recv_until(until) }
//! ```

use std::fmt;

use crate::engine::{Engine, Interrupt, Msg, Order, Parts, Post, Running, StopReport, Stopped};
use crate::error::Refusal;
use crate::event::{Diagnosis, PoolEvent};
use crate::ids::{SpawnReason, WorkerId};
use crate::metrics::EndKind;
use crate::scaling::Sample;
use crate::supervisor::{Command, Event, Levels, Phase, Supervisor};
use crate::sync::Arc;
use crate::task::End;
use crate::task::current::{self, Inside};
use crate::task::job::Job;
use crate::time::Timestamp;

/// Starts workers, and ends what is beside them.
pub trait Launch<J: Job>: Send + 'static {
    /// Starts a worker on a thread or task of its own.
    ///
    /// # Errors
    ///
    /// Why it could not be started; treated as a failed creation.
    fn launch(&mut self, order: Order<J>) -> Result<(), Arc<str>>;

    /// Begins to destroy the reserve; its users are told to end, too, if the pool was killed. Once its last resource is
    /// gone it posts [`Msg::ReserveClosed`]; `true` if it is gone already.
    fn close_reserve(&mut self) -> bool;

    /// Begins to destroy the idle resources of the reserve that are too old; when the next one will be.
    fn age_reserve(&mut self, now: Timestamp) -> Option<Timestamp> {
        let _ = now;
        None
    }

    /// When nobody waits any more for the reserve, of which all that is left is being destroyed; `None` if that is not so.
    fn reserve_given_up_at(&self) -> Option<Timestamp> {
        None
    }

    /// Resources of the reserve, and temporary ones, that are not gone yet.
    fn reserve_left(&self) -> usize {
        0
    }
}

/// What the control loop does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Wait for a message, at most until the moment given.
    Wait(Option<Timestamp>),
    /// The pool has ended.
    Ended,
}

/// Carries out what the supervisor wants.
pub struct Controller<J: Job> {
    engine: Arc<Engine<J>>,
    supervisor: Supervisor,
    launch: Box<dyn Launch<J>>,
    how: Stopped,
    /// The soonest end that was asked for, and how the pool will have come to it.
    limit: Option<(Timestamp, Stopped)>,
    /// When those inside were told to end.
    killed_at: Option<Timestamp>,
    /// Everybody is gone but the reserve.
    closing: Option<Closing>,
    /// Workers that could not be started. The supervisor is told in the next turn and may want others at once: were
    /// it told in this one, the loop would read no mail as long as none can be started.
    unstarted: Vec<(WorkerId, Arc<str>)>,
    over: bool,
}

/// How far the end of the reserve is.
#[derive(Clone, Copy, Debug)]
enum Closing {
    /// Those who use it are waited for, until the pool is killed.
    Graceful,
    /// They were told to end, and are waited for until this moment.
    Killed(Timestamp),
    Gone,
}

impl<J: Job> Controller<J> {
    /// The parts of a pool, and what drives them. Nothing runs before the first turn.
    pub fn new(
        mut parts: Parts,
        launch: impl FnOnce(&Arc<Engine<J>>) -> Box<dyn Launch<J>>,
    ) -> (Arc<Engine<J>>, Self) {
        let engine = Engine::new(&mut parts);
        let launch = launch(&engine);
        let mut supervisor = Supervisor::new(parts.supervisor.clone(), parts.policy.take());
        supervisor.start(engine.hub.now());
        let controller = Self {
            engine: Arc::clone(&engine),
            supervisor,
            launch,
            how: Stopped::Drained,
            limit: None,
            killed_at: None,
            closing: None,
            unstarted: Vec::new(),
            over: false,
        };
        if let Some(parent) = &parts.parent {
            parent.adopt(&engine);
        }
        (engine, controller)
    }

    /// Does what `msg` and the time ask for.
    pub fn turn(&mut self, now: Timestamp, msg: Option<Msg>) -> Turn {
        current::enter(self.inside(), || self.act(now, msg))
    }

    /// Callbacks of tasks that end here must not wait for the pool's end.
    fn inside(&self) -> Inside {
        Inside { pool: self.engine.hub.pool(), worker: None }
    }

    fn act(&mut self, now: Timestamp, msg: Option<Msg>) -> Turn {
        match msg {
            Some(Msg::Event(event)) if self.is_of_unstarted(&event) => {}
            Some(Msg::Event(event)) => self.hear(now, event),
            Some(Msg::Tell(event)) => self.engine.hub.publish(&event),
            Some(Msg::Overdue(running)) => self.hear_of_overdue(now, running),
            Some(Msg::Pause(paused)) => self.pause(paused),
            Some(Msg::ReserveClosed) => self.closing = self.closing.map(|_| Closing::Gone),
            Some(Msg::Nudge) | None => {}
        }
        // After the message, which may say how many there may be from now on.
        for (worker, error) in std::mem::take(&mut self.unstarted) {
            self.supervisor.handle_event(now, Event::CreateFailed(worker, error));
        }
        let timers = [
            self.engine.hub.sound_alarms(now),
            self.engine.inbox.release_due(now),
            self.launch.age_reserve(now),
        ];
        self.supervise(now);
        self.go_on_closing(now);
        self.show();
        if self.over {
            return Turn::Ended;
        }
        self.unblock(now);
        if !self.unstarted.is_empty() {
            return Turn::Wait(Some(now));
        }
        let timers = timers.into_iter().chain([self.supervisor.poll_timeout(), self.next_closing()]);
        Turn::Wait(timers.flatten().min().filter(|&until| until < Timestamp::MAX))
    }

    /// Workers that all wait for their own pool need one more, or one of them must not wait. That may come about after
    /// they began to: the pool was made smaller, those that were not blocked have left, or creations were given up.
    fn unblock(&mut self, now: Timestamp) {
        if !self.is_blocked() {
            return;
        }
        self.supervisor.handle_event(now, Event::Blocked);
        self.carry_out(now);
        self.show();
        if self.is_blocked() {
            self.engine.hub.nested().give_up_last();
        }
    }

    /// Whether all workers wait for their own pool, and no other is to come.
    fn is_blocked(&self) -> bool {
        let levels = self.supervisor.levels();
        let (_, max_workers) = self.engine.hub.board().bounds();
        let places = if levels.live < max_workers { levels.backing_off + levels.destroying } else { 0 };
        let alone = levels.live > 0 && levels.creating + places == 0;
        alone && self.engine.hub.nested().blocked() >= levels.live
    }

    fn hear(&mut self, now: Timestamp, event: Event) {
        if let Event::Stop { deadline: Some(deadline) } = event {
            self.hasten(deadline, Stopped::DeadlinePassed);
        } else if event == Event::Kill {
            self.hasten(now, Stopped::Killed);
        }
        self.supervisor.handle_event(now, event);
    }

    fn hasten(&mut self, deadline: Timestamp, how: Stopped) {
        if self.limit.is_none_or(|(sooner, _)| deadline < sooner) {
            self.limit = Some((deadline, how));
        }
    }

    /// Its worker may have come back since the alarm, and be inside another task by now. One that was abandoned before
    /// owes this task no longer.
    fn hear_of_overdue(&mut self, now: Timestamp, running: Running) {
        let Some(post) = self.engine.hub.roster().post(running.worker) else { return };
        if !post.note_stuck(running) {
            return;
        }
        if post.interrupted() == Some(Interrupt::Abandon) {
            self.abandon(running.worker);
        }
        self.supervisor.handle_event(now, Event::Stuck(running.worker));
    }

    fn supervise(&mut self, now: Timestamp) {
        self.carry_out(now);
        while self.supervisor.poll_timeout().is_some_and(|due| due <= now) {
            let sample = self.sample();
            self.supervisor.handle_timeout(now, &sample);
            self.carry_out(now);
        }
        if self.supervisor.wants_busy() && !self.engine.inbox.arm_quiet() {
            self.supervisor.handle_event(now, Event::Busy);
            self.carry_out(now);
        }
    }

    fn carry_out(&mut self, now: Timestamp) {
        while let Some(command) = self.supervisor.poll_command() {
            match command {
                Command::Spawn { worker, reason, attempt } => self.spawn(now, worker, reason, attempt),
                Command::Retire(permits) => self.engine.inbox.retire(permits),
                Command::Recall(permits) => self.engine.inbox.recall(permits),
                Command::CloseQueue => self.engine.inbox.close(),
                Command::DiscardQueue => self.discard(),
                Command::CancelRunning => self.cancel_running(),
                Command::Abandon(worker) => self.abandon(worker),
                Command::Started(result) => self.engine.started.set(result),
                Command::Fail(_) => self.how = Stopped::NoWorkers,
                Command::Emit(event) => self.emit(&event),
                Command::Terminate => self.close(),
            }
        }
    }

    fn spawn(&mut self, now: Timestamp, worker: WorkerId, reason: SpawnReason, attempt: u32) {
        let post = Arc::new(Post::new(worker, reason, attempt, now));
        self.engine.hub.roster().enter(Arc::clone(&post));
        let order = Order { engine: Arc::clone(&self.engine), post };
        if let Err(error) = self.launch.launch(order) {
            self.engine.hub.roster().depart(worker);
            self.engine.set_create_error(None);
            self.unstarted.push((worker, error));
        }
    }

    /// A worker that could not be started was dropped with what could not start it; why that was says more.
    fn is_of_unstarted(&self, event: &Event) -> bool {
        matches!(event, Event::Exited(worker) if self.unstarted.iter().any(|(unstarted, _)| unstarted == worker))
    }

    fn discard(&mut self) {
        self.set_killed(self.engine.hub.now());
        // Its users are told now; whether it is gone is asked once all workers are.
        self.launch.close_reserve();
        let end = self.end_of_all();
        let refusal = if matches!(end, End::NoWorkers) { Refusal::NoWorkers } else { Refusal::Stopping };
        for job in self.engine.inbox.discard(refusal) {
            super::fill_early(&self.engine.hub, job, end.clone());
        }
    }

    fn set_killed(&mut self, now: Timestamp) {
        self.killed_at.get_or_insert(now);
        self.engine.hub.set_killed();
    }

    fn cancel_running(&mut self) {
        let end = self.end_of_all();
        self.engine.hub.roster().kill(&self.engine.hub, &end);
    }

    fn end_of_all(&self) -> End {
        match (self.how, self.supervisor.last_error()) {
            (Stopped::NoWorkers, Some(error)) => {
                self.engine.hub.set_last_words(error);
                End::NoWorkers
            }
            _ => End::Killed,
        }
    }

    fn abandon(&self, worker: WorkerId) {
        let Some(post) = self.engine.hub.roster().post(worker) else { return };
        post.interrupt(Interrupt::Abandon);
        self.engine.hub.nested().clear(worker);
        if post.give_up() {
            self.engine.inbox.give_up_running(worker);
        }
    }

    fn emit(&mut self, event: &PoolEvent) {
        if let PoolEvent::Diagnosis(Diagnosis::ShutdownTimeout { .. }) = event {
            self.how = Stopped::DeadlinePassed;
        } else if matches!(event, PoolEvent::Killed) && self.how == Stopped::Drained {
            self.how = Stopped::Killed;
        } else if matches!(event, PoolEvent::WorkerReplaced { .. }) {
            self.engine.hub.ledger().note_replaced();
        }
        // The end is told when the report is there.
        if !matches!(event, PoolEvent::Ended) {
            self.engine.hub.publish(event);
        }
    }

    fn pause(&self, paused: bool) {
        if self.supervisor.phase() != Phase::Running {
            return;
        }
        self.engine.hub.publish(if paused { &PoolEvent::Paused } else { &PoolEvent::Resumed });
    }

    /// All workers are gone; the reserve goes last.
    fn close(&mut self) {
        let gone = self.launch.close_reserve();
        self.closing = Some(match (gone, self.killed_at) {
            (true, _) => Closing::Gone,
            (false, Some(killed)) => Closing::Killed(self.patience(killed)),
            (false, None) => Closing::Graceful,
        });
    }

    /// How long those are waited for who were told to end at `killed`, and then destroy a resource.
    fn patience(&self, killed: Timestamp) -> Timestamp {
        let limits = &self.engine.limits;
        killed.saturating_add(limits.grace).saturating_add(limits.destroy_timeout.unwrap_or_default())
    }

    /// When the end of the reserve goes on by itself.
    fn next_closing(&self) -> Option<Timestamp> {
        match self.closing? {
            Closing::Graceful => {
                let deadline = self.limit.map(|(deadline, _)| deadline);
                deadline.into_iter().chain(self.launch.reserve_given_up_at()).min()
            }
            Closing::Killed(until) => {
                Some(self.launch.reserve_given_up_at().map_or(until, |due| due.min(until)))
            }
            Closing::Gone => Some(Timestamp::ZERO),
        }
    }

    fn go_on_closing(&mut self, now: Timestamp) {
        if self.next_closing().is_none_or(|due| due > now) {
            return;
        }
        match self.closing {
            Some(Closing::Graceful) if self.limit.is_some_and(|(deadline, _)| deadline <= now) => {
                self.kill_reserve(now);
            }
            Some(Closing::Graceful) => self.end(now),
            Some(Closing::Killed(_) | Closing::Gone) => self.end(now),
            None => {}
        }
    }

    /// The supervisor has no workers left to kill; whoever uses the reserve has to be told.
    fn kill_reserve(&mut self, now: Timestamp) {
        self.set_killed(now);
        if let (Stopped::Drained, Some((_, how))) = (self.how, self.limit) {
            self.how = how;
        }
        self.engine.hub.publish(&PoolEvent::Killed);
        self.close();
        self.go_on_closing(now);
    }

    fn end(&mut self, now: Timestamp) {
        self.over = true;
        self.closing = None;
        self.finish(now, self.how);
    }

    fn finish(&mut self, now: Timestamp, how: Stopped) {
        let report = Arc::new(self.report(now, how));
        tracing::debug!(pool = %self.engine.hub.name(), %report, "pool ended");
        self.show();
        self.engine.hub.publish(&PoolEvent::Ended);
        self.engine.hub.bus().close();
        self.engine.ended.set(report);
    }

    fn report(&mut self, now: Timestamp, how: Stopped) -> StopReport {
        let hub = &self.engine.hub;
        let ends = self.engine.ends();
        let of = |kind: EndKind| ends[kind as usize];
        let failures =
            [EndKind::Failed, EndKind::Panicked, EndKind::TimedOut, EndKind::Expired, EndKind::Displaced];
        let (done, undone) = (of(EndKind::Completed), of(EndKind::Killed));
        let failed = failures.into_iter().map(of).sum();
        // Whoever cancels a task decides its end first and counts it then, so the counter may be behind here: of what
        // was taken and has ended, those are cancelled that have ended in no other way.
        let cancelled = self.engine.inbox.counts().arrived.saturating_sub(done + failed + undone);
        StopReport {
            how,
            done,
            failed,
            cancelled,
            undone,
            undone_tasks: hub.undone().listed(),
            destroy_errors: hub.ledger().errors(),
            destroy_error_texts: hub.ledger().texts(),
            destroy_skipped: self.skipped(how),
            workers_left: hub.roster().left(now),
            reserve_left: self.launch.reserve_left(),
        }
    }

    /// With its runtime gone, what was not destroyed by now never will be: its workers are dropped before or after
    /// this loop, as the runtime likes.
    fn skipped(&self, how: Stopped) -> u64 {
        let ledger = self.engine.hub.ledger();
        if how == Stopped::RuntimeGone {
            ledger.created().saturating_sub(ledger.destroyed())
        } else {
            ledger.skipped()
        }
    }

    fn sample(&self) -> Sample {
        let hub = &self.engine.hub;
        let counters = self.engine.counters();
        let counts = self.engine.inbox.counts();
        let mut sample = Sample {
            busy: counts.running,
            queued: counts.queued(),
            delayed: counts.delayed,
            blocked: hub.nested().blocked(),
            arrived: counts.arrived,
            ..Sample::default()
        };
        counters.fill(&mut sample);
        sample
    }

    fn show(&self) {
        let hub = &self.engine.hub;
        let config = self.supervisor.config();
        hub.set_create_error(self.supervisor.current_error());
        let mut levels = self.supervisor.levels();
        if self.over {
            // A runtime that is shut down drops its workers without telling.
            levels = Levels { abandoned: levels.abandoned, ..Levels::default() };
        }
        hub.board().show(
            levels,
            if self.over { Phase::Ended } else { self.supervisor.phase().min(Phase::Killing) },
            (config.workers, config.max_workers),
        );
    }
}

/// A control loop that is dropped before its pool has ended, as by the shutdown of its runtime, ends it on the spot.
impl<J: Job> Drop for Controller<J> {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        self.over = true;
        current::enter(self.inside(), || {
            self.discard();
            self.cancel_running();
            self.engine.started.set(Err("the runtime was shut down".into()));
            let now = self.engine.hub.now();
            self.launch.close_reserve();
            self.finish(now, Stopped::RuntimeGone);
        });
    }
}

impl<J: Job> fmt::Debug for Controller<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller").field("supervisor", &self.supervisor).finish_non_exhaustive()
    }
}
