use super::*;
use crate::supervisor::{Phase, Startup};

fn mode(startup: Startup) -> Rig {
    Rig::new(SupervisorConfig { startup, ..config(2, 2) })
}

#[test]
fn start_spawns_every_base_worker_at_once() {
    let mut rig = mode(Startup::Wait);
    assert_eq!(rig.start(), ["spawn 1 base #1", "spawn 2 base #1"]);
    assert_eq!(rig.start(), [""; 0]);
    assert_eq!(rig.timeout(), None);
}

#[test]
fn waiting_start_succeeds_with_the_first_ready_worker_however_late() {
    let mut rig = mode(Startup::Wait);
    rig.start();
    rig.event(refused(1));
    rig.event(refused(2));
    assert_eq!(rig.wait(100), ["spawn 3 base #2", "spawn 4 base #2"]);
    assert_eq!(rig.event(ready(3)), ["! worker-3 became ready after 0ns", "started"]);
    assert_eq!(rig.event(ready(4)), ["! worker-4 became ready after 0ns"]);
}

#[test]
fn lazy_start_succeeds_at_once() {
    let mut rig = mode(Startup::Lazy);
    assert_eq!(rig.start(), ["started", "spawn 1 base #1", "spawn 2 base #1"]);
    assert_eq!(rig.event(ready(1)), ["! worker-1 became ready after 0ns"]);
}

#[test]
fn failing_start_fails_when_every_base_worker_has_failed_once() {
    let mut rig = mode(Startup::Fail);
    rig.start();
    assert_eq!(
        rig.event(refused(1)),
        ["! worker-1 failed to create its resource, attempt 1: refused; tried again in 100ms"]
    );
    assert_eq!(
        rig.event(refused(2)),
        [
            "! worker-2 failed to create its resource, attempt 1: refused; tried again in 100ms",
            "not started: refused",
            "fail: refused",
            "discard queue",
            "cancel running",
            "! the pool was killed",
            "! the last worker is gone",
            "terminate",
        ]
    );
    assert_eq!(rig.supervisor.phase(), Phase::Ended);
    assert_eq!(rig.timeout(), None);
}

#[test]
fn failing_start_waits_for_base_workers_that_have_not_failed() {
    let mut rig = mode(Startup::Fail);
    rig.start();
    rig.event(refused(1));
    rig.wait(100);
    rig.event(refused(3));
    assert_eq!(rig.event(ready(2)), ["! worker-2 became ready after 100ms", "started"]);
}

#[test]
fn failing_start_ends_after_a_retry_that_is_under_way_is_gone() {
    let mut rig = mode(Startup::Fail);
    rig.start();
    rig.event(refused(1));
    rig.wait(100);
    let commands = rig.event(refused(2));
    assert!(commands.contains(&"fail: refused".into()) && !commands.contains(&"terminate".into()));
    // The retry succeeds all the same: its resource is destroyed, then the pool ends.
    assert_eq!(rig.event(ready(3)), ["! worker-3 became ready after 0ns"]);
    assert_eq!(rig.event(leaving(3, ExitReason::Killed)), ["! worker-3 left: the pool was killed"]);
    assert_eq!(rig.event(exited(3)), ["! the last worker is gone", "terminate"]);
}

#[test]
fn start_fails_when_the_pool_is_stopped_or_killed_before() {
    for event in [STOP, Event::Kill] {
        let mut rig = mode(Startup::Wait);
        rig.start();
        let first = rig.event(event).remove(0);
        assert!(first.starts_with("not started: the pool was"), "{first}");
        assert_eq!(rig.event(ready(1)), ["! worker-1 became ready after 0ns"]);
    }
}

#[test]
fn a_very_large_pool_starts_in_no_time() {
    let mut rig = Rig::new(SupervisorConfig::new(50_000));
    assert_eq!(rig.start().len(), 50_000);
    for worker in 1..=50_000 {
        rig.event(ready(worker));
        assert_eq!(rig.timeout().is_some(), worker < 50_000);
    }
}

#[test]
fn failing_start_counts_base_workers_alone() {
    let mut rig = Rig::new(SupervisorConfig { startup: Startup::Fail, ..config(2, 4) });
    rig.start();
    rig.event(Event::WarmUp(4));
    rig.event(refused(3));
    assert_eq!(rig.event(refused(4)).len(), 1, "burst workers say nothing about the base");
    rig.event(refused(1));
    assert_eq!(rig.event(refused(2))[1], "not started: refused");
}
