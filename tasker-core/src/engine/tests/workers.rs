//! Workers and resources that cannot be had, or not yet.

use super::*;

#[test]
fn an_idle_resource_that_is_promised_is_replaced_by_its_taker() {
    let bench = Bench::new(|builder| builder);
    let hub = &bench.engine.hub;
    let age = Duration::from_secs(10);
    let limits = ReserveLimits { kept: 1, temporary: 0, max_lifetime: Some(age), max_uses: None };
    let reserve = Arc::new(Reserve::new(limits, Arc::clone(hub)));
    let lease = |line: &mut Line<u32>| reserve.poll_lease(line, Waker::noop());
    let (mut first, mut second) = (Line::new(Arc::clone(&reserve)), Line::new(Arc::clone(&reserve)));
    let Poll::Ready(Some(Lease::Make(slot))) = lease(&mut first) else { panic!("there is room for one") };
    assert!(lease(&mut second).is_pending());
    let kept = Kept::new(Owned::new(7, Arc::clone(hub)), slot, hub.now());
    reserve.put_back(kept).expect("it is kept");
    bench.advance(age);
    let (old, next) = reserve.age(hub.now());
    assert_eq!((old.len(), next), (0, None));
    let stale = lease(&mut second);
    assert!(matches!(stale, Poll::Ready(Some(Lease::Stale(..)))), "{stale:?}");
}

#[test]
fn a_pool_that_can_start_no_thread_still_reads_its_mail() {
    let backoff = crate::Backoff::new().first(Duration::ZERO).max(Duration::ZERO);
    let mut bench = Bench::new(|builder| builder.create_backoff(backoff));
    let worker = bench.worker();
    bench.orders.1.store(true, Ordering::Relaxed);
    drop(worker);
    let turn = bench.settle();
    assert_eq!(turn, Turn::Wait(Some(bench.clock.now())));
    bench.mail.post(Msg::Event(Event::Kill));
    assert_eq!(bench.settle(), Turn::Ended);
}

#[test]
fn a_worker_that_could_not_be_started_is_not_made_up_for_beyond_a_maximum_lowered_meanwhile() {
    let backoff = crate::Backoff::new().first(Duration::ZERO).max(Duration::ZERO);
    let mut bench = Bench::new(|builder| builder.workers(2).create_backoff(backoff));
    let (_stays, leaves) = (bench.worker(), bench.worker());
    bench.orders.1.store(true, Ordering::Relaxed);
    drop(leaves);
    bench.settle();
    bench.orders.1.store(false, Ordering::Relaxed);
    bench.mail.post(Msg::Event(Event::Resize { workers: 1, max_workers: 1 }));
    bench.settle();
    assert!(bench.orders.0.lock().is_empty(), "there is one worker, and may be no other");
}

#[test]
fn the_error_of_a_failed_start_is_kept_when_other_creations_are_cut_short() {
    let backoff = crate::Backoff::new().first(Duration::ZERO).max(Duration::ZERO);
    let mut bench = Bench::new(|builder| builder.workers(2).create_backoff(backoff));
    let create = |bench: &mut Bench, created| {
        let order = bench.orders.0.lock().remove(0);
        let alive = Worker::new(order, bench.clock.now()).created(created, bench.clock.now());
        assert!(!alive);
        bench.settle();
    };
    create(&mut bench, Created::Failed("first".into()));
    // The first one's successor is ordered by now.
    create(&mut bench, Created::Failed("second".into()));
    assert!(matches!(bench.engine.started.get(), Some(Err(_))));
    create(&mut bench, Created::Broken("cut short".into()));
    assert_eq!(bench.engine.create_error.lock().as_deref(), Some("second"));
}
