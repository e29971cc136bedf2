//! The control loop's mailbox.

use std::fmt;
use std::task::Waker;

#[cfg(not(tasker_shuttle))]
use crossbeam_channel::{Receiver, Sender, unbounded};
use tasker_core::engine::Msg;
use tasker_core::parker::Parker;
use tasker_core::queue::Mail;
use tasker_core::sync::Lock;
use tasker_core::{Clock, Timestamp};

#[cfg(tasker_shuttle)]
use crate::channel::{Receiver, Sender, unbounded};

/// Where messages are put.
pub(crate) struct Postbox {
    sender: Sender<Msg>,
    /// Wakes the control loop; it leaves the waker on its first wait.
    waker: Lock<Option<Waker>>,
}

/// Where the control loop reads them.
pub(crate) struct Mailbox {
    receiver: Receiver<Msg>,
}

pub(crate) fn mailbox() -> (Postbox, Mailbox) {
    let (sender, receiver) = unbounded();
    (Postbox { sender, waker: Lock::new(None) }, Mailbox { receiver })
}

impl Mail for Postbox {
    fn post(&self, msg: Msg) {
        // A control loop that has ended wants no news.
        if self.sender.send(msg).is_ok() {
            let waker = self.waker.lock().clone();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl Postbox {
    pub(crate) fn set_waker(&self, waker: Waker) {
        *self.waker.lock() = Some(waker);
    }
}

impl Mailbox {
    /// The next message, or `None` once `until` has come or for no reason.
    pub(crate) fn recv_until(&self, until: Option<Timestamp>, clock: &dyn Clock) -> Option<Msg> {
        Parker::with_current(|parker| {
            if let Ok(msg) = self.receiver.try_recv() {
                return Some(msg);
            }
            match until {
                Some(until) => clock.park_until(parker, until),
                None => parker.park(),
            }
            self.receiver.try_recv().ok()
        })
    }
}

impl fmt::Debug for Postbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postbox").field("waiting", &self.sender.len()).finish_non_exhaustive()
    }
}
