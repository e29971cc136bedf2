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
