//! Looking again for a little while before sleeping.
//!
//! To put a thread to sleep and to wake it costs some ten microseconds, many times what a short task takes, and the waker
//! pays its part. What is awaited often comes within that time.

use std::sync::OnceLock;

/// Looks `rounds` times whether it is `done`; `true` once it is. A round takes about a microsecond, and lets
/// another thread have the core if one wants it.
pub(crate) fn spin_until(rounds: u32, done: impl Fn() -> bool) -> bool {
    /// Looks in a round: the first few cost next to nothing.
    const LOOKS: u32 = 16;
    for _ in 0..rounds {
        for _ in 0..LOOKS {
            if done() {
                return true;
            }
            std::hint::spin_loop();
        }
        crate::sync::thread::yield_now();
    }
    false
}

/// Lets other threads have the core, up to `times` times, until it is `done`; `true` once it is. For one that waits in the
/// middle of much work: where the cores are taken it comes back when others have done a good part of that, which a thread
/// that sleeps would be woken for again and again.
pub(crate) fn yield_until(times: u32, done: impl Fn() -> bool) -> bool {
    (0..times).any(|_| {
        crate::sync::thread::yield_now();
        done()
    })
}

/// Whether something that may be in vain is worth another try: the more often in a row it was in vain, the more times it is
/// left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trials {
    /// How many are left out from now on.
    left_out: u8,
    /// How many are left out after the next that is in vain.
    then: u8,
}

impl Trials {
    const MOST: u8 = 15;

    /// It was never in vain.
    pub(crate) const fn new() -> Self {
        Self { left_out: 0, then: 0 }
    }

    /// Whether to try this time.
    #[inline]
    pub(crate) fn is_due(&mut self) -> bool {
        let is_due = self.left_out == 0;
        self.left_out = self.left_out.saturating_sub(1);
        is_due
    }

    /// Takes note of how a try went.
    #[inline]
    pub(crate) fn note(&mut self, worked: bool) {
        *self = if worked {
            Self::default()
        } else {
            Self { left_out: self.then, then: (2 * self.then + 1).min(Self::MOST) }
        };
    }
}

/// Lets submitters be for a fraction of a microsecond. A worker of short tasks that came for each as it is left would meet
/// the submitter at every one, and both would wait for the cache lines that they share; a few of them at once cost little
/// more than one.
pub(crate) fn pause() {
    const LOOPS: u32 = 10;
    (0..LOOPS).for_each(|_| std::hint::spin_loop());
}

/// The rounds that pay on this machine: none with one core, where whoever is awaited could not move meanwhile.
#[must_use]
pub(crate) fn default_rounds() -> u32 {
    const ROUNDS: u32 = 32;
    static MANY_CORES: OnceLock<bool> = OnceLock::new();
    let many = || std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
    // What loom and shuttle explore is what happens around the sleep.
    if !cfg!(any(tasker_loom, tasker_shuttle)) && *MANY_CORES.get_or_init(many) { ROUNDS } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn looking_around_pays_where_another_core_can_move_meanwhile() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let explored = cfg!(any(tasker_loom, tasker_shuttle));
        assert_eq!(default_rounds() > 1, cores > 1 && !explored);
    }

    #[test]
    fn what_is_in_vain_is_tried_less_and_less_often() {
        let mut trials = Trials::default();
        let mut until_the_next_in_vain = || {
            let asked = (1..).find(|_| trials.is_due()).expect("it is tried again");
            trials.note(false);
            asked
        };
        assert_eq!([(); 7].map(|()| until_the_next_in_vain()), [1, 1, 2, 4, 8, 16, 16]);
        while !trials.is_due() {}
        trials.note(true);
        assert_eq!(trials, Trials::default());
        assert!(trials.is_due());
        trials.note(false);
        assert!(trials.is_due(), "once in vain is no habit");
    }

    #[test]
    fn it_lets_others_have_the_core_until_it_is_done_and_no_more_often_than_asked() {
        let looks = Cell::new(0);
        let third = || looks.replace(looks.get() + 1) == 2;
        assert!(yield_until(9, third));
        assert_eq!(looks.get(), 3);
        assert!(!yield_until(9, third));
        assert_eq!(looks.get(), 12);
    }

    #[test]
    fn it_looks_until_it_is_done_and_no_longer_than_asked() {
        let looks = Cell::new(0);
        let count_to = |end| {
            looks.set(0);
            spin_until(2, || {
                looks.set(looks.get() + 1);
                looks.get() == end
            })
        };
        assert!(count_to(20));
        assert_eq!(looks.get(), 20);
        assert!(!count_to(1_000));
        assert!(!spin_until(0, || true), "no rounds, no look");
    }
}
