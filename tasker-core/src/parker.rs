//! Waiting on a thread, for a waker or for a while.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::activity::Activity;
use crate::clock::Clock;
use crate::sync::{Arc, Condvar, Lock, wait_on, wait_on_for};
use crate::time::Timestamp;

/// A place where one thread waits until somebody calls its [waker](Parker::waker).
///
/// A wake-up that comes before the wait is kept, and the wait returns at once. Waits may end early for no reason;
/// callers look again at what they wait for.
pub struct Parker {
    spot: Arc<Spot>,
}

struct Spot {
    state: Lock<State>,
    condvar: Condvar,
    activity: Option<Arc<Activity>>,
}

#[derive(Default)]
struct State {
    token: bool,
    parked: bool,
}

#[cfg(not(any(tasker_loom, tasker_shuttle)))]
thread_local! {
    static CURRENT: RefCell<Option<std::rc::Rc<Parker>>> = const { RefCell::new(None) };
}
#[cfg(any(tasker_loom, tasker_shuttle))]
crate::sync::thread_local! {
    static CURRENT: RefCell<Option<std::rc::Rc<Parker>>> = RefCell::new(None);
}

impl Parker {
    /// A new place to wait, which no clock counts.
    #[must_use]
    pub fn new() -> Self {
        Self::counted(None)
    }

    /// A new place to wait, whose thread is counted as active while it does not wait.
    #[must_use]
    pub fn counted(activity: Option<Arc<Activity>>) -> Self {
        Self { spot: Arc::new(Spot { state: Lock::default(), condvar: Condvar::new(), activity }) }
    }

    /// Runs `f` with the parker of the current thread.
    pub fn with_current<T>(f: impl FnOnce(&Self) -> T) -> T {
        let kept = CURRENT.try_with(|current| {
            std::rc::Rc::clone(current.borrow_mut().get_or_insert_with(|| std::rc::Rc::new(Self::new())))
        });
        match kept {
            Ok(parker) => f(&parker),
            // The thread is ending and its locals are gone.
            Err(_) => f(&Self::new()),
        }
    }

    /// Runs `f` with the parker of the current thread, which has another one meanwhile. For those who call users' code
    /// before they wait: were it to wait, too, in the same place, it would take the wake-up that this waits for.
    fn with_own<T>(f: impl FnOnce(&Self) -> T) -> T {
        Self::with_current(|parker| {
            let _lent = Lent::instead_of(parker);
            f(parker)
        })
    }

    /// Makes this the parker of the current thread.
    pub fn make_current(self) {
        CURRENT.with(|current| *current.borrow_mut() = Some(std::rc::Rc::new(self)));
    }

    /// What ends a wait here.
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.spot))
    }

    /// Waits for a wake-up.
    pub fn park(&self) {
        self.park_with(wait_on);
    }

    /// Waits for a wake-up, at most for `timeout`.
    pub fn park_timeout(&self, timeout: Duration) {
        let mut waited = false;
        let spot = &self.spot;
        let mut state = spot.state.lock();
        if !state.token {
            spot.rests(&mut state);
            while !state.token && !waited {
                state = wait_on_for(&spot.condvar, state, timeout);
                waited = true;
            }
            spot.moves(&mut state);
        }
        state.token = false;
    }

    fn park_with<'a>(
        &'a self,
        wait: impl Fn(&'a Condvar, crate::sync::MutexGuard<'a, State>) -> crate::sync::MutexGuard<'a, State>,
    ) {
        let spot = &self.spot;
        let mut state = spot.state.lock();
        if !state.token {
            spot.rests(&mut state);
            while !state.token {
                state = wait(&spot.condvar, state);
            }
            spot.moves(&mut state);
        }
        state.token = false;
    }
}

impl Default for Parker {
    fn default() -> Self {
        Self::new()
    }
}

/// The current thread has another parker than its own, until this is dropped.
struct Lent {
    own: Option<std::rc::Rc<Parker>>,
}

impl Lent {
    fn instead_of(parker: &Parker) -> Self {
        // One that nobody counts is made when it is needed.
        let counted = |activity| std::rc::Rc::new(Parker::counted(Some(activity)));
        let other = parker.spot.activity.clone().map(counted);
        // Where the thread's locals are gone, each who waits has one for itself anyway.
        let own = CURRENT.try_with(|current| std::mem::replace(&mut *current.borrow_mut(), other));
        Self { own: own.ok().flatten() }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(own) = self.own.take() {
            let _ = CURRENT.try_with(|current| current.borrow_mut().replace(own));
        }
    }
}

impl fmt::Debug for Parker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parker").finish_non_exhaustive()
    }
}

impl Spot {
    fn rests(&self, state: &mut State) {
        state.parked = true;
        if let Some(activity) = &self.activity {
            activity.end();
        }
    }

    fn moves(&self, state: &mut State) {
        // Whoever woke it has counted it already.
        if state.parked {
            state.parked = false;
            if let Some(activity) = &self.activity {
                activity.begin();
            }
        }
    }
}

impl Wake for Spot {
    fn wake(self: Arc<Self>) {
        Self::wake_by_ref(&self);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if state.token {
            return;
        }
        state.token = true;
        self.moves(&mut state);
        drop(state);
        self.condvar.notify_one();
    }
}

/// Runs `future` to completion on the current thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    Parker::with_own(|parker| {
        let waker = parker.waker();
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            parker.park();
        }
    })
}

/// Runs `future` on the current thread until it completes or `deadline` has come; `None` if it came first.
///
/// The future is dropped either way. A future that blocks inside a poll is not interrupted.
pub fn block_on_until<F: Future>(clock: &dyn Clock, deadline: Timestamp, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    Parker::with_own(|parker| {
        let waker = parker.waker();
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(output);
            }
            if clock.now() >= deadline {
                return None;
            }
            clock.park_until(parker, deadline);
        }
    })
}

#[cfg(all(test, not(any(tasker_loom, tasker_shuttle))))]
mod tests {
    use std::future::{poll_fn, ready};
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Waits when it is dropped, for something that wakes it once.
    struct WaitsAtTheEnd(Sender<u32>);

    impl Drop for WaitsAtTheEnd {
        fn drop(&mut self) {
            let mut polls = 0;
            block_on(poll_fn(|cx| {
                polls += 1;
                cx.waker().wake_by_ref();
                if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
            }));
            let _ = self.0.send(polls);
        }
    }

    #[test]
    fn a_wait_inside_of_a_wait_takes_no_wake_up_from_it() {
        let (mut polls, mut inner_polls) = (0, 0);
        block_on(poll_fn(|outer| {
            polls += 1;
            if polls == 2 {
                return Poll::Ready(());
            }
            block_on(poll_fn(|inner| {
                inner_polls += 1;
                if inner_polls == 2 {
                    return Poll::Ready(());
                }
                outer.waker().wake_by_ref();
                inner.waker().wake_by_ref();
                Poll::Pending
            }));
            Poll::Pending
        }));
        assert_eq!((polls, inner_polls), (2, 2));
    }

    #[test]
    fn after_a_wait_the_thread_has_its_own_place_again() {
        let place = || Parker::with_current(|parker| Arc::as_ptr(&parker.spot));
        let own = place();
        let inside = block_on(poll_fn(|_| Poll::Ready(place())));
        assert_ne!(inside, own);
        assert_eq!(place(), own);
    }

    thread_local! {
        static LAST: RefCell<Option<WaitsAtTheEnd>> = const { RefCell::new(None) };
    }

    #[test]
    fn a_thread_can_wait_while_its_locals_are_dropped() {
        let (sender, polls) = channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // Made before the thread's parker, and so dropped after it.
                LAST.with(|last| *last.borrow_mut() = Some(WaitsAtTheEnd(sender)));
                block_on(ready(()));
            });
        });
        assert_eq!(polls.recv(), Ok(2));
    }
}
