//! The pool, simulated: seeds that must hold, and planted bugs that must be noticed.

use std::collections::BTreeSet;

use tasker_testkit::sim::{Plant, check, check_bytes, simulate};

/// Seeds of a usual run, and of one with `TASKER_LONG=1`.
const SEEDS: u64 = 5_000;
const LONG: u64 = 200_000;

/// Seeds within which each planted bug must be noticed; most take fewer than five.
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
    ($($test:ident: $plant:ident by $invariant:literal,)+) => {
        $(
            #[test]
            fn $test() {
                let mut others = BTreeSet::new();
                let noticed = (0..NOTICED_WITHIN).any(|seed| match simulate(seed, Plant::$plant) {
                    Ok(_) => false,
                    Err(by) => by == $invariant || (others.insert(by), false).1,
                });
                assert!(noticed, "{:?} was not noticed so in {NOTICED_WITHIN} seeds, but {others:?}", Plant::$plant);
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
    a_lost_leaving_is_noticed: LosesLeaving by "the pool has or seeks its workers, and shows those it has",
    a_lost_exit_is_noticed: LosesExited by "the pool has or seeks its workers, and shows those it has",
    a_lost_drained_is_noticed: LosesDrained by "a pool without faults ends",
    a_lost_nudge_is_noticed: LosesNudge by "tasks start in their order, and none is overlooked",
    a_timer_slept_through_is_noticed: IgnoresTimers by "tasks start in their order, and none is overlooked",
    a_lost_wake_up_is_noticed: LosesWakeUp by "nested waits never block the last worker, and no other is refused",
    a_use_after_destroy_is_noticed: UsesAfterDestroy by "the pool has or seeks its workers, and shows those it has",
    a_sick_resource_kept_is_noticed: KeepsSick by "each resource is destroyed exactly once, and used by its owner while it is good",
    a_double_destroy_is_noticed: DestroysTwice by "each resource is destroyed exactly once, and used by its owner while it is good",
    a_forgotten_destroy_is_noticed: ForgetsDestroy by "each resource is destroyed exactly once, and used by its owner while it is good",
    a_start_that_only_seems_to_fail_is_noticed: StartsAndFails by "the pool has or seeks its workers, and shows those it has",
    a_forgotten_reserve_is_noticed: ForgetsReserve by "drained means that nothing is owed",
    a_job_thrown_away_is_noticed: DropsJob by "nothing is overdue when nothing can move",
    a_task_run_twice_is_noticed: RunsTwice by "attempts are counted, permitted, and followed by what the rules say",
    a_swapped_priority_is_noticed: SwapsPriority by "tasks start in their order, and none is overlooked",
    leaked_room_is_noticed: LeaksRoom by "capacity is never exceeded, and free room is given out",
    a_forgotten_delay_is_noticed: ForgetsDelay by "tasks start in their order, and none is overlooked",
    a_batch_out_of_order_is_noticed: SwapsBatch by "tasks start in their order, and none is overlooked",
    a_nested_wait_that_is_not_seen_is_noticed: HidesNestedWait by "nested waits never block the last worker, and no other is refused",
    a_turn_that_is_skipped_is_noticed: SwapsTurns by "whoever waits for room is served in turn",
    an_event_that_is_not_published_is_noticed: SwallowsTelling by "the events tell what happened",
    a_forgotten_lifetime_is_noticed: ForgetsLifetime by "resources are retired in time",
    an_old_reserve_forgotten_is_noticed: ForgetsOldReserve by "resources are retired in time",
    a_forgotten_probe_is_noticed: ForgetsProbe by "resources are retired in time",
    a_rank_unasked_for_is_noticed: RanksUnasked by "tasks start in their order, and none is overlooked",
    room_refused_for_nothing_is_noticed: RefusesRoom by "capacity is never exceeded, and free room is given out",
    a_worker_too_many_is_noticed: RaisesMaximum by "workers and resources stay within their limits",
    a_pause_that_is_not_heard_is_noticed: IgnoresPause by "nothing starts while paused, and a stop resumes",
    a_callback_called_twice_is_noticed: CallsTwice by "a handle is resolved when its task has ended",
    a_cancel_nobody_asked_for_is_noticed: CancelsUnasked by "every task ends in exactly one way",
    a_miscount_is_noticed: CountsRefusals by "what the pool counts is what happened",
    a_worker_abandoned_at_work_is_noticed: AbandonsAtWork by "no worker at work is abandoned",
}
