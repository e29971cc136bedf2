use super::*;

fn fragile(workers: usize) -> Rig {
    let mut rig = Rig::new(SupervisorConfig { breaker_threshold: 3, ..config(workers, workers) });
    rig.start();
    rig
}

#[test]
fn failures_in_a_row_open_the_breaker() {
    let mut rig = fragile(4);
    rig.event(refused(1));
    rig.event(refused(2));
    let commands = rig.event(refused(3));
    assert_eq!(commands[1], "! 3 creations failed in a row: they are now tried one at a time");
    assert_eq!(rig.wait(100), [""; 0], "one is still creating");
    assert_eq!(rig.timeout(), None);
}

#[test]
fn an_open_breaker_lets_one_probe_through_at_a_time() {
    let mut rig = fragile(3);
    (1..=3).for_each(|worker| drop(rig.event(refused(worker))));
    assert_eq!(rig.timeout(), Some(100));
    assert_eq!(rig.wait(100), ["spawn 4 base #2"]);
    assert_eq!(rig.timeout(), None);
    // The probe fails: the next one waits for the backoff of the probe, though its own is over.
    rig.event(refused(4));
    assert_eq!(rig.timeout(), Some(200));
    assert_eq!(rig.wait(200), ["spawn 5 base #2"]);
    rig.event(refused(5));
    assert_eq!(rig.timeout(), Some(400), "probes back off together");
}

#[test]
fn the_first_success_closes_the_breaker_and_starts_everybody() {
    let mut rig = fragile(3);
    (1..=3).for_each(|worker| drop(rig.event(refused(worker))));
    rig.wait(100);
    assert_eq!(
        rig.event(ready(4)),
        [
            "! worker-4 became ready after 0ns",
            "! a creation succeeded: all workers are started again",
            "started",
            "spawn 5 base #2",
            "spawn 6 base #2",
        ]
    );
}

#[test]
fn failures_with_a_success_between_them_do_not_open_it() {
    let mut rig = fragile(4);
    rig.event(refused(1));
    rig.event(refused(2));
    rig.event(ready(3));
    let commands = rig.event(refused(4));
    assert_eq!(commands.len(), 1, "{commands:?}");
}

#[test]
fn new_workers_wait_for_the_probe_too() {
    let mut rig = fragile(3);
    (1..=3).for_each(|worker| drop(rig.event(refused(worker))));
    let commands = rig.event(Event::Resize { workers: 5, max_workers: 5 });
    assert_eq!(commands, ["! workers wanted: 5 instead of 3 (the pool was resized)"]);
    assert_eq!(rig.wait(100).len(), 1);
}

#[test]
fn after_an_hour_of_failures_the_pool_recovers_within_one_backoff() {
    let mut rig = fragile(8);
    let mut creating: Vec<u64> = (1..=8).collect();
    let mut probes = 0;
    while rig.now < Timestamp::ZERO.saturating_add(Duration::from_secs(3600)) {
        creating.drain(..).for_each(|worker| drop(rig.event(refused(worker))));
        let spawned = rig.wait(rig.timeout().unwrap() as u64);
        assert_eq!(spawned.len(), 1);
        probes += 1;
        creating.push(8 + probes);
    }
    assert!((3600..3700).contains(&probes), "one probe a second: {probes}");
    let commands = rig.event(ready(8 + probes));
    assert_eq!(commands.iter().filter(|line| line.starts_with("spawn")).count(), 7);
    assert_eq!(rig.supervisor.levels().backing_off, 0);
}

#[test]
fn the_first_success_ends_backoffs_that_have_long_to_go() {
    let mut rig = fragile(3);
    rig.event(refused(1));
    rig.wait(100);
    rig.event(refused(4));
    rig.event(refused(3));
    assert_eq!(rig.event(ready(2)).iter().filter(|line| line.starts_with("spawn")).count(), 2);
    assert_eq!(rig.supervisor.levels().backing_off, 0);
}

#[test]
fn a_creation_that_began_before_the_breaker_opened_is_no_probe() {
    let mut rig = fragile(4);
    (1..=3).for_each(|worker| drop(rig.event(refused(worker))));
    rig.wait(50);
    assert_eq!(
        rig.event(refused(4)),
        ["! worker-4 failed to create its resource, attempt 1: refused; tried again in 100ms"],
        "its delay is that of its own place"
    );
    assert_eq!(rig.timeout(), Some(50), "the probe comes no later for it");
}
