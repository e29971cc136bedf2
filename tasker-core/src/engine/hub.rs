//! What handles and tasks need of their pool, whatever its resource and results.

use std::fmt;
use std::sync::OnceLock;
// Loom's atomics cannot live in a static.
use std::sync::atomic::AtomicU64 as CountOfProcess;
use std::task::Waker;
use std::time::Duration;

use crate::clock::Clock;
use crate::engine::alarms::{Alarm, Alarms, Running};
use crate::engine::levels::LevelBoard;
use crate::engine::nested::{Nested, Target};
use crate::engine::report::UndoneList;
use crate::engine::{EventBus, Roster};
use crate::event::PoolEvent;
use crate::ids::TaskId;
use crate::metrics::{EndKind, Ledger, MetricsCollector, Runs, SharedEnds, TaskTimes};
use crate::queue::Mail;
use crate::supervisor::Event;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Arc, Lock, OwnLine, Weak};
use crate::task::{Close, End, Finished, Shared, Sole, TaskCore};
use crate::time::Timestamp;

/// A message for the control loop.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Msg {
    /// Something the supervisor wants to know.
    Event(Event),
    /// A timer was set that comes before the one the loop waits for.
    Nudge,
    /// Something to tell whoever listens, in order with what else the sender says.
    Tell(PoolEvent),
    /// This attempt has not come back, though its time and the grace after it are over.
    Overdue(Running),
    /// Tasks may not start, or may again.
    Pause(bool),
    /// The reserve's last resource is gone.
    ReserveClosed,
}

/// Gives the place of a task that ended while it waited back to its queue.
pub(crate) trait Forfeit: Send + Sync {
    fn forfeit(&self, core: &TaskCore);
}

impl<J: crate::task::job::Job> Forfeit for crate::queue::Inbox<J> {
    fn forfeit(&self, core: &TaskCore) {
        Self::forfeit(self, core);
    }
}

/// What handles and tasks need of their pool, whatever its resource and results.
///
/// Aligned, so that the count of its owners, which every submission changes, lies on a cache line of its own, away from
/// what workers read.
#[repr(align(128))]
pub struct Hub {
    pool: u64,
    name: Arc<str>,
    clock: Arc<dyn Clock>,
    mail: Arc<dyn Mail>,
    queue: OnceLock<Weak<dyn Forfeit>>,
    grace: Duration,
    spin: u32,
    collector: Option<Arc<dyn MetricsCollector>>,
    bus: EventBus,
    roster: Roster,
    alarms: Alarms,
    nested: Nested,
    board: LevelBoard,
    early: SharedEnds,
    ledger: Ledger,
    /// Away from what workers read.
    runs: OwnLine<Runs>,
    undone: UndoneList,
    killed: AtomicBool,
    tasks: OwnLine<AtomicU64>,
    warm_ups: Lock<u64>,
    create_error: Lock<Option<Arc<str>>>,
    last_words: OnceLock<Arc<str>>,
}

/// Numbers pools, so that a thread can say of which pool it runs a task.
static POOLS: CountOfProcess = CountOfProcess::new(1);

impl Hub {
    pub(crate) fn new(parts: &super::Parts) -> Self {
        Self {
            pool: POOLS.fetch_add(1, Ordering::Relaxed),
            name: Arc::clone(&parts.name),
            clock: Arc::clone(&parts.clock),
            mail: Arc::clone(&parts.mail),
            queue: OnceLock::new(),
            grace: parts.limits.grace,
            spin: parts.limits.spin,
            collector: parts.collector.clone(),
            bus: EventBus::default(),
            roster: Roster::default(),
            alarms: Alarms::default(),
            nested: Nested::default(),
            board: LevelBoard::new(parts.supervisor.workers, parts.supervisor.max_workers),
            early: SharedEnds::default(),
            ledger: Ledger::default(),
            runs: OwnLine(Runs::default()),
            undone: UndoneList::default(),
            killed: AtomicBool::new(false),
            tasks: OwnLine(AtomicU64::new(1)),
            warm_ups: Lock::new(0),
            create_error: Lock::new(None),
            last_words: OnceLock::new(),
        }
    }

    pub(crate) fn set_queue(&self, queue: Weak<dyn Forfeit>) {
        // Set once, right after both are made.
        let _ = self.queue.set(queue);
    }

    /// The pool's number, unique in the process.
    #[inline]
    pub fn pool(&self) -> u64 {
        self.pool
    }

    /// The pool's name.
    #[inline]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The pool's time.
    #[inline]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The pool's clock.
    #[inline]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Who works on what.
    #[inline]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// What was created and destroyed.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What `run` has run.
    #[inline]
    pub fn runs(&self) -> &Runs {
        &self.runs.0
    }

    /// Hands out events.
    pub fn bus(&self) -> &EventBus {
        &self.bus
    }

    pub(crate) fn board(&self) -> &LevelBoard {
        &self.board
    }

    #[cfg(test)]
    pub(crate) fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    #[inline]
    pub(crate) fn nested(&self) -> &Nested {
        &self.nested
    }

    pub(crate) fn undone(&self) -> &UndoneList {
        &self.undone
    }

    pub(crate) fn early(&self) -> &SharedEnds {
        &self.early
    }

    /// How many rounds a thread looks again before it sleeps.
    #[inline]
    pub(crate) fn spin(&self) -> u32 {
        self.spin
    }

    #[inline]
    pub(crate) fn next_task(&self) -> TaskId {
        TaskId::new(self.tasks.0.fetch_add(1, Ordering::Relaxed))
    }

    /// Asks for at least so many workers; returns how many times that was asked by now.
    pub(crate) fn ask_for_warm_up(&self, workers: usize) -> u64 {
        // Under the lock, so that the control loop hears of them in the order they are counted.
        let mut asked = self.warm_ups.lock();
        *asked += 1;
        self.post(Msg::Event(Event::WarmUp(workers)));
        *asked
    }

    /// Tells the control loop.
    pub fn post(&self, msg: Msg) {
        self.mail.post(msg);
    }

    /// Tells whoever listens.
    pub fn publish(&self, event: &PoolEvent) {
        self.bus.publish(&self.name, event);
    }

    /// Whether the pool was killed.
    #[inline]
    pub fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    pub(crate) fn set_killed(&self) {
        self.killed.store(true, Ordering::Release);
        self.runs().tell_of_kill();
    }

    pub(crate) fn set_create_error(&self, error: Option<Arc<str>>) {
        *self.create_error.lock() = error;
    }

    /// Why the last creation of a resource failed, while none has succeeded since.
    pub(crate) fn create_error(&self) -> Option<Arc<str>> {
        self.create_error.lock().clone()
    }

    /// Runs a user's callback; a panic is reported as an event.
    pub fn guard<T>(&self, callback: &'static str, f: impl FnOnce() -> T) -> Option<T> {
        super::catch(f)
            .map_err(|message| self.publish(&PoolEvent::CallbackPanicked { callback, message }))
            .ok()
    }

    /// Counts an end that no worker brought about.
    pub(crate) fn count_end(&self, core: &TaskCore, kind: EndKind) {
        self.early.count(kind);
        if kind == EndKind::Killed {
            self.undone.note(core);
        }
        if kind != EndKind::Refused {
            self.tell_of_early_end(core, kind);
        }
    }

    /// Tells the user's collector of an end that no worker brought about.
    pub(crate) fn tell_of_early_end(&self, core: &TaskCore, kind: EndKind) {
        self.collect(core, kind, self.collector.as_ref().map(|_| self.early_times(core)));
    }

    fn early_times(&self, core: &TaskCore) -> TaskTimes {
        TaskTimes { queued: core.queued_at(), started: core.started_at(), finished: self.now() }
    }

    /// Tells the user's collector of an end.
    pub(crate) fn collect(&self, core: &TaskCore, kind: EndKind, times: Option<TaskTimes>) {
        if let (Some(collector), Some(times)) = (&self.collector, times) {
            self.guard("MetricsCollector::ended", || collector.ended(&core.info(), kind, &times));
        }
    }

    /// The user's collector, if there is one.
    #[inline]
    pub(crate) fn collector(&self) -> Option<&Arc<dyn MetricsCollector>> {
        self.collector.as_ref()
    }

    pub(crate) fn forfeit(&self, core: &TaskCore) {
        if let Some(queue) = self.queue.get().and_then(Weak::upgrade) {
            queue.forfeit(core);
        }
    }

    /// Calls whoever waits for a task that has just ended.
    #[inline]
    pub(crate) fn wake_waiter(&self, task: &TaskCore, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.call_waiter(task.id(), waker);
        }
    }

    /// Puts the result that was left in a task where its handle finds it.
    #[inline]
    pub(crate) fn publish_result<D: ?Sized + Close>(&self, own: Sole<D>) {
        let id = own.core().id();
        let waker = own.publish(|drop_it| {
            self.guard("drop of a result", drop_it);
        });
        if let Some(waker) = waker {
            self.call_waiter(id, waker);
        }
    }

    fn call_waiter(&self, id: TaskId, waker: Waker) {
        // Whoever waits for it is not blocked any more, though it may take a while to notice.
        self.nested().leave(Target::Task(id));
        self.guard("Waker::wake", || waker.wake());
    }

    /// Notes why the pool has no workers left, for all tasks that end for that.
    pub(crate) fn set_last_words(&self, error: Arc<str>) {
        // A pool ends once.
        let _ = self.last_words.set(error);
    }

    /// Why the pool has no workers left.
    pub(crate) fn last_words(&self) -> Arc<str> {
        self.last_words.get().cloned().unwrap_or_else(|| "".into())
    }

    /// Sets the alarm for the deadline of a task that was just queued.
    pub(crate) fn arm_deadline(&self, deadline: Timestamp, task: Shared) {
        self.arm(deadline, Alarm::Deadline(task));
    }

    /// Sets the alarm for the timeout of an attempt that begins now.
    pub(crate) fn arm_timeout(&self, due: Timestamp, running: Running, task: Shared) {
        self.arm(due, Alarm::Timeout(running, task));
    }

    /// Sets the alarm for a worker that is inside an attempt nobody waits for any more, if one is. A worker that is about
    /// to begin it sees that itself.
    pub(crate) fn arm_grace(&self, core: &TaskCore) {
        if let Some(running) = self.roster.running(core) {
            self.arm_grace_of(running);
        }
    }

    /// The same, where it is known who is inside.
    pub(crate) fn arm_grace_of(&self, running: Running) {
        self.arm(self.now().saturating_add(self.grace), Alarm::Grace(running));
    }

    fn arm(&self, due: Timestamp, alarm: Alarm) {
        // The end of time never comes.
        if due < Timestamp::MAX && self.alarms.set(due, alarm) {
            self.post(Msg::Nudge);
        }
    }

    /// Does what the alarms due at `now` ask for; returns when the next one is due.
    pub(crate) fn sound_alarms(&self, now: Timestamp) -> Option<Timestamp> {
        while let Some(alarm) = self.alarms.pop_due(now) {
            match alarm {
                Alarm::Deadline(task) => self.expire(&task),
                Alarm::Timeout(running, _) => self.time_out(running),
                Alarm::Grace(running) => self.check_stuck(running),
            }
        }
        self.alarms.next_due()
    }

    fn expire(&self, task: &Shared) {
        if task.has_ended() {
            return;
        }
        let error = self.create_error.lock().clone();
        if task.cut(self, &End::Expired(error)) == Some(Finished::Running) {
            self.arm_grace(task);
        }
    }

    fn time_out(&self, running: Running) {
        let Some(task) = self.roster.inside(running) else { return };
        if task.is_retried_on_timeout() && !task.is_last_attempt(running.attempt) {
            task.time_out_attempt(running.attempt);
            self.roster.wake_attempt(&task);
        } else if let Some(after) = task.timeout() {
            task.cut(self, &End::TimedOut(after));
        }
        self.arm_grace_of(running);
    }

    fn check_stuck(&self, running: Running) {
        let Some(task) = self.roster.inside(running) else { return };
        if let Some(after) = task.timeout().filter(|_| task.is_timed_out()) {
            // It was to be retried, but its worker does not give it back.
            task.cut(self, &End::TimedOut(after));
        }
        self.post(Msg::Overdue(running));
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("pool", &self.pool).field("name", &self.name).finish_non_exhaustive()
    }
}
