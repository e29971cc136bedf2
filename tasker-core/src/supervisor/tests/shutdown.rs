use super::*;
use crate::supervisor::Phase;

const DONE: [&str; 2] = ["! the last worker is gone", "terminate"];
const KILL: [&str; 3] = ["discard queue", "cancel running", "! the pool was killed"];

fn at(millis: u64) -> Timestamp {
    Timestamp::ZERO.saturating_add(ms(millis))
}

fn by(millis: u64) -> Event {
    Event::Stop { deadline: Some(at(millis)) }
}

#[test]
fn a_stop_closes_the_queue_and_ends_when_drained_workers_are_gone() {
    let mut rig = Rig::proven(config(1, 1));
    assert_eq!(rig.event(STOP), ["close queue", "! the pool is stopping"]);
    assert_eq!(rig.event(Event::Drained), ["! all accepted tasks are done"]);
    assert_eq!(rig.event(leaving(1, ExitReason::Drained)), ["! worker-1 left: the pool has drained"]);
    assert_eq!(rig.event(exited(1)), DONE);
    assert_eq!(rig.supervisor.phase(), Phase::Ended);
}

#[test]
fn the_last_worker_that_turns_sick_in_a_drain_is_replaced() {
    let mut rig = Rig::proven(config(1, 1));
    rig.event(STOP);
    rig.event(leaving(1, ExitReason::Unhealthy));
    assert_eq!(rig.event(exited(1)), ["spawn 2 replacement #1"]);
    rig.event(ready(2));
    rig.event(Event::Drained);
    rig.event(leaving(2, ExitReason::Drained));
    assert_eq!(rig.event(exited(2)), DONE);
}

#[test]
fn workers_that_find_nothing_left_are_not_replaced_but_the_last_is() {
    let mut rig = Rig::proven(config(2, 2));
    rig.event(STOP);
    rig.event(leaving(1, ExitReason::Drained));
    assert_eq!(rig.event(exited(1)), [""; 0]);
    // The other still ran a task, which failed and is owed another attempt.
    assert_eq!(
        rig.event(leaving(2, ExitReason::Unhealthy)),
        ["! worker-2 left and is replaced: its resource was unhealthy", "spawn 3 replacement #1"]
    );
}

#[test]
fn once_drained_nobody_is_replaced() {
    let mut rig = Rig::proven(config(1, 1));
    rig.event(STOP);
    rig.event(Event::Drained);
    assert_eq!(rig.event(leaving(1, ExitReason::Unhealthy)), ["! worker-1 left: its resource was unhealthy"]);
    assert_eq!(rig.event(exited(1)), DONE);
}

#[test]
fn a_drain_without_workers_ends_at_once_when_drained() {
    let mut rig = Rig::new(config(1, 1));
    rig.start();
    rig.event(refused(1));
    rig.event(STOP);
    assert_eq!(rig.timeout(), Some(100), "tasks may be owed, so creation is still tried");
    let commands = rig.event(Event::Drained);
    assert_eq!(commands, ["! all accepted tasks are done", DONE[0], DONE[1]]);
}

#[test]
fn a_worker_ready_after_the_drain_is_waited_for() {
    let mut rig = Rig::new(config(1, 1));
    rig.start();
    rig.event(STOP);
    assert_eq!(rig.event(Event::Drained), ["! all accepted tasks are done"]);
    assert_eq!(rig.event(ready(1)), ["! worker-1 became ready after 0ns"]);
    rig.event(leaving(1, ExitReason::Drained));
    assert_eq!(rig.event(exited(1)), DONE);
}

#[test]
fn a_stop_at_its_deadline_is_diagnosed_and_becomes_a_kill() {
    let mut rig = Rig::proven(config(1, 1));
    rig.wait(5);
    assert_eq!(rig.event(by(25)), ["close queue", "! the pool is stopping, until 25ms on its clock"]);
    assert_eq!(rig.timeout(), Some(20));
    let mut expected = vec!["! ShutdownTimeout { waited: 20ms, workers_left: 1 }"];
    expected.extend(KILL);
    assert_eq!(rig.wait(20), expected);
    assert_eq!(rig.supervisor.phase(), Phase::Killing);
}

#[test]
fn of_two_stops_the_earlier_deadline_wins() {
    let mut rig = Rig::proven(config(1, 1));
    rig.event(STOP);
    assert_eq!(rig.timeout(), None);
    assert_eq!(rig.event(by(50)), [""; 0]);
    assert_eq!(rig.timeout(), Some(50));
    rig.event(by(90));
    assert_eq!(rig.timeout(), Some(50));
    rig.event(by(20));
    rig.event(STOP);
    assert_eq!(rig.timeout(), Some(20));
}

#[test]
fn a_kill_discards_cancels_and_ends_when_workers_are_gone() {
    let mut rig = Rig::proven(config(1, 1));
    assert_eq!(rig.event(Event::Kill), KILL);
    assert_eq!(rig.event(leaving(1, ExitReason::Killed)), ["! worker-1 left: the pool was killed"]);
    assert_eq!(rig.event(exited(1)), DONE);
}

#[test]
fn a_kill_escalates_a_stop_and_is_weakened_by_none() {
    let mut rig = Rig::proven(config(1, 1));
    rig.event(STOP);
    assert_eq!(rig.event(Event::Kill), KILL);
    for event in [STOP, by(1), Event::Kill, Event::Drained] {
        assert_eq!(rig.event(event), [""; 0]);
    }
    assert_eq!(rig.supervisor.phase(), Phase::Killing);
}

#[test]
fn a_kill_gives_everybody_up_in_the_end_whatever_the_limit() {
    let config = SupervisorConfig { max_abandoned: 0, destroy_timeout: Some(ms(30)), ..config(2, 3) };
    let mut rig = Rig::new(config);
    rig.start();
    rig.event(ready(1));
    rig.event(Event::Kill);
    rig.event(leaving(1, ExitReason::Killed));
    assert_eq!(rig.timeout(), Some(10), "the grace");
    assert_eq!(rig.wait(10), ["abandon 2", "! worker-2 was stuck and is abandoned"]);
    assert_eq!(rig.timeout(), Some(30), "the time to destroy, and the grace");
    assert_eq!(rig.wait(30), ["abandon 1", "! worker-1 was stuck and is abandoned", DONE[0], DONE[1]]);
    assert_eq!(rig.supervisor.levels().abandoned, 2);
}

#[test]
fn a_kill_without_a_limit_on_destroying_waits_for_the_grace_alone() {
    let mut rig = Rig::proven(config(1, 1));
    rig.event(Event::Kill);
    rig.event(leaving(1, ExitReason::Killed));
    assert_eq!(rig.timeout(), Some(10));
}

#[test]
fn a_drained_pool_does_not_wait_for_a_hanging_destruction_whatever_the_limit() {
    let config = SupervisorConfig { max_abandoned: 0, destroy_timeout: Some(ms(30)), ..config(1, 1) };
    let mut rig = Rig::proven(config);
    rig.event(STOP);
    rig.event(Event::Drained);
    rig.event(leaving(1, ExitReason::Drained));
    assert_eq!(rig.wait(40), ["abandon 1", "! worker-1 was stuck and is abandoned", DONE[0], DONE[1]]);
}

#[test]
fn creations_that_fail_in_a_kill_are_told_and_not_retried() {
    let mut rig = Rig::new(config(2, 2));
    rig.start();
    rig.event(Event::Kill);
    assert_eq!(
        rig.event(refused(1)),
        ["! worker-1 failed to create its resource, attempt 1: refused; not tried again"]
    );
    assert_eq!(rig.event(refused(2))[1..], DONE);
}

#[test]
fn a_pool_that_fails_in_a_drain_ends() {
    let mut rig = Rig::new(SupervisorConfig { create_retries: Some(0), ..config(1, 1) });
    rig.start();
    rig.event(STOP);
    let commands = rig.event(refused(1));
    assert_eq!(commands[1], "fail: refused");
    assert_eq!(commands.last().unwrap(), "terminate");
}

#[test]
fn nothing_follows_the_end() {
    let mut rig = Rig::running(config(1, 1));
    rig.event(Event::Stuck(id(1)));
    rig.event(Event::Kill);
    rig.wait(10_000);
    assert_eq!(rig.supervisor.phase(), Phase::Ended);
    for event in [exited(1), STOP, Event::Kill, Event::Drained, ready(2), Event::WarmUp(9), Event::Busy] {
        assert_eq!(rig.event(event), [""; 0]);
    }
    assert_eq!(rig.start(), [""; 0]);
    assert_eq!(rig.wait(10_000), [""; 0]);
    assert_eq!(rig.timeout(), None);
}

#[test]
fn a_pool_killed_before_it_started_never_starts() {
    let mut rig = Rig::new(config(1, 1));
    assert!(rig.event(Event::Kill).contains(&"terminate".into()));
    assert_eq!(rig.start(), [""; 0]);
}

#[test]
fn in_a_drain_bounds_and_target_are_frozen() {
    let mut rig = Rig::proven(config(2, 4));
    rig.event(Event::WarmUp(3));
    rig.event(ready(3));
    rig.event(STOP);
    for event in
        [Event::Resize { workers: 1, max_workers: 1 }, Event::WarmUp(4), Event::Idle(id(3)), Event::Busy]
    {
        assert_eq!(rig.event(event), [""; 0]);
    }
    assert_eq!(rig.supervisor.levels().target, 3, "burst workers help to drain");
}

#[test]
fn in_a_drain_blocked_workers_still_get_help() {
    let mut rig = Rig::proven(config(1, 2));
    rig.event(STOP);
    assert_eq!(
        rig.event(Event::Blocked),
        [
            "! workers wanted: 2 instead of 1 (all workers wait for tasks of their own pool)",
            "spawn 2 burst #1"
        ]
    );
}

#[test]
fn in_a_drain_nobody_is_sent_away() {
    let mut rig = Rig::new(config(1, 3));
    rig.start();
    rig.event(Event::WarmUp(3));
    rig.event(Event::Resize { workers: 1, max_workers: 1 });
    rig.event(STOP);
    rig.event(ready(1));
    // One more than wanted: it helps to drain.
    assert_eq!(rig.event(ready(2)), ["! worker-2 became ready after 0ns"]);
}

#[test]
fn the_last_worker_is_replaced_when_it_leaves_before_the_drain_is_reported() {
    let mut rig = Rig::proven(config(1, 1));
    rig.event(STOP);
    rig.event(leaving(1, ExitReason::Drained));
    assert_eq!(rig.event(exited(1)), ["spawn 2 base #1"], "tasks may be owed until the queue says otherwise");
}

#[test]
fn in_a_drain_help_for_the_blocked_does_not_bring_back_those_who_left() {
    let mut rig = Rig::proven(config(3, 3));
    rig.event(STOP);
    for worker in [1, 2] {
        rig.event(leaving(worker, ExitReason::Drained));
        rig.event(exited(worker));
    }
    let commands = rig.event(Event::Blocked);
    assert_eq!(commands.iter().filter(|line| line.starts_with("spawn")).count(), 1);
}

#[test]
fn timeouts_without_end_wake_nobody() {
    let config = SupervisorConfig {
        backoff: Backoff::new().first(Duration::MAX).max(Duration::MAX).jitter(0.0),
        create_timeout: Some(Duration::MAX),
        destroy_timeout: Some(Duration::MAX),
        grace: Duration::MAX,
        burst_interval: Duration::MAX,
        ..config(2, 2)
    };
    let mut rig = Rig::new(config);
    rig.start();
    rig.event(refused(1));
    rig.event(Event::Stop { deadline: Some(Timestamp::MAX) });
    assert_eq!(rig.timeout(), None);
    rig.event(Event::Kill);
    assert_eq!(rig.timeout(), None);
}
