use super::*;

const REPLACED: &str = "! worker-1 left and is replaced: its resource was unhealthy";

#[test]
fn a_sick_worker_is_replaced_at_once_when_there_is_room() {
    let mut rig = Rig::proven(config(1, 2));
    assert_eq!(rig.event(leaving(1, ExitReason::Unhealthy)), [REPLACED, "spawn 2 replacement #1"]);
    assert_eq!(rig.event(exited(1)), [""; 0]);
}

#[test]
fn a_sick_worker_at_the_maximum_is_replaced_when_its_room_is_free() {
    let mut rig = Rig::proven(config(1, 1));
    assert_eq!(rig.event(leaving(1, ExitReason::Unhealthy)), [REPLACED]);
    assert_eq!(rig.timeout(), None, "nothing to wake up for without room");
    assert_eq!(rig.event(exited(1)), ["spawn 2 replacement #1"]);
}

#[test]
fn every_sickness_replaces() {
    use ExitReason::{Interrupted, Lost, Panicked, ProbeFailed, Unhealthy};
    for why in [Unhealthy, Panicked, Interrupted, ProbeFailed, Lost] {
        let mut rig = Rig::proven(config(1, 2));
        let replaced = format!("! worker-1 left and is replaced: {why}");
        assert_eq!(rig.event(leaving(1, why)), [replaced.as_str(), "spawn 2 replacement #1"]);
    }
}

#[test]
fn age_and_use_replace_without_calling_it_sickness() {
    for why in [ExitReason::MaxLifetime, ExitReason::MaxUses] {
        let mut rig = Rig::running(config(1, 2));
        let left = format!("! worker-1 left: {why}");
        assert_eq!(rig.event(leaving(1, why)), [left.as_str(), "spawn 2 replacement #1"]);
    }
}

#[test]
fn a_worker_that_vanishes_is_replaced() {
    let mut rig = Rig::proven(config(1, 1));
    assert_eq!(
        rig.event(exited(1)),
        ["! worker-1 left and is replaced: it ended without a word", "spawn 2 replacement #1"]
    );
}

#[test]
fn a_crash_loop_backs_off_although_every_creation_succeeds() {
    let mut rig = Rig::running(config(1, 1));
    rig.event(ready(1));
    rig.event(leaving(1, ExitReason::Unhealthy));
    assert_eq!(rig.event(exited(1)), ["spawn 2 replacement #2"], "once is no loop");
    for (worker, delay) in [(2, 100), (3, 200), (4, 400)] {
        rig.event(ready(worker));
        rig.event(leaving(worker, ExitReason::Unhealthy));
        assert_eq!(rig.event(exited(worker)), [""; 0]);
        assert_eq!(rig.timeout(), Some(delay));
        assert_eq!(rig.wait(delay as u64), [format!("spawn {} replacement #{}", worker + 1, worker + 1)]);
    }
}

#[test]
fn the_backoff_resets_on_a_completed_task_and_not_on_a_created_resource() {
    let mut rig = Rig::new(config(1, 1));
    rig.start();
    rig.event(refused(1));
    rig.wait(100);
    rig.event(ready(2));
    rig.event(leaving(2, ExitReason::Panicked));
    rig.event(exited(2));
    assert_eq!(rig.timeout(), Some(100), "created, but good for nothing yet");
    rig.wait(100);
    rig.event(ready(3));
    rig.event(done(3));
    rig.event(leaving(3, ExitReason::Panicked));
    assert_eq!(rig.event(exited(3)), ["spawn 4 replacement #1"]);
}

#[test]
fn all_workers_sick_at_the_same_moment_are_all_replaced() {
    let mut rig = Rig::proven(config(3, 3));
    (1..=3).for_each(|worker| drop(rig.event(leaving(worker, ExitReason::Unhealthy))));
    let commands: Vec<_> = (1..=3).flat_map(|worker| rig.event(exited(worker))).collect();
    assert_eq!(commands, ["spawn 4 replacement #1", "spawn 5 replacement #1", "spawn 6 replacement #1"]);
}

#[test]
fn a_sick_worker_above_the_target_is_not_replaced() {
    let mut rig = Rig::proven(config(1, 3));
    assert_eq!(
        rig.event(Event::WarmUp(2)),
        ["! workers wanted: 2 instead of 1 (the pool was warmed up)", "spawn 2 burst #1"]
    );
    rig.event(Event::Resize { workers: 1, max_workers: 1 });
    rig.event(leaving(1, ExitReason::Unhealthy));
    assert_eq!(rig.event(exited(1)), [""; 0]);
    assert_eq!(rig.supervisor.levels().creating, 1);
}

#[test]
fn news_that_is_stale_doubled_or_ill_timed_changes_nothing() {
    let mut rig = Rig::proven(config(2, 2));
    rig.event(leaving(2, ExitReason::Unhealthy));
    let before = rig.supervisor.levels();
    // Worker 1 is live, 2 is destroying, 99 was never there.
    let stale = [
        ready(1),
        refused(1),
        done(1),
        ready(2),
        refused(2),
        done(2),
        leaving(2, ExitReason::Panicked),
        Event::Stuck(id(2)),
        Event::Idle(id(1)),
        Event::Idle(id(2)),
        ready(99),
        refused(99),
        done(99),
        leaving(99, ExitReason::Lost),
        exited(99),
        Event::Stuck(id(99)),
        Event::Drained,
        Event::Busy,
    ];
    for event in stale {
        assert_eq!(rig.event(event.clone()), [""; 0], "{event:?}");
        assert_eq!(rig.supervisor.levels(), before, "{event:?}");
    }
    rig.event(exited(2));
    let before = rig.supervisor.levels();
    assert_eq!(rig.event(exited(2)), [""; 0]);
    assert_eq!(rig.event(leaving(3, ExitReason::Unhealthy)), [""; 0], "a creating worker cannot leave");
    assert_eq!(rig.supervisor.levels(), before);
}

/// Eight places, workers 6 to 8 good; what is said when worker 6 turns sick, `others` having happened to the rest.
fn sick_beside(others: impl FnOnce(&mut Rig), levels: [usize; 4]) -> Option<String> {
    let mut rig = Rig::new(SupervisorConfig { create_retries: Some(1), ..config(8, 9) });
    rig.start();
    (6..=8).for_each(|worker| drop((rig.event(ready(worker)), rig.event(done(worker)))));
    others(&mut rig);
    let now = rig.supervisor.levels();
    assert_eq!([now.creating, now.live, now.backing_off, now.given_up], levels);
    rig.event(leaving(6, ExitReason::Unhealthy)).pop()
}

#[test]
fn a_lost_worker_is_replaced_as_such_whatever_the_others_are_doing() {
    let all = |rig: &mut Rig, event: fn(u64) -> Event, workers: std::ops::RangeInclusive<u64>| {
        workers.for_each(|worker| drop(rig.event(event(worker))));
    };
    let creating = sick_beside(|rig| all(rig, ready, 1..=2), [3, 5, 0, 0]);
    assert_eq!(creating.as_deref(), Some("spawn 9 replacement #1"));
    let backing_off = sick_beside(|rig| all(rig, refused, 1..=5), [0, 3, 5, 0]);
    assert_eq!(backing_off.as_deref(), Some("spawn 9 replacement #1"));
    let given_up = |rig: &mut Rig| {
        all(rig, refused, 1..=3);
        rig.wait(100);
        all(rig, refused, 9..=11);
        all(rig, refused, 4..=5);
    };
    assert_eq!(sick_beside(given_up, [0, 3, 2, 3]).as_deref(), Some("spawn 12 replacement #1"));
}
