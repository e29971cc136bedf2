//! The engine without a runtime: what happens between two steps of a worker, one interleaving at a time.

mod callbacks;
mod ends;
mod nested;
mod seeds;
mod stuck;
mod tasks;
mod workers;

use std::collections::VecDeque;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::*;
use crate::builder::{Backend, Builder};
use crate::clock::Clock;
use crate::ids::WorkerId;
use crate::metrics::{Owned, Stats};
use crate::parker::Parker;
use crate::queue::Mail;
use crate::reserve::{Kept, Lease, Line, Reserve, ReserveLimits};
use crate::resource::Health;
use crate::supervisor::Event;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Arc, Lock};
use crate::task::current::{self, Inside};
use crate::task::job::Attempt;
use crate::task::{Sole, Task, TaskHandle, TaskOptions};
use crate::time::Timestamp;
use crate::{StopError, TaskError, life, submit};

#[derive(Debug, Default)]
struct StillClock(AtomicU64);

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn park_until(&self, _: &Parker, _: Timestamp) {}
}

#[derive(Debug, Default)]
struct Post(Lock<VecDeque<Msg>>);

impl Mail for Post {
    fn post(&self, msg: Msg) {
        self.0.lock().push_back(msg);
    }
}

type Hook = Box<dyn FnOnce() + Send>;

type IdleTask = Task<(), u32, String>;

/// A task that does nothing by itself.
struct Idle {
    task: Sole<IdleTask>,
    /// Called when a worker has taken it and is about to say so.
    taken: Lock<Option<Hook>>,
}

impl Job for Idle {
    type Error = String;
    type Task = IdleTask;

    fn own(&self) -> &Sole<IdleTask> {
        &self.task
    }

    fn own_mut(&mut self) -> &mut Sole<IdleTask> {
        let is_taken = self.task.core().attempts() > 0;
        let hook = if is_taken { self.taken.lock().take() } else { None };
        if let Some(hook) = hook {
            hook();
        }
        &mut self.task
    }

    fn into_own(self) -> Sole<IdleTask> {
        self.task
    }
}

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Idle")
    }
}

#[derive(Debug)]
struct Bare;

impl Backend for Bare {
    type Build = ();
    type Clock = dyn Clock;

    fn build(_: Builder<Self>) {}
}

/// The workers that were ordered, whether none can be had, whether the reserve takes its time to close, and until when
/// that is waited for; and whether a worker is made before it is found that it cannot be had, as by backends.
#[derive(Clone, Default)]
struct Orders(
    Arc<Lock<Vec<Order<Idle>>>>,
    Arc<AtomicBool>,
    Arc<AtomicBool>,
    Arc<Lock<Option<Timestamp>>>,
    Arc<AtomicBool>,
);

impl Launch<Idle> for Orders {
    fn launch(&mut self, order: Order<Idle>) -> Result<(), Arc<str>> {
        if self.1.load(Ordering::Relaxed) {
            if self.4.load(Ordering::Relaxed) {
                drop(Worker::new(order, Timestamp::ZERO));
            }
            return Err("no thread to be had".into());
        }
        self.0.lock().push(order);
        Ok(())
    }

    fn close_reserve(&mut self) -> bool {
        !self.2.load(Ordering::Relaxed)
    }

    fn reserve_given_up_at(&self) -> Option<Timestamp> {
        *self.3.lock()
    }
}

/// A pool that moves only when it is told to.
struct Bench {
    clock: Arc<StillClock>,
    mail: Arc<Post>,
    orders: Orders,
    engine: Arc<Engine<Idle>>,
    controller: Controller<Idle>,
}

impl Bench {
    fn new(set: impl FnOnce(Builder<Bare>) -> Builder<Bare>) -> Self {
        let (clock, mail, orders) =
            (Arc::new(StillClock::default()), Arc::new(Post::default()), Orders::default());
        let builder = set(Builder::new(Bare).workers(1));
        let parts = builder.into_parts(Arc::clone(&clock) as _, Arc::clone(&mail) as _).expect("valid").1;
        let (engine, controller) = Controller::new(parts, |_| Box::new(orders.clone()));
        let mut bench = Self { clock, mail, orders, engine, controller };
        bench.settle();
        bench
    }

    /// Lets the control loop read its mail until there is none.
    fn settle(&mut self) -> Turn {
        loop {
            let msg = self.mail.0.lock().pop_front();
            let read = msg.is_some();
            let turn = self.controller.turn(self.clock.now(), msg);
            if !read || turn == Turn::Ended {
                return turn;
            }
        }
    }

    fn advance(&self, duration: Duration) {
        let now = self.clock.now().saturating_add(duration);
        self.clock.0.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// The next worker that was ordered, with its resource ready.
    fn worker(&mut self) -> Worker<Idle> {
        let order = self.orders.0.lock().remove(0);
        let mut worker = Worker::new(order, self.clock.now());
        worker.created(Created::Ready, self.clock.now());
        self.settle();
        worker
    }

    fn submit(&self, options: TaskOptions, taken: Option<Hook>) -> TaskHandle<u32, String> {
        submit::submit(&self.engine, options, |core| {
            let (task, taker) = IdleTask::pair(core, (), |task| task);
            (Idle { task, taken: Lock::new(taken) }, taker)
        })
    }

    fn step(&self, worker: &mut Worker<Idle>) -> Step<Idle> {
        worker.step(self.clock.now(), Waker::noop())
    }

    fn run(&self, worker: &mut Worker<Idle>, mut job: Idle, attempt: Attempt<String>) -> Fate {
        let begun = worker.begin(&mut job, self.clock.now());
        if matches!(attempt, Attempt::Value) {
            let (task, key) = job.task.open();
            task.work(key).leave(Ok(1));
        }
        worker.finish(job, &begun, attempt, |_| Health::Healthy, self.clock.now())
    }

    /// The worker takes the next task and begins it.
    fn begin(&self, worker: &mut Worker<Idle>) -> (Idle, Begun) {
        let mut job = expect_run(self.step(worker));
        let begun = worker.begin(&mut job, self.clock.now());
        (job, begun)
    }

    fn end(&self, worker: &mut Worker<Idle>, (job, begun): (Idle, Begun), attempt: Attempt<String>) -> Fate {
        worker.finish(job, &begun, attempt, |_| Health::Unhealthy, self.clock.now())
    }

    /// The grace time passes, and the control loop does what is due then.
    fn pass_grace(&mut self) {
        self.advance(Duration::from_secs(5));
        // The alarm goes off, and then its message is read.
        self.settle();
        self.settle();
    }

    /// Everything that was posted and not read.
    fn mail(&self) -> String {
        format!("{:?}", self.mail.0.lock())
    }

    fn running(&self) -> usize {
        self.engine.inbox.counts().running
    }

    fn stats(&self) -> Stats {
        self.engine.stats()
    }
}

fn expect_run(step: Step<Idle>) -> Idle {
    let Step::Run(job) = step else { panic!("{step:?}") };
    job
}

fn take(mut handle: TaskHandle<u32, String>) -> Result<u32, TaskError<String>> {
    handle.wait_timeout(Duration::ZERO).expect("resolved")
}
