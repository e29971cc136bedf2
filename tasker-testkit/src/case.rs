//! One case of the suite: its clock, script, log, gates and pools, and what must hold when it is over.

use std::fmt;
use std::time::Duration;

use tasker_core::activity::Activity;
use tasker_core::builder::Builder;
use tasker_core::metrics::{Metrics, Stats};
use tasker_core::parker::Parker;
use tasker_core::sync::atomic::{AtomicBool, Ordering};
use tasker_core::sync::thread::{self, JoinHandle};
use tasker_core::sync::{Arc, Lock};
use tasker_core::{
    BuildError, Clock, Events, InvalidConfig, PoolEvent, Received, Refused, RunError, StopError, StopReport,
    TaskError,
};

use crate::{Answer, Capabilities, Driver, FakeClock, Fault, Gate, Handle, Log, Script, Task, Waiting};

/// How many workers a case's pool has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    workers: usize,
    max_workers: usize,
    reserve: usize,
    temporary: usize,
}

impl Size {
    /// A pool that keeps its size.
    #[must_use]
    pub const fn fixed(workers: usize) -> Self {
        Self::range(workers, workers)
    }

    /// A pool with burst workers.
    #[must_use]
    pub const fn range(workers: usize, max_workers: usize) -> Self {
        Self { workers, max_workers, reserve: workers, temporary: workers }
    }

    /// Sets how many resources serve `run`.
    #[must_use]
    pub const fn serving(self, reserve: usize, temporary: usize) -> Self {
        Self { reserve, temporary, ..self }
    }
}

/// One case of the suite. Clones are the same case.
pub struct Case<D: Driver> {
    inner: Arc<Inner<D>>,
}

struct Inner<D: Driver> {
    driver: D,
    clock: FakeClock,
    script: Script,
    log: Log,
    state: Lock<State<D>>,
}

struct State<D: Driver> {
    gates: Vec<Gate>,
    pools: Vec<Pool<D>>,
    sizes: Vec<Size>,
    abandoned: usize,
    drops: bool,
}

impl<D: Driver> Case<D> {
    /// A case in which nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        let state =
            State { gates: Vec::new(), pools: Vec::new(), sizes: Vec::new(), abandoned: 0, drops: false };
        Self {
            inner: Arc::new(Inner {
                driver: D::start(),
                clock: FakeClock::new(),
                script: Script::new(),
                log: Log::new(),
                state: Lock::new(state),
            }),
        }
    }

    /// What the backend can do.
    #[must_use]
    pub const fn can(&self) -> Capabilities {
        D::CAPABILITIES
    }

    /// The backend.
    #[must_use]
    pub fn driver(&self) -> &D {
        &self.inner.driver
    }

    /// The clock of its pools.
    #[must_use]
    pub fn clock(&self) -> &FakeClock {
        &self.inner.clock
    }

    /// What its resources do.
    #[must_use]
    pub fn script(&self) -> &Script {
        &self.inner.script
    }

    /// The order of what happened.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.inner.log
    }

    /// A gate, opened at the latest when the case is over.
    #[must_use]
    pub fn gate(&self) -> Gate {
        let gate = Gate::new();
        self.inner.state.lock().gates.push(gate.clone());
        gate
    }

    /// Moves time on.
    pub fn advance(&self, by: Duration) {
        self.inner.clock.advance(by);
    }

    /// Waits until nothing moves.
    pub fn settle(&self) {
        self.inner.clock.settle();
    }

    /// Up to so many workers may be there beyond the limit: they are abandoned.
    pub fn allow_abandoned(&self, workers: usize) {
        self.inner.state.lock().abandoned = workers;
    }

    /// Resources may be dropped without being destroyed: their runtime ends.
    pub fn allow_drops(&self) {
        self.inner.state.lock().drops = true;
    }

    /// A builder of this size.
    pub fn builder(&self, size: Size) -> Builder<D::Backend> {
        self.inner.state.lock().sizes.push(size);
        let builder = self.inner.driver.builder(self.inner.script.clone(), self.inner.clock.clone());
        builder
            .workers(size.workers)
            .max_workers(size.max_workers)
            .reserve(size.reserve)
            .max_temporary(size.temporary)
    }

    /// A pool that could be built, at rest.
    ///
    /// # Panics
    ///
    /// If it could not.
    pub fn pool(
        &self,
        size: Size,
        set_up: impl FnOnce(Builder<D::Backend>) -> Builder<D::Backend>,
    ) -> Pool<D> {
        self.adopt(set_up(self.builder(size))).expect("the pool could be built")
    }

    /// A pool, at rest, or why there is none.
    ///
    /// # Errors
    ///
    /// Those of `build`.
    pub fn adopt(&self, builder: Builder<D::Backend>) -> Result<Pool<D>, BuildError<Fault>> {
        let pool = self.build(builder)?;
        self.inner.state.lock().pools.push(pool.clone());
        self.settle();
        Ok(pool)
    }

    /// A pool that the case does not hold, so that its last handle can be dropped.
    ///
    /// # Errors
    ///
    /// Those of `build`.
    pub fn build(&self, builder: Builder<D::Backend>) -> Result<Pool<D>, BuildError<Fault>> {
        self.inner.driver.build(builder).map(Pool::new)
    }

    /// Runs `f` on a thread that the clock counts as moving while it does not wait.
    pub fn spawn<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Helper<T> {
        let activity = self.inner.clock.activity();
        if let Some(activity) = &activity {
            activity.begin();
        }
        let done = Arc::new(AtomicBool::new(false));
        let ending = Ending { activity, done: Arc::clone(&done) };
        let thread = thread::spawn(move || {
            Parker::counted(ending.activity.clone()).make_current();
            let result = f();
            drop(ending);
            result
        });
        Helper { thread, done }
    }

    /// Waits for a thread of [`spawn`](Self::spawn).
    ///
    /// # Panics
    ///
    /// If that thread did.
    pub fn join<T>(&self, helper: Helper<T>) -> T {
        helper.thread.join().expect("the helper thread went through")
    }

    /// Ends the pools that have not ended, and checks what must hold after every case.
    ///
    /// # Panics
    ///
    /// If it does not hold.
    pub fn finish(&self) {
        let (gates, pools) = {
            let mut state = self.inner.state.lock();
            (std::mem::take(&mut state.gates), std::mem::take(&mut state.pools))
        };
        gates.iter().for_each(Gate::open);
        for pool in &pools {
            if !pool.stats().ended {
                pool.kill().expect("the case is over and outside of tasks");
            }
        }
        self.settle();
        pools.iter().for_each(Pool::check_ended);
        self.check_script(&pools);
    }

    fn check_script(&self, pools: &[Pool<D>]) {
        let counters = self.inner.script.counters();
        assert_eq!(self.inner.script.violations(), Vec::<String>::new(), "what must never be");
        assert_eq!(counters.live, 0, "no resource is left: {counters:?}");
        assert_eq!(
            counters.created,
            counters.destroyed + counters.dropped,
            "each is destroyed once: {counters:?}"
        );
        let state = self.inner.state.lock();
        if !state.drops {
            assert_eq!(counters.dropped, 0, "each is destroyed: {counters:?}");
        }
        let limit = |of: fn(&Size) -> usize| state.sizes.iter().map(of).sum::<usize>();
        let workers = limit(|size| size.max_workers) + state.abandoned;
        assert!(counters.max_workers <= workers, "at most {workers} workers: {counters:?}");
        let others = limit(|size| size.reserve + size.temporary);
        assert!(counters.max_others <= others, "at most {others} for `run`: {counters:?}");
        if pools.len() == state.sizes.len() {
            let created: u64 = pools.iter().map(|pool| pool.metrics().created).sum();
            assert_eq!(created, counters.created as u64, "the pool counts what was created");
        }
    }

    /// All that is known, for a case that failed.
    #[must_use]
    pub fn dump(&self) -> String {
        let pools = self.inner.state.lock().pools.clone();
        let mut text = format!("{:#?}\n{:?}\n", self.inner.clock, self.inner.script.counters());
        text +=
            &format!("script: {:?}\nlog: {:?}\n", self.inner.script.log().entries(), self.log().entries());
        for pool in pools {
            text += &format!("{:?}\n{:?}\n", pool.stats(), pool.metrics());
            text += &format!("events: {:#?}\n", pool.seen());
        }
        text
    }
}

impl<D: Driver> Default for Case<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: Driver> Clone for Case<D> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<D: Driver> fmt::Debug for Case<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("clock", &self.inner.clock).finish_non_exhaustive()
    }
}

/// A thread of a case, see [`Case::spawn`].
#[derive(Debug)]
pub struct Helper<T> {
    thread: JoinHandle<T>,
    done: Arc<AtomicBool>,
}

impl<T> Helper<T> {
    /// Whether it is done. Exact once the case has settled.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.done.load(Ordering::SeqCst)
    }
}

struct Ending {
    activity: Option<Arc<Activity>>,
    done: Arc<AtomicBool>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.done.store(true, Ordering::SeqCst);
        if let Some(activity) = &self.activity {
            activity.end();
        }
    }
}

/// A pool of a case. Clones are handles to the same pool.
pub struct Pool<D: Driver> {
    pool: D::Pool,
    events: Arc<Lock<(Events, Vec<PoolEvent>)>>,
}

impl<D: Driver> Pool<D> {
    fn new(pool: D::Pool) -> Self {
        let events = Arc::new(Lock::new((D::events(&pool), Vec::new())));
        Self { pool, events }
    }

    /// The backend's own pool.
    #[must_use]
    pub const fn inner(&self) -> &D::Pool {
        &self.pool
    }

    /// `submit`.
    pub fn submit(&self, task: Task) -> Handle {
        D::submit(&self.pool, task)
    }

    /// `submit_once`.
    pub fn submit_once(&self, task: Task) -> Handle {
        D::submit_once(&self.pool, task)
    }

    /// `try_submit`.
    ///
    /// # Errors
    ///
    /// Those of `try_submit`.
    pub fn try_submit(&self, task: Task) -> Result<Handle, Refused<Task>> {
        D::try_submit(&self.pool, task)
    }

    /// `submit_wait`.
    ///
    /// # Errors
    ///
    /// Those of `submit_wait`.
    pub fn submit_wait(&self, task: Task) -> Result<Handle, Refused<Task>> {
        D::submit_wait(&self.pool, task)
    }

    /// `submit_wait` as tasks do it, see [`Step::Squeeze`](crate::Step::Squeeze).
    #[must_use]
    pub fn submit_wait_inside(&self, task: Task) -> Waiting {
        D::submit_wait_inside(self.pool.clone(), task)
    }

    /// `submit_timeout`.
    ///
    /// # Errors
    ///
    /// Those of `submit_timeout`.
    pub fn submit_timeout(&self, timeout: Duration, task: Task) -> Result<Handle, Refused<Task>> {
        D::submit_timeout(&self.pool, timeout, task)
    }

    /// `submit_then`.
    pub fn submit_then(
        &self,
        task: Task,
        callback: impl FnOnce(Result<Answer, TaskError<Fault>>) + Send + 'static,
    ) {
        D::submit_then(&self.pool, task, callback);
    }

    /// `submit_all`.
    #[must_use]
    pub fn submit_all(&self, tasks: Vec<Task>) -> Vec<Handle> {
        D::submit_all(&self.pool, tasks)
    }

    /// The number a task succeeds with.
    ///
    /// # Panics
    ///
    /// If it does not succeed.
    #[must_use]
    pub fn value_of(&self, task: Task) -> u64 {
        self.answer_to(task).number
    }

    /// What a task succeeds with.
    ///
    /// # Panics
    ///
    /// If it does not succeed.
    #[must_use]
    pub fn answer_to(&self, task: Task) -> Answer {
        self.submit(task).wait().expect("the task succeeds")
    }

    /// What a task fails with.
    ///
    /// # Panics
    ///
    /// If it succeeds.
    #[must_use]
    pub fn error_of(&self, task: Task) -> TaskError<Fault> {
        self.submit(task).wait().expect_err("the task fails")
    }

    /// `run`.
    ///
    /// # Errors
    ///
    /// Those of `run`.
    pub fn run(&self, task: Task) -> Result<Answer, RunError<Fault>> {
        D::run(&self.pool, task)
    }

    /// `stop`.
    ///
    /// # Errors
    ///
    /// Those of `stop`.
    pub fn stop(&self) -> Result<Arc<StopReport>, StopError> {
        D::stop(&self.pool)
    }

    /// The report of a stop from outside of tasks.
    ///
    /// # Panics
    ///
    /// If it does not stop.
    pub fn stopped(&self) -> Arc<StopReport> {
        self.stop().expect("it is stopped outside of its tasks")
    }

    /// `stop_within`.
    ///
    /// # Errors
    ///
    /// Those of `stop_within`.
    pub fn stop_within(&self, timeout: Duration) -> Result<Arc<StopReport>, StopError> {
        D::stop_within(&self.pool, timeout)
    }

    /// `kill`.
    ///
    /// # Errors
    ///
    /// Those of `kill`.
    pub fn kill(&self) -> Result<Arc<StopReport>, StopError> {
        D::kill(&self.pool)
    }

    /// `ended`.
    #[must_use]
    pub fn ended(&self) -> Arc<StopReport> {
        D::ended(&self.pool)
    }

    /// `pause`.
    pub fn pause(&self) {
        D::pause(&self.pool);
    }

    /// `resume`.
    pub fn resume(&self) {
        D::resume(&self.pool);
    }

    /// `resize`.
    ///
    /// # Errors
    ///
    /// Those of `resize`.
    pub fn resize(&self, workers: usize, max_workers: usize) -> Result<(), InvalidConfig> {
        D::resize(&self.pool, workers, max_workers)
    }

    /// `warm_up`.
    pub fn warm_up(&self, workers: usize) {
        D::warm_up(&self.pool, workers);
    }

    /// `stats`.
    #[must_use]
    pub fn stats(&self) -> Stats {
        D::stats(&self.pool)
    }

    /// `metrics`.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        D::metrics(&self.pool)
    }

    /// A new subscription.
    #[must_use]
    pub fn events(&self) -> Events {
        D::events(&self.pool)
    }

    /// All events since it was built.
    #[must_use]
    pub fn seen(&self) -> Vec<PoolEvent> {
        let mut events = self.events.lock();
        while let Some(received) = events.0.try_recv() {
            if let Received::Event(event) = received {
                events.1.push(event);
            }
        }
        events.1.clone()
    }

    /// How many events since it was built are such.
    #[must_use]
    pub fn count(&self, such: impl Fn(&PoolEvent) -> bool) -> usize {
        self.seen().iter().filter(|event| such(event)).count()
    }

    fn check_ended(&self) {
        let stats = self.stats();
        let mut expected = Stats::default();
        expected.ended = true;
        expected.abandoned = stats.abandoned;
        expected.create_error.clone_from(&stats.create_error);
        assert_eq!(stats, expected, "nothing is left in a pool that has ended");
        let metrics = self.metrics();
        assert_eq!(metrics.accepted, metrics.ended(), "every accepted task ends once: {metrics:?}");
    }
}

impl<D: Driver> Clone for Pool<D> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), events: Arc::clone(&self.events) }
    }
}

impl<D: Driver> fmt::Debug for Pool<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
