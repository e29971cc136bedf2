//! Who works on what.

use std::collections::BTreeMap;
use std::fmt;
use std::task::Waker;

use crate::engine::Hub;
use crate::engine::alarms::Running;
use crate::engine::report::WorkerLeft;
use crate::ids::{SpawnReason, WorkerId};
use crate::metrics::{Counters, Meter, RateWindow, Totals};
use crate::resource::CreateContext;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Arc, Lock, load_in_order};
use crate::task::{End, Shared, TaskCore, Window};
use crate::time::Timestamp;

/// Why a worker should drop what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// The pool was killed.
    Kill,
    /// Nobody waits for this worker any more.
    Abandon,
}

/// What others see of a worker, and where they reach it.
pub struct Post {
    /// The worker's id.
    pub id: WorkerId,
    /// What its resource is for.
    pub reason: SpawnReason,
    /// How many times its place was tried to be filled.
    pub attempt: u32,
    pub(crate) meter: Meter,
    /// When it last began something: in nanoseconds.
    since: AtomicU64,
    /// The task it is inside of.
    window: Window,
    /// Whether it has a task that the queue counts as running.
    busy: AtomicBool,
    interrupt: AtomicU8,
    /// The supervisor was told that it does not come back.
    stuck: AtomicBool,
    waker: Lock<Option<Waker>>,
    /// Which waker that is: the worker leaves the same one most times, and need not take the lock for that.
    watched: [AtomicUsize; 2],
}

impl Post {
    pub(crate) fn new(id: WorkerId, reason: SpawnReason, attempt: u32, now: Timestamp) -> Self {
        Self {
            id,
            reason,
            attempt,
            meter: Meter::new(),
            since: AtomicU64::new(now.as_nanos()),
            window: Window::new(),
            busy: AtomicBool::new(false),
            interrupt: AtomicU8::new(0),
            stuck: AtomicBool::new(false),
            waker: Lock::new(None),
            watched: Default::default(),
        }
    }

    /// What `create` is told.
    pub fn create_context(&self) -> CreateContext {
        CreateContext::new(Some(self.id), self.attempt, self.reason)
    }

    /// Why it should drop what it does, if it should.
    #[inline]
    pub fn interrupted(&self) -> Option<Interrupt> {
        match load_in_order(|ordering| self.interrupt.load(ordering)) {
            0 => None,
            1 => Some(Interrupt::Kill),
            _ => Some(Interrupt::Abandon),
        }
    }

    /// Leaves a waker for interrupts; the caller looks at [`Self::interrupted`] afterwards.
    #[inline]
    pub fn watch(&self, waker: &Waker) {
        // What the kept one refers to is not freed, so no other has its address.
        let which = [waker.data().addr(), std::ptr::from_ref(waker.vtable()).addr()];
        let watched = || self.watched.each_ref().map(|part| part.load(Ordering::Relaxed));
        if watched() != which {
            self.keep(waker, which);
        }
    }

    fn keep(&self, waker: &Waker, which: [usize; 2]) {
        let mut kept = self.waker.lock();
        match &mut *kept {
            Some(kept) => kept.clone_from(waker),
            None => *kept = Some(waker.clone()),
        }
        for (part, which) in self.watched.iter().zip(which) {
            part.store(which, Ordering::Relaxed);
        }
    }

    /// Wakes whoever is inside this task here. `false`: nobody is.
    fn wake_inside(&self, task: &TaskCore) -> bool {
        if self.attempt_of(task).is_none() {
            return false;
        }
        self.wake();
        true
    }

    /// The attempt at this task, if the worker is inside of it.
    fn attempt_of(&self, task: &TaskCore) -> Option<u32> {
        self.window.look(|shown| (shown.id() == task.id()).then(|| shown.attempts()))?
    }

    pub(crate) fn interrupt(&self, why: Interrupt) {
        let code = match why {
            Interrupt::Kill => 1,
            Interrupt::Abandon => 2,
        };
        self.interrupt.fetch_max(code, Ordering::SeqCst);
        self.wake();
    }

    /// Calls the waker that was left, and leaves it: what it is inside of may have to be told more than once.
    fn wake(&self) {
        let waker = self.waker.lock().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// It has taken a task. The caller looks at [`Self::interrupted`] afterwards: an
    /// interrupt from before finds no task here to end.
    #[inline]
    pub(crate) fn begins(&self, task: Shared, now: Timestamp) {
        self.busy.store(true, Ordering::Release);
        self.since.store(now.as_nanos(), Ordering::Relaxed);
        self.window.show(task);
    }

    /// It is inside of no task any more; the one that it was inside of.
    #[inline]
    pub(crate) fn ends(&self) -> Option<Shared> {
        self.window.hide()
    }

    /// [`Self::take_busy`], for the worker when it is inside no task: nobody gives it up then.
    #[inline]
    pub(crate) fn was_busy(&self) -> bool {
        let busy = self.busy.load(Ordering::Acquire);
        self.busy.store(false, Ordering::Relaxed);
        busy
    }

    /// Whether it has a task that the queue counts as running; whoever is told so has to uncount it.
    #[inline]
    pub(crate) fn take_busy(&self) -> bool {
        self.busy.swap(false, Ordering::AcqRel)
    }

    /// Whether it is inside a task whose end is decided, which the queue counts as running; whoever is told so has to
    /// uncount it. A task that is still owed stays counted.
    pub(crate) fn give_up(&self) -> bool {
        self.window.look(|task| task.has_ended() && self.take_busy()).unwrap_or(false)
    }

    /// Notes that it does not come back from this attempt at a task that has ended. `false` if it is not inside of that
    /// any more.
    pub(crate) fn note_stuck(&self, running: Running) -> bool {
        // While it is looked at: it either takes the note or is seen to have come back.
        let noted = self.window.look(|task| {
            let same = task.id() == running.task && task.attempts() == running.attempt;
            let stuck = same && task.has_ended();
            if stuck {
                self.stuck.store(true, Ordering::Release);
            }
            stuck
        });
        noted.unwrap_or(false)
    }

    /// Whether it was noted as stuck; it has come back.
    #[inline]
    pub(crate) fn take_stuck(&self) -> bool {
        self.stuck.load(Ordering::Acquire) && self.stuck.swap(false, Ordering::AcqRel)
    }

    fn left(&self, now: Timestamp) -> WorkerLeft {
        let task = self.window.peek();
        let since = Timestamp::from_nanos(self.since.load(Ordering::Relaxed));
        WorkerLeft {
            worker: self.id,
            task: task.as_ref().map(|task| task.id()),
            name: task.as_ref().and_then(|task| task.name().cloned()),
            since: now.saturating_since(since),
        }
    }
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("id", &self.id).field("reason", &self.reason).finish_non_exhaustive()
    }
}

/// All workers of a pool, and what the departed have counted.
#[derive(Debug, Default)]
pub struct Roster {
    state: Lock<State>,
}

#[derive(Debug)]
struct State {
    posts: BTreeMap<WorkerId, Arc<Post>>,
    departed: Totals,
    departed_completions: RateWindow,
}

impl Default for State {
    fn default() -> Self {
        Self {
            posts: BTreeMap::new(),
            departed: Totals::default(),
            departed_completions: RateWindow::new(Timestamp::ZERO),
        }
    }
}

impl Roster {
    pub(crate) fn enter(&self, post: Arc<Post>) {
        self.state.lock().posts.insert(post.id, post);
    }

    /// A worker is gone; what it counted is kept.
    pub(crate) fn depart(&self, worker: WorkerId) {
        let mut state = self.state.lock();
        if let Some(post) = state.posts.remove(&worker) {
            post.meter.add_to(&mut state.departed);
            post.meter.add_completions(&mut state.departed_completions);
        }
    }

    pub(crate) fn post(&self, worker: WorkerId) -> Option<Arc<Post>> {
        self.state.lock().posts.get(&worker).cloned()
    }

    /// What all workers, present and departed, have counted.
    pub(crate) fn totals(&self, totals: &mut Totals) {
        let state = self.state.lock();
        totals.merge(&state.departed);
        for post in state.posts.values() {
            post.meter.add_to(totals);
        }
    }

    /// The counters of all workers, present and departed.
    pub(crate) fn count_into(&self, counters: &mut Counters) {
        let state = self.state.lock();
        counters.merge(&state.departed.counters);
        for post in state.posts.values() {
            post.meter.count_into(counters);
        }
    }

    /// Attempts ended per second, by all workers, present and departed.
    pub(crate) fn completion_rate(&self, now: Timestamp) -> f64 {
        let state = self.state.lock();
        let mut window = state.departed_completions.clone();
        for post in state.posts.values() {
            post.meter.add_completions(&mut window);
        }
        drop(state);
        window.rate(now)
    }

    /// Wakes the attempt of a task that is running, to make it look whether it should stop.
    pub(crate) fn wake_attempt(&self, task: &TaskCore) {
        let posts = self.posts();
        // Where it is not yet, its worker looks before it begins.
        let _found = posts.iter().any(|post| post.wake_inside(task));
    }

    /// The attempt at a task that a worker is inside of.
    pub(crate) fn running(&self, task: &TaskCore) -> Option<Running> {
        let state = self.state.lock();
        state.posts.values().find_map(|post| {
            Some(Running { worker: post.id, task: task.id(), attempt: post.attempt_of(task)? })
        })
    }

    /// The task of this attempt, if its worker is still inside of it.
    pub(crate) fn inside(&self, running: Running) -> Option<Shared> {
        let task = self.post(running.worker)?.window.peek()?;
        (task.id() == running.task && task.attempts() == running.attempt).then_some(task)
    }

    /// Ends all running tasks and interrupts all workers.
    pub(crate) fn kill(&self, hub: &Hub, end: &End) {
        for post in self.posts() {
            // First, so that a worker that takes a task just now either shows it below or sees this.
            post.interrupt(Interrupt::Kill);
            if let Some(task) = post.window.peek() {
                task.cut(hub, end);
            }
        }
    }

    fn posts(&self) -> Vec<Arc<Post>> {
        self.state.lock().posts.values().cloned().collect()
    }

    /// The workers that are still there.
    pub(crate) fn left(&self, now: Timestamp) -> Vec<WorkerLeft> {
        self.state.lock().posts.values().map(|post| post.left(now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bell;

    #[test]
    fn the_waker_that_was_left_last_is_called_whichever_were_left_before() {
        let post = Post::new(WorkerId::new(1), SpawnReason::Base, 1, Timestamp::ZERO);
        let bells: [Arc<Bell>; 2] = Default::default();
        for (which, rung) in [(0, [1, 0]), (0, [2, 0]), (1, [2, 1]), (0, [3, 1])] {
            post.watch(&bells[which].waker());
            post.interrupt(Interrupt::Abandon);
            assert_eq!(bells.each_ref().map(|bell| bell.rung()), rung);
        }
    }

    #[test]
    fn a_waker_that_was_left_is_kept_until_another_is_left() {
        let post = Post::new(WorkerId::new(1), SpawnReason::Base, 1, Timestamp::ZERO);
        let bells: [Arc<Bell>; 2] = Default::default();
        let owners = || bells.each_ref().map(Arc::strong_count);
        post.watch(&bells[0].waker());
        post.watch(&bells[0].waker());
        assert_eq!(owners(), [2, 1]);
        post.watch(&bells[1].waker());
        assert_eq!(owners(), [1, 2]);
    }
}
