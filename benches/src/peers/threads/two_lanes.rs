//! Priorities by hand: two channels, of which the threads look into the urgent one first.

use std::thread;

use benches::work::Task;
use crossbeam_channel::{Receiver, Sender, select_biased, unbounded};

type Job = Box<dyn FnOnce() + Send>;

pub(crate) struct TwoLanes {
    urgent: Sender<Job>,
    low: Sender<Job>,
}

impl TwoLanes {
    pub(crate) const NAME: &'static str = "floor: two channels";

    pub(crate) fn start(workers: usize) -> Self {
        let (urgent, urgent_queue) = unbounded();
        let (low, low_queue) = unbounded();
        for _ in 0..workers {
            let (urgent, low) = (urgent_queue.clone(), low_queue.clone());
            thread::spawn(move || serve(&urgent, &low));
        }
        Self { urgent, low }
    }

    pub(crate) fn fire(&self, task: Task) {
        self.low.send(Box::new(move || task.report())).expect("the threads listen");
    }

    pub(crate) fn urgent(&self, task: Task) -> impl FnOnce() -> u64 + Send {
        let (sender, receiver) = oneshot::channel();
        let job = move || sender.send(task.run()).expect("the result is awaited");
        self.urgent.send(Box::new(job)).expect("the threads listen");
        || receiver.recv().expect("the task succeeds")
    }
}

/// Until both are closed.
fn serve(urgent: &Receiver<Job>, low: &Receiver<Job>) {
    loop {
        let job = select_biased! {
            recv(urgent) -> job => job,
            recv(low) -> job => job,
        };
        let Ok(job) = job else { return };
        job();
    }
}
