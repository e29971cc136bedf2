//! The least a user would write by hand, with no features, to have something to hold the pools against.

use std::thread;

use benches::work::{Task, sum_of};

use crate::{Path, room};

pub(crate) const PATHS: [Path; 1] = [("floor-queued", queued)];

/// Boxed closures through a channel to one thread, their results back through a one-shot channel each. The thread begins
/// when all is sent, as in [`queued`](crate::queued).
fn queued(count: u64) {
    let (sender, receiver) = crossbeam_channel::unbounded::<Box<dyn FnOnce() + Send>>();
    let mut results = room(count);
    for task in (1..=count).map(Task::empty) {
        let (answer, result) = oneshot::channel();
        let job = move || answer.send(task.run()).expect("the result is awaited");
        sender.send(Box::new(job)).expect("the other end is there");
        results.push(result);
    }
    thread::spawn(move || receiver.into_iter().for_each(|job| job()));
    let results = results.into_iter().rev().map(|result| result.recv().expect("the task succeeds"));
    assert_eq!(results.sum::<u64>(), sum_of(count));
}
