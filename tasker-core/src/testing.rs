//! What unit tests share that need a pool's hub and no pool: a clock that is set by hand, and mail that nobody reads.

use std::task::{Wake, Waker};

use crate::builder::{Backend, Builder};
use crate::clock::Clock;
use crate::config_error::InvalidConfig;
use crate::engine::{Hub, Msg, Parts};
use crate::parker::Parker;
use crate::queue::Mail;
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Arc, Lock};
use crate::task::job::Job;
use crate::task::{Sole, Task};
use crate::time::Timestamp;

/// Shows the time it was last set to.
#[derive(Debug, Default)]
pub(crate) struct StillClock(AtomicU64);

impl StillClock {
    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.as_nanos(), Ordering::Relaxed);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn park_until(&self, _: &Parker, _: Timestamp) {}
}

/// Keeps what was posted.
#[derive(Debug, Default)]
pub(crate) struct Letters(Lock<Vec<Msg>>);

impl Letters {
    /// What was posted since the last call.
    pub(crate) fn take(&self) -> Vec<Msg> {
        std::mem::take(&mut *self.0.lock())
    }
}

impl Mail for Letters {
    fn post(&self, msg: Msg) {
        self.0.lock().push(msg);
    }
}

/// Builds the parts of a pool, and nothing of them.
#[derive(Debug)]
pub(crate) struct Bare;

impl Backend for Bare {
    type Build = Result<Parts, InvalidConfig>;
    type Clock = StillClock;

    fn build(builder: Builder<Self>) -> Self::Build {
        builder.into_parts(Arc::<StillClock>::default(), Arc::<Letters>::default()).map(|(_, parts)| parts)
    }
}

/// A hub, and what it is connected to.
pub(crate) struct Desk {
    pub(crate) clock: Arc<StillClock>,
    pub(crate) mail: Arc<Letters>,
    pub(crate) hub: Arc<Hub>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let (clock, mail) = (Arc::<StillClock>::default(), Arc::<Letters>::default());
        let builder = Builder::new(Bare).workers(1);
        let parts = builder.into_parts(Arc::clone(&clock) as _, Arc::clone(&mail) as _).expect("valid").1;
        Self { clock, mail, hub: Arc::new(Hub::new(&parts)) }
    }
}

/// Counts how often it is woken.
#[derive(Debug, Default)]
pub(crate) struct Bell(AtomicUsize);

impl Bell {
    pub(crate) fn rung(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// For a queue that no task is ever put into.
#[derive(Debug)]
pub(crate) enum NoJob {}

impl Job for NoJob {
    type Error = String;
    type Task = Task<(), (), String>;

    fn own(&self) -> &Sole<Self::Task> {
        match *self {}
    }

    fn own_mut(&mut self) -> &mut Sole<Self::Task> {
        match *self {}
    }

    fn into_own(self) -> Sole<Self::Task> {
        match self {}
    }
}
