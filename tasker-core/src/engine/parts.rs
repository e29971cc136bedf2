//! What a pool is built from, and what its parts share.

use std::time::Duration;

use crate::cancel::CancelToken;
use crate::clock::Clock;
use crate::engine::{Hub, Latch, Seats, StopReport};
use crate::metrics::MetricsCollector;
use crate::queue::{Inbox, Mail, QueueSettings, Rank, RoomWait};
use crate::reserve::ReserveLimits;
use crate::retry::RetryPolicy;
use crate::scaling::ScalingPolicy;
use crate::spin::yield_until;
use crate::supervisor::SupervisorConfig;
use crate::sync::{Arc, Lock};
use crate::task::job::Job;

/// Limits of a worker's life.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// How long `create` may take.
    pub create_timeout: Option<Duration>,
    /// How long `destroy` may take.
    pub destroy_timeout: Option<Duration>,
    /// How old a resource may become, each somewhat less by chance.
    pub max_lifetime: Option<Duration>,
    /// How many tasks may run on a resource.
    pub max_uses: Option<u64>,
    /// How often an idle resource is probed.
    pub probe_interval: Option<Duration>,
    /// How long a worker may be idle before a pool with burst workers becomes one smaller.
    pub idle_timeout: Option<Duration>,
    /// How long a worker may take to come back from what nobody waits for any more.
    pub grace: Duration,
    /// How many rounds a thread looks again before it sleeps.
    pub spin: u32,
}

/// What a pool is built from: the builder's settings, valid and with their defaults filled in.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parts {
    /// The pool's name, for traces and threads.
    pub name: Arc<str>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// How the control loop is reached.
    pub mail: Arc<dyn Mail>,
    /// The user's collector.
    pub collector: Option<Arc<dyn MetricsCollector>>,
    /// The supervisor's settings.
    pub supervisor: SupervisorConfig,
    /// How many workers there should be.
    pub policy: Option<Box<dyn ScalingPolicy>>,
    /// The queue's settings.
    pub queue: QueueSettings,
    /// The user's own order.
    pub rank: Option<RankFn>,
    /// Limits of a worker's life.
    pub limits: Limits,
    /// The delay before a retry.
    pub retry: Box<dyn RetryPolicy>,
    /// Retries a task may have if it does not say.
    pub max_retries: u32,
    /// How many resources are kept for `run`.
    pub reserve: usize,
    /// How many temporary resources `run` may make at once.
    pub max_temporary: usize,
    /// How many events a subscription holds.
    pub event_capacity: usize,
    /// What starts the graceful stop from outside.
    pub parent: Option<CancelToken>,
}

impl Parts {
    /// How many resources serve `run`, and how long they live.
    pub fn reserve_limits(&self) -> ReserveLimits {
        ReserveLimits {
            kept: self.reserve,
            temporary: self.max_temporary,
            max_lifetime: self.limits.max_lifetime,
            max_uses: self.limits.max_uses,
        }
    }
}

/// A [`Rank`] that can be shown.
#[derive(Clone)]
pub struct RankFn(pub Rank);

impl std::fmt::Debug for RankFn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RankFn")
    }
}

/// What the parts of one pool share.
#[derive(Debug)]
pub struct Engine<J: Job> {
    /// What does not depend on the resource.
    pub hub: Arc<Hub>,
    /// Where tasks wait.
    pub inbox: Arc<Inbox<J>>,
    /// Limits of a worker's life.
    pub limits: Limits,
    /// Whether the pool could start.
    pub started: Latch<Result<(), Arc<str>>>,
    /// What the pool said when it ended.
    pub ended: Latch<Arc<StopReport>>,
    /// The last error of creating a resource, for whoever builds the pool.
    pub create_error: Lock<Option<J::Error>>,
    /// Retries a task may have if it does not say.
    pub max_retries: u32,
    /// How many events a subscription holds.
    pub event_capacity: usize,
    pub(crate) retry: Box<dyn RetryPolicy>,
    pub(crate) rank: Option<RankFn>,
    pub(crate) seed: u64,
    pub(crate) seats: Seats,
}

impl<J: Job> Engine<J> {
    pub(crate) fn new(parts: &mut Parts) -> Arc<Self> {
        let hub = Arc::new(Hub::new(parts));
        let inbox = Arc::new(Inbox::new(&parts.queue, Arc::clone(&hub)));
        let forfeit: Arc<dyn super::hub::Forfeit> = Arc::clone(&inbox) as _;
        hub.set_queue(Arc::downgrade(&forfeit));
        Arc::new(Self {
            seats: Seats::new(&hub),
            hub,
            inbox,
            limits: parts.limits.clone(),
            started: Latch::default(),
            ended: Latch::default(),
            create_error: Lock::new(None),
            max_retries: parts.max_retries,
            event_capacity: parts.event_capacity,
            retry: std::mem::replace(&mut parts.retry, Box::new(crate::retry::Immediate)),
            rank: parts.rank.clone(),
            seed: parts.supervisor.seed,
        })
    }

    /// Waits for room in the queue, in turn, for as long as it takes. Inside a task of this pool it is refused where it
    /// might never end.
    pub fn room(&self) -> RoomWait<J> {
        self.inbox.room().endless(&self.hub)
    }

    /// [`room`](Self::room), for whoever blocks a thread until it is there. Where the queue is full it lets other threads have
    /// the core before it stands in line, so as not to sleep and be woken for each task that is started. Until it does, others
    /// may come first.
    pub fn room_for_thread(&self) -> RoomWait<J> {
        let mut room = self.room();
        if room.has_to_wait() && !self.hub.is_inside() {
            yield_until(self.limits.spin, || self.inbox.has_credit());
        }
        room
    }

    /// Keeps the last error of creating a resource until it is known whether the pool could start: where it could not, the
    /// creations cut short after that do not say why. What is not kept is dropped, as user code is, outside of the lock.
    pub(crate) fn set_create_error(&self, error: Option<J::Error>) {
        let unkept = match self.started.get() {
            None => std::mem::replace(&mut *self.create_error.lock(), error),
            Some(_) => error,
        };
        super::quietly(|| drop(unkept));
    }

    /// The task's place in a user's own order; 0 without one, or if asking panics.
    #[inline]
    pub(crate) fn rank_of(&self, core: &crate::task::TaskCore) -> u64 {
        self.rank.as_ref().map_or(0, |rank| self.ask_for_rank(rank, core))
    }

    fn ask_for_rank(&self, RankFn(rank): &RankFn, core: &crate::task::TaskCore) -> u64 {
        self.hub.guard("rank", || rank(&core.info())).unwrap_or(0)
    }
}
