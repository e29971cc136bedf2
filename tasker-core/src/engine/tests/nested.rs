//! Tasks that wait for others of their pool.

use super::*;

/// Wants what there is, and notes how many workers were blocked.
#[derive(Clone, Debug, Default)]
struct Noting(Arc<Lock<Vec<usize>>>);

impl crate::scaling::ScalingPolicy for Noting {
    fn desired(&mut self, _: Timestamp, sample: &crate::scaling::Sample) -> usize {
        self.0.lock().push(sample.blocked);
        sample.live
    }
}

#[test]
fn a_policy_is_told_of_blocked_workers() {
    let noting = Noting::default();
    let policy = noting.clone();
    let mut bench = Bench::new(|builder| builder.max_workers(3).scaling(policy));
    let mut worker = bench.worker();
    let [_outer, mut inner] = [(); 2].map(|()| bench.submit(TaskOptions::default(), None));
    let _inside = bench.begin(&mut worker);
    let blocks = current::enter(worker.inside(), || poll(&mut inner));
    assert!(blocks.is_pending());
    bench.settle();
    noting.0.lock().clear();
    bench.advance(Duration::from_secs(1));
    bench.settle();
    assert_eq!(*noting.0.lock(), [1]);
}

fn poll(handle: &mut TaskHandle<u32, String>) -> Poll<Result<u32, TaskError<String>>> {
    std::pin::Pin::new(handle).poll(&mut std::task::Context::from_waker(Waker::noop()))
}

#[test]
fn a_wait_inside_a_task_ends_with_its_result_its_time_or_its_handle() {
    let mut bench = Bench::new(|builder| builder.workers(2));
    let mut workers = [bench.worker(), bench.worker()];
    let [_outer, mut inner, mut other] = [(); 3].map(|()| bench.submit(TaskOptions::default(), None));
    let [_, within] = workers.each_mut().map(|worker| bench.begin(worker));
    let [outside, mut worker] = workers;
    let blocked = || bench.engine.hub.nested().blocked();
    current::enter(outside.inside(), || {
        assert!(poll(&mut inner).is_pending());
        assert_eq!(blocked(), 1);
        assert!(inner.wait_timeout(Duration::ZERO).is_none());
        assert_eq!(blocked(), 0);
        assert!(poll(&mut other).is_pending());
        assert_eq!(blocked(), 1);
        drop(other);
        assert_eq!(blocked(), 0);
        assert!(poll(&mut inner).is_pending());
    });
    assert_eq!(blocked(), 1);
    inner.cancel();
    assert_eq!(blocked(), 0);
    bench.end(&mut worker, within, Attempt::Value);
}

#[test]
fn an_abandoned_worker_may_wait_for_its_pool_and_counts_for_nothing() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let [_outer, mut inner] = [(); 2].map(|()| bench.submit(TaskOptions::default(), None));
    let _inside = bench.begin(&mut worker);
    worker.post().interrupt(Interrupt::Abandon);
    let waits = current::enter(worker.inside(), || poll(&mut inner));
    assert!(waits.is_pending(), "{waits:?}");
    assert_eq!(bench.engine.hub.nested().blocked(), 0);
}
