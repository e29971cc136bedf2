//! An inbox, all who come to it, and what is known of them from their calls alone.

use super::dice::Dice;
use super::workers::Worker;
use super::*;
use crate::queue::{RoomWait, Ticket};

pub(super) struct World {
    pub(super) rig: Rig,
    pub(super) settings: QueueSettings,
    pub(super) are_threads: bool,
    /// Tasks come with neither rank nor delay.
    pub(super) is_plain: bool,
    /// Now and then many tasks come at once.
    pub(super) has_bursts: bool,
    pub(super) dice: Dice,
    pub(super) now: Timestamp,
    pub(super) is_closed: bool,
    pub(super) workers: Vec<Worker>,
    /// How many workers there were.
    hired: u64,
    pub(super) tickets: Vec<Ticket<Plain>>,
    pub(super) waits: Vec<Wait>,
    /// Tasks that were taken and not started, and maybe ended.
    pub(super) waiting: Vec<Shared>,
    /// Tasks that ended while they waited, of which the inbox has not heard.
    pub(super) cut: Vec<Shared>,
    pub(super) accepted: usize,
    moves: Vec<String>,
}

/// Somebody who stands in line for room.
pub(super) struct Wait {
    pub(super) room: RoomWait<Plain>,
    pub(super) bell: Arc<Bell>,
}

impl World {
    pub(super) fn new(seed: u64, are_threads: bool) -> Self {
        let mut dice = Dice::new(seed);
        let settings = settings(&mut dice);
        let mut world = Self {
            rig: Rig::with(&settings),
            settings,
            are_threads,
            is_plain: !dice.one_in(3),
            has_bursts: !dice.one_in(3),
            dice,
            now: Timestamp::ZERO,
            is_closed: false,
            workers: Vec::new(),
            hired: 0,
            tickets: Vec::new(),
            waits: Vec::new(),
            waiting: Vec::new(),
            cut: Vec::new(),
            accepted: 0,
            moves: Vec::new(),
        };
        let count = 1 + world.dice.below(4);
        (0..count).for_each(|_| world.hire());
        world
    }

    pub(super) fn hire(&mut self) {
        self.hired += 1;
        self.workers.push(Worker::new(self.rig.inbox.open_share(id(self.hired))));
    }

    pub(super) fn pass_time(&mut self) {
        let nanos = self.dice.below(4) as u64;
        self.now = self.now.saturating_add(Duration::from_nanos(nanos));
    }

    /// A move that is about to be made.
    pub(super) fn note(&mut self, what: impl Into<String>) {
        self.moves.push(what.into());
    }

    pub(super) fn last_moves(&self) -> Vec<String> {
        const LAST: usize = 25;
        self.moves[self.moves.len().saturating_sub(LAST)..].to_vec()
    }
}

fn settings(dice: &mut Dice) -> QueueSettings {
    QueueSettings {
        capacity: dice.of(&[None, Some(1), Some(2), Some(3), Some(8), Some(40)]),
        overflow: dice.of(&[Overflow::DropOldest, Overflow::Reject, Overflow::Reject, Overflow::Reject]),
        ageing: dice.one_in(6).then(|| Duration::from_nanos(30)),
    }
}
