//! How urgent a task is.

/// How urgent a task is. Before every start the highest waiting is looked for; within one, tasks start in the order they
/// were queued, exactly with one worker and nearly so with several.
///
/// The order of the values is that of the lanes: `High` is the least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Before everything else.
    High,
    /// The default.
    #[default]
    Normal,
    /// When nothing else waits.
    Low,
}

impl Priority {
    /// All priorities, the most urgent first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// Position in [`Priority::ALL`]: the lane in which such tasks wait.
    #[must_use]
    pub const fn lane(self) -> usize {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }
}
