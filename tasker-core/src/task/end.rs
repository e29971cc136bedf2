//! Ends that are not a task's own doing.

use std::time::Duration;

use crate::engine::EndKind;
use crate::error::{Refusal, TaskError};
use crate::sync::Arc;

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
    /// No worker is left.
    NoWorkers(Arc<str>),
}

impl End {
    pub(crate) fn kind(&self) -> EndKind {
        match self {
            Self::Cancelled => EndKind::Cancelled,
            Self::TimedOut(_) => EndKind::TimedOut,
            Self::Expired(_) => EndKind::Expired,
            Self::Displaced => EndKind::Displaced,
            Self::Refused(_) => EndKind::Refused,
            Self::Killed | Self::NoWorkers(_) => EndKind::Killed,
        }
    }
}

impl<E> From<End> for TaskError<E> {
    fn from(end: End) -> Self {
        match end {
            End::Cancelled => Self::Cancelled,
            End::TimedOut(after) => Self::TimedOut { after },
            End::Expired(create_error) => Self::Expired { create_error },
            End::Displaced => Self::Displaced,
            End::Refused(reason) => Self::Refused(reason),
            End::Killed => Self::Killed,
            End::NoWorkers(last_error) => Self::NoWorkers { last_error },
        }
    }
}
