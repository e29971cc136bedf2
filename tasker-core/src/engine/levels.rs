//! The supervisor's levels, where others can read them and wait for them.

use std::task::{Poll, Waker};

use crate::supervisor::{Levels, Phase};
use crate::sync::Lock;

/// The levels as of the control loop's last turn.
#[derive(Debug)]
pub(crate) struct LevelBoard {
    state: Lock<Board>,
}

#[derive(Debug)]
struct Board {
    levels: Levels,
    phase: Phase,
    bounds: (usize, usize),
    waiting: Vec<Waker>,
}

impl LevelBoard {
    pub(crate) fn new(workers: usize, max_workers: usize) -> Self {
        let board = Board {
            levels: Levels::default(),
            phase: Phase::Running,
            bounds: (workers, max_workers),
            waiting: Vec::new(),
        };
        Self { state: Lock::new(board) }
    }

    /// Shows new levels, and wakes those who wait for a change if there is one.
    pub(crate) fn show(&self, levels: Levels, phase: Phase, bounds: (usize, usize)) {
        let mut board = self.state.lock();
        if (board.levels, board.phase, board.bounds) == (levels, phase, bounds) {
            return;
        }
        (board.levels, board.phase, board.bounds) = (levels, phase, bounds);
        let waiting = std::mem::take(&mut board.waiting);
        drop(board);
        for waker in waiting {
            super::quietly(|| waker.wake());
        }
    }

    pub(crate) fn levels(&self) -> Levels {
        self.state.lock().levels
    }

    pub(crate) fn phase(&self) -> Phase {
        self.state.lock().phase
    }

    /// `workers` and `max_workers` in force.
    pub(crate) fn bounds(&self) -> (usize, usize) {
        self.state.lock().bounds
    }

    /// Ready once `done` says so.
    pub(crate) fn poll_until(&self, waker: &Waker, done: impl Fn(Levels, Phase) -> bool) -> Poll<()> {
        let mut board = self.state.lock();
        if done(board.levels, board.phase) {
            return Poll::Ready(());
        }
        if !board.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
            board.waiting.push(waker.clone());
        }
        Poll::Pending
    }
}
