//! What the simulated pool is made of: its clock, its mail, its jobs, and what stands for a backend.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use std::time::Duration;

use tasker_core::builder::{Backend, Builder};
use tasker_core::engine::{Launch, Msg, Order};
use tasker_core::metrics::{EndKind, MetricsCollector, TaskTimes};
use tasker_core::parker::Parker;
use tasker_core::queue::Mail;
use tasker_core::reserve::Reserve;
use tasker_core::supervisor::Event;
use tasker_core::task::job::{Attempt, Job};
use tasker_core::task::{Sole, Task};
use tasker_core::{Clock, RetryPolicy, TaskInfo, Timestamp};

use super::facts::Fact;
use super::plant::Plant;
use super::rng::Rng;
use super::script::{Retrying, Setup};

/// A value that several parts of the simulation hold. Never contended: everything is on one thread.
#[derive(Debug, Default)]
pub(super) struct Shared<T>(Arc<Mutex<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Shared<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Time as the simulator sets it.
#[derive(Debug, Default)]
pub(super) struct SimClock(AtomicU64);

impl SimClock {
    pub(super) fn set(&self, now: Timestamp) {
        self.0.store(now.as_nanos(), Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn park_until(&self, _parker: &Parker, _deadline: Timestamp) {}
}

/// The control loop's mailbox.
#[derive(Debug)]
pub(super) struct SimMail {
    pub(super) messages: Shared<VecDeque<Msg>>,
    pub(super) plant: Plant,
}

impl Mail for SimMail {
    fn post(&self, msg: Msg) {
        if !self.loses(&msg) {
            self.messages.lock().push_back(msg);
        }
    }
}

impl SimMail {
    /// A planted bug, if there is one of this kind.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most mistakes are made elsewhere")]
    const fn loses(&self, msg: &Msg) -> bool {
        match self.plant {
            Plant::LosesLeaving => matches!(msg, Msg::Event(Event::Leaving(..))),
            Plant::LosesExited => matches!(msg, Msg::Event(Event::Exited(..))),
            Plant::LosesDrained => matches!(msg, Msg::Event(Event::Drained)),
            Plant::LosesNudge => matches!(msg, Msg::Nudge),
            Plant::SwallowsTelling => matches!(msg, Msg::Tell(_)),
            _ => false,
        }
    }
}

/// Marks whoever it belongs to as woken.
#[derive(Debug)]
pub(super) struct Bell {
    rung: AtomicBool,
    deaf: AtomicBool,
}

impl Bell {
    /// A bell that has rung.
    pub(super) fn rung(deaf: bool) -> (Arc<Self>, Waker) {
        let bell = Arc::new(Self { rung: AtomicBool::new(true), deaf: AtomicBool::new(deaf) });
        (Arc::clone(&bell), Waker::from(bell))
    }

    pub(super) fn has_rung(&self) -> bool {
        self.rung.load(Ordering::Relaxed)
    }

    pub(super) fn ring(&self) {
        self.rung.store(true, Ordering::Relaxed);
    }

    pub(super) fn silence(&self) {
        self.rung.store(false, Ordering::Relaxed);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // A planted bug: every other wake-up is not heard.
        if !self.deaf.load(Ordering::Relaxed) || self.rung.load(Ordering::Relaxed) {
            self.ring();
        } else {
            self.deaf.store(false, Ordering::Relaxed);
        }
    }
}

/// The error of simulated resources.
#[derive(Debug, Clone, Copy)]
pub(super) struct SimError(pub(super) &'static str);

impl fmt::Display for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A simulated resource.
#[derive(Debug)]
pub(super) struct SimResource {
    pub(super) id: usize,
}

/// Core's own part of a simulated task.
pub(super) type SimWork = Task<(), u64, SimError>;

/// A simulated task: its number in the script, with core's own state of a task around it.
pub(super) struct SimJob {
    pub(super) own: Sole<SimWork>,
    pub(super) task: usize,
}

impl SimJob {
    /// An attempt returns `value`.
    pub(super) fn succeed(&mut self, value: u64) -> Attempt<SimError> {
        let (task, key) = self.own.open();
        task.work(key).note(Ok(value))
    }
}

impl Job for SimJob {
    type Error = SimError;
    type Task = SimWork;

    fn own(&self) -> &Sole<SimWork> {
        &self.own
    }

    fn own_mut(&mut self) -> &mut Sole<SimWork> {
        &mut self.own
    }

    fn into_own(self) -> Sole<SimWork> {
        self.own
    }
}

/// Takes workers to start, and sometimes does not.
pub(super) struct SimLaunch {
    pub(super) orders: Shared<Vec<Order<SimJob>>>,
    pub(super) faults: Shared<LaunchFaults>,
    pub(super) reserve: Shared<Option<Arc<Reserve<SimResource>>>>,
    pub(super) leftovers: Shared<Vec<Leftover>>,
    pub(super) plant: Plant,
}

/// A resource of the reserve to be destroyed.
pub(super) type Leftover = Box<tasker_core::reserve::Kept<SimResource>>;

/// When a worker cannot be started.
#[derive(Debug)]
pub(super) struct LaunchFaults {
    pub(super) percent: u64,
    pub(super) rng: Rng,
    pub(super) log: Shared<Vec<Fact>>,
}

impl Launch<SimJob> for SimLaunch {
    fn launch(&mut self, order: Order<SimJob>) -> Result<(), Arc<str>> {
        let mut faults = self.faults.lock();
        let percent = faults.percent;
        if !faults.rng.chance(percent) {
            self.orders.lock().push(order);
            return Ok(());
        }
        faults.log.lock().push(Fact::LaunchFailed);
        if self.plant == Plant::StartsAndFails {
            self.orders.lock().push(order);
        }
        Err("no thread could be started".into())
    }

    fn age_reserve(&mut self, now: Timestamp) -> Option<Timestamp> {
        if self.plant == Plant::ForgetsOldReserve {
            return None;
        }
        let (old, next) = self.reserve.lock().clone()?.age(now);
        self.leftovers.lock().extend(old);
        next
    }

    fn close_reserve(&mut self) -> bool {
        let Some(reserve) = self.reserve.lock().clone() else { return true };
        self.leftovers.lock().extend(reserve.close());
        self.plant == Plant::ForgetsReserve || reserve.is_gone()
    }
}

/// Writes down what the pool tells its collector.
pub(super) struct Witness(pub(super) Shared<Vec<Fact>>);

impl MetricsCollector for Witness {
    fn arrived(&self, task: &TaskInfo) {
        self.0.lock().push(Fact::Arrived { task: index_of(task) });
    }

    fn ended(&self, task: &TaskInfo, how: EndKind, _times: &TaskTimes) {
        self.0.lock().push(Fact::Ended { task: index_of(task), how });
    }
}

/// Tasks are numbered in the order they are made, by the pool from 1 and by the simulator from 0.
fn index_of(task: &TaskInfo) -> usize {
    usize::try_from(task.id.get()).unwrap_or(usize::MAX) - 1
}

/// A retry policy that writes down its answers.
#[derive(Debug)]
pub(super) struct SimRetry {
    pub(super) how: Retrying,
    pub(super) last: Shared<Duration>,
}

impl RetryPolicy for SimRetry {
    fn delay(&self, attempt: u32, seed: u64) -> Duration {
        let backoff = backoff();
        let delay = match self.how {
            Retrying::Immediate => Duration::ZERO,
            Retrying::Constant(delay) => delay,
            Retrying::Backoff => backoff.delay(attempt, seed),
            Retrying::Panicking => {
                *self.last.lock() = Duration::ZERO;
                fall("a retry policy panics")
            }
        };
        *self.last.lock() = delay;
        delay
    }
}

/// Panics without the noise on the terminal.
pub(super) fn fall(why: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(why))
}

/// The delays of the simulated pool.
pub(super) fn backoff() -> tasker_core::Backoff {
    tasker_core::Backoff::new().first(Duration::from_millis(3)).max(Duration::from_millis(60))
}

/// What stands for a backend: the builder's settings, and no pool.
#[derive(Debug)]
pub(super) struct SimBackend;

impl Backend for SimBackend {
    type Build = ();
    type Clock = SimClock;

    fn build(_builder: Builder<Self>) {}
}

/// A builder with the script's settings.
pub(super) fn builder(setup: &Setup, seed: u64) -> Builder<SimBackend> {
    let mut builder = Builder::new(SimBackend)
        .workers(setup.workers)
        .max_workers(setup.max_workers)
        .max_retries(setup.max_retries)
        .overflow(setup.overflow)
        .startup(setup.startup)
        .create_timeout(setup.create_timeout)
        .create_backoff(backoff())
        .breaker_threshold(setup.breaker)
        .destroy_timeout(setup.destroy_timeout)
        .grace(setup.grace)
        .max_abandoned(setup.max_abandoned)
        .burst_interval(setup.burst_interval)
        .reserve(setup.reserve)
        .max_temporary(setup.max_temporary)
        .seed(seed);
    builder = match setup.capacity {
        Some(capacity) => builder.capacity(capacity),
        None => builder.unbounded(),
    };
    builder = apply(builder, setup.ageing, Builder::ageing);
    builder = apply(builder, setup.create_retries, Builder::create_retries);
    builder = apply(builder, setup.idle_timeout, Builder::idle_timeout);
    builder = apply(builder, setup.max_lifetime, Builder::max_lifetime);
    builder = apply(builder, setup.max_uses, Builder::max_uses);
    builder = apply(builder, setup.probe_interval, Builder::probe_interval);
    if setup.ranked { builder.rank(|info| rank(info.id.get())) } else { builder }
}

/// The user's own order in worlds that have one.
pub(super) const fn rank(id: u64) -> u64 {
    (id * 7) % 3
}

fn apply<B, T>(builder: B, setting: Option<T>, set: impl FnOnce(B, T) -> B) -> B {
    match setting {
        Some(value) => set(builder, value),
        None => builder,
    }
}
