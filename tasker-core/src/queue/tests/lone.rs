//! Tasks that come one at a time, to workers that have nothing else to do.

use super::*;
use crate::engine::{Msg, number_of_this_thread};
use crate::queue::share::Pauses;
use crate::supervisor::Event;

#[test]
fn a_lone_task_is_started_out_of_the_intake() {
    let rig = Rig::new(None);
    let [worker] = rig.workers();
    let bell = rig.sleep(&worker);
    rig.submit(job());
    assert_eq!(bell.rung(), 1);
    assert!(rig.inbox.state().lanes.is_empty());
    let running = rig.take(&worker, 32);
    let counts = rig.counts();
    assert_eq!((counts.queued(), counts.running, counts.arrived), (0, 1, 1));
    assert!(!running.core().place.is_counted() && !rig.inbox.beckons());
}

#[test]
fn a_lone_task_waits_like_others_until_it_is_started() {
    let rig = Rig::new(None);
    let [worker] = rig.workers();
    let _bell = rig.sleep(&worker);
    rig.submit(job());
    assert_eq!((rig.counts().queued(), rig.counts().running, rig.counts().arrived), (1, 0, 1));
}

#[test]
fn a_lone_task_takes_room_while_the_worker_is_on_its_way() {
    let rig = Rig::new(Some(1));
    let [worker] = rig.workers();
    let _bell = rig.sleep(&worker);
    rig.submit(job());
    let refused = rig.inbox.submit(job(), 0, Timestamp::ZERO, None);
    assert!(refused.is_err_and(|(_, reason)| reason == Refusal::Full));
    drop(rig.take(&worker, 1));
    rig.submit(job());
}

#[test]
fn a_lone_task_that_was_cancelled_is_found_dead() {
    let rig = Rig::new(None);
    let [worker] = rig.workers();
    let _bell = rig.sleep(&worker);
    let task = rig.submit_shared(job());
    assert!(task.cut(&rig.desk.hub, &End::Cancelled).is_some(), "it has not ended");
    // Its end is decided, and the inbox has not heard of it.
    let pulled = rig.pull(&worker, Waker::noop(), CameFrom::Wait, 1);
    assert!(matches!(pulled, Pull::Wait));
    assert_eq!(rig.counts().queued(), 1);
    rig.inbox.forfeit(&task);
    assert_eq!((rig.counts().queued(), rig.dead()), (0, 0));
}

#[test]
fn a_lone_task_is_not_started_while_it_may_not() {
    let rig = Rig::new(None);
    let [worker] = rig.workers();
    rig.counts();
    rig.submit(job());
    rig.inbox.pause(true);
    assert!(matches!(rig.pull(&worker, Waker::noop(), CameFrom::Elsewhere, 1), Pull::Wait));
    rig.inbox.pause(false);
    rig.inbox.retire(1);
    rig.submit(job());
    let pulled = rig.pull(&worker, Waker::noop(), CameFrom::Elsewhere, 1);
    assert!(matches!(pulled, Pull::Leave(Leave::Retired)));
}

#[test]
fn who_wants_to_hear_of_an_arrival_hears_of_a_lone_task() {
    let rig = Rig::new(None);
    assert!(rig.inbox.arm_quiet());
    rig.submit(job());
    let busy = |msg: &Msg| matches!(msg, Msg::Event(Event::Busy));
    assert_eq!(rig.desk.mail.take().iter().filter(|msg| busy(msg)).count(), 1);
    rig.submit(job());
    assert_eq!(rig.desk.mail.take().iter().filter(|msg| busy(msg)).count(), 0);
}

#[test]
fn a_worker_looks_into_its_share_again_once_something_was_put_there() {
    let rig = Rig::new(None);
    let [worker] = rig.workers();
    for _ in 0..2 {
        rig.submit_many(9);
        drop(rig.take(&worker, 32));
        let along = worker.open().jobs.len();
        assert!(along > 0);
        for left in (0..along).rev() {
            drop(rig.pull(&worker, Waker::noop(), CameFrom::Task, 1));
            assert_eq!(worker.open().jobs.len(), left, "it came from there");
        }
        while let Pull::Task(_) = rig.pull(&worker, Waker::noop(), CameFrom::Task, 1) {}
    }
}

#[test]
fn a_pause_that_brings_nothing_is_tried_less_and_less_often() {
    let pauses = Pauses::default();
    pauses.meet(number_of_this_thread() + 1);
    let until_the_next_in_vain = || {
        let asked = (1..).find(|_| pauses.pay()).expect("it is tried again");
        pauses.note(false);
        asked
    };
    assert_eq!([(); 7].map(|()| until_the_next_in_vain()), [1, 1, 2, 4, 8, 16, 16]);
    while !pauses.pay() {}
    pauses.note(true);
    assert!(pauses.pay());
    pauses.note(false);
    assert!(pauses.pay(), "once in vain is no habit");
}

#[test]
fn a_pause_brings_nothing_where_the_submitter_needs_the_thread() {
    let pauses = Pauses::default();
    pauses.meet(number_of_this_thread());
    assert!(!pauses.pay());
    pauses.meet(number_of_this_thread() + 1);
    assert!(pauses.pay());
}

#[test]
fn a_worker_learns_whether_tasks_come_from_its_own_thread() {
    let rig = Rig::new(None);
    let [worker] = rig.workers();
    rig.submit(job());
    drop(rig.take(&worker, 1));
    assert!(!worker.pauses.pay());
    std::thread::scope(|scope| scope.spawn(|| rig.submit(job())).join().expect("no panic"));
    drop(rig.pull(&worker, Waker::noop(), CameFrom::Task, 1));
    assert!(worker.pauses.pay());
}
