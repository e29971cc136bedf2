use super::*;

fn timed(workers: usize, max_workers: usize) -> SupervisorConfig {
    SupervisorConfig {
        create_timeout: Some(ms(50)),
        destroy_timeout: Some(ms(30)),
        max_abandoned: 2,
        ..config(workers, max_workers)
    }
}

#[test]
fn a_creation_that_hangs_is_given_up_as_a_failure() {
    let mut rig = Rig::new(timed(1, 1));
    rig.start();
    assert_eq!(rig.timeout(), Some(60), "its timeout and the grace");
    assert_eq!(
        rig.wait(60),
        [
            "abandon 1",
            "! worker-1 was stuck and is abandoned",
            "! worker-1 failed to create its resource, attempt 1: not done after 60ms; tried again in 100ms",
        ]
    );
    assert_eq!(rig.supervisor.levels().abandoned, 1);
    assert_eq!(rig.wait(100), ["spawn 2 base #2"]);
}

#[test]
fn a_destruction_that_hangs_gives_its_room_free() {
    let mut rig = Rig::proven(timed(1, 1));
    rig.event(leaving(1, ExitReason::Unhealthy));
    assert_eq!(rig.timeout(), Some(40));
    assert_eq!(
        rig.wait(40),
        ["abandon 1", "! worker-1 was stuck and is abandoned", "spawn 2 replacement #1"]
    );
}

#[test]
fn a_stuck_worker_is_abandoned_and_replaced_at_once() {
    let mut rig = Rig::running(timed(1, 1));
    assert_eq!(
        rig.event(Event::Stuck(id(1))),
        ["abandon 1", "! worker-1 was stuck and is abandoned", "spawn 2 replacement #1"]
    );
}

#[test]
fn an_abandoned_worker_that_comes_back_counts_no_longer() {
    let mut rig = Rig::running(timed(1, 1));
    rig.event(Event::Stuck(id(1)));
    for late in [ready(1), done(1), leaving(1, ExitReason::Abandoned), Event::Stuck(id(1))] {
        assert_eq!(rig.event(late), [""; 0]);
    }
    assert_eq!(rig.supervisor.levels().abandoned, 1);
    assert_eq!(rig.event(exited(1)), ["! worker-1 left: it was abandoned while stuck"]);
    assert_eq!(rig.supervisor.levels().abandoned, 0);
}

#[test]
fn an_abandoned_creation_that_fails_late_counts_no_longer() {
    let mut rig = Rig::new(timed(1, 1));
    rig.start();
    rig.wait(60);
    assert_eq!(rig.event(refused(1)), ["! worker-1 left: it was abandoned while stuck"]);
    assert_eq!(rig.supervisor.levels().abandoned, 0);
}

/// Three workers of three stuck, two of which may be abandoned.
fn at_the_limit() -> Rig {
    let mut rig = Rig::running(timed(3, 3));
    rig.event(Event::Stuck(id(1)));
    rig.event(Event::Stuck(id(2)));
    assert_eq!(
        rig.event(Event::Stuck(id(3))),
        ["! a stuck worker is not replaced: 2 of at most 2 are abandoned already"]
    );
    rig.event(ready(4));
    rig.event(ready(5));
    rig
}

#[test]
fn at_the_limit_a_stuck_worker_keeps_its_room() {
    let mut rig = at_the_limit();
    assert_eq!(rig.supervisor.levels().live, 3);
    assert_eq!(rig.event(Event::Stuck(id(4))), [""; 0], "said once");
    assert_eq!(rig.timeout(), None);
}

#[test]
fn below_the_limit_again_the_stuck_worker_is_abandoned() {
    let mut rig = at_the_limit();
    assert_eq!(
        rig.event(exited(1)),
        [
            "! worker-1 left: it was abandoned while stuck",
            "abandon 3",
            "! worker-3 was stuck and is abandoned",
            "spawn 6 replacement #1",
        ]
    );
}

#[test]
fn a_stuck_worker_that_comes_back_at_the_limit_leaves_like_any_other() {
    let mut rig = at_the_limit();
    rig.event(leaving(3, ExitReason::Interrupted));
    rig.event(exited(3));
    assert_eq!(rig.event(exited(1)), ["! worker-1 left: it was abandoned while stuck"]);
}

#[test]
fn at_the_limit_a_hanging_creation_is_reported_once_and_wakes_nobody() {
    let mut rig = Rig::new(SupervisorConfig { max_abandoned: 0, ..timed(1, 1) });
    rig.start();
    assert_eq!(rig.timeout(), Some(60), "it has to be reported then");
    assert_eq!(rig.wait(60), ["! a stuck worker is not replaced: 0 of at most 0 are abandoned already"]);
    assert_eq!(rig.timeout(), None);
    assert_eq!(rig.wait(1000), [""; 0]);
    assert_eq!(rig.event(ready(1)), ["! worker-1 became ready after 1.06s", "started"]);
}

#[test]
fn the_probe_of_an_open_breaker_may_hang_and_is_followed_by_another() {
    let mut rig = Rig::new(SupervisorConfig { breaker_threshold: 1, ..timed(1, 1) });
    rig.start();
    rig.event(refused(1));
    assert_eq!(rig.wait(100), ["spawn 2 base #2"]);
    rig.wait(60);
    assert_eq!(rig.wait(200), ["spawn 3 base #3"]);
}

#[test]
fn the_limit_is_reported_again_after_it_was_left() {
    let mut rig = at_the_limit();
    rig.event(exited(3));
    rig.event(exited(1));
    rig.event(ready(6));
    rig.event(Event::Stuck(id(4)));
    assert_eq!(
        rig.event(Event::Stuck(id(5))),
        ["! a stuck worker is not replaced: 2 of at most 2 are abandoned already"]
    );
}

#[test]
fn a_stuck_worker_that_was_kept_and_came_back_is_not_abandoned_later() {
    let mut rig = at_the_limit();
    rig.event(Event::Back(id(3)));
    let commands = rig.event(exited(1));
    assert!(!commands.iter().any(|command| command.contains("abandon 3")), "{commands:?}");
    assert_eq!(rig.supervisor.levels().abandoned, 1);
}
