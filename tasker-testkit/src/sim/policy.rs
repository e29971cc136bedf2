//! Scaling policies, good and bad.

use tasker_core::Timestamp;
use tasker_core::scaling::{Fixed, RateBased, Sample, ScalingPolicy, Threshold, Utilization};

use super::parts::{Shared, fall};
use super::script::Scaling;

/// A policy of the simulated pool. A bad one becomes good when the faults end.
#[derive(Debug)]
pub(super) struct SimPolicy {
    kind: Scaling,
    real: Option<Box<dyn ScalingPolicy>>,
    faulty: Shared<bool>,
    asked: u64,
}

impl SimPolicy {
    /// `None`: the pool's own default.
    pub(super) fn new(kind: Scaling, faulty: Shared<bool>) -> Option<Self> {
        let real: Option<Box<dyn ScalingPolicy>> = match kind {
            Scaling::Default => return None,
            Scaling::Fixed => Some(Box::new(Fixed::new())),
            Scaling::Threshold => Some(Box::new(Threshold::new(2).step(1))),
            Scaling::RateBased => Some(Box::new(RateBased::new())),
            Scaling::Utilization => Some(Box::new(Utilization::new())),
            Scaling::Zero | Scaling::Max | Scaling::Oscillating | Scaling::Panicking | Scaling::Erratic => {
                None
            }
        };
        Some(Self { kind, real, faulty, asked: 0 })
    }

    fn bad(&self, sample: &Sample) -> usize {
        match self.kind {
            Scaling::Zero => 0,
            Scaling::Max => usize::MAX,
            Scaling::Oscillating if self.asked % 2 == 0 => 0,
            Scaling::Oscillating => usize::MAX,
            Scaling::Panicking if self.asked % 2 == 0 => fall("a scaling policy panics"),
            Scaling::Erratic => usize::try_from(self.asked.wrapping_mul(0x9e37) % 9).unwrap_or(0),
            Scaling::Panicking
            | Scaling::Default
            | Scaling::Fixed
            | Scaling::Threshold
            | Scaling::RateBased
            | Scaling::Utilization => sample.workers,
        }
    }
}

impl ScalingPolicy for SimPolicy {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        self.asked += 1;
        match &mut self.real {
            Some(real) => real.desired(now, sample),
            None if *self.faulty.lock() => self.bad(sample),
            None => sample.workers,
        }
    }

    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        self.real.as_ref().and_then(|real| real.next_ask(now))
    }
}
