//! Ends that are not a task's own doing.

use std::task::Waker;
use std::time::Duration;

use crate::engine::{EndKind, Hub};
use crate::error::Refusal;
use crate::sync::Arc;
use crate::task::word::{Finished, How};
use crate::task::{Shared, Taker, TaskCore};

/// An end that is not the task's own doing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum End {
    /// Cancelled through its handle.
    Cancelled,
    /// An attempt ran longer than the task's timeout.
    TimedOut(Duration),
    /// Its deadline passed.
    Expired(Option<Arc<str>>),
    /// A newer task took its place.
    Displaced,
    /// The pool did not take it.
    Refused(Refusal),
    /// The pool was killed or its runtime ended.
    Killed,
    /// No worker is left; the hub has the last words.
    NoWorkers,
}

impl End {
    pub(crate) fn kind(&self) -> EndKind {
        match self {
            Self::Cancelled => EndKind::Cancelled,
            Self::TimedOut(_) => EndKind::TimedOut,
            Self::Expired(_) => EndKind::Expired,
            Self::Displaced => EndKind::Displaced,
            Self::Refused(_) => EndKind::Refused,
            Self::Killed | Self::NoWorkers => EndKind::Killed,
        }
    }
}

impl Shared {
    /// Ends the task of this pool with `end`, if it has not ended: tells whoever waits for it and the running attempt, and
    /// gives its place in the queue back.
    pub(crate) fn cut(&self, hub: &Hub, end: &End) -> Option<Finished> {
        cut(self, hub, end, |how| self.publish_early(how))
    }
}

impl<T, E> Taker<T, E> {
    /// As [`Shared::cut`].
    pub(crate) fn cut(&self, hub: &Hub, end: &End) -> Option<Finished> {
        cut(self.core(), hub, end, |how| self.publish_early(how))
    }
}

fn cut(
    core: &TaskCore,
    hub: &Hub,
    end: &End,
    publish: impl FnOnce(How) -> Option<Waker>,
) -> Option<Finished> {
    let was = core.finish()?;
    hub.count_end(core, end.kind());
    let waker = publish(core.note(end));
    hub.wake_waiter(core, waker);
    match was {
        Finished::Waiting => hub.forfeit(core),
        Finished::Running => hub.roster().wake_attempt(core),
    }
    Some(was)
}
