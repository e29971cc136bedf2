//! A worker that comes back for more: from where, and what it gets.

/// Where a worker comes from when it comes for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CameFrom {
    /// From a task, which is no longer running.
    Task,
    /// It was told to wait.
    Wait,
    /// It has just been created, or did something else meanwhile.
    Elsewhere,
}

/// What a worker gets when it comes back for more.
#[derive(Debug)]
pub enum Pull<J> {
    /// A task, claimed for this worker.
    Task(J),
    /// It should leave.
    Leave(Leave),
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
