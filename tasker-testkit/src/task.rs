//! Tasks as data: steps that are played alike on async backends and on threads.

use std::fmt;
use std::time::Duration;

use tasker_core::parker::block_on;
use tasker_core::sync::Arc;
use tasker_core::sync::atomic::{AtomicBool, Ordering};
use tasker_core::{Priority, Refused, TaskContext, TaskOptions};

use crate::{Fault, Gate, Handle, Log, Scripted, Waiting};

/// What a [`Task`] returns.
#[derive(Debug, Default)]
pub struct Answer {
    /// The number it was told to return.
    pub number: u64,
    /// The resource it ran on.
    pub resource: u64,
    /// The attempt that returned it.
    pub attempt: u32,
    /// What panics when this is dropped, if it was told to return that.
    pub bomb: Option<Armed>,
}

/// What a [`Task`] may leave behind, to go off in a drop; clones are the same bomb.
#[derive(Clone, Debug)]
pub struct Bomb(Arc<AtomicBool>);

impl Bomb {
    /// A bomb that has not gone off, and does not before a task arms it.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Never panics any more.
    pub fn defuse(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Whether it has gone off, or was defused.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }

    fn armed(&self) -> Armed {
        Armed(self.clone())
    }
}

impl Default for Bomb {
    fn default() -> Self {
        Self::new()
    }
}

/// A [`Bomb`] that panics when this is dropped, if it has not gone off before.
#[derive(Clone, Debug)]
pub struct Armed(Bomb);

impl Drop for Armed {
    fn drop(&mut self) {
        let Self(Bomb(live)) = self;
        if !tasker_core::sync::thread::panicking() && live.swap(false, Ordering::SeqCst) {
            panic!("a drop panicked");
        }
    }
}

type Called = Arc<dyn Fn(&TaskContext) + Send + Sync>;
type Submits = Arc<dyn Fn() -> Handle + Send + Sync>;
type Squeezes = Arc<dyn Fn() -> Waiting + Send + Sync>;

/// One thing a task does.
#[derive(Clone)]
pub enum Step {
    /// Adds an entry to a log.
    Log(Log, String),
    /// Adds "cancelled" or "not cancelled" to a log, as its context says.
    LogCancelled(Log),
    /// Waits at a gate.
    Pass(Gate),
    /// Calls a function, inside of the task.
    Call(Called),
    /// Submits another task and waits for it; if that does not succeed, ends with a healthy error that says why.
    Nested(Submits),
    /// Waits for room for another task, and lets that go its way; if it is refused, ends with a healthy error that says
    /// why.
    Squeeze(Squeezes),
    /// Ends with this error, in the first so many attempts; later ones go on.
    FailTimes(u32, Fault),
    /// Ends with a number.
    Succeed(u64),
    /// Ends with a number and something whose drop panics.
    SucceedWith(Bomb),
    /// Ends with an error.
    Fail(Fault),
    /// Panics.
    Panic(&'static str),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log(..) => "Log",
            Self::LogCancelled(_) => "LogCancelled",
            Self::Pass(_) => "Pass",
            Self::Call(_) => "Call",
            Self::Nested(_) => "Nested",
            Self::Squeeze(_) => "Squeeze",
            Self::FailTimes(..) => "FailTimes",
            Self::Succeed(_) => "Succeed",
            Self::SucceedWith(_) => "SucceedWith",
            Self::Fail(_) => "Fail",
            Self::Panic(_) => "Panic",
        })
    }
}

/// A task: its options and what it does, step by step. Without an end of its own it succeeds with 0.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// What is asked for it.
    pub options: TaskOptions,
    steps: Vec<Step>,
    captured: Option<Armed>,
}

enum Flow {
    Next,
    Pass(Gate),
    Await(Handle),
    Squeeze(Waiting),
    End(Result<Answer, Fault>),
}

impl Task {
    /// A task that does nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A task that succeeds with `number`.
    #[must_use]
    pub fn value(number: u64) -> Self {
        Self::new().step(Step::Succeed(number))
    }

    /// A task that fails with `fault` each time.
    #[must_use]
    pub fn failing(fault: Fault) -> Self {
        Self::new().step(Step::Fail(fault))
    }

    /// A task that waits at `gate` and succeeds.
    #[must_use]
    pub fn at(gate: &Gate) -> Self {
        Self::new().pass(gate)
    }

    /// A task that logs `entry` and succeeds.
    #[must_use]
    pub fn logs(log: &Log, entry: &str) -> Self {
        Self::new().log(log, entry)
    }

    /// Then does `step`.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Then waits at `gate`.
    #[must_use]
    pub fn pass(self, gate: &Gate) -> Self {
        self.step(Step::Pass(gate.clone()))
    }

    /// Then logs `entry`.
    #[must_use]
    pub fn log(self, log: &Log, entry: &str) -> Self {
        self.step(Step::Log(log.clone(), entry.into()))
    }

    /// Then calls `f`.
    #[must_use]
    pub fn call(self, f: impl Fn(&TaskContext) + Send + Sync + 'static) -> Self {
        self.step(Step::Call(Arc::new(f)))
    }

    /// Then submits another task and waits for it.
    #[must_use]
    pub fn nested(self, submit: impl Fn() -> Handle + Send + Sync + 'static) -> Self {
        self.step(Step::Nested(Arc::new(submit)))
    }

    /// Then waits for room for another task.
    #[must_use]
    pub fn squeeze(self, submit: impl Fn() -> Waiting + Send + Sync + 'static) -> Self {
        self.step(Step::Squeeze(Arc::new(submit)))
    }

    /// Captures something whose drop panics.
    #[must_use]
    pub fn capturing(mut self, bomb: &Bomb) -> Self {
        self.captured = Some(bomb.armed());
        self
    }

    /// Sets its priority.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.options.priority = priority;
        self
    }

    /// Sets its retries.
    #[must_use]
    pub const fn retries(mut self, retries: u32) -> Self {
        self.options.retries = Some(retries);
        self
    }

    /// Sets its timeout.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Sets its deadline.
    #[must_use]
    pub const fn deadline(mut self, after: Duration) -> Self {
        self.options.deadline = Some(after);
        self
    }

    /// Sets its delay.
    #[must_use]
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.options.delay = Some(delay);
        self
    }

    /// Sets its name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Declares that it may be left half-way.
    #[must_use]
    pub const fn cancel_safe(mut self) -> Self {
        self.options.cancel_safe = true;
        self
    }

    /// Asks for a retry after a timeout.
    #[must_use]
    pub const fn retry_on_timeout(mut self) -> Self {
        self.options.retry_on_timeout = true;
        self
    }

    /// Plays the task in async code.
    ///
    /// # Errors
    ///
    /// The fault it was told to end with.
    pub async fn play(&self, resource: &mut Scripted, cx: &TaskContext) -> Result<Answer, Fault> {
        resource.begin(self.options.cancel_safe);
        for step in &self.steps {
            match step.act(resource, cx) {
                Flow::Next => {}
                Flow::Pass(gate) => gate.pass().await,
                Flow::Await(handle) => waited(resource, handle.await)?,
                Flow::Squeeze(waiting) => squeezed(resource, waiting.await)?,
                Flow::End(result) => return result,
            }
        }
        Self::end(resource, cx)
    }

    /// Plays the task on a thread, which it may block.
    ///
    /// # Errors
    ///
    /// The fault it was told to end with.
    pub fn play_blocking(&self, resource: &mut Scripted, cx: &TaskContext) -> Result<Answer, Fault> {
        resource.begin(self.options.cancel_safe);
        for step in &self.steps {
            match step.act(resource, cx) {
                Flow::Next => {}
                Flow::Pass(gate) => gate.wait(),
                Flow::Await(handle) => waited(resource, handle.wait())?,
                Flow::Squeeze(waiting) => squeezed(resource, block_on(waiting))?,
                Flow::End(result) => return result,
            }
        }
        Self::end(resource, cx)
    }

    fn end(resource: &mut Scripted, cx: &TaskContext) -> Result<Answer, Fault> {
        resource.end();
        Ok(Answer { number: 0, resource: resource.number(), attempt: cx.attempt(), bomb: None })
    }
}

fn waited(
    resource: &mut Scripted,
    result: Result<Answer, tasker_core::TaskError<Fault>>,
) -> Result<(), Fault> {
    result.map(drop).map_err(|error| {
        resource.end();
        Fault::healthy(&format!("nested: {error}"))
    })
}

fn squeezed(resource: &mut Scripted, result: Result<Handle, Refused<Task>>) -> Result<(), Fault> {
    result.map(Handle::detach).map_err(|refused| {
        resource.end();
        Fault::healthy(&format!("squeezed: {refused}"))
    })
}

impl Step {
    fn act(&self, resource: &mut Scripted, cx: &TaskContext) -> Flow {
        let mut end = |result| {
            resource.end();
            Flow::End(result)
        };
        match self {
            Self::Log(log, entry) => {
                log.push(entry.clone());
                Flow::Next
            }
            Self::LogCancelled(log) => {
                log.push(if cx.is_cancelled() { "cancelled" } else { "not cancelled" });
                Flow::Next
            }
            Self::Pass(gate) => Flow::Pass(gate.clone()),
            Self::Call(f) => {
                f(cx);
                Flow::Next
            }
            Self::Nested(submit) => Flow::Await(submit()),
            Self::Squeeze(submit) => Flow::Squeeze(submit()),
            Self::FailTimes(times, _) if cx.attempt() > *times => Flow::Next,
            Self::FailTimes(_, fault) | Self::Fail(fault) => end(Err(fault.clone())),
            Self::Succeed(number) => {
                let number = *number;
                Flow::End(Task::end(resource, cx).map(|answer| Answer { number, ..answer }))
            }
            Self::SucceedWith(bomb) => {
                let bomb = Some(bomb.armed());
                Flow::End(Task::end(resource, cx).map(|answer| Answer { bomb, ..answer }))
            }
            Self::Panic(message) => panic!("{message}"),
        }
    }
}
