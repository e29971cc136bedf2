//! Workers that do not come back from a task that has ended, and those that do, late.

use super::*;

#[test]
fn a_worker_that_is_abandoned_while_it_takes_a_task_hands_it_back() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let engine = Arc::clone(&bench.engine);
    let post = Arc::clone(worker.post());
    let hook: Hook = Box::new(move || post.interrupt(Interrupt::Abandon));
    let handle = bench.submit(TaskOptions::default(), Some(hook));
    let step = bench.step(&mut worker);
    assert!(matches!(step, Step::Leave(crate::ExitReason::Abandoned)), "{step:?}");
    drop(worker);
    assert_eq!(engine.inbox.counts().queued(), 1);
    assert_eq!(engine.inbox.counts().running, 0);
    bench.settle();
    let mut next = bench.worker();
    let job = expect_run(bench.step(&mut next));
    assert_eq!(job.core().attempts(), 1, "what was not begun is no attempt");
    assert_eq!(bench.run(&mut next, job, Attempt::Value), Fate::Keep);
    assert_eq!(take(handle).expect("done"), 1);
}

/// It was stuck, came back, and is inside another task when the control loop hears that it was stuck: that one is owed.
#[test]
fn a_worker_that_came_back_before_it_was_abandoned_is_counted_as_running() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let stuck = bench.submit(TaskOptions::default(), None);
    let next = bench.submit(TaskOptions::default(), None);
    let inside = bench.begin(&mut worker);
    stuck.cancel();
    bench.advance(Duration::from_secs(5));
    // The control loop finds it stuck, and the worker comes back before that is acted on.
    bench.controller.turn(bench.clock.now(), None);
    bench.end(&mut worker, inside, Attempt::Interrupted);
    let job = expect_run(bench.step(&mut worker));
    bench.mail.post(Msg::Event(Event::Stop { deadline: None }));
    bench.settle();
    assert_eq!(bench.engine.inbox.counts().running, 1);
    assert_eq!(bench.run(&mut worker, job, Attempt::Value), Fate::Keep);
    assert_eq!(take(next).expect("done"), 1);
    drop(worker);
    bench.orders.0.lock().clear();
    assert_eq!(bench.engine.inbox.counts().running, 0);
}

/// It was stuck in a task that was cancelled, and the next one has just been.
#[test]
fn a_worker_that_came_back_has_the_whole_grace_time_for_its_next_cancelled_task() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let [first, second] = [(); 2].map(|()| bench.submit(TaskOptions::default(), None));
    let inside = bench.begin(&mut worker);
    first.cancel();
    bench.advance(Duration::from_secs(5));
    // The alarm goes off, and the worker comes back before that is acted on.
    bench.controller.turn(bench.clock.now(), None);
    bench.end(&mut worker, inside, Attempt::Interrupted);
    let inside = bench.begin(&mut worker);
    second.cancel();
    bench.settle();
    assert_eq!(worker.post().interrupted(), None);
    bench.pass_grace();
    assert_eq!(worker.post().interrupted(), Some(Interrupt::Abandon));
    bench.end(&mut worker, inside, Attempt::Interrupted);
}

#[test]
fn a_task_cancelled_while_a_worker_takes_it_has_the_grace_time_and_no_more() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let cancelling: Arc<Lock<Option<TaskHandle<u32, String>>>> = Arc::default();
    let handle = Arc::clone(&cancelling);
    let hook: Hook = Box::new(move || {
        handle.lock().as_ref().map(TaskHandle::cancel);
    });
    *cancelling.lock() = Some(bench.submit(TaskOptions::default(), Some(hook)));
    let _inside = bench.begin(&mut worker);
    bench.settle();
    assert_eq!(worker.post().interrupted(), None);
    bench.pass_grace();
    assert_eq!(worker.post().interrupted(), Some(Interrupt::Abandon));
}

#[test]
fn a_stop_does_not_wait_for_a_worker_that_was_abandoned_in_a_cancelled_task() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let handle = bench.submit(TaskOptions::default(), None);
    let _inside = bench.begin(&mut worker);
    handle.cancel();
    bench.pass_grace();
    assert_eq!(worker.post().interrupted(), Some(Interrupt::Abandon));
    assert_eq!(bench.running(), 0);
    bench.mail.post(Msg::Event(Event::Stop { deadline: None }));
    bench.settle();
    let mut next = bench.worker();
    let step = bench.step(&mut next);
    assert!(matches!(step, Step::Leave(crate::ExitReason::Drained)), "{step:?}");
    drop(next);
    assert_eq!(bench.settle(), Turn::Ended);
    assert_eq!(bench.stats().abandoned, 1, "it is still there");
}

#[test]
fn the_worker_that_is_abandoned_is_the_one_inside_the_task() {
    let mut bench = Bench::new(|builder| builder.workers(2));
    let (idle, mut worker) = (bench.worker(), bench.worker());
    let handle = bench.submit(TaskOptions::default(), None);
    let _inside = bench.begin(&mut worker);
    handle.cancel();
    bench.pass_grace();
    assert_eq!([&idle, &worker].map(|worker| worker.post().interrupted()), [None, Some(Interrupt::Abandon)]);
}

#[test]
fn a_stuck_worker_that_the_limit_keeps_says_once_that_it_is_back() {
    let mut bench = Bench::new(|builder| builder.max_abandoned(0));
    let mut worker = bench.worker();
    let [stuck, _next] = [(); 2].map(|()| bench.submit(TaskOptions::default(), None));
    let inside = bench.begin(&mut worker);
    stuck.cancel();
    bench.pass_grace();
    assert_eq!(worker.post().interrupted(), None);
    assert_eq!(bench.end(&mut worker, inside, Attempt::Value), Fate::Keep);
    assert!(bench.mail().contains("Back"), "{}", bench.mail());
    bench.settle();
    let inside = bench.begin(&mut worker);
    assert_eq!(bench.end(&mut worker, inside, Attempt::Value), Fate::Keep);
    assert!(!bench.mail().contains("Back"), "{}", bench.mail());
}

#[test]
fn a_stuck_worker_that_leaves_when_it_comes_back_does_not_say_that_it_is_well() {
    let mut bench = Bench::new(|builder| builder.max_abandoned(0));
    let mut worker = bench.worker();
    let handle = bench.submit(TaskOptions::default(), None);
    let inside = bench.begin(&mut worker);
    handle.cancel();
    bench.pass_grace();
    let fate = bench.end(&mut worker, inside, Attempt::Interrupted);
    assert_eq!(fate, Fate::Leave(crate::ExitReason::Interrupted));
    assert!(!bench.mail().contains("Back"), "{}", bench.mail());
}

/// The limit kept it until another came back, and by then it was inside its next task.
#[test]
fn a_task_is_not_owed_by_an_abandoned_worker_that_does_not_come_back_from_its_cancelling() {
    let mut bench = Bench::new(|builder| builder.workers(2).max_abandoned(1));
    let mut workers = [bench.worker(), bench.worker()];
    let [first, second, next] = [(); 3].map(|()| bench.submit(TaskOptions::default(), None));
    let [away, kept] = workers.each_mut().map(|worker| bench.begin(worker));
    first.cancel();
    second.cancel();
    bench.pass_grace();
    let [mut lost, mut worker] = workers;
    assert_eq!(lost.post().interrupted(), Some(Interrupt::Abandon));
    assert_eq!(worker.post().interrupted(), None);
    bench.end(&mut lost, away, Attempt::Interrupted);
    drop(lost);
    bench.end(&mut worker, kept, Attempt::Value);
    let _inside = bench.begin(&mut worker);
    bench.settle();
    assert_eq!(worker.post().interrupted(), Some(Interrupt::Abandon));
    assert_eq!(bench.running(), 1, "its task is owed");
    next.cancel();
    bench.pass_grace();
    assert_eq!(bench.running(), 0);
}

#[test]
fn a_worker_has_the_grace_time_to_come_back_from_a_task_whose_deadline_passed() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let deadline = Duration::from_secs(1);
    let handle = bench.submit(TaskOptions { deadline: Some(deadline), ..TaskOptions::default() }, None);
    let _inside = bench.begin(&mut worker);
    bench.advance(deadline);
    bench.settle();
    assert!(matches!(take(handle), Err(TaskError::Expired { .. })));
    assert_eq!(worker.post().interrupted(), None);
    bench.pass_grace();
    assert_eq!(worker.post().interrupted(), Some(Interrupt::Abandon));
}
