//! How long a worker's tasks take, of late, and how many of them it may take along.

use std::time::Duration;

use crate::time::nanos;

/// A mean that forgets: each new time counts for an eighth.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// In nanoseconds; `None` before the first.
    mean: Option<u64>,
}

impl Pace {
    /// How long a worker may be busy with what it takes along, as far as the past tells.
    const AHEAD: u64 = 20_000;

    #[inline]
    pub(super) fn note(&mut self, took: Duration) {
        let took = nanos(took);
        self.mean = Some(self.mean.map_or(took, |mean| mean - mean / 8 + took / 8));
    }

    /// How many tasks a worker may take at once.
    #[inline]
    pub(super) fn appetite(self) -> usize {
        let ahead = self.mean.map_or(1, |mean| Self::AHEAD / mean.max(1));
        usize::try_from(ahead).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_takes_along_what_it_can_do_in_20_us() {
        let mut pace = Pace::default();
        assert_eq!(pace.appetite(), 1, "nothing is known");
        pace.note(Duration::from_micros(2));
        assert_eq!(pace.appetite(), 10);
        (0..100).for_each(|_| pace.note(Duration::from_micros(1)));
        assert_eq!(pace.appetite(), 19, "rounded down");
        pace.note(Duration::MAX);
        assert_eq!(pace.appetite(), 0);
        (0..1_000).for_each(|_| pace.note(Duration::ZERO));
        assert!(pace.appetite() > 1_000);
    }
}
