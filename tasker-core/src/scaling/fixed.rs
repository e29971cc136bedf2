//! A size that does not follow the load.

use super::{Sample, ScalingPolicy};
use crate::{InvalidConfig, Timestamp};

/// Always the same number of workers: the base workers, or [`at`](Fixed::at) a number.
///
/// This is what a pool does whose `max_workers` equals its `workers`. It has no memory and never asks to be asked.
///
/// ```
/// use tasker_core::Timestamp;
/// use tasker_core::scaling::{Fixed, Sample, ScalingPolicy};
///
/// let mut sample = Sample::default();
/// sample.workers = 4;
/// sample.queued = 1_000_000;
/// assert_eq!(Fixed::new().desired(Timestamp::ZERO, &sample), 4);
/// assert_eq!(Fixed::at(6).desired(Timestamp::ZERO, &sample), 6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Fixed {
    at: Option<usize>,
}

impl Fixed {
    /// As many workers as the pool's base; follows it when the pool is resized.
    #[must_use]
    pub const fn new() -> Self {
        Self { at: None }
    }

    /// `workers` workers, clamped by the pool to its bounds. Must be at least 1.
    #[must_use]
    pub const fn at(workers: usize) -> Self {
        Self { at: Some(workers) }
    }
}

impl ScalingPolicy for Fixed {
    fn desired(&mut self, _now: Timestamp, sample: &Sample) -> usize {
        self.at.unwrap_or(sample.workers)
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        match self.at {
            Some(0) => Err(InvalidConfig::new("at", 0, "must be at least 1")),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::testing::{assert_survives_extremes, sample};

    #[test]
    fn ignores_the_load() {
        for queued in [0, 1, usize::MAX] {
            let sample = Sample { queued, ..sample(3, 9) };
            assert_eq!(Fixed::new().desired(Timestamp::ZERO, &sample), 3);
            assert_eq!(Fixed::at(5).desired(Timestamp::MAX, &sample), 5);
        }
    }

    #[test]
    fn refuses_a_size_of_zero() {
        assert_eq!(Fixed::at(0).validate().unwrap_err().field, "at");
        assert_eq!(Fixed::at(1).validate(), Ok(()));
        assert_eq!(Fixed::new().validate(), Ok(()));
    }

    #[test]
    fn survives_extreme_samples() {
        assert_survives_extremes(Fixed::new);
    }
}
