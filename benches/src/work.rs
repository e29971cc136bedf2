//! What tasks do: nothing, or so many nanoseconds of arithmetic; and how one learns that all of them were done.

use std::hint::black_box;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A piece of work that returns its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    number: u64,
    load: Load,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    None,
    Turns(u32),
    Endless,
}

impl Task {
    /// One that does nothing else. Numbers begin at 1.
    #[must_use]
    pub const fn empty(number: u64) -> Self {
        Self { number, load: Load::None }
    }

    /// One that computes for `time` first.
    #[must_use]
    pub fn busy(number: u64, time: Duration) -> Self {
        Self { number, load: Load::Turns(turns(time)) }
    }

    /// One that never ends, and sleeps. For processes that are left by `exit`.
    #[must_use]
    pub const fn endless(number: u64) -> Self {
        Self { number, load: Load::Endless }
    }

    /// Does it, and returns its number.
    #[must_use]
    pub fn run(self) -> u64 {
        match self.load {
            Load::None => {}
            Load::Turns(turns) => {
                black_box(compute(turns));
            }
            Load::Endless => loop {
                std::thread::park();
            },
        }
        black_box(self.number)
    }

    /// Does it, and notes its number on the [board](done).
    pub fn report(self) {
        note(self.run());
    }
}

/// What the numbers of `count` tasks add up to.
#[must_use]
pub const fn sum_of(count: u64) -> u64 {
    count * (count + 1) / 2
}

/// The sum of all numbers that were ever noted. Numbers being positive, the sum has grown by [`sum_of`]`(n)` only when
/// each of `n` tasks was done.
#[must_use]
pub fn done() -> u64 {
    BOARD.iter().map(|slot| slot.0.load(Ordering::Acquire)).sum()
}

/// Threads rarely share a slot, so that noting costs some nanoseconds, the same for everybody.
static BOARD: [Slot; 64] = [const { Slot(AtomicU64::new(0)) }; 64];

#[repr(align(128))]
struct Slot(AtomicU64);

fn note(number: u64) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static MINE: &'static Slot = &BOARD[NEXT.fetch_add(1, Ordering::Relaxed) % BOARD.len()]);
    MINE.with(|slot| slot.0.fetch_add(number, Ordering::Release));
}

/// Multiplies and adds, each turn needing the one before.
fn compute(turns: u32) -> u64 {
    (0..turns).fold(1, |value: u64, turn| {
        black_box(value.wrapping_mul(6_364_136_223_846_793_005) ^ u64::from(turn))
    })
}

/// How many turns take that long here, as measured once.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousands")]
fn turns(time: Duration) -> u32 {
    static A_NANO: OnceLock<f64> = OnceLock::new();
    (A_NANO.get_or_init(turns_a_nano) * time.as_secs_f64() * 1e9).round() as u32
}

/// The best of some tries: whatever disturbs makes it slower.
fn turns_a_nano() -> f64 {
    const TURNS: u32 = 200_000;
    let tries = (0..10).map(|_| {
        let began = Instant::now();
        black_box(compute(black_box(TURNS)));
        began.elapsed().as_secs_f64() * 1e9
    });
    f64::from(TURNS) / tries.fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_returns_its_number() {
        assert_eq!(Task::empty(7).run(), 7);
        assert_eq!(Task::busy(7, Duration::from_micros(1)).run(), 7);
    }

    #[test]
    fn what_is_noted_adds_up() {
        let before = done();
        (1..=10).for_each(|number| Task::empty(number).report());
        assert_eq!(done() - before, sum_of(10));
    }
}
