//! The engine without a runtime: what happens between two steps of a worker, one interleaving at a time.

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

#[derive(Debug)]
struct Bare;

impl Backend for Bare {
    type Build = ();
    type Clock = dyn Clock;

    fn build(_: Builder<Self>) {}
}

/// The workers that were ordered, whether none can be had, and whether the reserve takes its time to close.
#[derive(Clone, Default)]
struct Orders(Arc<Lock<Vec<Order<Idle>>>>, Arc<AtomicBool>, Arc<AtomicBool>);

impl Launch<Idle> for Orders {
    fn launch(&mut self, order: Order<Idle>) -> Result<(), Arc<str>> {
        if self.1.load(Ordering::Relaxed) {
            return Err("no thread to be had".into());
        }
        self.0.lock().push(order);
        Ok(())
    }

    fn close_reserve(&mut self) -> bool {
        !self.2.load(Ordering::Relaxed)
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

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Idle")
    }
}

fn take(mut handle: TaskHandle<u32, String>) -> Result<u32, TaskError<String>> {
    handle.wait_timeout(Duration::ZERO).expect("resolved")
}

#[test]
fn a_kill_ends_a_task_that_a_worker_has_just_taken() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let bench = Arc::new(Lock::new(bench));
    let killing = Arc::clone(&bench);
    let engine = Arc::clone(&bench.lock().engine);
    let hook: Hook = Box::new(move || {
        let mut bench = killing.lock();
        bench.mail.post(Msg::Event(Event::Kill));
        bench.settle();
    });
    let handle = bench.lock().submit(TaskOptions::default(), Some(hook));
    let step = worker.step(engine.hub.now(), Waker::noop());
    assert!(matches!(step, Step::Leave(crate::ExitReason::Killed)), "{step:?}");
    assert!(matches!(take(handle), Err(TaskError::Killed)));
    drop(worker);
    assert_eq!(bench.lock().settle(), Turn::Ended);
    assert_eq!(bench.lock().stats().busy, 0);
}

/// A worker is interrupted first and its task ended then; whoever waits to be told is woken by both.
#[test]
fn callbacks_of_a_killed_task_find_it_ended() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let handle = bench.submit(TaskOptions::default(), None);
    let mut job = expect_run(bench.step(&mut worker));
    let begun = worker.begin(&mut job, bench.clock.now());
    let (seen, engine) = (Arc::new(Lock::new(Vec::new())), Arc::clone(&bench.engine));
    let seeing = Arc::clone(&seen);
    let armed = worker.context().arm_on_cancel(Box::new(move || {
        seeing.lock().push((engine.ends()[EndKind::Killed as usize], engine.hub.is_killed()));
    }));
    worker.post().interrupt(Interrupt::Abandon);
    assert_eq!(*seen.lock(), [], "nobody has ended it");
    bench.mail.post(Msg::Event(Event::Kill));
    bench.settle();
    assert_eq!(*seen.lock(), [(1, true)]);
    drop(armed);
    worker.finish(job, &begun, Attempt::Interrupted, |_| Health::Healthy, bench.clock.now());
    assert!(matches!(take(handle), Err(TaskError::Killed)));
}

#[test]
fn a_worker_that_is_abandoned_while_it_takes_a_task_hands_it_back() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let engine = Arc::clone(&bench.engine);
    let post = Arc::clone(worker.post());
    let hook: Hook = Box::new(move || post.interrupt(Interrupt::Abandon));
    let handle = bench.submit(TaskOptions::default(), Some(hook));
    let step = bench.step(&mut worker);
    assert!(matches!(step, Step::Leave(crate::ExitReason::Abandoned)), "{step:?}");
    drop(worker);
    assert_eq!(engine.inbox.counts().queued(), 1);
    assert_eq!(engine.inbox.counts().running, 0);
    bench.settle();
    let mut next = bench.worker();
    let job = expect_run(bench.step(&mut next));
    assert_eq!(job.core().attempts(), 1, "what was not begun is no attempt");
    assert_eq!(bench.run(&mut next, job, Attempt::Value), Fate::Keep);
    assert_eq!(take(handle).expect("done"), 1);
}

/// It was stuck, came back, and is inside another task when the control loop hears that it was stuck: that one is owed.
#[test]
fn a_worker_that_came_back_before_it_was_abandoned_is_counted_as_running() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let stuck = bench.submit(TaskOptions::default(), None);
    let next = bench.submit(TaskOptions::default(), None);
    let inside = bench.begin(&mut worker);
    stuck.cancel();
    bench.advance(Duration::from_secs(5));
    // The control loop finds it stuck, and the worker comes back before that is acted on.
    bench.controller.turn(bench.clock.now(), None);
    bench.end(&mut worker, inside, Attempt::Interrupted);
    let job = expect_run(bench.step(&mut worker));
    bench.mail.post(Msg::Event(Event::Stop { deadline: None }));
    bench.settle();
    assert_eq!(bench.engine.inbox.counts().running, 1);
    assert_eq!(bench.run(&mut worker, job, Attempt::Value), Fate::Keep);
    assert_eq!(take(next).expect("done"), 1);
    drop(worker);
    bench.orders.0.lock().clear();
    assert_eq!(bench.engine.inbox.counts().running, 0);
}

/// It was stuck in a task that was cancelled, and the next one has just been.
#[test]
fn a_worker_that_came_back_has_the_whole_grace_time_for_its_next_cancelled_task() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let [first, second] = [(); 2].map(|()| bench.submit(TaskOptions::default(), None));
    let inside = bench.begin(&mut worker);
    first.cancel();
    bench.advance(Duration::from_secs(5));
    // The alarm goes off, and the worker comes back before that is acted on.
    bench.controller.turn(bench.clock.now(), None);
    bench.end(&mut worker, inside, Attempt::Interrupted);
    let inside = bench.begin(&mut worker);
    second.cancel();
    bench.settle();
    assert_eq!(worker.post().interrupted(), None);
    bench.pass_grace();
    assert_eq!(worker.post().interrupted(), Some(Interrupt::Abandon));
    bench.end(&mut worker, inside, Attempt::Interrupted);
}

#[test]
fn a_task_cancelled_while_a_worker_takes_it_has_the_grace_time_and_no_more() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let cancelling: Arc<Lock<Option<TaskHandle<u32, String>>>> = Arc::default();
    let handle = Arc::clone(&cancelling);
    let hook: Hook = Box::new(move || {
        handle.lock().as_ref().map(TaskHandle::cancel);
    });
    *cancelling.lock() = Some(bench.submit(TaskOptions::default(), Some(hook)));
    let _inside = bench.begin(&mut worker);
    bench.settle();
    assert_eq!(worker.post().interrupted(), None);
    bench.pass_grace();
    assert_eq!(worker.post().interrupted(), Some(Interrupt::Abandon));
}

#[test]
fn timeouts_of_attempts_that_are_over_do_not_pile_up() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    for timeout in [Duration::from_secs(3600), Duration::MAX] {
        for _ in 0..5_000 {
            let options = TaskOptions { timeout: Some(timeout), ..TaskOptions::default() };
            let handle = bench.submit(options, None);
            let job = expect_run(bench.step(&mut worker));
            bench.run(&mut worker, job, Attempt::Value);
            take(handle).expect("done");
        }
        assert!(bench.engine.hub.alarms().len() <= 1024, "{}", bench.engine.hub.alarms().len());
    }
}

#[test]
fn an_idle_resource_that_is_promised_is_replaced_by_its_taker() {
    let bench = Bench::new(|builder| builder);
    let hub = &bench.engine.hub;
    let age = Duration::from_secs(10);
    let limits = ReserveLimits { kept: 1, temporary: 0, max_lifetime: Some(age), max_uses: None };
    let reserve = Arc::new(Reserve::new(limits, Arc::clone(hub)));
    let lease = |line: &mut Line<u32>| reserve.poll_lease(line, Waker::noop());
    let (mut first, mut second) = (Line::new(Arc::clone(&reserve)), Line::new(Arc::clone(&reserve)));
    let Poll::Ready(Some(Lease::Make(slot))) = lease(&mut first) else { panic!("there is room for one") };
    assert!(lease(&mut second).is_pending());
    let kept = Kept::new(Owned::new(7, Arc::clone(hub)), slot, hub.now());
    reserve.put_back(kept).expect("it is kept");
    bench.advance(age);
    let (old, next) = reserve.age(hub.now());
    assert_eq!((old.len(), next), (0, None));
    let stale = lease(&mut second);
    assert!(matches!(stale, Poll::Ready(Some(Lease::Stale(..)))), "{stale:?}");
}

#[test]
fn a_pool_that_can_start_no_thread_still_reads_its_mail() {
    let backoff = crate::Backoff::new().first(Duration::ZERO).max(Duration::ZERO);
    let mut bench = Bench::new(|builder| builder.create_backoff(backoff));
    let worker = bench.worker();
    bench.orders.1.store(true, Ordering::Relaxed);
    drop(worker);
    let turn = bench.settle();
    assert_eq!(turn, Turn::Wait(Some(bench.clock.now())));
    bench.mail.post(Msg::Event(Event::Kill));
    assert_eq!(bench.settle(), Turn::Ended);
}

#[test]
fn a_worker_that_could_not_be_started_is_not_made_up_for_beyond_a_maximum_lowered_meanwhile() {
    let backoff = crate::Backoff::new().first(Duration::ZERO).max(Duration::ZERO);
    let mut bench = Bench::new(|builder| builder.workers(2).create_backoff(backoff));
    let (_stays, leaves) = (bench.worker(), bench.worker());
    bench.orders.1.store(true, Ordering::Relaxed);
    drop(leaves);
    bench.settle();
    bench.orders.1.store(false, Ordering::Relaxed);
    bench.mail.post(Msg::Event(Event::Resize { workers: 1, max_workers: 1 }));
    bench.settle();
    assert!(bench.orders.0.lock().is_empty(), "there is one worker, and may be no other");
}

#[test]
fn a_worker_whose_creation_was_cut_short_by_a_kill_is_not_reported_as_left() {
    let mut bench = Bench::new(|builder| builder);
    let order = bench.orders.0.lock().remove(0);
    let mut worker = Worker::new(order, bench.clock.now());
    bench.mail.post(Msg::Event(Event::Kill));
    assert!(!worker.created(Created::Broken("cut short".into()), bench.clock.now()));
    // With that the pool ends, before the worker is dropped.
    assert_eq!(bench.settle(), Turn::Ended);
    let report = bench.engine.ended.get().expect("the pool has ended");
    assert!(report.is_clean(), "{report:?}");
    drop(worker);
}

#[test]
fn the_error_of_a_failed_start_is_kept_when_other_creations_are_cut_short() {
    let backoff = crate::Backoff::new().first(Duration::ZERO).max(Duration::ZERO);
    let mut bench = Bench::new(|builder| builder.workers(2).create_backoff(backoff));
    let create = |bench: &mut Bench, created| {
        let order = bench.orders.0.lock().remove(0);
        let alive = Worker::new(order, bench.clock.now()).created(created, bench.clock.now());
        assert!(!alive);
        bench.settle();
    };
    create(&mut bench, Created::Failed("first".into()));
    // The first one's successor is ordered by now.
    create(&mut bench, Created::Failed("second".into()));
    assert!(matches!(bench.engine.started.get(), Some(Err(_))));
    create(&mut bench, Created::Broken("cut short".into()));
    assert_eq!(bench.engine.create_error.lock().as_deref(), Some("second"));
}

#[test]
fn a_task_that_ends_as_it_is_taken_has_begun_by_then() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    bench.advance(Duration::from_secs(3));
    let handle = bench.submit(TaskOptions::default(), None);
    let job = expect_run(bench.step(&mut worker));
    // What a collector would be told now.
    assert_eq!(job.core().started_at(), Some(bench.clock.now()));
    drop((job, handle));
}

#[test]
fn a_callback_for_a_result_that_was_taken_is_dropped() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let mut events = bench.engine.hub.bus().subscribe(16);
    let mut handle = bench.submit(TaskOptions::default(), None);
    let job = expect_run(bench.step(&mut worker));
    bench.run(&mut worker, job, Attempt::Value);
    assert!(matches!(handle.wait_timeout(Duration::ZERO), Some(Ok(1))));
    let callback = Arc::new(());
    let kept = Arc::clone(&callback);
    handle.on_complete(move |_| drop(kept));
    assert_eq!(Arc::strong_count(&callback), 1);
    let received: Vec<_> = std::iter::from_fn(|| events.try_recv()).collect();
    assert!(!format!("{received:?}").contains("CallbackPanicked"), "{received:?}");
}

/// A waker that ends all that waits when it is dropped.
struct Ending(Arc<Engine<Idle>>);

impl std::task::Wake for Ending {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Ending {
    fn drop(&mut self) {
        for job in self.0.inbox.discard(crate::Refusal::Stopping) {
            fill_early(&self.0.hub, job, End::Killed);
        }
    }
}

/// Were the callback in its place by then, it would be called while it is put there, and wait for that for ever.
#[test]
fn a_callback_takes_the_place_of_a_waker_that_is_gone_by_then() {
    let bench = Bench::new(|builder| builder);
    let mut handle = bench.submit(TaskOptions::default(), None);
    let waker = Waker::from(Arc::new(Ending(Arc::clone(&bench.engine))));
    let waits = std::pin::Pin::new(&mut handle).poll(&mut std::task::Context::from_waker(&waker));
    assert!(waits.is_pending());
    drop(waker);
    let told = Arc::<Lock<Option<bool>>>::default();
    let telling = Arc::clone(&told);
    handle.on_complete(move |result| *telling.lock() = Some(matches!(result, Err(TaskError::Killed))));
    assert_eq!(*told.lock(), Some(true));
}

#[test]
fn a_kill_can_be_waited_for_inside_a_task_of_another_pool() {
    let [bench, other] = [(); 2].map(|()| Bench::new(|builder| builder));
    let inside = Inside { pool: bench.engine.hub.pool(), worker: Some(WorkerId::new(1)) };
    current::enter(inside, || {
        assert!(life::kill(&other.engine).is_ok());
        assert!(matches!(life::kill(&bench.engine), Err(StopError::InsideTask)));
    });
}

#[test]
fn nothing_that_waits_begins_once_a_kill_was_called() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let _handle = bench.submit(TaskOptions::default(), None);
    life::kill(&bench.engine).expect("this is no task");
    let step = bench.step(&mut worker);
    assert!(!matches!(step, Step::Run(_)), "the control loop has not heard of it yet: {step:?}");
}

#[test]
fn a_queue_says_whether_it_is_paused() {
    let bench = Bench::new(|builder| builder);
    let says = |paused| {
        life::pause(&bench.engine, paused);
        bench.engine.inbox.is_paused()
    };
    assert!(!bench.engine.inbox.is_paused());
    assert_eq!([says(true), says(false)], [true, false]);
}

#[test]
fn cancelled_tasks_are_thrown_away_once_they_are_many_and_most_of_what_waits() {
    let bench = Bench::new(|builder| builder);
    let name = Arc::<str>::from("import");
    let named = || TaskOptions { name: Some(Arc::clone(&name)), ..TaskOptions::default() };
    let handles: Vec<_> = (0..200).map(|_| bench.submit(named(), None)).collect();
    let mut kept = Vec::new();
    for handle in handles {
        handle.cancel();
        drop(handle);
        kept.push(Arc::strong_count(&name) - 1);
    }
    // Those that wait or wait to be thrown away: 101 of 200 are more than half, then 64 are enough.
    assert_eq!([kept[99], kept[100], kept[163], kept[164], kept[199]], [200, 99, 99, 35, 35]);
}

#[test]
fn a_stop_does_not_wait_for_a_worker_that_was_abandoned_in_a_cancelled_task() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let handle = bench.submit(TaskOptions::default(), None);
    let _inside = bench.begin(&mut worker);
    handle.cancel();
    bench.pass_grace();
    assert_eq!(worker.post().interrupted(), Some(Interrupt::Abandon));
    assert_eq!(bench.running(), 0);
    bench.mail.post(Msg::Event(Event::Stop { deadline: None }));
    bench.settle();
    let mut next = bench.worker();
    let step = bench.step(&mut next);
    assert!(matches!(step, Step::Leave(crate::ExitReason::Drained)), "{step:?}");
    drop(next);
    assert_eq!(bench.settle(), Turn::Ended);
    assert_eq!(bench.stats().abandoned, 1, "it is still there");
}

#[test]
fn the_worker_that_is_abandoned_is_the_one_inside_the_task() {
    let mut bench = Bench::new(|builder| builder.workers(2));
    let (idle, mut worker) = (bench.worker(), bench.worker());
    let handle = bench.submit(TaskOptions::default(), None);
    let _inside = bench.begin(&mut worker);
    handle.cancel();
    bench.pass_grace();
    assert_eq!([&idle, &worker].map(|worker| worker.post().interrupted()), [None, Some(Interrupt::Abandon)]);
}

#[test]
fn a_stuck_worker_that_the_limit_keeps_says_once_that_it_is_back() {
    let mut bench = Bench::new(|builder| builder.max_abandoned(0));
    let mut worker = bench.worker();
    let [stuck, _next] = [(); 2].map(|()| bench.submit(TaskOptions::default(), None));
    let inside = bench.begin(&mut worker);
    stuck.cancel();
    bench.pass_grace();
    assert_eq!(worker.post().interrupted(), None);
    assert_eq!(bench.end(&mut worker, inside, Attempt::Value), Fate::Keep);
    assert!(bench.mail().contains("Back"), "{}", bench.mail());
    bench.settle();
    let inside = bench.begin(&mut worker);
    assert_eq!(bench.end(&mut worker, inside, Attempt::Value), Fate::Keep);
    assert!(!bench.mail().contains("Back"), "{}", bench.mail());
}

#[test]
fn a_stuck_worker_that_leaves_when_it_comes_back_does_not_say_that_it_is_well() {
    let mut bench = Bench::new(|builder| builder.max_abandoned(0));
    let mut worker = bench.worker();
    let handle = bench.submit(TaskOptions::default(), None);
    let inside = bench.begin(&mut worker);
    handle.cancel();
    bench.pass_grace();
    let fate = bench.end(&mut worker, inside, Attempt::Interrupted);
    assert_eq!(fate, Fate::Leave(crate::ExitReason::Interrupted));
    assert!(!bench.mail().contains("Back"), "{}", bench.mail());
}

/// The limit kept it until another came back, and by then it was inside its next task.
#[test]
fn a_task_is_not_owed_by_an_abandoned_worker_that_does_not_come_back_from_its_cancelling() {
    let mut bench = Bench::new(|builder| builder.workers(2).max_abandoned(1));
    let mut workers = [bench.worker(), bench.worker()];
    let [first, second, next] = [(); 3].map(|()| bench.submit(TaskOptions::default(), None));
    let [away, kept] = workers.each_mut().map(|worker| bench.begin(worker));
    first.cancel();
    second.cancel();
    bench.pass_grace();
    let [mut lost, mut worker] = workers;
    assert_eq!(lost.post().interrupted(), Some(Interrupt::Abandon));
    assert_eq!(worker.post().interrupted(), None);
    bench.end(&mut lost, away, Attempt::Interrupted);
    drop(lost);
    bench.end(&mut worker, kept, Attempt::Value);
    let _inside = bench.begin(&mut worker);
    bench.settle();
    assert_eq!(worker.post().interrupted(), Some(Interrupt::Abandon));
    assert_eq!(bench.running(), 1, "its task is owed");
    next.cancel();
    bench.pass_grace();
    assert_eq!(bench.running(), 0);
}

#[test]
fn a_worker_has_the_grace_time_to_come_back_from_a_task_whose_deadline_passed() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let deadline = Duration::from_secs(1);
    let handle = bench.submit(TaskOptions { deadline: Some(deadline), ..TaskOptions::default() }, None);
    let _inside = bench.begin(&mut worker);
    bench.advance(deadline);
    bench.settle();
    assert!(matches!(take(handle), Err(TaskError::Expired { .. })));
    assert_eq!(worker.post().interrupted(), None);
    bench.pass_grace();
    assert_eq!(worker.post().interrupted(), Some(Interrupt::Abandon));
}

/// How a pool ended whose workers were gone and whose reserve was not: after these messages, the last of which comes so
/// many seconds after the others.
fn how_it_ended(messages: &[Event], after: u64) -> Option<Stopped> {
    let mut bench = Bench::new(|builder| builder);
    bench.orders.2.store(true, Ordering::Relaxed);
    let mut worker = bench.worker();
    bench.mail.post(Msg::Event(Event::Stop { deadline: None }));
    bench.settle();
    assert!(matches!(bench.step(&mut worker), Step::Leave(crate::ExitReason::Drained)));
    drop(worker);
    bench.settle();
    let (last, before) = messages.split_last().expect("one at least");
    before.iter().for_each(|event| bench.mail.post(Msg::Event(event.clone())));
    bench.settle();
    bench.advance(Duration::from_secs(after));
    bench.mail.post(Msg::Event(last.clone()));
    bench.settle();
    bench.mail.post(Msg::ReserveClosed);
    assert_eq!(bench.settle(), Turn::Ended);
    bench.engine.ended.get().map(|report| report.how)
}

#[test]
fn the_soonest_limit_says_how_the_end_of_the_reserve_came() {
    let stop = |after| {
        let deadline = Timestamp::ZERO.saturating_add(Duration::from_secs(after));
        Event::Stop { deadline: Some(deadline) }
    };
    let rows = [
        (vec![stop(9)], 8, Stopped::Drained),
        (vec![stop(9)], 9, Stopped::DeadlinePassed),
        (vec![stop(9), stop(5)], 5, Stopped::DeadlinePassed),
        (vec![stop(5), stop(9)], 5, Stopped::DeadlinePassed),
        (vec![stop(9), Event::Kill], 5, Stopped::Killed),
        // The first of two at the same moment.
        (vec![stop(5), Event::Kill], 5, Stopped::DeadlinePassed),
    ];
    for (messages, after, how) in rows {
        assert_eq!(how_it_ended(&messages, after), Some(how), "{messages:?} after {after} s");
    }
}

/// Wants what there is, and notes how many workers were blocked.
#[derive(Clone, Debug, Default)]
struct Noting(Arc<Lock<Vec<usize>>>);

impl crate::scaling::ScalingPolicy for Noting {
    fn desired(&mut self, _: Timestamp, sample: &crate::scaling::Sample) -> usize {
        self.0.lock().push(sample.blocked);
        sample.live
    }
}

#[test]
fn a_policy_is_told_of_blocked_workers() {
    let noting = Noting::default();
    let policy = noting.clone();
    let mut bench = Bench::new(|builder| builder.max_workers(3).scaling(policy));
    let mut worker = bench.worker();
    let [_outer, mut inner] = [(); 2].map(|()| bench.submit(TaskOptions::default(), None));
    let _inside = bench.begin(&mut worker);
    let blocks = current::enter(worker.inside(), || poll(&mut inner));
    assert!(blocks.is_pending());
    bench.settle();
    noting.0.lock().clear();
    bench.advance(Duration::from_secs(1));
    bench.settle();
    assert_eq!(*noting.0.lock(), [1]);
}

fn poll(handle: &mut TaskHandle<u32, String>) -> Poll<Result<u32, TaskError<String>>> {
    std::pin::Pin::new(handle).poll(&mut std::task::Context::from_waker(Waker::noop()))
}

#[test]
fn a_wait_inside_a_task_ends_with_its_result_its_time_or_its_handle() {
    let mut bench = Bench::new(|builder| builder.workers(2));
    let mut workers = [bench.worker(), bench.worker()];
    let [_outer, mut inner, mut other] = [(); 3].map(|()| bench.submit(TaskOptions::default(), None));
    let [_, within] = workers.each_mut().map(|worker| bench.begin(worker));
    let [outside, mut worker] = workers;
    let blocked = || bench.engine.hub.nested().blocked();
    current::enter(outside.inside(), || {
        assert!(poll(&mut inner).is_pending());
        assert_eq!(blocked(), 1);
        assert!(inner.wait_timeout(Duration::ZERO).is_none());
        assert_eq!(blocked(), 0);
        assert!(poll(&mut other).is_pending());
        assert_eq!(blocked(), 1);
        drop(other);
        assert_eq!(blocked(), 0);
        assert!(poll(&mut inner).is_pending());
    });
    assert_eq!(blocked(), 1);
    inner.cancel();
    assert_eq!(blocked(), 0);
    bench.end(&mut worker, within, Attempt::Value);
}

#[test]
fn an_abandoned_worker_may_wait_for_its_pool_and_counts_for_nothing() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let [_outer, mut inner] = [(); 2].map(|()| bench.submit(TaskOptions::default(), None));
    let _inside = bench.begin(&mut worker);
    worker.post().interrupt(Interrupt::Abandon);
    let waits = current::enter(worker.inside(), || poll(&mut inner));
    assert!(waits.is_pending(), "{waits:?}");
    assert_eq!(bench.engine.hub.nested().blocked(), 0);
}

/// With one of them, ids that are mixed in badly make no difference.
const NO_BIT_AND_ALL: [u64; 2] = [0, u64::MAX];

#[test]
fn workers_born_together_do_not_grow_equally_old_whatever_the_seed() {
    for seed in NO_BIT_AND_ALL {
        let age = Duration::from_secs(1_000);
        let mut bench = Bench::new(|builder| builder.workers(2).max_lifetime(age).seed(seed));
        let until = [(); 2].map(|()| {
            let mut worker = bench.worker();
            let Step::Wait(Some(until)) = bench.step(&mut worker) else { panic!("it has nothing to do") };
            until
        });
        assert_ne!(until[0], until[1], "seed {seed}");
    }
}

/// Notes its seeds.
#[derive(Clone, Debug, Default)]
struct Seeds(Arc<Lock<Vec<u64>>>);

impl crate::retry::RetryPolicy for Seeds {
    fn delay(&self, _: u32, seed: u64) -> Duration {
        self.0.lock().push(seed);
        Duration::from_secs(1)
    }
}

#[test]
fn a_retry_is_delayed_by_another_seed_for_each_task() {
    for seed in NO_BIT_AND_ALL {
        let seeds = Seeds::default();
        let policy = seeds.clone();
        let mut bench = Bench::new(|builder| builder.max_retries(1).retry(policy).seed(seed));
        let mut worker = bench.worker();
        let _handles = [(); 2].map(|()| bench.submit(TaskOptions::default(), None));
        for _ in 0..2 {
            let inside = bench.begin(&mut worker);
            bench.end(&mut worker, inside, Attempt::Error("no".into()));
        }
        let seeds = seeds.0.lock();
        assert!(matches!(**seeds, [one, other] if one != other), "seed {seed}: {seeds:?}");
    }
}

#[test]
fn a_context_knows_its_task_as_long_as_the_attempt_lasts() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let handle = bench.submit(TaskOptions::default(), None);
    let inside = bench.begin(&mut worker);
    assert_eq!(worker.context().id(), Some(handle.id()));
    bench.end(&mut worker, inside, Attempt::Value);
    assert_eq!(worker.context().id(), None);
}

#[test]
fn callbacks_that_are_armed_when_a_task_is_cancelled_are_called_in_their_order() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let handle = bench.submit(TaskOptions::default(), None);
    let inside = bench.begin(&mut worker);
    let called = Arc::<Lock<Vec<u32>>>::default();
    let [first, second, third] = [1, 2, 3].map(|number| {
        let called = Arc::clone(&called);
        worker.context().arm_on_cancel(Box::new(move || called.lock().push(number)))
    });
    drop(second);
    assert_eq!(Arc::strong_count(&called), 3, "what is disarmed is dropped");
    handle.cancel();
    assert_eq!(*called.lock(), [1, 3]);
    drop((first, third));
    bench.end(&mut worker, inside, Attempt::Interrupted);
}
