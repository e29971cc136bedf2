//! The control loop's mailbox.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use crate::clock::AsyncClock;
use crate::engine::Msg;
use crate::queue::Mail;
use crate::sync::Lock;
use crate::time::Timestamp;

/// The control loop's mailbox.
#[derive(Default)]
pub(super) struct Mailbox {
    state: Lock<State>,
}

#[derive(Default)]
struct State {
    messages: VecDeque<Msg>,
    waker: Option<Waker>,
    closed: bool,
}

impl Mailbox {
    /// The next message, or `None` once `until` has come.
    pub(super) async fn recv_until(&self, until: Option<Timestamp>, clock: &dyn AsyncClock) -> Option<Msg> {
        let mut sleep = None;
        poll_fn(|cx| {
            if let Poll::Ready(msg) = self.poll(cx.waker()) {
                return Poll::Ready(Some(msg));
            }
            // Only now, so that a message that is there costs no timer.
            let Some(until) = until else { return Poll::Pending };
            let sleep = sleep.get_or_insert_with(|| clock.sleep_until(until));
            sleep.as_mut().poll(cx).map(|()| None)
        })
        .await
    }

    /// Nobody reads any more: messages are thrown away.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.messages = VecDeque::new();
    }

    fn poll(&self, waker: &Waker) -> Poll<Msg> {
        let mut state = self.state.lock();
        if let Some(msg) = state.messages.pop_front() {
            return Poll::Ready(msg);
        }
        state.waker = Some(waker.clone());
        Poll::Pending
    }
}

impl Mail for Mailbox {
    fn post(&self, msg: Msg) {
        let mut state = self.state.lock();
        if state.closed {
            return;
        }
        state.messages.push_back(msg);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("waiting", &self.state.lock().messages.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::task::Context;

    use super::*;
    use crate::clock::{Clock, Sleep};
    use crate::parker::Parker;
    use crate::sync::Arc;
    use crate::sync::atomic::{AtomicUsize, Ordering};

    /// Counts its sleeps, and never wakes.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl Clock for Counting {
        fn now(&self) -> Timestamp {
            Timestamp::ZERO
        }

        fn park_until(&self, _: &Parker, _: Timestamp) {}
    }

    impl AsyncClock for Counting {
        fn sleep_until(&self, _: Timestamp) -> Sleep {
            self.0.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::pending())
        }
    }

    #[test]
    fn a_message_that_is_there_costs_no_timer_and_a_wait_costs_one() {
        let (mailbox, clock) = (Mailbox::default(), Arc::new(Counting::default()));
        let mut cx = Context::from_waker(Waker::noop());
        let until = Some(Timestamp::from_nanos(1));
        mailbox.post(Msg::Nudge);
        let mut received = Box::pin(mailbox.recv_until(until, &*clock));
        assert!(matches!(received.as_mut().poll(&mut cx), Poll::Ready(Some(Msg::Nudge))));
        assert_eq!(clock.0.load(Ordering::Relaxed), 0);
        let mut waiting = Box::pin(mailbox.recv_until(until, &*clock));
        for _ in 0..3 {
            assert!(waiting.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(clock.0.load(Ordering::Relaxed), 1);
        mailbox.post(Msg::Nudge);
        assert!(waiting.as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn a_mailbox_that_nobody_reads_any_more_keeps_nothing() {
        let mailbox = Mailbox::default();
        mailbox.post(Msg::Nudge);
        mailbox.close();
        mailbox.post(Msg::Nudge);
        assert!(mailbox.poll(Waker::noop()).is_pending());
    }
}
