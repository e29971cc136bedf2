//! The pool, simulated: seeds that must hold, and planted bugs that must be noticed.

use tasker_testkit::sim::{Plant, check, check_bytes, simulate};

/// Seeds of a usual run, and of one with `TASKER_LONG=1`.
const SEEDS: u64 = 5_000;
const LONG: u64 = 200_000;

/// Seeds within which each planted bug must be noticed; most take fewer than five, the slowest took 14.
const NOTICED_WITHIN: u64 = 500;

fn seeds() -> u64 {
    if std::env::var_os("TASKER_LONG").is_some_and(|value| value == "1") { LONG } else { SEEDS }
}

/// Every second, third, ... seed, so that the tests' threads share the work.
fn hold(part: u64, parts: usize) {
    for seed in (part..seeds()).step_by(parts) {
        if let Err(failure) = check(seed, Plant::Nothing) {
            panic!("{failure}");
        }
    }
}

#[test]
fn all_invariants_hold_over_all_seeds_first_half() {
    hold(0, 2);
}

#[test]
fn all_invariants_hold_over_all_seeds_second_half() {
    hold(1, 2);
}

#[test]
fn scripts_that_bytes_spell_hold_and_differ() {
    let bytes: Vec<u8> = (0..=u8::MAX).map(|byte| byte.wrapping_mul(37)).collect();
    let mut passed = Vec::new();
    for from in 0..100 {
        match check_bytes(&bytes[from..]) {
            Ok(one) => passed.push(one),
            Err(failure) => panic!("{failure}"),
        }
    }
    assert!(passed.iter().any(|one| *one != passed[0]), "bytes decide");
}

/// Each takes the pool somewhere that the others don't; they are what fuzzing starts from, and what it found.
#[test]
fn scripts_that_fuzzing_has_kept_hold() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/ops");
    let paths: Vec<_> = std::fs::read_dir(kept).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!paths.is_empty());
    for path in paths {
        if let Err(failure) = check_bytes(&std::fs::read(&path).unwrap()) {
            panic!("{}: {failure}", path.display());
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_simulation() {
    for seed in 0..50 {
        let first = check(seed, Plant::Nothing).unwrap();
        assert_eq!(first, check(seed, Plant::Nothing).unwrap(), "seed {seed}");
    }
}

#[test]
fn a_failure_names_its_seed_and_how_to_replay_it() {
    let failure = (0..NOTICED_WITHIN).find_map(|seed| check(seed, Plant::DestroysTwice).err()).unwrap();
    let (text, seed) = (failure.to_string(), failure.seed.unwrap());
    assert!(text.contains(&format!("seed {seed}")), "{text}");
    assert!(text.contains("--example simulate -- --seed"), "{text}");
}

macro_rules! noticed {
    ($($test:ident: $plant:ident,)+) => {
        $(
            #[test]
            fn $test() {
                let noticed = (0..NOTICED_WITHIN).any(|seed| simulate(seed, Plant::$plant).is_err());
                assert!(noticed, "{:?} was not noticed in {NOTICED_WITHIN} seeds", Plant::$plant);
            }
        )+

        #[test]
        fn every_planted_bug_has_its_test() {
            let tested = [$(Plant::$plant),+];
            assert!(Plant::ALL.iter().all(|plant| tested.contains(plant)), "tested: {tested:?}");
        }
    };
}

noticed! {
    a_lost_leaving_is_noticed: LosesLeaving,
    a_lost_exit_is_noticed: LosesExited,
    a_lost_drained_is_noticed: LosesDrained,
    a_lost_nudge_is_noticed: LosesNudge,
    a_timer_slept_through_is_noticed: IgnoresTimers,
    a_lost_wake_up_is_noticed: LosesWakeUp,
    a_use_after_destroy_is_noticed: UsesAfterDestroy,
    a_sick_resource_kept_is_noticed: KeepsSick,
    a_double_destroy_is_noticed: DestroysTwice,
    a_forgotten_destroy_is_noticed: ForgetsDestroy,
    a_start_that_only_seems_to_fail_is_noticed: StartsAndFails,
    a_forgotten_reserve_is_noticed: ForgetsReserve,
    a_job_thrown_away_is_noticed: DropsJob,
    a_task_run_twice_is_noticed: RunsTwice,
    a_swapped_priority_is_noticed: SwapsPriority,
    leaked_room_is_noticed: LeaksRoom,
    a_forgotten_delay_is_noticed: ForgetsDelay,
    a_batch_out_of_order_is_noticed: SwapsBatch,
    a_nested_wait_that_is_not_seen_is_noticed: HidesNestedWait,
    a_turn_that_is_skipped_is_noticed: SwapsTurns,
    an_event_that_is_not_published_is_noticed: SwallowsTelling,
    a_forgotten_lifetime_is_noticed: ForgetsLifetime,
    an_old_reserve_forgotten_is_noticed: ForgetsOldReserve,
    a_forgotten_probe_is_noticed: ForgetsProbe,
}
