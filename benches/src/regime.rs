//! What kind of moment it is: how far apart the machine's cores are right now.
//!
//! A hypervisor may move the cores of a virtual machine between places that share a cache and places that don't. The
//! same code then differs by 3 to 5 times. So a cache line is thrown between two threads before and after each sample,
//! and samples are compared only within their regime.

use std::fmt;
use std::hint::spin_loop;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// Whether two cores share a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Regime {
    /// They do: handing a cache line over takes some tens of nanoseconds.
    Near,
    /// They don't: some hundreds.
    Far,
}

impl Regime {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Near, Self::Far];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Far => "far",
        }
    }

    /// Up to how long a one-way hand-over counts as near, in nanoseconds: between the two kinds seen, 37 and 230 to
    /// 300, in the middle as ratios go.
    pub const NEAR_UNTIL: f64 = 95.0;

    fn of(nanos: f64) -> Self {
        if nanos <= Self::NEAR_UNTIL { Self::Near } else { Self::Far }
    }
}

impl fmt::Display for Regime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One answer of a [`Probe`].
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// What it takes to hand a cache line over, in nanoseconds, one way.
    pub nanos: f64,
    /// What that means.
    pub regime: Regime,
}

/// Throws a cache line to and fro with a thread of its own, which sleeps in between.
#[derive(Debug)]
pub struct Probe {
    line: Arc<Line>,
    partner: Thread,
    thread: Option<JoinHandle<()>>,
    alone: bool,
}

/// Odd: it is the partner's turn. `QUIT`: go home.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Line(AtomicU64);

const QUIT: u64 = u64::MAX;
/// Throws in a batch, there and back; the quickest batch counts, since every disturbance slows.
const THROWS: u32 = 50;
const BATCHES: usize = 8;
/// After so long no further batch begins: others compute here, and would make it long.
const ENOUGH: Duration = Duration::from_millis(1);

impl Default for Probe {
    fn default() -> Self {
        Self::new()
    }
}

impl Probe {
    /// Starts the partner.
    ///
    /// # Panics
    ///
    /// If the system has no thread left.
    #[must_use]
    pub fn new() -> Self {
        let line = Arc::new(Line::default());
        let thread = thread::spawn({
            let line = Arc::clone(&line);
            move || answer(&line)
        });
        let alone = thread::available_parallelism().map_or(1, usize::from) == 1;
        Self { line, partner: thread.thread().clone(), thread: Some(thread), alone }
    }

    /// What kind of moment it is. Takes less than a millisecond on a machine that does nothing else. On a machine of one
    /// core it is always near.
    #[must_use]
    pub fn read(&self) -> Reading {
        if self.alone {
            return Reading { nanos: 0.0, regime: Regime::Near };
        }
        // The first throw wakes the partner up and is not timed.
        self.throw();
        let began = Instant::now();
        let batches = iter::repeat_with(|| self.batch()).take(BATCHES);
        let mut nanos = f64::INFINITY;
        for batch in batches {
            nanos = nanos.min(batch);
            if began.elapsed() > ENOUGH {
                break;
            }
        }
        Reading { nanos, regime: Regime::of(nanos) }
    }

    /// Nanoseconds of a hand-over, over some throws.
    fn batch(&self) -> f64 {
        let began = Instant::now();
        (0..THROWS).for_each(|_| self.throw());
        began.elapsed().as_secs_f64() * 1e9 / f64::from(2 * THROWS)
    }

    fn throw(&self) {
        let turn = self.line.0.load(Ordering::Relaxed) + 1;
        self.line.0.store(turn, Ordering::Release);
        let mut spins = 0_u32;
        while self.line.0.load(Ordering::Acquire) == turn {
            spins += 1;
            if spins.is_multiple_of(PATIENCE) {
                // It may sleep, or wait for this very core.
                self.partner.unpark();
                thread::yield_now();
            }
            spin_loop();
        }
    }
}

/// Looks without an answer after which one side doubts that the other is on a core.
const PATIENCE: u32 = 2_000;

fn answer(line: &Line) {
    let mut spins = 0_u32;
    loop {
        match line.0.load(Ordering::Acquire) {
            QUIT => return,
            turn if turn % 2 == 1 => {
                line.0.store(turn + 1, Ordering::Release);
                spins = 0;
            }
            _ if spins < PATIENCE => {
                spins += 1;
                spin_loop();
            }
            _ => {
                thread::park();
                spins = 0;
            }
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.line.0.store(QUIT, Ordering::Release);
        self.partner.unpark();
        if let Some(thread) = self.thread.take() {
            // It has nothing that could panic.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_answers_again_and_again() {
        let probe = Probe::new();
        for _ in 0..3 {
            let reading = probe.read();
            assert!(reading.nanos.is_finite());
            assert_eq!(reading.regime, Regime::of(reading.nanos));
        }
    }

    #[test]
    fn the_border_is_between_what_was_seen() {
        assert_eq!([37.0, 230.0].map(Regime::of), [Regime::Near, Regime::Far]);
    }
}
