//! Scaling.

use tasker_core::Timestamp;
use tasker_core::scaling::{Sample, ScalingPolicy};

/// A policy that keeps as many workers as there are.
#[derive(Debug)]
pub(super) struct Keep;

impl ScalingPolicy for Keep {
    fn desired(&mut self, _now: Timestamp, sample: &Sample) -> usize {
        sample.live + sample.creating
    }
}
