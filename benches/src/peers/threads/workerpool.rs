//! The crate workerpool, on crossbeam's channel. Its workers have a state, as ours have a resource; a one-shot channel
//! gives the result to whoever asked.

use benches::work::Task;
use workerpool::{Pool, Worker};

use super::Threads;

pub(crate) struct Peer(Pool<Runner>);

#[derive(Default)]
struct Runner;

enum Job {
    Report(Task),
    Answer(Task, oneshot::Sender<u64>),
}

impl Worker for Runner {
    type Input = Job;
    type Output = ();

    fn execute(&mut self, job: Job) {
        match job {
            Job::Report(task) => task.report(),
            Job::Answer(task, sender) => sender.send(task.run()).expect("the result is awaited"),
        }
    }
}

impl Threads for Peer {
    const NAME: &'static str = "workerpool";

    fn start(workers: usize) -> Self {
        Self(Pool::new(workers))
    }

    fn fire(&self, task: Task) {
        self.0.execute(Job::Report(task));
    }

    fn submit(&self, task: Task) -> impl FnOnce() -> u64 + Send {
        let (sender, receiver) = oneshot::channel();
        self.0.execute(Job::Answer(task, sender));
        || receiver.recv().expect("the task succeeds")
    }
}
