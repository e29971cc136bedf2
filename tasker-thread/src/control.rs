//! The threads of a pool: its control loop and its workers.

use std::fmt;
use std::sync::Arc;

use tasker_core::Clock;
use tasker_core::activity::Activity;
use tasker_core::engine::{Controller, Hub, Launch, Order, Turn, Worker};
use tasker_core::parker::Parker;
use tasker_core::sync::thread;
use tasker_core::{LocalResource, Timestamp, WorkerId};

use crate::job::SyncJob;
use crate::mail::{Mailbox, Postbox};
use crate::reserve::AnyReserve;
use crate::worker;

/// What is run around a worker's whole life, on its thread.
pub(crate) type Around = Arc<dyn Fn(&mut dyn FnMut()) + Send + Sync>;

/// How threads are started.
#[derive(Clone)]
pub(crate) struct Starter {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stack_size: Option<usize>,
    pub(crate) around: Option<Around>,
}

impl Starter {
    /// Starts a thread, which counts as active for a clock that wants to know.
    pub(crate) fn start(&self, name: String, body: impl FnOnce() + Send + 'static) -> Result<(), Arc<str>> {
        let mut builder = thread::Builder::new().name(name);
        if let Some(size) = self.stack_size {
            builder = builder.stack_size(size);
        }
        let active = Active::begin(self.clock.activity());
        let started = builder.spawn(move || {
            let activity = active.0.clone();
            Parker::counted(activity).make_current();
            body();
            drop(active);
        });
        // The thread is detached: the pool knows of its end by what it reports.
        started.map(drop).map_err(|error| format!("a thread could not be started: {error}").into())
    }
}

impl fmt::Debug for Starter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starter").field("stack_size", &self.stack_size).finish_non_exhaustive()
    }
}

/// A thread that counts as active until it ends.
struct Active(Option<Arc<Activity>>);

impl Active {
    fn begin(activity: Option<Arc<Activity>>) -> Self {
        if let Some(activity) = &activity {
            activity.begin();
        }
        Self(activity)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        if let Some(activity) = &self.0 {
            activity.end();
        }
    }
}

/// Runs a pool's control loop until the pool has ended.
pub(crate) fn control<R: LocalResource>(
    mut controller: Controller<SyncJob<R>>,
    postbox: &Postbox,
    mailbox: &Mailbox,
    clock: &dyn Clock,
) {
    Parker::with_current(|parker| postbox.set_waker(parker.waker()));
    let mut msg = None;
    while let Turn::Wait(until) = controller.turn(clock.now(), msg.take()) {
        msg = mailbox.recv_until(until, clock);
    }
}

/// What a worker's thread is called.
fn name_of(hub: &Hub, worker: WorkerId) -> String {
    format!("{}-{worker}", hub.name())
}

/// Starts workers as threads.
pub(crate) struct ThreadLaunch<R: LocalResource> {
    pub(crate) starter: Starter,
    pub(crate) config: Arc<R::Config>,
    pub(crate) reserve: Option<Arc<dyn AnyReserve>>,
}

impl<R: LocalResource> Launch<SyncJob<R>> for ThreadLaunch<R> {
    fn launch(&mut self, order: Order<SyncJob<R>>) -> Result<(), Arc<str>> {
        let (clock, config, around) =
            (Arc::clone(&self.starter.clock), Arc::clone(&self.config), self.starter.around.clone());
        let mut worker = Some(Worker::new(order, clock.now()));
        let name =
            worker.as_ref().map(|worker| name_of(&worker.engine().hub, worker.post().id)).unwrap_or_default();
        self.starter.start(name, move || {
            let mut live = || {
                if let Some(worker) = worker.take() {
                    worker::live::<R>(worker, &config, &*clock);
                }
            };
            match &around {
                Some(around) => around(&mut live),
                None => live(),
            }
        })
    }

    fn close_reserve(&mut self) -> bool {
        self.reserve.as_ref().is_none_or(|reserve| reserve.close())
    }

    fn age_reserve(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.reserve.as_ref().and_then(|reserve| reserve.age(now))
    }

    fn reserve_given_up_at(&self) -> Option<Timestamp> {
        self.reserve.as_ref().and_then(|reserve| reserve.given_up_at())
    }

    fn reserve_left(&self) -> usize {
        self.reserve.as_ref().map_or(0, |reserve| {
            let (free, busy) = reserve.levels();
            free + busy
        })
    }
}
