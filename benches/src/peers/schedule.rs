//! How much time each work may have.

use std::time::{Duration, Instant};

use crate::rounds::Effort;
use crate::works::{Scale, Work};

/// Hands out what is left of a run's time.
pub(crate) struct Schedule {
    began: Instant,
    scale: Scale,
    /// Works that are still to come.
    left: u32,
}

/// After so long a quick run begins no further work.
const QUICK: Duration = Duration::from_secs(44);

impl Schedule {
    pub(crate) fn new(scale: Scale, works: usize) -> Self {
        Self { began: Instant::now(), scale, left: u32::try_from(works).expect("some dozens") }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// What the next work may spend; `None` if there is no time left.
    pub(crate) fn next(&mut self, work: &Work) -> Option<Effort> {
        let left = QUICK.saturating_sub(self.elapsed());
        let share = left / self.left;
        self.left -= 1;
        match self.scale {
            Scale::Quick if left.is_zero() => None,
            Scale::Quick | Scale::Full if work.once => {
                Some(Effort { rounds: [1, 1], time: Duration::ZERO, warm_up: false })
            }
            Scale::Quick => Some(Effort { rounds: [4, 15], time: share, warm_up: true }),
            Scale::Full => Some(Effort { rounds: [15, 31], time: Duration::from_secs(20), warm_up: true }),
        }
    }
}
