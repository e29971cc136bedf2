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

#[cfg(all(test, not(any(tasker_loom, tasker_shuttle))))]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::testing::Bell;

    fn is_quiet(activity: &Activity) -> bool {
        activity.poll_quiet(&Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn whoever_waits_for_quiescence_is_woken_by_the_last_that_ends() {
        let (activity, bell) = (Activity::default(), Arc::<Bell>::default());
        let waker = bell.waker();
        let asks = || activity.poll_quiet(&Context::from_waker(&waker));
        assert_eq!(asks(), Poll::Ready(()));
        activity.begin();
        activity.begin();
        assert_eq!(asks(), Poll::Pending);
        activity.end();
        assert_eq!((asks(), bell.rung()), (Poll::Pending, 0));
        activity.end();
        assert_eq!((asks(), bell.rung()), (Poll::Ready(()), 2));
        activity.wait_quiet();
    }

    #[test]
    fn a_thread_that_waits_for_quiescence_comes_back_after_the_last_end() {
        let (activity, ended) = (Activity::default(), AtomicU8::new(0));
        activity.begin();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                activity.wait_quiet();
                ended.load(Ordering::SeqCst)
            });
            ended.store(1, Ordering::SeqCst);
            activity.end();
            assert_eq!(waiter.join().expect("no panic"), 1);
        });
    }

    #[test]
    fn an_entity_counts_once_from_its_wake_up_until_it_rests() {
        let activity = Arc::<Activity>::default();
        let entity = Entity::start(Arc::clone(&activity));
        entity.wake();
        assert!(!is_quiet(&activity));
        entity.rests();
        assert!(!is_quiet(&activity), "it was woken and has not looked why");
        entity.moves();
        entity.rests();
        assert!(is_quiet(&activity));
        entity.rests();
        entity.wake();
        entity.wake();
        entity.moves();
        entity.rests();
        assert!(is_quiet(&activity));
        entity.moves();
        assert!(!is_quiet(&activity), "it looks around unasked");
    }

    #[test]
    fn an_entity_that_has_ended_counts_no_more_and_takes_nothing_from_others() {
        let activity = Arc::<Activity>::default();
        let [entity, other] = [(); 2].map(|()| Entity::start(Arc::clone(&activity)));
        entity.ends();
        entity.ends();
        drop(entity);
        assert!(!is_quiet(&activity));
        drop(other);
        assert!(is_quiet(&activity));
    }

    #[test]
    fn a_tracked_future_counts_while_it_has_to_be_polled() {
        let (activity, bell) = (Arc::<Activity>::default(), Arc::<Bell>::default());
        let (mut inner, mut polls) = (None, 0);
        let future = poll_fn(|cx| {
            polls += 1;
            inner = Some(cx.waker().clone());
            if polls == 3 { Poll::Ready(()) } else { Poll::Pending }
        });
        let mut tracked = Tracked::new(future, Some(Arc::clone(&activity)));
        let waker = bell.waker();
        let mut polled = || Pin::new(&mut tracked).poll(&mut Context::from_waker(&waker));
        assert!(!is_quiet(&activity));
        assert_eq!(polled(), Poll::Pending);
        assert!(is_quiet(&activity));
        assert_eq!(polled(), Poll::Pending);
        assert_eq!(polled(), Poll::Ready(()));
        assert!(is_quiet(&activity));
        drop(tracked);
        inner.expect("it was polled").wake();
        assert_eq!(bell.rung(), 0, "it has ended");
        assert!(is_quiet(&activity));
    }

    #[test]
    fn waking_a_tracked_future_counts_it_before_its_runtime_hears_of_it() {
        let (activity, bell) = (Arc::<Activity>::default(), Arc::<Bell>::default());
        let kept = Lock::new(None);
        let future = poll_fn(|cx| {
            *kept.lock() = Some(cx.waker().clone());
            Poll::<()>::Pending
        });
        let mut tracked = Tracked::new(future, Some(Arc::clone(&activity)));
        let waker = bell.waker();
        assert_eq!(Pin::new(&mut tracked).poll(&mut Context::from_waker(&waker)), Poll::Pending);
        kept.lock().take().expect("it was polled").wake();
        assert_eq!((is_quiet(&activity), bell.rung()), (false, 1));
        drop(tracked);
        assert!(is_quiet(&activity));
    }
}
