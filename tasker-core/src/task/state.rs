//! The part of a task that does not depend on what it does and returns.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use crate::engine::Hub;
use crate::error::TaskError;
use crate::ids::TaskId;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use crate::task::word::{Finished, How, Word};
use crate::task::{End, Priority, TaskInfo, TaskOptions};
use crate::time::Timestamp;

/// The part of a task that does not depend on what it does and returns.
pub struct TaskCore {
    pub(super) word: Word,
    /// Its id, unique in the pool; 0 until it is known.
    id: AtomicU64,
    /// When it was submitted.
    pub submitted: Timestamp,
    /// When it was last put into a lane.
    queued_at: AtomicU64,
    /// When its last attempt began.
    started_at: AtomicU64,
    /// What few tasks have; apart, so that the others are small.
    extras: Option<Box<Extras>>,
    /// Retries it may have.
    pub max_retries: u32,
    /// Attempts started.
    attempts: AtomicU32,
    priority: Priority,
    cancel_safe: bool,
    retry_on_timeout: bool,
    /// References that the owner of its work has beside its own.
    pub(super) spare: AtomicU8,
    /// Where the inbox keeps it.
    pub(crate) place: Place,
}

/// What was asked for a task beyond the usual, and what only such a task has to remember.
#[derive(Debug, Default)]
struct Extras {
    timeout: Option<Duration>,
    deadline: Option<Duration>,
    delay: Option<Duration>,
    name: Option<Arc<str>>,
    /// The attempt that timed out and is to be retried; 0 for none.
    timed_out: AtomicU32,
    /// Why no worker had come when its deadline passed.
    create_error: OnceLock<Arc<str>>,
}

impl Extras {
    fn of(options: TaskOptions) -> Option<Box<Self>> {
        let TaskOptions { timeout, deadline, delay, name, .. } = options;
        let is_usual = timeout.is_none() && deadline.is_none() && delay.is_none() && name.is_none();
        if is_usual {
            None
        } else {
            Some(Box::new(Self { timeout, deadline, delay, name, ..Self::default() }))
        }
    }
}

impl TaskCore {
    /// A task that has not been queued.
    pub(crate) fn new(options: TaskOptions, default_retries: u32, now: Timestamp) -> Self {
        Self {
            word: Word::new(),
            id: AtomicU64::new(0),
            submitted: now,
            queued_at: AtomicU64::new(now.as_nanos()),
            started_at: AtomicU64::new(0),
            max_retries: options.retries.unwrap_or(default_retries),
            attempts: AtomicU32::new(0),
            priority: options.priority,
            cancel_safe: options.cancel_safe,
            retry_on_timeout: options.retry_on_timeout,
            spare: AtomicU8::new(0),
            place: Place::default(),
            extras: Extras::of(options),
        }
    }

    /// Its id, unique in the pool.
    #[inline]
    pub fn id(&self) -> TaskId {
        TaskId::new(self.id.load(Ordering::Relaxed))
    }

    /// Gives it the id that `next` makes, unless it has one. For whoever submits it, before anybody else sees it.
    #[inline]
    pub(crate) fn name_it(&self, next: impl FnOnce() -> TaskId) {
        if self.id.load(Ordering::Relaxed) == 0 {
            self.id.store(next().get(), Ordering::Relaxed);
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
            id: self.id(),
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
    pub const fn is_last_attempt(&self, attempt: u32) -> bool {
        attempt > self.max_retries
    }

    /// Counts a new attempt of a task that the caller has claimed; its number, the first being 1.
    #[inline]
    pub(crate) fn count_attempt(&self) -> u32 {
        // Whoever claimed it is the only one who writes this.
        let attempt = self.attempts.load(Ordering::Relaxed) + 1;
        self.attempts.store(attempt, Ordering::Release);
        attempt
    }

    /// The attempt that was counted is not made after all.
    pub(crate) fn uncount_attempt(&self) {
        let attempt = self.attempts.load(Ordering::Relaxed);
        self.attempts.store(attempt.saturating_sub(1), Ordering::Release);
    }

    /// The attempt begins.
    #[inline]
    pub(crate) fn set_started_at(&self, now: Timestamp) {
        self.started_at.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// Makes a running task wait again. `false`: it has ended meanwhile.
    pub(crate) fn again(&self) -> bool {
        self.word.again()
    }

    /// Decides that the task ends now. `Some` for exactly one caller, who must then publish the end.
    #[inline]
    pub(crate) fn finish(&self) -> Option<Finished> {
        self.word.finish()
    }

    /// Whether its end is decided.
    #[inline]
    pub fn has_ended(&self) -> bool {
        self.word.has_ended()
    }

    /// Whether the running attempt should end early: cancelled, timed out, expired, or killed.
    #[inline]
    pub fn should_stop(&self) -> bool {
        self.has_ended() || self.is_timed_out()
    }

    /// Whether the running attempt timed out and is to be retried.
    #[inline]
    pub(crate) fn is_timed_out(&self) -> bool {
        let Some(extras) = &self.extras else { return false };
        let attempt = extras.timed_out.load(Ordering::Acquire);
        attempt != 0 && attempt == self.attempts()
    }

    /// Notes that `attempt` timed out and is to be retried; the caller wakes it.
    pub(crate) fn time_out_attempt(&self, attempt: u32) {
        if let Some(extras) = &self.extras {
            extras.timed_out.store(attempt, Ordering::Release);
        }
    }

    /// Notes what an end has to tell, before it is published; how it ended.
    pub(super) fn note(&self, end: &End) -> How {
        match end {
            End::Cancelled => How::Cancelled,
            End::TimedOut(_) => How::TimedOut,
            End::Expired(create_error) => {
                if let (Some(extras), Some(error)) = (&self.extras, create_error) {
                    // Whoever decided the end does this, alone.
                    let _ = extras.create_error.set(Arc::clone(error));
                }
                How::Expired
            }
            End::Displaced => How::Displaced,
            End::Refused(reason) => How::Refused(*reason),
            End::Killed => How::Killed,
            End::NoWorkers => How::NoWorkers,
        }
    }

    /// The error of a task that ended so. `None`: it left its result itself.
    pub(super) fn error<E>(&self, how: How, hub: &Hub) -> Option<TaskError<E>> {
        Some(match how {
            How::Itself => return None,
            How::Cancelled => TaskError::Cancelled,
            How::TimedOut => TaskError::TimedOut { after: self.timeout().unwrap_or_default() },
            How::Expired => {
                let create_error = self.extras.as_ref().and_then(|extras| extras.create_error.get().cloned());
                TaskError::Expired { create_error }
            }
            How::Displaced => TaskError::Displaced,
            How::Refused(reason) => TaskError::Refused(reason),
            How::Killed => TaskError::Killed,
            How::NoWorkers => TaskError::NoWorkers { last_error: hub.last_words() },
        })
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
            .field("id", &self.id())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn task(options: TaskOptions) -> TaskCore {
        TaskCore::new(options, 2, Timestamp::from_nanos(100))
    }

    /// What has to be remembered beside the usual.
    fn extras(core: &TaskCore) -> (Option<u128>, Option<u64>, Option<u128>, Option<&str>) {
        let nanos = |duration: Duration| duration.as_nanos();
        let deadline = core.deadline().map(Timestamp::as_nanos);
        (core.timeout().map(nanos), deadline, core.delay().map(nanos), core.name().map(|name| &**name))
    }

    #[test]
    fn each_option_is_remembered_without_the_others() {
        let nanos = |count| Some(Duration::from_nanos(count));
        let usual = TaskOptions::default;
        assert_eq!(extras(&task(usual())), (None, None, None, None));
        assert_eq!(extras(&task(TaskOptions { timeout: nanos(7), ..usual() })), (Some(7), None, None, None));
        assert_eq!(
            extras(&task(TaskOptions { deadline: nanos(7), ..usual() })),
            (None, Some(107), None, None)
        );
        assert_eq!(extras(&task(TaskOptions { delay: nanos(7), ..usual() })), (None, None, Some(7), None));
        let named = task(TaskOptions { name: Some("import".into()), ..usual() });
        assert_eq!(extras(&named), (None, None, None, Some("import")));
    }

    #[test]
    fn what_a_task_says_of_its_attempts_is_off_unless_asked_for() {
        let says = |core: TaskCore| (core.is_cancel_safe(), core.is_retried_on_timeout());
        let usual = TaskOptions::default;
        assert_eq!(says(task(usual())), (false, false));
        assert_eq!(says(task(TaskOptions { cancel_safe: true, ..usual() })), (true, false));
        assert_eq!(says(task(TaskOptions { retry_on_timeout: true, ..usual() })), (false, true));
        let last = [1, 2, 3, 4].map(|attempt| task(usual()).is_last_attempt(attempt));
        assert_eq!(last, [false, false, true, true]);
    }

    #[test]
    fn a_timeout_is_of_one_attempt_and_not_of_the_next() {
        let core = task(TaskOptions { timeout: Some(Duration::from_nanos(7)), ..TaskOptions::default() });
        assert!(!core.is_timed_out(), "it has not begun");
        let first = core.count_attempt();
        assert!(!core.is_timed_out());
        core.time_out_attempt(first);
        assert!(core.is_timed_out() && core.should_stop());
        core.count_attempt();
        assert!(!core.is_timed_out() && !core.should_stop());
    }
}
