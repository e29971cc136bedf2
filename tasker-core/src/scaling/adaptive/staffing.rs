//! How many workers a load needs: Erlang's formula and the price of a late task.

/// What a task over the target counts for, in multiples of its execution time.
pub(super) const LATE: f64 = 10.0;

/// Above this many workers the square root stands in for the formula, which it has come close to long before.
const MANY: f64 = 2_000.0;

/// The number of workers for which workers plus late tasks cost least: see [`Adaptive`](super::Adaptive).
///
/// `load` is the mean number of workers busy if none has to wait, `patience` the wait target in mean execution times.
pub(super) fn staff(load: f64, patience: f64, most: usize) -> usize {
    if load <= 0.0 || load.is_nan() {
        return 0;
    }
    if load >= most as f64 {
        return most;
    }
    if load > MANY {
        return ((load + load.sqrt()).ceil() as usize).min(most);
    }
    cheapest(load, patience).min(most)
}

/// Adds workers as long as one more saves more than it costs. Both are convex, so the first that does not is the last.
fn cheapest(load: f64, patience: f64) -> usize {
    let mut count = 0.0;
    let mut blocked = 1.0;
    let mut late = 1.0;
    loop {
        count += 1.0;
        // Erlang's B, by its recursion.
        blocked = load * blocked / (count + load * blocked);
        if count <= load {
            continue;
        }
        let next = waits(count, load, blocked) * decay((count - load) * patience);
        if count >= load + 1.0 && LATE * load * (late - next) < 1.0 {
            // Never without any room: with a load next to a whole number the queue would hardly ever shrink.
            return if count - 1.0 > load { count as usize - 1 } else { count as usize };
        }
        late = next;
    }
}

/// The number of tasks that wait, by chance alone, in no greater share of looks than `rare`, at `count` workers.
pub(super) fn chance(count: usize, load: f64, rare: f64) -> f64 {
    let workers = count as f64;
    if load <= 0.0 || load >= workers || workers > MANY {
        return 0.0;
    }
    let blocked = (1..=count).fold(1.0, |blocked, k| load * blocked / (k as f64 + load * blocked));
    let (mut share, mut queue) = (waits(workers, load, blocked), 0.0);
    // Of those that wait, so many find another one waiting before them.
    let ratio = load / workers;
    while share > rare && queue < 1_000.0 {
        share *= ratio;
        queue += 1.0;
    }
    queue
}

/// Erlang's C: the share of tasks that wait at all, from Erlang's B.
fn waits(count: f64, load: f64, blocked: f64) -> f64 {
    blocked / (1.0 - load / count * (1.0 - blocked))
}

/// e to the power of -x, the same on every machine: only multiplication and division.
fn decay(x: f64) -> f64 {
    if x > 60.0 {
        return 0.0;
    }
    let mut power = 1.0 + x / 4_096.0;
    for _ in 0..12 {
        power *= power;
    }
    1.0 / power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decay_is_close_to_the_exponential_function() {
        for x in [0.0, 0.1, 1.0, 5.0, 20.0] {
            assert!((decay(x) / f64::exp(-x) - 1.0).abs() < 0.06, "{x}: {}", decay(x));
        }
        assert_eq!(decay(f64::INFINITY), 0.0);
    }

    #[test]
    fn the_share_of_waiting_tasks_is_erlangs() {
        // Tables of the Erlang C formula: 10 Erlang on 12 servers.
        let (mut blocked, load) = (1.0, 10.0);
        for count in 1..=12 {
            blocked = load * blocked / (f64::from(count) + load * blocked);
        }
        assert!((waits(12.0, load, blocked) - 0.449).abs() < 0.001);
    }

    #[test]
    fn chance_brings_longer_queues_to_busier_workers() {
        assert_eq!(chance(10, 0.0, 0.005), 0.0);
        assert_eq!(chance(10, 1.0, 0.005), 0.0);
        assert!((5.0..10.0).contains(&chance(10, 6.0, 0.005)), "{}", chance(10, 6.0, 0.005));
        assert!((25.0..45.0).contains(&chance(23, 20.0, 0.005)), "{}", chance(23, 20.0, 0.005));
        assert_eq!(chance(10, 10.0, 0.005), 0.0, "that is no chance");
        assert_eq!(chance(usize::MAX, 1e9, 0.005), 0.0);
    }

    #[test]
    fn always_has_more_workers_than_the_load() {
        for tenths in 1..400 {
            let load = f64::from(tenths) / 10.0;
            for patience in [0.0, 0.1, 1.0, 10.0, 1e9] {
                assert!(staff(load, patience, 1_000) as f64 > load, "{load}, {patience}");
            }
        }
    }

    #[test]
    fn more_load_and_less_patience_never_need_fewer() {
        for tenths in 1..400 {
            let load = f64::from(tenths) / 10.0;
            assert!(staff(load, 1.0, 1_000) <= staff(load + 0.1, 1.0, 1_000), "{load}");
            assert!(staff(load, 2.0, 1_000) <= staff(load, 1.0, 1_000), "{load}");
        }
    }

    #[test]
    fn is_bounded_whatever_it_is_asked() {
        assert_eq!(staff(0.0, 1.0, 9), 0);
        assert_eq!(staff(f64::NAN, 1.0, 9), 0);
        assert_eq!(staff(f64::INFINITY, 1.0, 9), 9);
        assert_eq!(staff(10_000.0, 1.0, usize::MAX), 10_100);
        assert_eq!(staff(20.0, 2.0, usize::MAX), 23);
    }

    /// Erlang's C by the book: a sum of powers over factorials.
    fn waits_by_the_book(count: usize, load: f64) -> f64 {
        let mut term = 1.0;
        let mut idle = 0.0;
        for k in 0..count {
            idle += term;
            term *= load / (k + 1) as f64;
        }
        let all_busy = term * count as f64 / (count as f64 - load);
        all_busy / (idle + all_busy)
    }

    fn late_by_the_book(count: usize, load: f64, patience: f64) -> f64 {
        if count as f64 > load {
            waits_by_the_book(count, load) * decay((count as f64 - load) * patience)
        } else {
            1.0
        }
    }

    #[test]
    fn the_size_is_the_first_at_which_one_more_worker_costs_more_than_it_saves() {
        for tenths in 1..300 {
            let load = f64::from(tenths) / 10.0 + 0.03;
            for patience in [0.0, 0.3, 1.0, 3.0] {
                let saves = |count| {
                    let late = |count| late_by_the_book(count, load, patience);
                    LATE * load * (late(count) - late(count + 1))
                };
                let first = (load as usize + 1..).find(|count| saves(*count) < 1.0);
                assert_eq!(Some(staff(load, patience, 1_000)), first, "{load}, {patience}");
            }
        }
    }

    #[test]
    fn a_load_of_whole_workers_gets_one_beside_them() {
        assert_eq!(staff(1.0, 1e9, 1_000), 2);
        assert_eq!(staff(2_000.0, 1e9, usize::MAX), 2_001, "the formula, not the square root");
    }

    #[test]
    fn a_queue_by_chance_is_as_long_as_the_tail_of_its_distribution() {
        for count in 1..40 {
            for percent in [10, 50, 80, 95] {
                let (ratio, rare) = (f64::from(percent) / 100.0, 0.004);
                let load = ratio * count as f64;
                let longer = |queue: i32| waits_by_the_book(count, load) * ratio.powi(queue);
                let queue = chance(count, load, rare) as i32;
                assert!(longer(queue) <= rare, "{queue} at {count} workers, {percent} %");
                assert!(queue == 0 || longer(queue - 1) > rare, "{queue} at {count} workers, {percent} %");
            }
        }
    }

    #[test]
    fn chance_is_asked_of_so_many_workers_only_and_says_a_thousand_at_most() {
        assert_eq!(chance(10, 9.999_999, 1e-4), 1_000.0);
        assert!(chance(2_000, 1_990.0, 1e-4) > 0.0);
        assert_eq!(chance(2_001, 1_991.0, 1e-4), 0.0);
        // Of two workers with a load of one, Erlang's B is a fifth.
        assert_eq!(chance(2, 1.0, waits(2.0, 1.0, 0.2)), 0.0, "no rarer than that");
    }

    #[test]
    fn a_tail_too_thin_to_matter_is_nothing() {
        assert!(decay(60.0) > 0.0);
        assert_eq!(decay(60.1), 0.0);
    }

    #[test]
    fn the_least_load_needs_somebody() {
        assert_eq!(staff(1e-17, 1.0, 9), 1);
    }
}
