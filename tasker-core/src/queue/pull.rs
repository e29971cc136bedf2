//! A worker that comes back for more: from where, and what it gets.

/// Where a worker comes from when it comes for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CameFrom {
    /// From a task, which is no longer running.
    Task,
    /// It was told to wait, or to look around.
    Wait,
    /// It has just been created, or did something else meanwhile.
    Elsewhere,
}

/// What a worker may get beside a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appetite {
    /// How many tasks it may take at once.
    pub tasks: usize,
    /// Whether it looks around for a moment rather than sleep at once.
    pub looks: bool,
}

/// What a worker gets when it comes back for more.
#[derive(Debug)]
pub enum Pull<J> {
    /// A task, claimed for this worker.
    Task(J),
    /// It should leave.
    Leave(Leave),
    /// There is nothing to do; it should look around for a moment and come again, whether or not it saw something.
    Look,
    /// There is nothing to do; its waker will be called.
    Wait,
}

/// Why a worker should leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It took a permit: the pool shrinks.
    Retired,
    /// The pool stops, and nothing is owed any more.
    Drained,
    /// The pool was killed.
    Killed,
}
