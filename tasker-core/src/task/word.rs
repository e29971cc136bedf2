//! One word that decides every race for a task: who may start it, who decides its end, who takes its result, who frees it.
//!
//! ```text
//!             claim                 finish                 publish
//!   waiting ─────────▶ RUNNING ───────────────▶ ENDED ───────────────▶ ENDED, READY
//!      ▲ │                │                       ▲
//!      │ └────────────────│───────────────────────┘  finish (cancel, expiry, kill)
//!      └──────────────────┘  again (a retry)
//! ```
//!
//! Exactly one caller wins `finish`, and that caller alone publishes, saying how it ended: so a task ends in exactly one
//! way, however many of result, timeout, cancel and kill race for it.
//!
//! - `LISTENER`: there is a waker in the task's slot. Whoever is to take the result puts one in while the bit is not set,
//!   then sets it; the slot then belongs to whoever publishes. It is had back by taking the bit away before that.
//! - `DETACHED`: nobody will take the result.
//! - The rest counts references, as `Arc` does. Who does one of the above gives references back in the same step.

use crate::error::Refusal;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::load_in_order;

const RUNNING: usize = 1;
const ENDED: usize = 1 << 1;
const READY: usize = 1 << 2;
const LISTENER: usize = 1 << 3;
const DETACHED: usize = 1 << 4;
const HOW_SHIFT: u32 = 5;
const HOW_MASK: usize = 0b1111 << HOW_SHIFT;
const ONE_REF: usize = 1 << 9;

/// The word. It does not know what it counts: who uses it keeps to the protocol above.
pub(super) struct Word(AtomicUsize);

/// Where a task was when its end was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    /// It waited.
    Waiting,
    /// A worker had it.
    Running,
}

/// How a task ended: all there is to say, but for what few ends have to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Its worker left a result in it.
    Itself,
    Cancelled,
    TimedOut,
    Expired,
    Displaced,
    Killed,
    NoWorkers,
    Refused(Refusal),
}

/// What came of publishing an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Published {
    /// It is there to be taken, and the references were given back.
    Done,
    /// The same, but the slot's waker now belongs to the caller, and so do the references.
    Listener,
    /// Nobody will take it. The references are still the caller's.
    Unwanted,
}

/// What whoever takes the result leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing: its reference was given back, and it was not the last.
    Nothing,
    /// The waker in the slot is the caller's, and so is the reference.
    Listener,
    /// The end is there. The reference is still the caller's.
    Ready,
}

impl Word {
    /// A waiting task with two owners.
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(2 * ONE_REF))
    }

    /// Takes the task to run it, and `refs` references with it. `false`: it has ended.
    #[inline]
    pub(super) fn claim(&self, refs: usize) -> bool {
        self.change(|word| (word & (ENDED | RUNNING) == 0).then_some((word | RUNNING) + refs * ONE_REF))
            .is_ok()
    }

    /// Makes a running task wait again. `false`: it has ended.
    pub(super) fn again(&self) -> bool {
        self.change(|word| (word & ENDED == 0).then_some(word & !RUNNING)).is_ok()
    }

    /// Decides that the task ends now. `Some` for exactly one caller, who has to publish the end.
    #[inline]
    pub(super) fn finish(&self) -> Option<Finished> {
        let before = self.0.fetch_or(ENDED, Ordering::SeqCst);
        match before & (ENDED | RUNNING) {
            0 => Some(Finished::Waiting),
            RUNNING => Some(Finished::Running),
            _ => None,
        }
    }

    /// Whether the end is decided.
    #[inline]
    pub(super) fn has_ended(&self) -> bool {
        load_in_order(|ordering| self.0.load(ordering)) & ENDED != 0
    }

    /// How it ended, once that is published.
    #[inline]
    pub(super) fn how(&self) -> Option<How> {
        let word = self.0.load(Ordering::Acquire);
        (word & READY != 0).then(|| How::of(word))
    }

    /// Publishes a decided end, and gives `refs` references back, as long as somebody will take the result and nobody
    /// waits for it.
    #[inline]
    pub(super) fn publish(&self, how: How, refs: usize) -> Published {
        let published = self.change(|word| match word {
            // No second time, and nothing to take it.
            _ if word & (READY | DETACHED) != 0 => None,
            _ if word & LISTENER != 0 => Some(word | READY | how.bits()),
            _ => Some((word | READY | how.bits()) - refs * ONE_REF),
        });
        match published {
            Ok(before) if before & LISTENER != 0 => Published::Listener,
            Ok(_) => Published::Done,
            Err(_) => Published::Unwanted,
        }
    }

    /// The slot has got a waker. `false`: the end came first, and the slot is still the caller's.
    pub(super) fn listen(&self) -> bool {
        self.change(|word| (word & READY == 0).then_some(word | LISTENER)).is_ok()
    }

    /// Takes the slot back. `false`: there is nothing in it, or it belongs to whoever published the end.
    pub(super) fn unlisten(&self) -> bool {
        self.change(|word| (word & (READY | LISTENER) == LISTENER).then_some(word & !LISTENER)).is_ok()
    }

    /// Nobody will take the result.
    #[inline]
    pub(super) fn detach(&self) -> Left {
        let left = self.change(|word| match word {
            _ if word & READY != 0 => None,
            _ if word & LISTENER != 0 => Some((word | DETACHED) & !LISTENER),
            // Whoever will end it has one as well.
            _ => Some((word | DETACHED) - ONE_REF),
        });
        match left {
            Ok(before) if before & LISTENER != 0 => Left::Listener,
            Ok(_) => Left::Nothing,
            Err(_) => Left::Ready,
        }
    }

    /// One more reference.
    pub(super) fn retain(&self) {
        self.0.fetch_add(ONE_REF, Ordering::Relaxed);
    }

    /// Gives references back. `true`: they were the last.
    #[inline]
    pub(super) fn release(&self, refs: usize) -> bool {
        // Who frees it sees all that was done with it.
        self.0.fetch_sub(refs * ONE_REF, Ordering::AcqRel) / ONE_REF == refs
    }

    #[inline]
    fn change(&self, f: impl Fn(usize) -> Option<usize>) -> Result<usize, usize> {
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, f)
    }
}

impl How {
    const CODES: [(usize, Self); 11] = [
        (0, Self::Itself),
        (1, Self::Cancelled),
        (2, Self::TimedOut),
        (3, Self::Expired),
        (4, Self::Displaced),
        (5, Self::Killed),
        (6, Self::NoWorkers),
        (7, Self::Refused(Refusal::Full)),
        (8, Self::Refused(Refusal::Stopping)),
        (9, Self::Refused(Refusal::NoWorkers)),
        (10, Self::Refused(Refusal::WouldDeadlock)),
    ];

    #[inline]
    fn bits(self) -> usize {
        let code = match self {
            Self::Itself => 0,
            Self::Cancelled => 1,
            Self::TimedOut => 2,
            Self::Expired => 3,
            Self::Displaced => 4,
            Self::Killed => 5,
            Self::NoWorkers => 6,
            Self::Refused(Refusal::Full) => 7,
            Self::Refused(Refusal::Stopping) => 8,
            Self::Refused(Refusal::NoWorkers) => 9,
            Self::Refused(Refusal::WouldDeadlock) => 10,
        };
        code << HOW_SHIFT
    }

    #[inline]
    fn of(word: usize) -> Self {
        let code = (word & HOW_MASK) >> HOW_SHIFT;
        Self::CODES.get(code).map_or(Self::Killed, |&(_, how)| how)
    }
}

#[cfg(all(test, not(any(tasker_loom, tasker_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn each_end_is_read_as_it_was_published() {
        for (code, how) in How::CODES {
            assert_eq!(how.bits() >> HOW_SHIFT, code);
            let word = Word::new();
            assert_eq!(word.finish(), Some(Finished::Waiting));
            assert_eq!(word.how(), None, "decided, and not published");
            assert_eq!(word.publish(how, 1), Published::Done);
            assert_eq!(word.how(), Some(how));
            assert!(word.release(1), "the other owner's is the last");
        }
    }

    #[test]
    fn an_end_is_decided_once_wherever_the_task_is() {
        let word = Word::new();
        assert!(word.claim(0) && !word.claim(0));
        assert!(word.again());
        assert!(word.claim(0));
        assert_eq!(word.finish(), Some(Finished::Running));
        assert_eq!(word.finish(), None);
        assert!(!word.again() && !word.claim(0) && word.has_ended());
    }

    #[test]
    fn a_waker_belongs_to_whoever_publishes_or_takes_it_back_first() {
        let word = Word::new();
        assert!(!word.unlisten(), "nothing is there");
        assert!(word.listen() && word.unlisten() && word.listen());
        word.finish();
        assert_eq!(word.publish(How::Cancelled, 1), Published::Listener);
        assert!(!word.unlisten() && !word.listen());
        assert_eq!(word.detach(), Left::Ready);
        assert!(!word.release(1) && word.release(1));
    }

    #[test]
    fn what_nobody_will_take_is_not_published() {
        let word = Word::new();
        assert!(word.claim(2) && word.listen());
        assert_eq!(word.detach(), Left::Listener);
        word.finish();
        assert_eq!(word.publish(How::Itself, 3), Published::Unwanted);
        assert_eq!(word.how(), None);
        assert!(!word.release(1) && word.release(3));
        let word = Word::new();
        assert_eq!(word.detach(), Left::Nothing);
        assert!(word.release(1));
    }
}
