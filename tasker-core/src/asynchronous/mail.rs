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
        let mut sleep = until.map(|until| clock.sleep_until(until));
        poll_fn(|cx| {
            if let Poll::Ready(msg) = self.poll(cx.waker()) {
                return Poll::Ready(Some(msg));
            }
            match &mut sleep {
                Some(sleep) => sleep.as_mut().poll(cx).map(|()| None),
                None => Poll::Pending,
            }
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
