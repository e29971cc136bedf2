//! Time as the core knows it: a number that somebody else reads off a clock.

use std::time::Duration;

/// A moment, in nanoseconds since its pool's clock began.
///
/// Arithmetic saturates, so that durations near the maximum mean "never" and overflow nothing. Timestamps of
/// different clocks have no relation.
///
/// ```
/// use std::time::Duration;
/// use tasker_core::Timestamp;
///
/// let start = Timestamp::ZERO;
/// let later = start.saturating_add(Duration::from_millis(5));
/// assert_eq!(later.saturating_since(start), Duration::from_millis(5));
/// assert_eq!(start.saturating_since(later), Duration::ZERO);
/// assert_eq!(start.saturating_add(Duration::MAX), Timestamp::MAX);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment the clock began.
    pub const ZERO: Self = Self(0);
    /// The end of time; a deadline that never comes.
    pub const MAX: Self = Self(u64::MAX);

    /// The moment `nanos` nanoseconds after the clock began.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock began.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The moment `duration` later, or [`Timestamp::MAX`].
    #[must_use]
    #[inline]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// How long ago `earlier` was, or zero if it is yet to come.
    #[must_use]
    #[inline]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Nanoseconds of a duration, saturating.
#[inline]
pub(crate) fn nanos(duration: Duration) -> u64 {
    const A_SECOND: u64 = 1_000_000_000;
    let seconds = duration.as_secs().checked_mul(A_SECOND);
    seconds.and_then(|nanos| nanos.checked_add(duration.subsec_nanos().into())).unwrap_or(u64::MAX)
}
