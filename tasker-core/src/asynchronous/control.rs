//! The loop around the controller.

use std::future::Future;
use std::pin::Pin;

use crate::activity::Tracked;
use crate::asynchronous::job::AsyncJob;
use crate::asynchronous::mail::Mailbox;
use crate::asynchronous::reserve::Reserve;
use crate::asynchronous::runtime::Spawner;
use crate::asynchronous::worker;
use crate::clock::AsyncClock;
use crate::engine::{Controller, Launch, Order, Turn, Worker};
use crate::resource::Resource;
use crate::sync::Arc;
use crate::time::Timestamp;

/// Runs a pool's control loop until the pool has ended.
pub(super) async fn control<R: Resource>(
    mut controller: Controller<AsyncJob<R>>,
    mailbox: Arc<Mailbox>,
    clock: Arc<dyn AsyncClock>,
) {
    let mut msg = None;
    while let Turn::Wait(until) = controller.turn(clock.now(), msg.take()) {
        msg = mailbox.recv_until(until, &*clock).await;
    }
    mailbox.close();
}

/// Starts futures on the runtime, counted by a clock that wants to know what moves.
#[derive(Clone, Debug)]
pub(super) struct Starter {
    pub(super) spawner: Arc<dyn Spawner>,
    pub(super) clock: Arc<dyn AsyncClock>,
}

impl Starter {
    pub(super) fn start(
        &self,
        name: &str,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Arc<str>> {
        let future: Pin<Box<dyn Future<Output = ()> + Send>> = match self.clock.activity() {
            Some(activity) => Box::pin(Tracked::new(future, Some(activity))),
            None => Box::pin(future),
        };
        self.spawner.spawn(name, future)
    }
}

/// Starts workers as tasks.
pub(super) struct AsyncLaunch<R: Resource> {
    pub(super) starter: Starter,
    pub(super) config: Arc<R::Config>,
    pub(super) reserve: Arc<Reserve<R>>,
}

impl<R: Resource> Launch<AsyncJob<R>> for AsyncLaunch<R> {
    fn launch(&mut self, order: Order<AsyncJob<R>>) -> Result<(), Arc<str>> {
        let clock = Arc::clone(&self.starter.clock);
        let worker = Worker::new(order, clock.now());
        let name = worker.post().id.to_string();
        self.starter.start(&name, worker::live(worker, Arc::clone(&self.config), clock))
    }

    fn close_reserve(&mut self) -> bool {
        self.reserve.close()
    }

    fn age_reserve(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.reserve.age(now)
    }

    fn reserve_given_up_at(&self) -> Option<Timestamp> {
        self.reserve.shared.given_up_at()
    }

    fn reserve_left(&self) -> usize {
        let (free, busy) = self.reserve.shared.levels();
        free + busy
    }
}
