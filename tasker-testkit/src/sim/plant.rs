//! Planted bugs: mistakes the simulator makes on purpose, to prove that it would notice them.

use super::script::Setup;

/// A mistake made on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plant {
    /// None: the pool as it is.
    Nothing,
    /// The control loop never hears that a worker is leaving.
    LosesLeaving,
    /// It never hears that a worker is gone.
    LosesExited,
    /// It never hears that nothing is owed any more.
    LosesDrained,
    /// It never hears that a timer was set before the one it waits for.
    LosesNudge,
    /// It sleeps through its timers.
    IgnoresTimers,
    /// A worker does not hear every wake-up.
    LosesWakeUp,
    /// A worker runs another task after its resource's destruction began.
    UsesAfterDestroy,
    /// A worker stays with a resource that turned sick, and so gets the retry.
    KeepsSick,
    /// A worker destroys its resource twice.
    DestroysTwice,
    /// A worker destroys nothing.
    ForgetsDestroy,
    /// A start that is reported as failed has started a worker all the same.
    StartsAndFails,
    /// The reserve's end is not waited for.
    ForgetsReserve,
    /// A worker throws a task away instead of finishing it.
    DropsJob,
    /// A worker runs a task twice.
    RunsTwice,
    /// Tasks are submitted with the wrong priority.
    SwapsPriority,
    /// Room that was not used is not given back.
    LeaksRoom,
    /// A task's delay is forgotten.
    ForgetsDelay,
    /// The first two tasks of a batch change places.
    SwapsBatch,
    /// A task's wait for another of its pool is not seen.
    HidesNestedWait,
    /// Who waits for room is overtaken by the next in line.
    SwapsTurns,
    /// What workers tell is not published.
    SwallowsTelling,
    /// Nobody heeds how old a resource may become.
    ForgetsLifetime,
    /// Idle resources of the reserve are not looked at.
    ForgetsOldReserve,
    /// Idle resources are not probed.
    ForgetsProbe,
    /// Tasks are ranked though nobody asked for it.
    RanksUnasked,
    /// Room that is free is refused.
    RefusesRoom,
    /// There may be one worker more than the settings say.
    RaisesMaximum,
    /// A pause is not heard.
    IgnoresPause,
    /// A callback counts its task twice.
    CallsTwice,
    /// A task is cancelled though nobody asked for it.
    CancelsUnasked,
    /// A refusal is counted that no submitter saw.
    CountsRefusals,
    /// A worker is taken for stuck as soon as it has a task.
    AbandonsAtWork,
}

impl Plant {
    /// All mistakes there are.
    pub const ALL: [Self; 32] = [
        Self::LosesLeaving,
        Self::LosesExited,
        Self::LosesDrained,
        Self::LosesNudge,
        Self::IgnoresTimers,
        Self::LosesWakeUp,
        Self::UsesAfterDestroy,
        Self::KeepsSick,
        Self::DestroysTwice,
        Self::ForgetsDestroy,
        Self::StartsAndFails,
        Self::ForgetsReserve,
        Self::DropsJob,
        Self::RunsTwice,
        Self::SwapsPriority,
        Self::LeaksRoom,
        Self::ForgetsDelay,
        Self::SwapsBatch,
        Self::HidesNestedWait,
        Self::SwapsTurns,
        Self::SwallowsTelling,
        Self::ForgetsLifetime,
        Self::ForgetsOldReserve,
        Self::ForgetsProbe,
        Self::RanksUnasked,
        Self::RefusesRoom,
        Self::RaisesMaximum,
        Self::IgnoresPause,
        Self::CallsTwice,
        Self::CancelsUnasked,
        Self::CountsRefusals,
        Self::AbandonsAtWork,
    ];

    /// What the pool is told of these settings.
    pub(super) fn told(self, setup: &Setup) -> Setup {
        let mut told = setup.clone();
        if self == Self::ForgetsLifetime {
            told.max_lifetime = None;
        }
        if self == Self::ForgetsProbe {
            told.probe_interval = None;
        }
        if self == Self::RanksUnasked {
            told.ranked = told.ageing.is_none();
        }
        if self == Self::RaisesMaximum {
            told.max_workers += 1;
        }
        told
    }
}
