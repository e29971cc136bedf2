//! What a work asks for and not every contender can do.

/// Something a work needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ability {
    /// To run tasks and give their results. Everybody can.
    Results,
    /// To run a task that nobody asks for.
    Fire,
    /// To let tasks wait while the submitter goes on.
    Queue,
}

/// What a contender cannot do, and why.
pub(crate) type Lacks = &'static [(Ability, &'static str)];

/// Why a contender that lacks these is left out where `needed` is.
pub(crate) fn lacking(lacks: Lacks, needed: Ability) -> Option<&'static str> {
    lacks.iter().find(|(ability, _)| *ability == needed).map(|(_, reason)| *reason)
}
