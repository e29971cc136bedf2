//! Callbacks of users, and when they are called.

use super::*;

/// A worker is interrupted first and its task ended then; whoever waits to be told is woken by both.
#[test]
fn callbacks_of_a_killed_task_find_it_ended() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let handle = bench.submit(TaskOptions::default(), None);
    let mut job = expect_run(bench.step(&mut worker));
    let begun = worker.begin(&mut job, bench.clock.now());
    let (seen, engine) = (Arc::new(Lock::new(Vec::new())), Arc::clone(&bench.engine));
    let seeing = Arc::clone(&seen);
    let armed = worker.context().arm_on_cancel(Box::new(move || {
        seeing.lock().push((engine.ends()[EndKind::Killed as usize], engine.hub.is_killed()));
    }));
    worker.post().interrupt(Interrupt::Abandon);
    assert_eq!(*seen.lock(), [], "nobody has ended it");
    bench.mail.post(Msg::Event(Event::Kill));
    bench.settle();
    assert_eq!(*seen.lock(), [(1, true)]);
    drop(armed);
    worker.finish(job, &begun, Attempt::Interrupted, |_| Health::Healthy, bench.clock.now());
    assert!(matches!(take(handle), Err(TaskError::Killed)));
}

#[test]
fn a_callback_for_a_result_that_was_taken_is_dropped() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let mut events = bench.engine.hub.bus().subscribe(16);
    let mut handle = bench.submit(TaskOptions::default(), None);
    let job = expect_run(bench.step(&mut worker));
    bench.run(&mut worker, job, Attempt::Value);
    assert!(matches!(handle.wait_timeout(Duration::ZERO), Some(Ok(1))));
    let callback = Arc::new(());
    let kept = Arc::clone(&callback);
    handle.on_complete(move |_| drop(kept));
    assert_eq!(Arc::strong_count(&callback), 1);
    let received: Vec<_> = std::iter::from_fn(|| events.try_recv()).collect();
    assert!(!format!("{received:?}").contains("CallbackPanicked"), "{received:?}");
}

/// A waker that ends all that waits when it is dropped.
struct Ending(Arc<Engine<Idle>>);

impl std::task::Wake for Ending {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Ending {
    fn drop(&mut self) {
        for job in self.0.inbox.discard(crate::Refusal::Stopping) {
            fill_early(&self.0.hub, job, End::Killed);
        }
    }
}

/// Were the callback in its place by then, it would be called while it is put there, and wait for that for ever.
#[test]
fn a_callback_takes_the_place_of_a_waker_that_is_gone_by_then() {
    let bench = Bench::new(|builder| builder);
    let mut handle = bench.submit(TaskOptions::default(), None);
    let waker = Waker::from(Arc::new(Ending(Arc::clone(&bench.engine))));
    let waits = std::pin::Pin::new(&mut handle).poll(&mut std::task::Context::from_waker(&waker));
    assert!(waits.is_pending());
    drop(waker);
    let told = Arc::<Lock<Option<bool>>>::default();
    let telling = Arc::clone(&told);
    handle.on_complete(move |result| *telling.lock() = Some(matches!(result, Err(TaskError::Killed))));
    assert_eq!(*told.lock(), Some(true));
}

#[test]
fn callbacks_that_are_armed_when_a_task_is_cancelled_are_called_in_their_order() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let handle = bench.submit(TaskOptions::default(), None);
    let inside = bench.begin(&mut worker);
    let called = Arc::<Lock<Vec<u32>>>::default();
    let [first, second, third] = [1, 2, 3].map(|number| {
        let called = Arc::clone(&called);
        worker.context().arm_on_cancel(Box::new(move || called.lock().push(number)))
    });
    drop(second);
    assert_eq!(Arc::strong_count(&called), 3, "what is disarmed is dropped");
    handle.cancel();
    assert_eq!(*called.lock(), [1, 3]);
    drop((first, third));
    bench.end(&mut worker, inside, Attempt::Interrupted);
}
