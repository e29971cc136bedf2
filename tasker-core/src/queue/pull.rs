//! What a worker gets when it comes back for more.

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
