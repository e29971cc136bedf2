use super::*;

const fn resize(workers: usize, max_workers: usize) -> Event {
    Event::Resize { workers, max_workers }
}

#[test]
fn destroying_workers_keep_their_room() {
    let mut rig = Rig::proven(config(2, 3));
    rig.event(leaving(1, ExitReason::Unhealthy));
    // One live, one destroying, one creating: full.
    assert_eq!(
        rig.event(leaving(2, ExitReason::Unhealthy)),
        ["! worker-2 left and is replaced: its resource was unhealthy"]
    );
    assert_eq!(rig.event(exited(2)), ["spawn 4 replacement #1"]);
}

#[test]
fn after_a_resize_down_nothing_is_spawned_until_there_is_room() {
    let mut rig = Rig::proven(config(4, 4));
    let commands = rig.event(resize(2, 2));
    assert_eq!(commands, ["! workers wanted: 2 instead of 4 (the pool was resized)", "retire 2"]);
    // All four go, two of them sick and owed a replacement.
    rig.event(leaving(1, ExitReason::Retired));
    rig.event(leaving(2, ExitReason::Retired));
    rig.event(leaving(3, ExitReason::Unhealthy));
    rig.event(leaving(4, ExitReason::Unhealthy));
    assert_eq!(rig.event(exited(1)), [""; 0]);
    assert_eq!(rig.event(exited(2)), [""; 0]);
    assert_eq!(rig.event(exited(3)), ["spawn 5 replacement #1"]);
    assert_eq!(rig.event(exited(4)), ["spawn 6 replacement #1"]);
}

#[test]
fn a_resize_moves_the_target_into_the_new_bounds() {
    let mut rig = Rig::proven(config(2, 2));
    assert_eq!(
        rig.event(resize(3, 8)),
        ["! workers wanted: 3 instead of 2 (the pool was resized)", "spawn 3 base #1"]
    );
    assert_eq!(rig.event(resize(1, 8)), [""; 0], "within the bounds already");
    assert_eq!(rig.supervisor.levels().target, 3);
}

#[test]
fn a_resize_to_nothing_means_one() {
    let mut rig = Rig::proven(config(2, 2));
    rig.event(resize(0, 0));
    let config = rig.supervisor.config();
    assert_eq!((config.workers, config.max_workers), (1, 1));
}

#[test]
fn permits_are_recalled_before_anybody_is_spawned() {
    let mut rig = Rig::proven(config(3, 3));
    rig.event(resize(1, 3));
    rig.event(resize(1, 1));
    assert_eq!(rig.supervisor.levels().retiring, 2);
    assert_eq!(
        rig.event(resize(3, 4)),
        ["! workers wanted: 3 instead of 1 (the pool was resized)", "recall 2"]
    );
    assert_eq!(rig.supervisor.levels().retiring, 0);
}

#[test]
fn a_permit_taken_while_it_was_recalled_corrects_itself() {
    let mut rig = Rig::proven(config(2, 4));
    rig.event(resize(1, 1));
    rig.event(resize(2, 4));
    assert_eq!(
        rig.event(leaving(1, ExitReason::Retired)),
        ["! worker-1 left: the pool shrank", "spawn 3 base #1"]
    );
    assert_eq!(rig.supervisor.levels().retiring, 0);
}

#[test]
fn a_permit_taken_by_a_worker_that_is_abandoned_by_then_is_used_up() {
    let mut rig = Rig::proven(config(3, 3));
    rig.event(resize(1, 1));
    rig.event(Event::Stuck(id(1)));
    let levels = rig.supervisor.levels();
    assert_eq!((levels.live, levels.retiring, levels.abandoned), (2, 1, 1));
    assert_eq!(rig.event(leaving(1, ExitReason::Retired)), ["retire 1"], "another one has to go");
    rig.event(exited(1));
    assert_eq!(rig.event(leaving(1, ExitReason::Retired)), [""; 0], "it is gone");
}

#[test]
fn a_lost_worker_makes_up_for_a_permit() {
    let mut rig = Rig::proven(config(2, 2));
    rig.event(resize(1, 1));
    assert_eq!(
        rig.event(leaving(1, ExitReason::Unhealthy)),
        ["! worker-1 left and is replaced: its resource was unhealthy", "recall 1"]
    );
}

#[test]
fn live_workers_above_the_target_leave_when_others_are_ready() {
    let mut rig = Rig::new(config(3, 3));
    rig.start();
    rig.event(ready(1));
    assert_eq!(
        rig.event(resize(1, 1)),
        ["! workers wanted: 1 instead of 3 (the pool was resized)"],
        "the one live worker stays until another is ready"
    );
    assert_eq!(rig.event(ready(2)), ["! worker-2 became ready after 0ns", "retire 1"]);
    assert_eq!(rig.event(ready(3)), ["! worker-3 became ready after 0ns", "retire 1"]);
}

#[test]
fn places_due_last_are_dropped_first() {
    let mut rig = Rig::new(config(2, 2));
    rig.start();
    rig.event(refused(1));
    rig.wait(100);
    rig.event(refused(3));
    rig.event(refused(2));
    // Due in 200 ms and in 100 ms.
    rig.event(resize(1, 1));
    assert_eq!(rig.timeout(), Some(100));
    assert_eq!(rig.supervisor.levels().backing_off, 1);
}

#[test]
fn places_given_up_are_dropped_before_those_still_tried() {
    let mut rig = Rig::proven(SupervisorConfig { create_retries: Some(0), ..config(1, 4) });
    rig.event(Event::WarmUp(4));
    rig.event(ready(2));
    rig.event(ready(3));
    rig.event(leaving(2, ExitReason::Unhealthy));
    rig.event(exited(2));
    rig.event(ready(5));
    rig.event(leaving(5, ExitReason::Unhealthy));
    rig.event(exited(5));
    rig.event(refused(4));
    let levels = rig.supervisor.levels();
    assert_eq!((levels.live, levels.backing_off, levels.given_up), (2, 1, 1));
    rig.event(Event::Idle(id(3)));
    let levels = rig.supervisor.levels();
    assert_eq!((levels.live, levels.backing_off, levels.given_up), (2, 1, 0));
}

#[test]
fn places_due_at_the_same_moment_are_filled_in_their_order() {
    let backoff = Backoff::new().first(ms(100)).factor(1).jitter(0.0);
    let mut rig = Rig::new(SupervisorConfig { backoff, ..config(2, 2) });
    rig.start();
    rig.event(refused(1));
    rig.wait(100);
    rig.event(refused(3));
    rig.event(refused(2));
    assert_eq!(rig.wait(100), ["spawn 4 base #3", "spawn 5 base #2"]);
}

#[test]
fn settings_that_make_no_sense_are_named_and_those_at_the_edge_are_not() {
    let refused = |config: SupervisorConfig| config.validate().unwrap_err().field;
    assert_eq!(refused(config(0, 4)), "workers");
    assert_eq!(refused(config(3, 2)), "max_workers");
    assert_eq!(
        refused(SupervisorConfig { burst_interval: Duration::ZERO, ..config(1, 1) }),
        "burst_interval"
    );
    assert_eq!(refused(SupervisorConfig { backoff: Backoff::new().factor(0), ..config(1, 1) }), "factor");
    for bounds in [config(2, 2), config(2, 3)] {
        assert_eq!(bounds.validate(), Ok(()));
    }
}
