use super::*;
use crate::supervisor::Phase;

fn failed(worker: u64, attempt: u32, then: &str) -> String {
    format!("! worker-{worker} failed to create its resource, attempt {attempt}: refused; {then}")
}

#[test]
fn a_failed_creation_is_retried_with_growing_delay() {
    let mut rig = Rig::new(config(1, 1));
    rig.start();
    for (worker, attempt, delay) in [(1, 1, 100), (2, 2, 200), (3, 3, 400), (4, 4, 800), (5, 5, 1000)] {
        let commands = rig.event(refused(worker));
        let then =
            if delay == 1000 { "tried again in 1s".into() } else { format!("tried again in {delay}ms") };
        assert_eq!(commands[0], failed(worker, attempt, &then));
        assert_eq!(rig.timeout(), Some(delay));
        assert_eq!(rig.wait(delay as u64 - 1), [""; 0]);
        assert_eq!(rig.wait(1), [format!("spawn {} base #{}", worker + 1, attempt + 1)]);
    }
}

#[test]
fn jitter_differs_from_worker_to_worker_and_follows_the_seed() {
    let delays = |seed| {
        let backoff = Backoff::new().jitter(1.0);
        let mut rig = Rig::new(SupervisorConfig { seed, backoff, ..config(2, 2) });
        rig.start();
        [rig.event(refused(1)), rig.event(refused(2))]
    };
    let [first, second] = delays(1);
    assert_ne!(first[0].replace("worker-1", ""), second[0].replace("worker-2", ""));
    assert_eq!(delays(1), delays(1));
    assert_ne!(delays(1), delays(2));
    for extreme in [0, u64::MAX] {
        let [first, second] = delays(extreme);
        assert_ne!(first[0].replace("worker-1", ""), second[0].replace("worker-2", ""), "seed {extreme}");
    }
}

#[test]
fn a_start_that_ends_without_a_word_is_a_failed_creation() {
    let mut rig = Rig::new(config(1, 1));
    rig.start();
    assert_eq!(
        rig.event(exited(1)),
        [
            "! worker-1 failed to create its resource, attempt 1: it ended without a word; tried again in 100ms"
        ]
    );
}

#[test]
fn the_last_error_stays_and_the_current_one_ends_with_a_success() {
    let mut rig = Rig::new(config(2, 2));
    assert_eq!(rig.supervisor.last_error(), None);
    rig.start();
    rig.event(refused(1));
    assert_eq!(rig.supervisor.last_error().as_deref(), Some("refused"));
    assert_eq!(rig.supervisor.current_error().as_deref(), Some("refused"));
    rig.event(ready(2));
    assert_eq!(rig.supervisor.last_error().as_deref(), Some("refused"));
    assert_eq!(rig.supervisor.current_error(), None);
}

#[test]
fn a_worker_that_failed_too_often_is_given_up_until_another_is_ready() {
    let mut rig = Rig::new(SupervisorConfig { create_retries: Some(1), ..config(2, 2) });
    rig.start();
    rig.event(refused(1));
    assert_eq!(rig.wait(100), ["spawn 3 base #2"]);
    assert_eq!(rig.event(refused(3)), [failed(3, 2, "not tried again")]);
    assert_eq!(rig.supervisor.levels().given_up, 1);
    assert_eq!(rig.timeout(), None);
    assert_eq!(rig.event(ready(2)), ["! worker-2 became ready after 100ms", "started", "spawn 4 base #1"]);
    assert_eq!(rig.supervisor.levels().given_up, 0);
}

#[test]
fn resize_and_warm_up_revive_those_given_up() {
    for event in [Event::WarmUp(0), Event::Resize { workers: 2, max_workers: 2 }] {
        let mut rig = Rig::new(SupervisorConfig { create_retries: Some(0), ..config(2, 2) });
        rig.start();
        assert_eq!(rig.event(refused(1)), [failed(1, 1, "not tried again")]);
        assert_eq!(rig.event(event), ["spawn 3 base #1"]);
    }
}

#[test]
fn a_pool_with_nobody_left_to_try_fails() {
    let mut rig = Rig::new(SupervisorConfig { create_retries: Some(0), ..config(2, 2) });
    rig.start();
    rig.event(refused(1));
    assert_eq!(
        rig.event(refused(2)),
        [
            failed(2, 1, "not tried again").as_str(),
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
}

#[test]
fn a_crash_loop_does_not_use_up_the_retries_of_creations() {
    let mut rig = Rig::new(SupervisorConfig { create_retries: Some(0), ..config(1, 1) });
    rig.start();
    for worker in 1..5 {
        rig.event(ready(worker));
        rig.event(leaving(worker, ExitReason::Unhealthy));
        rig.event(exited(worker));
        rig.wait(1000);
    }
    assert_eq!(rig.supervisor.levels().creating, 1);
}

#[test]
fn failed_creations_are_diagnosed_once_a_streak() {
    let mut rig = Rig::new(config(1, 1));
    rig.start();
    let mut told = Vec::new();
    for worker in 1..=8 {
        let commands = rig.event(if worker == 5 { ready(worker) } else { refused(worker) });
        told.extend(commands.into_iter().filter(|line| line.contains("Failure")).map(|line| (worker, line)));
        if worker == 5 {
            rig.event(leaving(5, ExitReason::Lost));
            rig.event(exited(5));
        }
        rig.wait(1000);
    }
    let line = "! WorkerReplacementFailure { failures: 3, last_error: \"refused\" }";
    assert_eq!(told, [(3, line.into()), (8, line.into())]);
}

#[test]
fn a_success_gives_a_place_all_its_retries_back() {
    let mut rig = Rig::new(SupervisorConfig { create_retries: Some(1), ..config(1, 1) });
    rig.start();
    rig.event(refused(1));
    rig.wait(100);
    rig.event(ready(2));
    rig.event(leaving(2, ExitReason::Unhealthy));
    rig.event(exited(2));
    rig.wait(200);
    assert_eq!(rig.event(refused(3)), [failed(3, 3, "tried again in 400ms")]);
}
