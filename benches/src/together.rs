//! Several threads that begin at the same moment.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// Runs `body` on so many threads at once, each with its number from 0. Gives what they returned and the time from the
/// first to begin to the last to end; starting the threads is not in it.
///
/// # Panics
///
/// If one of them does.
pub fn together<T: Send>(threads: usize, body: impl Fn(usize) -> T + Sync) -> (Vec<T>, Duration) {
    let barrier = Barrier::new(threads);
    let timed = |number| {
        barrier.wait();
        let began = Instant::now();
        let value = body(number);
        (value, began, Instant::now())
    };
    let timed = &timed;
    let ends: Vec<(T, Instant, Instant)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|number| scope.spawn(move || timed(number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    let began = ends.iter().map(|(_, began, _)| *began).min();
    let ended = ends.iter().map(|(_, _, ended)| *ended).max();
    let time = ended.zip(began).map(|(ended, began)| ended - began);
    (ends.into_iter().map(|(value, ..)| value).collect(), time.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_number() {
        assert_eq!(together(3, |number| number).0, [0, 1, 2]);
    }
}
