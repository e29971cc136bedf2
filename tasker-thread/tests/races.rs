//! Races and corners of the thread pool.

use std::sync::mpsc;
use std::time::Duration;

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

/// Runs `f` on a thread of its own, and fails if it hangs.
fn soon<T: Send + 'static>(what: &str, f: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(f()));
    receiver.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("{what} hangs"))
}

#[test]
fn a_stop_right_after_a_pause_resumes_and_drains() {
    for _ in 0..50 {
        let pool = Pool::<Plain>::builder(()).workers(1).build().unwrap();
        pool.pause();
        let handle = pool.submit(|_, _| Ok(7));
        let report = soon("stop", move || pool.stop().unwrap());
        assert_eq!(report.done, 1);
        assert_eq!(handle.wait().unwrap(), 7);
    }
}

#[test]
fn a_callback_that_stops_its_pool_is_told_that_it_cannot_wait() {
    let pool = Pool::<Plain>::builder(()).workers(1).build().unwrap();
    let (sender, told) = mpsc::channel();
    let stopping = pool.clone();
    // So that the callback is there before the task has ended, and is called by the worker.
    pool.pause();
    pool.submit_then(|_, _| Ok(()), move |_| sender.send(stopping.stop().map(drop)).unwrap());
    pool.resume();
    let told = told.recv_timeout(Duration::from_secs(20)).expect("the callback hangs");
    assert_eq!(told, Err(StopError::InsideTask));
    soon("stop", move || pool.stop().unwrap());
}

/// A deadline is met by the control loop, which the stop needs.
#[test]
fn a_callback_on_the_control_loop_that_stops_its_pool_is_told_that_it_cannot_wait() {
    let pool = Pool::<Plain>::builder(()).workers(1).build().unwrap();
    pool.pause();
    let (sender, told) = mpsc::channel();
    let stopping = pool.clone();
    pool.task()
        .deadline(Duration::from_millis(1))
        .submit_then(|_, _| Ok(()), move |_| sender.send(stopping.stop().map(drop)).unwrap());
    let told = told.recv_timeout(Duration::from_secs(20)).expect("the callback hangs");
    assert_eq!(told, Err(StopError::InsideTask));
    soon("stop", move || pool.stop().unwrap());
}

#[test]
fn a_callback_that_waits_for_a_task_of_its_only_worker_is_told_that_it_would_deadlock() {
    let pool = Pool::<Plain>::builder(()).workers(1).build().unwrap();
    let (sender, told) = mpsc::channel();
    let weak = pool.downgrade();
    pool.pause();
    pool.submit_then(
        |_, _| Ok(()),
        move |_| {
            let pool = weak.upgrade().unwrap();
            let nested = pool.submit(|_, _| Ok(())).wait();
            sender.send(matches!(nested, Err(TaskError::WouldDeadlock))).unwrap();
        },
    );
    pool.resume();
    assert!(told.recv_timeout(Duration::from_secs(20)).expect("the callback hangs"));
    soon("stop", move || pool.stop().unwrap());
}

type Told = Result<(), StopError>;

/// Where a resource finds its pool, and tells what its stop came to.
type Wires = (mpsc::SyncSender<Told>, std::sync::Arc<std::sync::OnceLock<WeakPool<Stopper>>>);

/// Destroying it stops the pool it belongs to.
struct Stopper(Wires);

impl Resource for Stopper {
    type Config = Wires;
    type Error = String;

    async fn create(wires: &Wires, _: &CreateContext) -> Result<Self, String> {
        Ok(Self(wires.clone()))
    }

    async fn destroy(self) -> Result<(), String> {
        let (sender, pool) = self.0;
        let pool = pool.get().and_then(WeakPool::upgrade).ok_or("no pool")?;
        sender.send(pool.stop().map(drop)).map_err(|error| error.to_string())
    }
}

#[test]
fn a_resource_that_stops_its_pool_is_told_that_it_cannot_wait() {
    let (sender, told) = mpsc::sync_channel(1);
    let weak = std::sync::Arc::new(std::sync::OnceLock::new());
    let config = (sender, std::sync::Arc::clone(&weak));
    let pool = Pool::<Stopper>::builder(config).workers(1).build().unwrap();
    weak.set(pool.downgrade()).unwrap();
    let stopping = pool.clone();
    soon("stop", move || stopping.stop().unwrap());
    assert_eq!(told.recv().unwrap(), Err(StopError::InsideTask));
    drop(pool);
}

/// The task is ended by the kill whenever it comes, even between leaving the queue and being started.
#[test]
fn a_kill_resolves_the_handle_of_a_task_that_is_just_being_started() {
    for _ in 0..300 {
        let pool = Pool::<Plain>::builder(()).workers(2).grace(Duration::from_millis(20)).build().unwrap();
        let (sender, done) = mpsc::channel::<()>();
        let done = std::sync::Arc::new(std::sync::Mutex::new(done));
        let handles: Vec<_> = (0..4)
            .map(|_| {
                let done = std::sync::Arc::clone(&done);
                // Ends only when told from outside, and by then the pool is gone.
                pool.submit(move |_, cx: &TaskContext| {
                    while !cx.is_cancelled() {
                        if done.lock().unwrap().try_recv() == Err(mpsc::TryRecvError::Disconnected) {
                            break;
                        }
                        std::thread::yield_now();
                    }
                    Ok(())
                })
            })
            .collect();
        let killed = pool.clone();
        soon("kill", move || killed.kill().unwrap());
        for handle in handles {
            let result = soon("handle", move || handle.wait());
            assert!(matches!(result, Err(TaskError::Killed | TaskError::Refused(_))), "{result:?}");
        }
        drop(sender);
    }
}
