//! Knowing when nothing moves: what a fake clock needs before it lets time pass.
//!
//! Every worker and the control loop of a pool is an *entity*. An entity is active from the moment somebody wakes
//! it (or starts it) until it waits again. A pool is quiescent when no entity is active. Whoever wakes an entity
//! counts it as active before it returns, so there is no moment in between.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};

use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Arc, Condvar, Lock, wait_on};

/// Counts the active entities of the pools that share a virtual clock.
#[derive(Debug, Default)]
pub struct Activity {
    state: Lock<State>,
    quiet: Condvar,
}

#[derive(Default)]
struct State {
    active: usize,
    waiting: Vec<Waker>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("active", &self.active).finish_non_exhaustive()
    }
}

impl Activity {
    /// Counts one more active entity.
    pub fn begin(&self) {
        self.state.lock().active += 1;
    }

    /// Counts one less; whoever waits for quiescence learns of the last one.
    pub fn end(&self) {
        let mut state = self.state.lock();
        state.active = state.active.saturating_sub(1);
        if state.active > 0 {
            return;
        }
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.quiet.notify_all();
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Blocks until no entity is active.
    pub fn wait_quiet(&self) {
        let mut state = self.state.lock();
        while state.active > 0 {
            state = wait_on(&self.quiet, state);
        }
    }

    /// Ready once no entity is active; wakes the context's waker when that changes.
    pub fn poll_quiet(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.active == 0 {
            return Poll::Ready(());
        }
        state.waiting.push(cx.waker().clone());
        Poll::Pending
    }
}

/// One entity: counted once while active, however often it is woken.
#[derive(Debug)]
pub struct Entity {
    activity: Arc<Activity>,
    state: AtomicU8,
}

/// Waiting; not counted.
const RESTING: u8 = 0;
/// Moving; counted.
const MOVING: u8 = 1;
/// Woken, and yet to look why; counted.
const WOKEN: u8 = 2;

impl Entity {
    /// An entity that starts woken.
    pub fn start(activity: Arc<Activity>) -> Self {
        activity.begin();
        Self { activity, state: AtomicU8::new(WOKEN) }
    }

    /// Somebody woke it.
    pub fn wake(&self) {
        if self.state.swap(WOKEN, Ordering::SeqCst) == RESTING {
            self.activity.begin();
        }
    }

    /// It looks around: wake-ups up to now are answered by what it does next.
    pub fn moves(&self) {
        if self.state.swap(MOVING, Ordering::SeqCst) == RESTING {
            self.activity.begin();
        }
    }

    /// It waits, unless it was woken since it last looked.
    pub fn rests(&self) {
        if self.state.compare_exchange(MOVING, RESTING, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            self.activity.end();
        }
    }

    /// It has ended.
    pub fn ends(&self) {
        if self.state.swap(RESTING, Ordering::SeqCst) != RESTING {
            self.activity.end();
        }
    }
}

impl Drop for Entity {
    fn drop(&mut self) {
        self.ends();
    }
}

/// A future whose polling and waking are counted by an [`Activity`], if there is one.
#[must_use]
pub(crate) struct Tracked<F> {
    inner: Pin<Box<F>>,
    tracker: Option<Arc<Tracker>>,
}

struct Tracker {
    entity: Entity,
    inner: Lock<Option<Waker>>,
}

impl Wake for Tracker {
    fn wake(self: Arc<Self>) {
        Self::wake_by_ref(&self);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let inner = self.inner.lock().clone();
        // No inner waker: it has ended, or was never polled and is counted as woken already.
        if let Some(waker) = inner {
            self.entity.wake();
            waker.wake();
        }
    }
}

impl<F: Future> Tracked<F> {
    pub(crate) fn new(inner: F, activity: Option<Arc<Activity>>) -> Self {
        let tracker = activity
            .map(|activity| Arc::new(Tracker { entity: Entity::start(activity), inner: Lock::new(None) }));
        Self { inner: Box::pin(inner), tracker }
    }
}

impl<F: Future> Future for Tracked<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(tracker) = self.tracker.clone() else {
            return self.inner.as_mut().poll(cx);
        };
        *tracker.inner.lock() = Some(cx.waker().clone());
        tracker.entity.moves();
        let waker = Waker::from(Arc::clone(&tracker));
        let polled = self.inner.as_mut().poll(&mut Context::from_waker(&waker));
        if polled.is_ready() {
            *tracker.inner.lock() = None;
            tracker.entity.ends();
        } else {
            tracker.entity.rests();
        }
        polled
    }
}

impl<F> Drop for Tracked<F> {
    fn drop(&mut self) {
        if let Some(tracker) = &self.tracker {
            *tracker.inner.lock() = None;
            tracker.entity.ends();
        }
    }
}
