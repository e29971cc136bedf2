//! Troubles that show only over time.

use crate::Diagnosis;
use crate::scaling::Sample;

/// Failed creations in a row that make a diagnosis.
const FAILED_CREATIONS: u32 = 3;
/// Ticks in a row in which scaling does not help that make a diagnosis.
const STUCK_TICKS: u32 = 10;

/// Remembers what was noticed, so that each trouble is told once until it is over.
#[derive(Debug, Default)]
pub(super) struct Diagnoses {
    creations_told: bool,
    stuck_ticks: u32,
    queued_before: usize,
}

impl Diagnoses {
    /// After a failed creation, the `streak`-th in a row: the number of failures, if they are to be told now.
    pub(super) const fn creation_failed(&mut self, streak: u32) -> Option<u32> {
        if streak < FAILED_CREATIONS || self.creations_told {
            return None;
        }
        self.creations_told = true;
        Some(streak)
    }

    pub(super) const fn creation_succeeded(&mut self) {
        self.creations_told = false;
    }

    /// After a tick that left the pool with this target.
    pub(super) fn tick(&mut self, target: usize, sample: &Sample) -> Option<Diagnosis> {
        let overrun = target == sample.max_workers && sample.queued > self.queued_before;
        let stuck = sample.queued > 0 && (target > sample.live || overrun);
        self.queued_before = sample.queued;
        self.stuck_ticks = if stuck { self.stuck_ticks.saturating_add(1) } else { 0 };
        (self.stuck_ticks == STUCK_TICKS).then_some(Diagnosis::BurstScalingStuck {
            desired: target,
            live: sample.live,
            queued: sample.queued,
            max_workers: sample.max_workers,
        })
    }
}
