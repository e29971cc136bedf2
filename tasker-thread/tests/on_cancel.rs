//! Callbacks of tasks that are inside a call when they are cancelled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tasker_testkit::{FakeClock, Gate};
use tasker_thread::*;

#[derive(Debug)]
struct Plain;

impl Resource for Plain {
    type Config = ();
    type Error = String;

    async fn create(_: &(), _: &CreateContext) -> Result<Self, String> {
        Ok(Self)
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// One worker, on a clock that stands still unless it is moved: nothing ends for want of patience.
fn pool(clock: &FakeClock) -> Pool<Plain> {
    Pool::<Plain>::builder(()).workers(1).clock(Arc::new(clock.clone())).build().expect("nothing is wrong")
}

/// Waits at a gate that only its own cancellation opens; counts those that have passed it.
fn interruptible(
    passed: &Gate,
) -> impl FnMut(&mut Plain, &TaskContext) -> Result<bool, String> + Send + use<> {
    let passed = passed.clone();
    move |_, cx| {
        let gate = Gate::new();
        let opening = gate.clone();
        let _armed = cx.on_cancel(move || opening.open());
        gate.wait();
        passed.admit(1);
        Ok(cx.is_cancelled())
    }
}

#[test]
fn a_cancel_interrupts_the_task() {
    let (clock, passed) = (FakeClock::new(), Gate::new());
    let pool = pool(&clock);
    let handle = pool.submit(interruptible(&passed));
    clock.settle();
    assert_eq!(handle.cancel(), CancelOutcome::WhileRunning);
    passed.wait();
    assert!(matches!(handle.wait(), Err(TaskError::Cancelled)));
    assert!(pool.stop().unwrap().is_clean());
}

#[test]
fn a_timeout_interrupts_the_attempt_and_the_next_has_callbacks_of_its_own() {
    let (clock, passed) = (FakeClock::new(), Gate::new());
    let pool = pool(&clock);
    let mut handle = pool.task().timeout(SECOND).retries(1).retry_on_timeout().submit({
        let mut attempt = interruptible(&passed);
        move |db, cx| attempt(db, cx).and_then(|_| Err("interrupted".to_string()) as Result<(), _>)
    });
    clock.advance(SECOND);
    passed.wait();
    clock.settle();
    assert!(handle.wait_timeout(Duration::ZERO).is_none(), "it is attempted again");
    clock.advance(SECOND);
    passed.wait();
    assert!(matches!(handle.wait(), Err(TaskError::TimedOut { .. })));
    assert!(pool.stop().unwrap().is_clean());
}

#[test]
fn a_kill_interrupts_tasks_and_what_is_run() {
    let (clock, passed) = (FakeClock::new(), Gate::new());
    let pool = pool(&clock);
    let handle = pool.submit(interruptible(&passed));
    let (running, mut task) = (pool.clone(), interruptible(&passed));
    let (begun, has_begun) = mpsc::channel();
    let run = thread::spawn(move || {
        running.run(|db, cx| {
            begun.send(()).unwrap();
            task(db, cx)
        })
    });
    has_begun.recv().unwrap();
    clock.settle();
    let report = pool.kill().unwrap();
    assert_eq!((report.workers_left.len(), report.reserve_left), (0, 0), "{report}");
    assert!(run.join().unwrap().unwrap(), "it was told");
    assert!(matches!(handle.wait(), Err(TaskError::Killed)));
}

#[test]
fn a_task_that_was_cancelled_before_it_asks_is_called_back_at_once() {
    let (clock, gate, passed) = (FakeClock::new(), Gate::new(), Gate::new());
    let pool = pool(&clock);
    let (begun, mut then) = (gate.clone(), interruptible(&passed));
    let handle = pool.submit(move |db, cx| {
        begun.wait();
        then(db, cx)
    });
    clock.settle();
    handle.cancel();
    gate.open();
    passed.wait();
    assert!(pool.stop().unwrap().is_clean());
}

#[test]
fn what_was_disarmed_is_not_called_and_a_drain_calls_nobody() {
    let (clock, gates) = (FakeClock::new(), [Gate::new(), Gate::new()]);
    let pool = pool(&clock);
    let called = Arc::new(AtomicBool::new(false));
    let task = |gate: &Gate, armed: bool| {
        let (gate, called) = (gate.clone(), Arc::clone(&called));
        move |_: &mut Plain, cx: &TaskContext| {
            let on_cancel = cx.on_cancel(move || called.store(true, Ordering::SeqCst));
            let _kept = armed.then_some(on_cancel);
            gate.wait();
            Ok(())
        }
    };
    let handle = pool.submit_once(task(&gates[0], false));
    clock.settle();
    handle.cancel();
    let (running, armed) = (pool.clone(), task(&gates[1], true));
    let run = thread::spawn(move || running.run(armed));
    while gates[1].waiting() == 0 {
        thread::yield_now();
    }
    let stopping = pool.clone();
    let stopped = thread::spawn(move || stopping.stop());
    gates[0].open();
    while pool.stats().active > 0 {
        thread::yield_now();
    }
    clock.settle();
    gates[1].open();
    run.join().unwrap().unwrap();
    assert!(stopped.join().unwrap().unwrap().is_clean());
    assert!(!called.load(Ordering::SeqCst));
}

#[test]
fn disarming_waits_for_a_callback_that_runs() {
    let (clock, entered, leave) = (FakeClock::new(), Gate::new(), Gate::new());
    let pool = pool(&clock);
    let over = Arc::new(AtomicBool::new(false));
    let (sender, told) = mpsc::channel();
    let handle = pool.submit_once({
        let (entered, leave, over) = (entered.clone(), leave.clone(), Arc::clone(&over));
        move |_, cx| {
            let (inside, ending) = (entered.clone(), Arc::clone(&over));
            let armed = cx.on_cancel(move || {
                inside.open();
                leave.wait();
                ending.store(true, Ordering::SeqCst);
            });
            entered.wait();
            sender.send(None).unwrap();
            drop(armed);
            sender.send(Some(over.load(Ordering::SeqCst))).unwrap();
            Ok(())
        }
    });
    clock.settle();
    let cancelling = thread::spawn(move || handle.cancel());
    assert_eq!(told.recv().unwrap(), None, "it is about to disarm");
    leave.open();
    assert_eq!(told.recv().unwrap(), Some(true), "the callback was over by then");
    assert_eq!(cancelling.join().unwrap(), CancelOutcome::WhileRunning);
    assert!(pool.stop().unwrap().is_clean());
}

#[test]
fn all_callbacks_are_called_in_their_order_and_a_panic_in_one_is_an_event() {
    let clock = FakeClock::new();
    let pool = pool(&clock);
    let mut events = pool.events();
    let (sender, told) = mpsc::channel();
    let gate = Gate::new();
    let handle = pool.submit_once({
        let gate = gate.clone();
        move |_, cx| {
            let again = sender.clone();
            let _first = cx.on_cancel(move || sender.send(1).unwrap());
            let _second = cx.on_cancel(|| panic!("no"));
            let _third = cx.on_cancel(move || again.send(3).unwrap());
            gate.wait();
            Ok(())
        }
    });
    clock.settle();
    handle.cancel();
    assert_eq!((told.recv().unwrap(), told.recv().unwrap()), (1, 3));
    gate.open();
    assert!(pool.stop().unwrap().is_clean());
    let mut panics = std::iter::from_fn(|| events.try_recv()).filter(|received| {
        let Received::Event(PoolEvent::CallbackPanicked { callback, .. }) = received else { return false };
        *callback == "on_cancel"
    });
    assert!(panics.next().is_some() && panics.next().is_none());
}
