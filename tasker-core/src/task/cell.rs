//! Where a task's owner and its worker meet.
//!
//! A cell is shared by the handle and the job. Its state word says who may decide the task's end:
//!
//! ```text
//!            claim                 finish
//!   WAITING ───────▶ RUNNING ───────────────▶ ENDED
//!      ▲  └────────────────────────────────────▲
//!      │  finish (cancel, expiry, kill)
//!      └──────────── again (a retry)
//! ```
//!
//! Exactly one caller wins `finish`, and that caller alone fills the slot: so a task ends in exactly one way, however
//! many of result, timeout, cancel and kill race for it.

use std::fmt;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::engine::{EndKind, Hub, Target};
use crate::error::{Refusal, TaskError};
use crate::ids::{TaskId, WorkerId};
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use crate::sync::{Arc, Lock};
use crate::task::{Priority, Task, TaskInfo, TaskOptions};
use crate::time::Timestamp;

const WAITING: u8 = 0;
const RUNNING: u8 = 1;
const ENDED: u8 = 2;

/// The part of a task that does not depend on what it returns.
pub struct TaskCore {
    /// Its id, unique in the pool.
    pub id: TaskId,
    /// What was asked for it.
    pub options: TaskOptions,
    /// Retries it may have.
    pub max_retries: u32,
    /// When it was submitted.
    pub submitted: Timestamp,
    pub(crate) hub: Arc<Hub>,
    state: AtomicU8,
    /// Attempts started.
    attempts: AtomicU32,
    /// Attempts from which the worker has come back.
    returned: AtomicU32,
    /// The attempt that timed out and is to be retried; 0 for none.
    timed_out: AtomicU32,
    /// Where the inbox keeps it.
    pub(crate) place: Place,
    /// When it was last put into a lane.
    queued_at: AtomicU64,
    /// When its last attempt began.
    started_at: AtomicU64,
    worker: AtomicU64,
    /// Wakes the future of the running attempt.
    waker: Lock<Option<Waker>>,
    /// Whether the running attempt left a waker; its worker alone looks here.
    watched: AtomicBool,
}

impl TaskCore {
    /// A task that has not been queued.
    pub(crate) fn new(options: TaskOptions, default_retries: u32, hub: Arc<Hub>) -> Self {
        let now = hub.now();
        Self {
            id: hub.next_task(),
            max_retries: options.retries.unwrap_or(default_retries),
            options,
            submitted: now,
            hub,
            state: AtomicU8::new(WAITING),
            attempts: AtomicU32::new(0),
            returned: AtomicU32::new(0),
            timed_out: AtomicU32::new(0),
            place: Place::default(),
            queued_at: AtomicU64::new(now.as_nanos()),
            started_at: AtomicU64::new(0),
            worker: AtomicU64::new(0),
            waker: Lock::new(None),
            watched: AtomicBool::new(false),
        }
    }

    /// How urgent it is.
    pub fn priority(&self) -> Priority {
        self.options.priority
    }

    /// What is known of it from outside.
    pub fn info(&self) -> TaskInfo {
        TaskInfo {
            id: self.id,
            name: self.options.name.clone(),
            priority: self.options.priority,
            submitted: self.submitted,
            deadline: self.deadline(),
            attempts: self.attempts(),
        }
    }

    /// When it must have ended.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.options.deadline.map(|after| self.submitted.saturating_add(after))
    }

    /// Attempts started so far.
    pub fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Acquire)
    }

    /// Whether the attempt to come, or running, is the last that is permitted.
    pub fn is_last_attempt(&self, attempt: u32) -> bool {
        attempt > self.max_retries
    }

    /// Takes the task to run it. `false`: it has ended already.
    pub(crate) fn claim(&self) -> bool {
        self.state.compare_exchange(WAITING, RUNNING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Counts a new attempt of a claimed task by `worker`; returns its number, the first being 1, and whether the task
    /// has ended since it was claimed. Whoever ends it later sees this attempt.
    pub(crate) fn begin_attempt(&self, worker: WorkerId, now: Timestamp) -> (u32, bool) {
        self.started_at.store(now.as_nanos(), Ordering::Relaxed);
        self.worker.store(worker.get(), Ordering::Release);
        // Whoever claimed it is the only one who writes this.
        let attempt = self.attempts.load(Ordering::Relaxed) + 1;
        self.attempts.store(attempt, Ordering::Release);
        // Not a mere load: that could be done before the attempt is there to be seen.
        (attempt, self.state.fetch_or(0, Ordering::AcqRel) == ENDED)
    }

    /// The worker came back from its attempt.
    pub(crate) fn end_attempt(&self) {
        self.returned.store(self.attempts(), Ordering::Release);
        if self.watched.load(Ordering::Relaxed) {
            self.watched.store(false, Ordering::Relaxed);
            *self.waker.lock() = None;
        }
    }

    /// Makes a running task wait again. `false`: it has ended meanwhile.
    pub(crate) fn again(&self) -> bool {
        self.state.compare_exchange(RUNNING, WAITING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Decides that the task ends now. `Some` for exactly one caller, who must then fill the slot.
    pub(crate) fn finish(&self) -> Option<Finished> {
        match self.state.swap(ENDED, Ordering::AcqRel) {
            WAITING => Some(Finished::Waiting),
            RUNNING => Some(Finished::Running),
            _ => None,
        }
    }

    /// Whether its end is decided.
    pub fn has_ended(&self) -> bool {
        self.state.load(Ordering::Acquire) == ENDED
    }

    /// Whether the running attempt should end early: cancelled, timed out, expired, or killed.
    pub fn should_stop(&self) -> bool {
        self.has_ended() || self.is_timed_out()
    }

    /// Whether the running attempt timed out and is to be retried.
    pub(crate) fn is_timed_out(&self) -> bool {
        let attempt = self.timed_out.load(Ordering::Acquire);
        attempt != 0 && attempt == self.attempts()
    }

    /// Whether `attempt` is still with its worker.
    pub(crate) fn is_inside(&self, attempt: u32) -> bool {
        self.attempts() == attempt && self.returned.load(Ordering::Acquire) < attempt
    }

    /// Wakes the running attempt's future, to make it look at [`Self::should_stop`].
    pub(crate) fn wake_attempt(&self) {
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Tells `attempt` to end, since it timed out and is to be retried.
    pub(crate) fn time_out_attempt(&self, attempt: u32) {
        self.timed_out.store(attempt, Ordering::Release);
        self.wake_attempt();
    }

    /// Leaves the waker of the running attempt's future. The caller looks at [`Self::should_stop`] afterwards.
    pub fn watch(&self, waker: &Waker) {
        self.watched.store(true, Ordering::Relaxed);
        let mut kept = self.waker.lock();
        match &mut *kept {
            Some(kept) => kept.clone_from(waker),
            None => *kept = Some(waker.clone()),
        }
    }

    pub(crate) fn worker(&self) -> WorkerId {
        WorkerId::new(self.worker.load(Ordering::Acquire))
    }

    pub(crate) fn set_queued_at(&self, now: Timestamp) {
        self.queued_at.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// When its last attempt began, if one did.
    pub(crate) fn started_at(&self) -> Option<Timestamp> {
        (self.attempts() > 0).then(|| Timestamp::from_nanos(self.started_at.load(Ordering::Relaxed)))
    }

    pub(crate) fn queued_at(&self) -> Timestamp {
        Timestamp::from_nanos(self.queued_at.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for TaskCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskCore")
            .field("id", &self.id)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Where the inbox keeps a task. Written under the inbox's locks alone; read there, and by whoever submitted it.
#[derive(Debug, Default)]
pub(crate) struct Place {
    accepted: AtomicBool,
    delayed: AtomicBool,
    counted: AtomicBool,
}

impl Place {
    pub(crate) fn accept(&self, counted: bool) {
        self.accepted.store(true, Ordering::Relaxed);
        self.counted.store(counted, Ordering::Relaxed);
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.accepted.load(Ordering::Relaxed)
    }

    pub(crate) fn set_delayed(&self, delayed: bool) {
        self.delayed.store(delayed, Ordering::Relaxed);
    }

    pub(crate) fn is_delayed(&self) -> bool {
        self.delayed.load(Ordering::Relaxed)
    }

    /// Whether it takes room; a retry does not.
    pub(crate) fn is_counted(&self) -> bool {
        self.counted.load(Ordering::Relaxed)
    }

    /// Gives its room back; `true` if it had any.
    pub(crate) fn uncount(&self) -> bool {
        self.counted.swap(false, Ordering::Relaxed)
    }
}

/// Where a task was when its end was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    Waiting,
    Running,
}

/// An end that is not the task's own doing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum End {
    /// Cancelled through its handle.
    Cancelled,
    /// An attempt ran longer than the task's timeout.
    TimedOut(Duration),
    /// Its deadline passed.
    Expired(Option<Arc<str>>),
    /// A newer task took its place.
    Displaced,
    /// The pool did not take it.
    Refused(Refusal),
    /// The pool was killed or its runtime ended.
    Killed,
    /// No worker is left.
    NoWorkers(Arc<str>),
}

impl End {
    pub(crate) fn kind(&self) -> EndKind {
        match self {
            Self::Cancelled => EndKind::Cancelled,
            Self::TimedOut(_) => EndKind::TimedOut,
            Self::Expired(_) => EndKind::Expired,
            Self::Displaced => EndKind::Displaced,
            Self::Refused(_) => EndKind::Refused,
            Self::Killed | Self::NoWorkers(_) => EndKind::Killed,
        }
    }
}

impl<E> From<End> for TaskError<E> {
    fn from(end: End) -> Self {
        match end {
            End::Cancelled => Self::Cancelled,
            End::TimedOut(after) => Self::TimedOut { after },
            End::Expired(create_error) => Self::Expired { create_error },
            End::Displaced => Self::Displaced,
            End::Refused(reason) => Self::Refused(reason),
            End::Killed => Self::Killed,
            End::NoWorkers(last_error) => Self::NoWorkers { last_error },
        }
    }
}

/// What a handle's owner may have called when the task ends.
pub(crate) type Callback<T, E> = Box<dyn FnOnce(Result<T, TaskError<E>>) + Send>;

enum Slot<T, E> {
    Empty(Option<Waker>),
    Callback(Callback<T, E>),
    Detached,
    Full(Result<T, TaskError<E>>),
    Taken,
}

impl<T, E> Slot<T, E> {
    fn take(&mut self) -> Option<Result<T, TaskError<E>>> {
        match std::mem::replace(self, Self::Taken) {
            Self::Full(result) => Some(result),
            Self::Empty(_) | Self::Callback(_) | Self::Detached | Self::Taken => None,
        }
    }
}

/// A task's state and the place of its result.
pub struct Cell<T, E> {
    core: TaskCore,
    slot: Lock<Slot<T, E>>,
}

impl<T, E> fmt::Debug for Cell<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell").field("core", &self.core).finish_non_exhaustive()
    }
}

/// A cell whatever its result: what can end a task early.
pub trait AnyCell: Send + Sync + fmt::Debug {
    /// The part that does not depend on the result.
    fn core(&self) -> &TaskCore;

    /// Ends the task, if it has not ended. `true` if this call ended it.
    #[doc(hidden)]
    fn end_early(&self, end: End) -> bool;
}

impl<W: Send, T: Send, E: Send> AnyCell for Task<W, T, E> {
    fn core(&self) -> &TaskCore {
        self.cell().core()
    }

    fn end_early(&self, end: End) -> bool {
        self.cell().cut(end).is_some()
    }
}

/// A task whatever its work: what its handle needs.
pub trait HasCell<T, E>: Send + Sync {
    /// Its state, and the slot of its result.
    fn cell(&self) -> &Cell<T, E>;

    /// The same task, whatever its result.
    fn any(self: Arc<Self>) -> Arc<dyn AnyCell>;
}

impl<W, T, E> HasCell<T, E> for Task<W, T, E>
where
    W: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn cell(&self) -> &Cell<T, E> {
        Self::cell(self)
    }

    fn any(self: Arc<Self>) -> Arc<dyn AnyCell> {
        self
    }
}

impl<T, E> Cell<T, E> {
    pub(crate) fn new(core: TaskCore) -> Self {
        Self { core, slot: Lock::new(Slot::Empty(None)) }
    }

    /// The part that does not depend on the result.
    pub fn core(&self) -> &TaskCore {
        &self.core
    }

    /// Ends the task with `end`, tells the running attempt, and gives its place in the queue back.
    pub(crate) fn cut(&self, end: End) -> Option<Finished> {
        let was = self.core.finish()?;
        self.core.hub.count_end(&self.core, end.kind());
        self.fill(Err(end.into()));
        match was {
            Finished::Waiting => self.core.hub.forfeit(&self.core),
            Finished::Running => self.core.wake_attempt(),
        }
        Some(was)
    }

    /// Puts the result where the handle finds it. For whoever decided the task's end, alone.
    pub fn fill(&self, result: Result<T, TaskError<E>>) {
        let mut slot = self.slot.lock();
        let before = std::mem::replace(&mut *slot, Slot::Taken);
        match before {
            Slot::Empty(waker) => {
                *slot = Slot::Full(result);
                drop(slot);
                // Whoever waits for it is not blocked any more, though it may take a while to notice.
                self.core.hub.nested().leave(Target::Task(self.core.id));
                if let Some(waker) = waker {
                    self.core.hub.guard("Waker::wake", || waker.wake());
                }
            }
            Slot::Callback(callback) => {
                drop(slot);
                self.core.hub.guard("on_complete", || callback(result));
            }
            Slot::Detached | Slot::Taken | Slot::Full(_) => {
                drop(slot);
                self.core.hub.guard("drop of a result", || drop(result));
            }
        }
    }

    /// The result, if it is there; otherwise leaves `waker` to be woken by it.
    pub(crate) fn poll_take(&self, waker: &Waker) -> Poll<Result<T, TaskError<E>>> {
        let mut slot = self.slot.lock();
        match &mut *slot {
            Slot::Empty(kept) => {
                match kept {
                    Some(kept) if kept.will_wake(waker) => {}
                    kept => *kept = Some(waker.clone()),
                }
                Poll::Pending
            }
            Slot::Full(_) | Slot::Callback(_) | Slot::Detached | Slot::Taken => {
                let taken = slot.take();
                drop(slot);
                Poll::Ready(taken.expect("a task's result can be taken only once"))
            }
        }
    }

    /// Whether a result waits to be taken.
    pub(crate) fn is_full(&self) -> bool {
        matches!(&*self.slot.lock(), Slot::Full(_))
    }

    /// Nobody will take the result.
    pub(crate) fn detach(&self) {
        let mut slot = self.slot.lock();
        if matches!(&*slot, Slot::Callback(_)) {
            return;
        }
        let before = std::mem::replace(&mut *slot, Slot::Detached);
        drop(slot);
        drop(before);
    }

    /// Calls `callback` with the result, now or when it comes.
    pub(crate) fn on_complete(&self, callback: Callback<T, E>) {
        let mut slot = self.slot.lock();
        match std::mem::replace(&mut *slot, Slot::Detached) {
            Slot::Full(result) => {
                drop(slot);
                self.core.hub.guard("on_complete", || callback(result));
            }
            Slot::Empty(_) => *slot = Slot::Callback(callback),
            before @ (Slot::Callback(_) | Slot::Detached | Slot::Taken) => *slot = before,
        }
    }
}
