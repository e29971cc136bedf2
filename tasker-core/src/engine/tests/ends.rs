//! Kills and stops, and what is said of them.

use super::*;

#[test]
fn a_kill_ends_a_task_that_a_worker_has_just_taken() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let bench = Arc::new(Lock::new(bench));
    let killing = Arc::clone(&bench);
    let engine = Arc::clone(&bench.lock().engine);
    let hook: Hook = Box::new(move || {
        let mut bench = killing.lock();
        bench.mail.post(Msg::Event(Event::Kill));
        bench.settle();
    });
    let handle = bench.lock().submit(TaskOptions::default(), Some(hook));
    let step = worker.step(engine.hub.now(), Waker::noop());
    assert!(matches!(step, Step::Leave(crate::ExitReason::Killed)), "{step:?}");
    assert!(matches!(take(handle), Err(TaskError::Killed)));
    drop(worker);
    assert_eq!(bench.lock().settle(), Turn::Ended);
    assert_eq!(bench.lock().stats().busy, 0);
}

#[test]
fn a_worker_whose_creation_was_cut_short_by_a_kill_is_not_reported_as_left() {
    let mut bench = Bench::new(|builder| builder);
    let order = bench.orders.0.lock().remove(0);
    let mut worker = Worker::new(order, bench.clock.now());
    bench.mail.post(Msg::Event(Event::Kill));
    assert!(!worker.created(Created::Broken("cut short".into()), bench.clock.now()));
    // With that the pool ends, before the worker is dropped.
    assert_eq!(bench.settle(), Turn::Ended);
    let report = bench.engine.ended.get().expect("the pool has ended");
    assert!(report.is_clean(), "{report:?}");
    drop(worker);
}

#[test]
fn a_kill_can_be_waited_for_inside_a_task_of_another_pool() {
    let [bench, other] = [(); 2].map(|()| Bench::new(|builder| builder));
    let inside = Inside { pool: bench.engine.hub.pool(), worker: Some(WorkerId::new(1)) };
    current::enter(inside, || {
        assert!(life::kill(&other.engine).is_ok());
        assert!(matches!(life::kill(&bench.engine), Err(StopError::InsideTask)));
    });
}

#[test]
fn nothing_that_waits_begins_once_a_kill_was_called() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let _handle = bench.submit(TaskOptions::default(), None);
    life::kill(&bench.engine).expect("this is no task");
    let step = bench.step(&mut worker);
    assert!(!matches!(step, Step::Run(_)), "the control loop has not heard of it yet: {step:?}");
}

/// A pool that stops, whose workers are gone and whose reserve is not.
fn with_its_reserve_left() -> Bench {
    let mut bench = Bench::new(|builder| builder);
    bench.orders.2.store(true, Ordering::Relaxed);
    let mut worker = bench.worker();
    bench.mail.post(Msg::Event(Event::Stop { deadline: None }));
    bench.settle();
    assert!(matches!(bench.step(&mut worker), Step::Leave(crate::ExitReason::Drained)));
    drop(worker);
    assert_eq!(bench.settle(), Turn::Wait(None), "a `run` may take as long as it likes");
    bench
}

/// How such a pool ended: after these messages, the last of which comes so many seconds after the others.
fn how_it_ended(messages: &[Event], after: u64) -> Option<Stopped> {
    let mut bench = with_its_reserve_left();
    let (last, before) = messages.split_last().expect("one at least");
    before.iter().for_each(|event| bench.mail.post(Msg::Event(event.clone())));
    bench.settle();
    bench.advance(Duration::from_secs(after));
    bench.mail.post(Msg::Event(last.clone()));
    bench.settle();
    bench.mail.post(Msg::ReserveClosed);
    assert_eq!(bench.settle(), Turn::Ended);
    bench.engine.ended.get().map(|report| report.how)
}

#[test]
fn the_soonest_limit_says_how_the_end_of_the_reserve_came() {
    let stop = |after| {
        let deadline = Timestamp::ZERO.saturating_add(Duration::from_secs(after));
        Event::Stop { deadline: Some(deadline) }
    };
    let rows = [
        (vec![stop(9)], 8, Stopped::Drained),
        (vec![stop(9)], 9, Stopped::DeadlinePassed),
        (vec![stop(9), stop(5)], 5, Stopped::DeadlinePassed),
        (vec![stop(5), stop(9)], 5, Stopped::DeadlinePassed),
        (vec![stop(9), Event::Kill], 5, Stopped::Killed),
        // The first of two at the same moment.
        (vec![stop(5), Event::Kill], 5, Stopped::DeadlinePassed),
    ];
    for (messages, after, how) in rows {
        assert_eq!(how_it_ended(&messages, after), Some(how), "{messages:?} after {after} s");
    }
}

#[test]
fn a_worker_does_not_leave_as_drained_before_the_control_loop_has_heard_of_a_kill() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let _handle = bench.submit(TaskOptions::default(), None);
    let inside = bench.begin(&mut worker);
    life::kill(&bench.engine).expect("this is no task");
    bench.end(&mut worker, inside, Attempt::Value);
    let step = bench.step(&mut worker);
    assert!(matches!(step, Step::Wait(_)), "{step:?}");
    bench.settle();
    let step = bench.step(&mut worker);
    assert!(matches!(step, Step::Leave(crate::ExitReason::Killed)), "{step:?}");
}

#[test]
fn a_stop_does_not_wait_for_a_reserve_that_is_given_up() {
    let mut bench = with_its_reserve_left();
    let due = bench.clock.now().saturating_add(Duration::from_secs(5));
    *bench.orders.3.lock() = Some(due);
    bench.mail.post(Msg::Nudge);
    assert_eq!(bench.settle(), Turn::Wait(Some(due)));
    bench.advance(Duration::from_secs(5));
    assert_eq!(bench.settle(), Turn::Ended);
    let report = bench.engine.ended.get().expect("the pool has ended");
    assert_eq!(report.how, Stopped::Drained);
    assert!(!bench.engine.hub.is_killed());
}

#[test]
fn a_worker_that_cannot_be_started_is_reported_with_the_reason() {
    let mut bench = Bench::new(|builder| builder.workers(2));
    let mut events = bench.engine.hub.bus().subscribe(16);
    let (_stays, leaves) = (bench.worker(), bench.worker());
    // The worker that is dropped with the thread that could not be started says that it is gone.
    bench.orders.1.store(true, Ordering::Relaxed);
    bench.orders.4.store(true, Ordering::Relaxed);
    drop(leaves);
    bench.settle();
    let told = std::iter::from_fn(|| events.try_recv());
    let failed: Vec<_> = told.filter(|received| format!("{received:?}").contains("CreationFailed")).collect();
    assert!(matches!(&failed[..], [one] if format!("{one:?}").contains("no thread to be had")), "{failed:?}");
}
