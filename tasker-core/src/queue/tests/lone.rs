//! Tasks that come one at a time, to workers that have nothing else to do.

use super::*;
use crate::engine::Msg;
use crate::supervisor::Event;

#[test]
fn a_lone_task_is_started_out_of_the_intake() {
    let rig = Rig::new(None);
    let [worker] = rig.workers();
    let bell = rig.sleep(&worker);
    assert_eq!(rig.submit(job()), Comes::Called);
    assert_eq!(bell.rung(), 1);
    assert!(rig.inbox.state().lanes.is_empty());
    let running = rig.take(&worker, 32);
    assert_eq!(rig.inbox.state().lanes.pushed(), 0, "it was in no lane");
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
fn room_that_was_set_aside_is_kept_when_a_lone_task_is_started() {
    let rig = Rig::new(Some(2));
    let [worker] = rig.workers();
    rig.counts();
    rig.submit(job());
    let room = rig.inbox.try_room(Priority::Normal).expect("there is some");
    assert!(room.aside().is_some());
    drop(rig.take(&worker, 1));
    rig.submit(job());
    let full = |(_, reason)| reason == Refusal::Full;
    assert!(rig.inbox.submit(job(), 0, Timestamp::ZERO, None).is_err_and(full));
    assert!(rig.inbox.submit(job(), 0, Timestamp::ZERO, Some(room)).is_ok());
    assert_eq!(rig.counts().queued(), 2);
}

#[test]
fn room_that_was_set_aside_can_be_given_back() {
    let rig = Rig::new(Some(1));
    rig.counts();
    for _ in 0..3 {
        let room = rig.inbox.try_room(Priority::Normal).expect("there is some");
        assert!(room.aside().is_some());
    }
    for _ in 0..3 {
        let room = rig.inbox.try_room(Priority::Normal).expect("there is some");
        assert!(room.aside().is_some() && rig.inbox.try_room(Priority::Normal).is_err());
    }
    // Others have taken the intake over meanwhile.
    let room = rig.inbox.try_room(Priority::Normal).expect("there is some");
    rig.counts();
    assert_eq!(rig.inbox.state().room.granted(), 1);
    drop(room);
    assert_eq!(rig.inbox.state().room.granted(), 0);
    rig.submit(job());
}

#[test]
fn a_task_with_a_rank_or_a_delay_goes_where_it_belongs_whatever_room_it_has() {
    let rig = Rig::new(Some(4));
    rig.counts();
    let room = || Some(rig.inbox.try_room(Priority::Normal).expect("there is some"));
    assert_eq!(rig.inbox.submit(job(), 7, Timestamp::ZERO, room()).ok(), Some(Comes::Later));
    assert_eq!(rig.inbox.submit(delayed(), 0, Timestamp::ZERO, room()).ok(), Some(Comes::Later));
    let counts = rig.counts();
    assert_eq!((counts.queued(), counts.delayed, rig.inbox.state().room.granted()), (1, 1, 0));
    assert_eq!(
        rig.inbox.submit(job(), 0, Timestamp::ZERO, room()).ok(),
        Some(Comes::Later),
        "others wait before it"
    );
}

#[test]
fn a_wait_for_room_that_has_looked_keeps_what_it_found() {
    let rig = Rig::new(Some(1));
    rig.counts();
    let mut wait = rig.inbox.room();
    assert!(!wait.has_to_wait());
    assert!(rig.inbox.try_room(Priority::Normal).is_err());
    assert!(matches!(wait.poll_room(Waker::noop()), std::task::Poll::Ready(Ok(_))));
    // Without credit, by asking the state.
    let [worker] = rig.workers();
    let _bell = rig.sleep(&worker);
    let mut wait = rig.inbox.room();
    assert!(!rig.inbox.has_credit() && !wait.has_to_wait());
    drop(wait);
    rig.submit(job());
    assert!(rig.inbox.room().has_to_wait());
    rig.inbox.close();
    assert!(!rig.inbox.room().has_to_wait(), "there will be none");
}
