//! What is drawn by lot.

use super::*;

/// With one of them, ids that are mixed in badly make no difference.
const NO_BIT_AND_ALL: [u64; 2] = [0, u64::MAX];

#[test]
fn workers_born_together_do_not_grow_equally_old_whatever_the_seed() {
    for seed in NO_BIT_AND_ALL {
        let age = Duration::from_secs(1_000);
        let mut bench = Bench::new(|builder| builder.workers(2).max_lifetime(age).seed(seed));
        let until = [(); 2].map(|()| {
            let mut worker = bench.worker();
            let Step::Wait(Some(until)) = bench.step(&mut worker) else { panic!("it has nothing to do") };
            until
        });
        assert_ne!(until[0], until[1], "seed {seed}");
    }
}

/// Notes its seeds.
#[derive(Clone, Debug, Default)]
struct Seeds(Arc<Lock<Vec<u64>>>);

impl crate::retry::RetryPolicy for Seeds {
    fn delay(&self, _: u32, seed: u64) -> Duration {
        self.0.lock().push(seed);
        Duration::from_secs(1)
    }
}

#[test]
fn a_retry_is_delayed_by_another_seed_for_each_task() {
    for seed in NO_BIT_AND_ALL {
        let seeds = Seeds::default();
        let policy = seeds.clone();
        let mut bench = Bench::new(|builder| builder.max_retries(1).retry(policy).seed(seed));
        let mut worker = bench.worker();
        let _handles = [(); 2].map(|()| bench.submit(TaskOptions::default(), None));
        for _ in 0..2 {
            let inside = bench.begin(&mut worker);
            bench.end(&mut worker, inside, Attempt::Error("no".into()));
        }
        let seeds = seeds.0.lock();
        assert!(matches!(**seeds, [one, other] if one != other), "seed {seed}: {seeds:?}");
    }
}
