use super::*;
use std::sync::{Arc, Mutex};

/// Answers what it is told to and remembers when it was asked.
#[derive(Clone, Debug, Default)]
struct Puppet {
    answer: Arc<Mutex<Answer>>,
}

#[derive(Debug, Default)]
struct Answer {
    desired: usize,
    next: Option<u64>,
    panics: bool,
    asked: Vec<(u64, Sample)>,
}

impl ScalingPolicy for Puppet {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let mut answer = self.answer.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        answer.asked.push((now.as_nanos() / 1_000_000, sample.clone()));
        assert!(!answer.panics, "out of my depth");
        answer.desired
    }

    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        let answer = self.answer.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        assert!(!answer.panics, "asleep");
        answer.next.map(|millis| now.saturating_add(ms(millis)))
    }
}

impl Puppet {
    fn set(&self, change: impl FnOnce(&mut Answer)) {
        change(&mut self.answer.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    }

    fn asked(&self) -> usize {
        self.answer.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).asked.len()
    }
}

/// A pool of 2 to 6 with a puppet for a policy, all base workers ready.
fn elastic() -> (Rig, Puppet) {
    let puppet = Puppet::default();
    puppet.set(|answer| answer.desired = 2);
    let rig = Rig::with_policy(config(2, 6), Some(Box::new(puppet.clone()))).up();
    (rig, puppet)
}

/// As [`elastic`], with work waiting and the tick armed.
fn loaded(desired: usize) -> (Rig, Puppet) {
    let (mut rig, puppet) = elastic();
    puppet.set(|answer| answer.desired = desired);
    rig.sample.queued = 10;
    assert_eq!(rig.event(Event::Busy), [""; 0]);
    (rig, puppet)
}

#[test]
fn an_idle_pool_is_never_woken_until_work_arrives() {
    let (mut rig, _) = elastic();
    assert_eq!(rig.timeout(), None);
    assert!(rig.supervisor.wants_busy());
    rig.event(Event::Busy);
    assert_eq!(rig.timeout(), Some(100));
    assert!(!rig.supervisor.wants_busy());
}

#[test]
fn more_news_of_work_does_not_put_the_tick_off() {
    let (mut rig, _) = loaded(2);
    rig.wait(60);
    rig.event(Event::Busy);
    assert_eq!(rig.timeout(), Some(40));
}

#[test]
fn the_policy_is_asked_each_interval_while_there_is_work() {
    let (mut rig, puppet) = loaded(2);
    (0..5).for_each(|_| drop(rig.wait(100)));
    assert_eq!(puppet.asked(), 5);
    rig.sample.queued = 0;
    rig.sample.busy = 1;
    rig.wait(100);
    rig.sample.busy = 0;
    rig.sample.delayed = 1;
    rig.wait(100);
    rig.sample.delayed = 0;
    assert_eq!(rig.timeout(), Some(100));
    rig.wait(100);
    assert_eq!(rig.timeout(), None, "idle and at the base");
    assert!(rig.supervisor.wants_busy());
}

#[test]
fn the_answer_becomes_the_target_and_workers_are_started() {
    let (mut rig, _) = loaded(4);
    assert_eq!(
        rig.wait(100),
        [
            "! workers wanted: 4 instead of 2 (asked for by the scaling policy)",
            "spawn 3 burst #1",
            "spawn 4 burst #1",
        ]
    );
    assert_eq!(rig.wait(100), [""; 0], "starting workers count");
}

#[test]
fn the_answer_is_clamped() {
    for (answer, target) in [(usize::MAX, 6), (0, 2)] {
        let (mut rig, _) = loaded(answer);
        rig.wait(100);
        assert_eq!(rig.supervisor.levels().target, target);
    }
}

#[test]
fn fewer_workers_are_wanted_by_handing_out_permits() {
    let (mut rig, puppet) = loaded(4);
    rig.wait(100);
    rig.event(ready(3));
    rig.event(ready(4));
    puppet.set(|answer| answer.desired = 2);
    assert_eq!(
        rig.wait(100),
        ["! workers wanted: 2 instead of 4 (asked for by the scaling policy)", "retire 2"]
    );
    assert_eq!(rig.event(leaving(1, ExitReason::Retired)), ["! worker-1 left: the pool shrank"]);
    let levels = rig.supervisor.levels();
    assert_eq!((levels.live, levels.retiring, levels.destroying), (3, 1, 1));
}

#[test]
fn the_policy_sees_levels_without_those_asked_to_leave() {
    let (mut rig, puppet) = loaded(3);
    rig.wait(100);
    rig.event(ready(3));
    puppet.set(|answer| answer.desired = 2);
    rig.wait(100);
    rig.wait(100);
    puppet.set(|answer| {
        let (_, sample) = answer.asked.last().unwrap();
        assert_eq!((sample.workers, sample.max_workers, sample.live, sample.creating), (2, 6, 2, 0));
        assert_eq!(sample.queued, 10);
    });
    puppet.set(|answer| answer.desired = 5);
    rig.wait(100);
    rig.wait(100);
    puppet.set(|answer| {
        let (_, sample) = answer.asked.last().unwrap();
        assert_eq!((sample.live, sample.creating), (3, 2), "with those on their way, and the one recalled");
    });
}

#[test]
fn the_policy_sees_how_many_creations_there_were_and_what_they_took() {
    let (mut rig, puppet) = loaded(5);
    rig.wait(100);
    rig.wait(100);
    rig.event(ready(3));
    rig.event(refused(4));
    rig.event(refused(5));
    rig.wait(100);
    let seen = |puppet: &Puppet| {
        let mut seen = None;
        puppet.set(|answer| {
            let (_, sample) = answer.asked.last().unwrap();
            seen = Some((sample.created, sample.create_time, sample.create_failed, sample.failing));
        });
        seen.unwrap()
    };
    assert_eq!(seen(&puppet), (3, ms(100), 2, 2), "two base workers at once, a third in 100 ms");
    rig.event(ready(6));
    rig.wait(100);
    assert_eq!(seen(&puppet), (4, ms(100), 2, 0), "one success, and creating works");
}

#[test]
fn a_policy_that_panics_is_told_and_the_pool_keeps_its_size() {
    let (mut rig, puppet) = loaded(2);
    puppet.set(|answer| answer.panics = true);
    assert_eq!(rig.wait(100), ["! `ScalingPolicy::desired` panicked: out of my depth"]);
    assert_eq!(rig.supervisor.levels().target, 2);
    assert_eq!(rig.timeout(), Some(100));
    rig.sample.queued = 0;
    let commands = rig.wait(100);
    assert_eq!(commands[1], "! `ScalingPolicy::next_ask` panicked: asleep");
    assert_eq!(rig.timeout(), None);
}

#[test]
fn a_clock_that_jumps_a_day_makes_one_tick() {
    let (mut rig, puppet) = loaded(2);
    rig.wait(86_400_000);
    assert_eq!(puppet.asked(), 1);
    assert_eq!(rig.timeout(), Some(100));
}

#[test]
fn an_extra_timeout_asks_nobody() {
    let (mut rig, puppet) = loaded(2);
    rig.wait(50);
    rig.wait(0);
    assert_eq!(puppet.asked(), 0);
}

#[test]
fn an_idle_pool_asks_when_the_policy_wants_and_still_hears_of_work() {
    let (mut rig, puppet) = loaded(2);
    puppet.set(|answer| answer.next = Some(5000));
    rig.sample.queued = 0;
    rig.wait(100);
    assert_eq!(rig.timeout(), Some(5000));
    assert!(rig.supervisor.wants_busy());
    rig.event(Event::Busy);
    assert_eq!(rig.timeout(), Some(100));
}

#[test]
fn a_policy_that_wants_to_be_asked_at_once_is_asked_after_an_interval() {
    let (mut rig, puppet) = loaded(2);
    puppet.set(|answer| answer.next = Some(0));
    rig.sample.queued = 0;
    rig.wait(100);
    assert_eq!(rig.timeout(), Some(100));
}

#[test]
fn a_warm_up_lifts_the_target_within_the_bounds_and_arms_the_tick() {
    let (mut rig, _) = elastic();
    let commands = rig.event(Event::WarmUp(99));
    assert_eq!(commands[0], "! workers wanted: 6 instead of 2 (the pool was warmed up)");
    assert_eq!(commands.len(), 5);
    assert_eq!(rig.timeout(), Some(100));
    assert_eq!(rig.event(Event::WarmUp(1)), [""; 0], "never lowers");
}

#[test]
fn an_idle_burst_worker_lowers_the_target_by_one() {
    let mut rig = Rig::proven(config(1, 3));
    rig.event(Event::WarmUp(2));
    rig.event(ready(2));
    assert_eq!(
        rig.event(Event::Idle(id(1))),
        ["! workers wanted: 1 instead of 2 (a burst worker was idle)", "retire 1"]
    );
    assert_eq!(rig.event(Event::Idle(id(2))), [""; 0], "never below the base");
}

#[test]
fn when_every_worker_waits_for_its_own_pool_one_is_added() {
    let mut rig = Rig::proven(config(1, 3));
    assert_eq!(
        rig.event(Event::Blocked),
        [
            "! workers wanted: 2 instead of 1 (all workers wait for tasks of their own pool)",
            "spawn 2 burst #1"
        ]
    );
    assert_eq!(rig.event(Event::Blocked), [""; 0], "one is on its way");
    rig.event(ready(2));
    assert_eq!(rig.event(Event::Blocked).len(), 2);
    rig.event(ready(3));
    assert_eq!(rig.event(Event::Blocked), [""; 0], "never above the maximum");
    assert_eq!(rig.timeout(), None, "a fixed pool has no tick");
}

#[test]
fn the_policy_cannot_take_away_the_worker_beside_the_blocked_ones() {
    let (mut rig, _) = loaded(2);
    rig.event(Event::Blocked);
    rig.event(ready(3));
    rig.sample.blocked = 2;
    rig.wait(100);
    assert_eq!(rig.supervisor.levels().target, 3);
    rig.sample.blocked = 0;
    rig.wait(100);
    assert_eq!(rig.supervisor.levels().target, 2);
}

#[test]
fn the_policy_is_off_while_draining() {
    let (mut rig, puppet) = loaded(4);
    rig.event(STOP);
    assert_eq!(rig.timeout(), None);
    assert_eq!(rig.wait(1000), [""; 0]);
    assert_eq!(puppet.asked(), 0);
    assert!(!rig.supervisor.wants_busy());
}

fn ticks_until_stuck(rig: &mut Rig, growth: usize) -> Option<usize> {
    (1..=30).find(|_| {
        rig.sample.queued += growth;
        rig.wait(100).iter().any(|line| line.contains("BurstScalingStuck"))
    })
}

#[test]
fn workers_that_do_not_come_up_are_diagnosed_once() {
    let (mut rig, _) = loaded(4);
    assert_eq!(ticks_until_stuck(&mut rig, 0), Some(10));
    assert_eq!(ticks_until_stuck(&mut rig, 0), None);
    // It clears, and comes again.
    rig.event(ready(3));
    rig.event(ready(4));
    rig.wait(100);
    rig.event(leaving(4, ExitReason::Unhealthy));
    assert_eq!(ticks_until_stuck(&mut rig, 0), Some(10));
}

#[test]
fn a_backlog_that_grows_at_the_maximum_is_diagnosed() {
    let (mut rig, _) = loaded(6);
    rig.wait(100);
    (3..=6).for_each(|worker| drop(rig.event(ready(worker))));
    assert_eq!(ticks_until_stuck(&mut rig, 0), None, "full, but keeping up");
    assert_eq!(ticks_until_stuck(&mut rig, 1), Some(10));
}

#[test]
fn news_of_work_does_not_put_off_what_the_policy_asked_for() {
    let (mut rig, puppet) = loaded(2);
    puppet.set(|answer| answer.next = Some(150));
    rig.sample.queued = 0;
    rig.wait(100);
    rig.wait(100);
    rig.event(Event::Busy);
    assert_eq!(rig.timeout(), Some(50));
}

#[test]
fn workers_that_do_not_come_up_are_no_trouble_while_no_task_waits() {
    let (mut rig, _) = loaded(4);
    (rig.sample.queued, rig.sample.busy) = (0, 2);
    assert_eq!(ticks_until_stuck(&mut rig, 0), None);
}

#[test]
fn a_pool_of_fixed_size_has_nothing_to_ask_its_policy() {
    let puppet = Puppet::default();
    let mut rig = Rig::with_policy(config(2, 2), Some(Box::new(puppet.clone()))).up();
    assert!(!rig.supervisor.wants_busy());
    rig.event(Event::Busy);
    rig.event(Event::WarmUp(2));
    assert_eq!(rig.timeout(), None);
    rig.wait(1000);
    assert_eq!(puppet.asked(), 0);
}

#[test]
fn while_there_are_more_workers_than_the_base_the_policy_is_asked_without_news_of_work() {
    let (mut rig, puppet) = elastic();
    rig.event(Event::Blocked);
    assert_eq!(rig.timeout(), Some(100));
    rig.wait(100);
    assert_eq!((puppet.asked(), rig.timeout()), (1, None));
}

#[test]
fn a_warm_up_is_over_once_its_workers_are_live_and_the_policy_cannot_want_fewer_before() {
    let (mut rig, _) = elastic();
    rig.event(Event::WarmUp(4));
    rig.event(ready(3));
    rig.wait(100);
    assert_eq!(rig.event(Event::Idle(id(3))), [""; 0], "nor can an idle worker");
    let levels = rig.supervisor.levels();
    assert_eq!((levels.target, levels.warming, levels.warm_ups), (4, 4, 1));
    rig.event(ready(4));
    rig.wait(100);
    let levels = rig.supervisor.levels();
    assert_eq!((levels.target, levels.warming), (2, 0));
    rig.event(Event::WarmUp(1));
    assert_eq!(rig.supervisor.levels().warm_ups, 2, "what is there already is asked for all the same");
}

#[test]
fn only_a_live_worker_can_be_idle() {
    let mut rig = Rig::proven(config(1, 3));
    rig.event(Event::WarmUp(2));
    rig.event(ready(2));
    rig.event(leaving(2, ExitReason::MaxUses));
    for worker in [2, 3, 99] {
        assert_eq!(rig.event(Event::Idle(id(worker))), [""; 0], "destroying, creating, or unknown: {worker}");
    }
}
