//! Behaviour of the reserve: who gets which resource, when one is too old, and how it ends.

use super::*;
use crate::ids::WorkerId;
use crate::testing::{Bell, Desk};

const fn limits(kept: usize, temporary: usize) -> ReserveLimits {
    ReserveLimits { kept, temporary, max_lifetime: None, max_uses: None }
}

/// Of one kept resource that may become ten nanoseconds old.
const fn ageing() -> ReserveLimits {
    ReserveLimits { max_lifetime: Some(Duration::from_nanos(10)), ..limits(1, 0) }
}

const fn at(nanos: u64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

/// A reserve of numbers.
struct Rig {
    desk: Desk,
    reserve: Arc<Reserve<u32>>,
}

impl Rig {
    fn new(limits: ReserveLimits) -> Self {
        let desk = Desk::new();
        let reserve = Arc::new(Reserve::new(limits, Arc::clone(&desk.hub)));
        Self { desk, reserve }
    }

    fn make(&self) -> Slot<u32> {
        let lease = self.reserve.try_lease();
        let Some(Lease::Make(slot)) = lease else { panic!("{lease:?}") };
        slot
    }

    fn ready(&self) -> Box<Kept<u32>> {
        let lease = self.reserve.try_lease();
        let Some(Lease::Ready(kept)) = lease else { panic!("{lease:?}") };
        kept
    }

    /// A resource that was made just now.
    fn fresh(&self, slot: Slot<u32>, number: u32) -> Box<Kept<u32>> {
        Kept::new(Owned::new(number, Arc::clone(&self.desk.hub)), slot, self.desk.hub.now())
    }

    fn put_back(&self, kept: Box<Kept<u32>>) -> Result<(), Box<Kept<u32>>> {
        self.reserve.put_back(kept)
    }

    /// Makes a resource and puts it back.
    fn stock(&self, number: u32) {
        self.put_back(self.fresh(self.make(), number)).expect("it is kept");
    }

    fn line(&self) -> Waiting {
        Waiting { line: Line::new(Arc::clone(&self.reserve)), bell: Arc::default() }
    }

    fn nudges(&self) -> usize {
        self.desk.mail.take().iter().filter(|msg| matches!(msg, Msg::Nudge)).count()
    }

    fn says_it_is_gone(&self) -> bool {
        self.desk.mail.take().iter().any(|msg| matches!(msg, Msg::ReserveClosed))
    }
}

/// An idle resource holds its reserve until that is closed.
impl Drop for Rig {
    fn drop(&mut self) {
        drop(self.reserve.close());
    }
}

struct Waiting {
    line: Line<u32>,
    bell: Arc<Bell>,
}

impl Waiting {
    fn poll(&mut self) -> Poll<Option<Lease<u32>>> {
        let reserve = Arc::clone(&self.line.reserve);
        reserve.poll_lease(&mut self.line, &self.bell.waker())
    }

    fn is_pending(&mut self) -> bool {
        self.poll().is_pending()
    }

    fn makes(&mut self) -> Slot<u32> {
        let lease = self.poll();
        let Poll::Ready(Some(Lease::Make(slot))) = lease else { panic!("{lease:?}") };
        slot
    }
}

#[test]
fn the_reserve_is_filled_first_then_temporary_ones_are_made_then_none() {
    let rig = Rig::new(limits(2, 1));
    let (first, second, third) = (rig.make(), rig.make(), rig.make());
    let reasons = [&first, &second, &third].map(Slot::reason);
    assert_eq!(reasons, [SpawnReason::Reserve, SpawnReason::Reserve, SpawnReason::Temporary]);
    assert!(rig.reserve.try_lease().is_none());
    assert_eq!(rig.reserve.levels(), (0, 3));
    drop(third);
    assert_eq!(rig.reserve.levels(), (0, 2));
    let third = rig.make();
    assert_eq!(third.reason(), SpawnReason::Temporary);
    drop(first);
    assert_eq!(rig.make().reason(), SpawnReason::Reserve);
}

#[test]
fn what_was_put_back_is_leased_before_another_is_made() {
    let rig = Rig::new(limits(2, 0));
    rig.stock(7);
    assert_eq!(rig.reserve.levels(), (1, 0));
    let mut kept = rig.ready();
    assert_eq!((*kept.owned.get_mut(), kept.slot.reason()), (7, SpawnReason::Reserve));
    assert_eq!(rig.reserve.levels(), (0, 1));
}

#[test]
fn a_temporary_resource_is_not_kept() {
    let rig = Rig::new(limits(0, 1));
    let slot = rig.make();
    let held = rig.fresh(slot, 1);
    assert!(Arc::ptr_eq(held.reserve(), &rig.reserve));
    let held = rig.put_back(held).expect_err("it is to be destroyed");
    assert!(rig.reserve.try_lease().is_none(), "its room is free after it is gone");
    drop(held);
    assert!(rig.reserve.try_lease().is_some());
}

#[test]
fn a_resource_is_stale_at_its_maximum_age_and_not_before() {
    let rig = Rig::new(ageing());
    rig.stock(1);
    rig.desk.clock.set(at(9));
    let kept = rig.ready();
    rig.put_back(kept).expect("it is young enough");
    rig.desk.clock.set(at(10));
    let lease = rig.reserve.try_lease();
    let Some(Lease::Stale(kept)) = lease else { panic!("{lease:?}") };
    rig.put_back(kept).expect_err("it is too old to be kept");
}

#[test]
fn a_resource_is_not_kept_after_its_last_use() {
    let rig = Rig::new(ReserveLimits { max_uses: Some(2), ..limits(1, 0) });
    rig.stock(1);
    let kept = rig.ready();
    rig.put_back(kept).expect_err("that was the second use");
}

#[test]
fn who_waits_is_served_in_turn_and_before_newcomers() {
    let rig = Rig::new(limits(1, 0));
    let slot = rig.make();
    let (mut first, mut second) = (rig.line(), rig.line());
    assert!(first.is_pending() && second.is_pending());
    drop(slot);
    assert_eq!((first.bell.rung(), second.bell.rung()), (1, 0));
    assert!(rig.reserve.try_lease().is_none(), "it is promised");
    assert!(second.is_pending());
    let slot = first.makes();
    drop(slot);
    assert_eq!(second.bell.rung(), 1);
    drop(second.makes());
    assert!(rig.reserve.try_lease().is_some());
}

#[test]
fn a_line_is_pending_while_all_is_in_use_and_is_served_by_what_is_put_back() {
    let rig = Rig::new(limits(1, 1));
    let (kept, _temporary) = (rig.make(), rig.make());
    let mut waiting = rig.line();
    assert!(waiting.is_pending());
    rig.put_back(rig.fresh(kept, 5)).expect("it is kept");
    assert_eq!(waiting.bell.rung(), 1);
    assert!(matches!(waiting.poll(), Poll::Ready(Some(Lease::Ready(..)))));
}

#[test]
fn a_promise_that_is_given_up_goes_to_the_next_in_line() {
    let rig = Rig::new(limits(1, 0));
    let slot = rig.make();
    let (mut first, mut second, mut third) = (rig.line(), rig.line(), rig.line());
    assert!(first.is_pending() && second.is_pending() && third.is_pending());
    drop(second);
    assert_eq!(rig.nudges(), 0, "nothing was promised to it");
    drop(slot);
    drop(first);
    assert_eq!(third.bell.rung(), 1);
    assert_eq!(rig.nudges(), 1, "what was promised may be too old by now");
    drop(third.makes());
}

#[test]
fn idle_resources_that_are_too_old_are_taken_out_each_with_its_slot() {
    let rig = Rig::new(ReserveLimits { kept: 2, ..ageing() });
    let (first, second) = (rig.make(), rig.make());
    rig.put_back(rig.fresh(first, 1)).expect("it is kept");
    rig.desk.clock.set(at(5));
    rig.put_back(rig.fresh(second, 2)).expect("it is kept");
    assert!(matches!(rig.reserve.age(at(9)), (old, Some(next)) if old.is_empty() && next == at(10)));
    let (mut old, next) = rig.reserve.age(at(10));
    let numbers: Vec<u32> = old.iter_mut().map(|kept| *kept.owned.get_mut()).collect();
    assert_eq!((numbers, next), (vec![1], Some(at(15))));
    assert_eq!(rig.reserve.levels(), (1, 1), "its room is free after it is gone");
    drop(old);
    assert_eq!(rig.reserve.levels(), (1, 0));
}

#[test]
fn of_idle_resources_that_are_too_old_as_many_stay_as_are_promised() {
    let rig = Rig::new(ReserveLimits { kept: 2, ..ageing() });
    let (first, second) = (rig.make(), rig.make());
    let mut waiting = rig.line();
    assert!(waiting.is_pending());
    rig.put_back(rig.fresh(first, 1)).expect("it is kept");
    rig.put_back(rig.fresh(second, 2)).expect("it is kept");
    assert_eq!(rig.reserve.age(at(10)).0.len(), 1);
    rig.desk.clock.set(at(10));
    assert!(matches!(waiting.poll(), Poll::Ready(Some(Lease::Stale(..)))));
}

#[test]
fn the_control_loop_is_told_of_a_resource_that_will_be_too_old_sooner() {
    let rig = Rig::new(ReserveLimits { kept: 3, ..ageing() });
    let (first, second, third) = (rig.make(), rig.make(), rig.make());
    let (older, alike) = (rig.fresh(second, 1), rig.fresh(third, 2));
    rig.desk.clock.set(at(5));
    rig.put_back(rig.fresh(first, 3)).expect("it is kept");
    assert_eq!(rig.nudges(), 1, "the first of all");
    rig.put_back(older).expect("it is kept");
    assert_eq!(rig.nudges(), 1, "sooner than the other");
    rig.put_back(alike).expect("it is kept");
    assert_eq!(rig.nudges(), 0, "that is when it looks anyway");
}

#[test]
fn without_a_maximum_age_nobody_has_to_look() {
    let rig = Rig::new(limits(1, 0));
    rig.stock(1);
    assert_eq!(rig.nudges(), 0);
    assert!(matches!(rig.reserve.age(Timestamp::MAX), (old, None) if old.is_empty()));
}

#[test]
fn a_closed_reserve_serves_nobody_and_keeps_nothing() {
    let rig = Rig::new(limits(2, 0));
    let (idle, used) = (rig.make(), rig.make());
    let mut waiting = rig.line();
    assert!(waiting.is_pending());
    assert!(!rig.reserve.is_closed() && !rig.reserve.is_gone());
    drop(waiting);
    rig.put_back(rig.fresh(idle, 1)).expect("it is kept");
    let promised = rig.ready();
    let mut waiting = rig.line();
    assert!(waiting.is_pending());
    rig.put_back(promised).expect("it is kept");
    assert_eq!(waiting.bell.rung(), 1);
    let mut late = rig.line();
    assert!(late.is_pending());

    let idle = rig.reserve.close();
    assert_eq!(idle.len(), 1);
    assert_eq!(late.bell.rung(), 1, "who waits learns of it");
    assert!(rig.reserve.is_closed());
    assert!(matches!(waiting.poll(), Poll::Ready(None)) && matches!(late.poll(), Poll::Ready(None)));
    assert!(rig.reserve.try_lease().is_none());
    let held = rig.put_back(rig.fresh(used, 2)).expect_err("it is to be destroyed");
    drop(idle);
    assert!(!rig.reserve.is_gone() && !rig.says_it_is_gone());
    drop(held);
    assert!(rig.reserve.is_gone() && rig.says_it_is_gone());
    assert!(rig.reserve.try_lease().is_none());
}

#[test]
fn an_open_reserve_is_never_gone() {
    let rig = Rig::new(limits(1, 1));
    assert!(!rig.reserve.is_gone());
    drop((rig.make(), rig.make()));
    assert!(!rig.reserve.is_gone() && !rig.says_it_is_gone());
    rig.reserve.close();
    assert!(rig.reserve.is_gone(), "there was nothing to wait for");
}

#[test]
fn a_closed_reserve_waits_for_temporary_resources_too() {
    let rig = Rig::new(limits(1, 1));
    let (kept, temporary) = (rig.make(), rig.make());
    rig.reserve.close();
    drop(kept);
    assert!(!rig.reserve.is_gone() && !rig.says_it_is_gone());
    drop(temporary);
    assert!(rig.reserve.is_gone() && rig.says_it_is_gone());
}

#[test]
fn a_kill_wakes_those_who_run_and_a_stop_lets_them_go_on() {
    for killed in [false, true] {
        let rig = Rig::new(limits(1, 0));
        let (mut running, mut done) = (rig.line(), rig.line());
        rig.reserve.watch(&mut running.line, &running.bell.waker());
        rig.reserve.watch(&mut done.line, &done.bell.waker());
        let bell = Arc::clone(&done.bell);
        drop(done);
        if killed {
            rig.desk.hub.set_killed();
        }
        rig.reserve.close();
        assert_eq!((running.bell.rung(), bell.rung()), (usize::from(killed), 0));
    }
}

#[test]
fn a_run_inside_a_task_counts_as_inside_of_its_worker() {
    let rig = Rig::new(limits(1, 0));
    let pool = rig.desk.hub.pool();
    assert_eq!(rig.reserve.inside(), Inside { pool, worker: None });
    let task = Inside { pool, worker: Some(WorkerId::new(3)) };
    assert_eq!(current::enter(task, || rig.reserve.inside()), task);
    let elsewhere = Inside { pool: pool + 1, ..task };
    assert_eq!(current::enter(elsewhere, || rig.reserve.inside()), Inside { pool, worker: None });
}

#[test]
fn runs_are_counted_as_they_begin_and_once_as_they_end() {
    let rig = Rig::new(limits(1, 0));
    let runs = || rig.desk.hub.runs().read();
    let mut kept = rig.fresh(rig.make(), 7);
    assert_eq!(runs(), (0, 0, 0));
    kept.begin();
    assert_eq!(runs(), (0, 0, 1));
    kept.fail();
    kept.fail();
    rig.put_back(kept).expect("it is kept");
    assert_eq!(runs(), (0, 1, 1));
    let kept = rig.ready();
    assert_eq!(runs(), (0, 1, 2));
    rig.put_back(kept).expect("it is kept");
    assert_eq!(runs(), (1, 1, 2));
}

/// A waker that looks at the reserve when it is dropped, as one may that is the last owner of a future.
struct Looks(Arc<Reserve<u32>>, Arc<Bell>);

impl std::task::Wake for Looks {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Looks {
    fn drop(&mut self) {
        assert!(!self.0.is_closed());
        self.1.waker().wake();
    }
}

#[test]
fn a_waker_that_is_replaced_or_left_is_dropped_under_no_lock() {
    let rig = Rig::new(limits(1, 0));
    let _slot = rig.make();
    let (mut line, dropped) = (Line::new(Arc::clone(&rig.reserve)), Arc::<Bell>::default());
    let looks = || Waker::from(Arc::new(Looks(Arc::clone(&rig.reserve), Arc::clone(&dropped))));
    (0..2).for_each(|_| assert!(rig.reserve.poll_lease(&mut line, &looks()).is_pending()));
    assert_eq!(dropped.rung(), 1);
    (0..2).for_each(|_| rig.reserve.watch(&mut line, &looks()));
    assert_eq!(dropped.rung(), 2);
    drop(line);
    assert_eq!(dropped.rung(), 4);
}

#[test]
fn what_is_left_is_given_up_once_all_of_it_has_been_destroyed_for_long_enough() {
    let rig = Rig::new(limits(3, 0));
    let mut kept = [(); 2].map(|()| rig.fresh(rig.make(), 7));
    let used = rig.make();
    assert_eq!(rig.reserve.given_up_at(), None);
    kept[0].condemn(at(9));
    kept[1].condemn(at(5));
    assert_eq!(rig.reserve.given_up_at(), None, "a `run` has the third");
    drop(used);
    assert_eq!(rig.reserve.given_up_at(), Some(at(9)), "the last of them");
    let [nine, _five] = kept;
    drop(nine);
    assert_eq!(rig.reserve.given_up_at(), Some(at(5)));
    let mut endless = rig.fresh(rig.make(), 7);
    endless.condemn(Timestamp::MAX);
    assert_eq!(rig.reserve.given_up_at(), None, "there is no limit");
}

#[test]
fn temporary_resources_are_given_up_too() {
    let rig = Rig::new(limits(0, 1));
    let mut kept = rig.fresh(rig.make(), 7);
    kept.condemn(at(5));
    assert_eq!(rig.reserve.given_up_at(), Some(at(5)));
}

#[test]
fn the_control_loop_looks_again_whenever_a_resource_of_a_closed_reserve_is_gone() {
    let rig = Rig::new(limits(2, 0));
    let [first, second] = [(); 2].map(|()| rig.make());
    rig.reserve.close();
    rig.desk.mail.take();
    drop(first);
    assert!(matches!(rig.desk.mail.take()[..], [Msg::Nudge]));
    drop(second);
    assert!(matches!(rig.desk.mail.take()[..], [Msg::ReserveClosed]));
}

#[test]
fn the_control_loop_looks_again_when_a_resource_of_a_closed_reserve_is_condemned() {
    let rig = Rig::new(limits(1, 0));
    let mut kept = rig.fresh(rig.make(), 7);
    kept.condemn(at(5));
    assert!(rig.desk.mail.take().is_empty());
    rig.reserve.close();
    kept.condemn(at(9));
    assert!(matches!(rig.desk.mail.take()[..], [Msg::Nudge]));
}
