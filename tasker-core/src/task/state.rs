//! The state of a task, which says who may decide its end.
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
use std::time::Duration;

use crate::engine::Hub;
use crate::ids::{TaskId, WorkerId};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use crate::task::{Priority, TaskInfo, TaskOptions};
use crate::time::Timestamp;

const WAITING: u8 = 0;
const RUNNING: u8 = 1;
const ENDED: u8 = 2;

/// The part of a task that does not depend on what it returns.
pub struct TaskCore {
    /// Its id, unique in the pool.
    pub id: TaskId,
    /// Retries it may have.
    pub max_retries: u32,
    /// When it was submitted.
    pub submitted: Timestamp,
    priority: Priority,
    cancel_safe: bool,
    retry_on_timeout: bool,
    /// What few tasks have; apart, so that the others are small.
    extras: Option<Box<Extras>>,
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
}

/// What was asked for a task beyond the usual.
#[derive(Debug, Default)]
struct Extras {
    timeout: Option<Duration>,
    deadline: Option<Duration>,
    delay: Option<Duration>,
    name: Option<Arc<str>>,
}

impl Extras {
    fn of(options: TaskOptions) -> Option<Box<Self>> {
        let TaskOptions { timeout, deadline, delay, name, .. } = options;
        let is_usual = timeout.is_none() && deadline.is_none() && delay.is_none() && name.is_none();
        if is_usual { None } else { Some(Box::new(Self { timeout, deadline, delay, name })) }
    }
}

impl TaskCore {
    /// A task that has not been queued.
    pub(crate) fn new(options: TaskOptions, default_retries: u32, hub: &Hub) -> Self {
        let now = hub.now();
        Self {
            id: hub.next_task(),
            max_retries: options.retries.unwrap_or(default_retries),
            submitted: now,
            priority: options.priority,
            cancel_safe: options.cancel_safe,
            retry_on_timeout: options.retry_on_timeout,
            extras: Extras::of(options),
            state: AtomicU8::new(WAITING),
            attempts: AtomicU32::new(0),
            returned: AtomicU32::new(0),
            timed_out: AtomicU32::new(0),
            place: Place::default(),
            queued_at: AtomicU64::new(now.as_nanos()),
            started_at: AtomicU64::new(0),
            worker: AtomicU64::new(0),
        }
    }

    /// How urgent it is.
    #[inline]
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// Whether the resource is still good after the task was dropped at an await point.
    #[inline]
    pub const fn is_cancel_safe(&self) -> bool {
        self.cancel_safe
    }

    /// Whether an attempt that timed out is retried like one whose resource was unhealthy.
    #[inline]
    pub const fn is_retried_on_timeout(&self) -> bool {
        self.retry_on_timeout
    }

    /// How long one attempt may run.
    #[inline]
    pub fn timeout(&self) -> Option<Duration> {
        self.extras.as_ref()?.timeout
    }

    /// How long after its submission it may start.
    #[inline]
    pub fn delay(&self) -> Option<Duration> {
        self.extras.as_ref()?.delay
    }

    /// Its name.
    #[inline]
    pub fn name(&self) -> Option<&Arc<str>> {
        self.extras.as_ref()?.name.as_ref()
    }

    /// What is known of it from outside.
    pub fn info(&self) -> TaskInfo {
        TaskInfo {
            id: self.id,
            name: self.name().cloned(),
            priority: self.priority,
            submitted: self.submitted,
            deadline: self.deadline(),
            attempts: self.attempts(),
        }
    }

    /// When it must have ended.
    #[inline]
    pub fn deadline(&self) -> Option<Timestamp> {
        let after = self.extras.as_ref()?.deadline?;
        Some(self.submitted.saturating_add(after))
    }

    /// Attempts started so far.
    #[inline]
    pub fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Acquire)
    }

    /// Whether the attempt to come, or running, is the last that is permitted.
    #[inline]
    pub fn is_last_attempt(&self, attempt: u32) -> bool {
        attempt > self.max_retries
    }

    /// Takes the task to run it. `false`: it has ended already.
    #[inline]
    pub(crate) fn claim(&self) -> bool {
        self.state.compare_exchange(WAITING, RUNNING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Counts a new attempt of a claimed task by `worker`; returns its number, the first being 1, and whether the task
    /// has ended since it was claimed. Whoever ends it later sees this attempt.
    #[inline]
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
    #[inline]
    pub(crate) fn end_attempt(&self) {
        self.returned.store(self.attempts(), Ordering::Release);
    }

    /// Makes a running task wait again. `false`: it has ended meanwhile.
    pub(crate) fn again(&self) -> bool {
        self.state.compare_exchange(RUNNING, WAITING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Decides that the task ends now. `Some` for exactly one caller, who must then fill the slot.
    #[inline]
    pub(crate) fn finish(&self) -> Option<Finished> {
        match self.state.swap(ENDED, Ordering::AcqRel) {
            WAITING => Some(Finished::Waiting),
            RUNNING => Some(Finished::Running),
            _ => None,
        }
    }

    /// Whether its end is decided.
    #[inline]
    pub fn has_ended(&self) -> bool {
        self.state.load(Ordering::Acquire) == ENDED
    }

    /// Whether the running attempt should end early: cancelled, timed out, expired, or killed.
    #[inline]
    pub fn should_stop(&self) -> bool {
        self.has_ended() || self.is_timed_out()
    }

    /// Whether the running attempt timed out and is to be retried.
    #[inline]
    pub(crate) fn is_timed_out(&self) -> bool {
        let attempt = self.timed_out.load(Ordering::Acquire);
        attempt != 0 && attempt == self.attempts()
    }

    /// Whether `attempt` is still with its worker.
    pub(crate) fn is_inside(&self, attempt: u32) -> bool {
        self.attempts() == attempt && self.returned.load(Ordering::Acquire) < attempt
    }

    /// Notes that `attempt` timed out and is to be retried; the caller wakes it.
    pub(crate) fn time_out_attempt(&self, attempt: u32) {
        self.timed_out.store(attempt, Ordering::Release);
    }

    pub(crate) fn worker(&self) -> WorkerId {
        WorkerId::new(self.worker.load(Ordering::Acquire))
    }

    #[inline]
    pub(crate) fn set_queued_at(&self, now: Timestamp) {
        self.queued_at.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// When its last attempt began, if one did.
    pub(crate) fn started_at(&self) -> Option<Timestamp> {
        (self.attempts() > 0).then(|| Timestamp::from_nanos(self.started_at.load(Ordering::Relaxed)))
    }

    #[inline]
    pub(crate) fn queued_at(&self) -> Timestamp {
        Timestamp::from_nanos(self.queued_at.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for TaskCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskCore")
            .field("id", &self.id)
            .field("priority", &self.priority)
            .field("extras", &self.extras)
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
    #[inline]
    pub(crate) fn accept(&self, counted: bool) {
        self.accepted.store(true, Ordering::Relaxed);
        self.counted.store(counted, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_accepted(&self) -> bool {
        self.accepted.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set_delayed(&self, delayed: bool) {
        self.delayed.store(delayed, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_delayed(&self) -> bool {
        self.delayed.load(Ordering::Relaxed)
    }

    /// Whether it takes room; a retry does not.
    #[inline]
    pub(crate) fn is_counted(&self) -> bool {
        self.counted.load(Ordering::Relaxed)
    }

    /// Gives its room back; `true` if it had any. For whoever claimed the task or decided its end while it waited: one
    /// alone.
    #[inline]
    pub(crate) fn uncount(&self) -> bool {
        let counted = self.counted.load(Ordering::Relaxed);
        self.counted.store(false, Ordering::Relaxed);
        counted
    }
}

/// Where a task was when its end was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    Waiting,
    Running,
}
