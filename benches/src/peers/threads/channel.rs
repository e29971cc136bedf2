//! What one writes by hand: threads, a channel of boxed closures, and a one-shot channel for each result.

use std::thread::{self, JoinHandle};

use benches::work::Task;

use super::Threads;

pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// On crossbeam's channel.
pub(crate) struct Floor {
    jobs: Option<crossbeam_channel::Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Floor {
    pub(crate) fn push(&self, job: Job) {
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).expect("the threads listen");
    }
}

impl Threads for Floor {
    const NAME: &'static str = "floor: crossbeam-channel";

    fn start(workers: usize) -> Self {
        let (jobs, queue) = crossbeam_channel::unbounded::<Job>();
        let threads = (0..workers).map(|_| {
            let queue = queue.clone();
            thread::spawn(move || queue.iter().for_each(|job| job()))
        });
        Self { jobs: Some(jobs), threads: threads.collect() }
    }

    fn fire(&self, task: Task) {
        self.push(Box::new(move || task.report()));
    }

    fn submit(&self, task: Task) -> impl FnOnce() -> u64 + Send {
        let (sender, receiver) = oneshot::channel();
        self.push(Box::new(move || sender.send(task.run()).expect("the result is awaited")));
        || receiver.recv().expect("the task succeeds")
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.jobs = None;
        join(&mut self.threads);
    }
}

/// On kanal's channel.
pub(crate) struct Kanal {
    jobs: kanal::Sender<Job>,
    threads: Vec<JoinHandle<()>>,
}

impl Threads for Kanal {
    const NAME: &'static str = "kanal as the channel";

    fn start(workers: usize) -> Self {
        let (jobs, queue) = kanal::unbounded::<Job>();
        let threads = (0..workers).map(|_| {
            let queue = queue.clone();
            thread::spawn(move || queue.for_each(|job| job()))
        });
        Self { jobs, threads: threads.collect() }
    }

    fn fire(&self, task: Task) {
        self.jobs.send(Box::new(move || task.report())).expect("the threads listen");
    }

    fn submit(&self, task: Task) -> impl FnOnce() -> u64 + Send {
        let (sender, receiver) = oneshot::channel();
        let job = move || sender.send(task.run()).expect("the result is awaited");
        self.jobs.send(Box::new(job)).expect("the threads listen");
        || receiver.recv().expect("the task succeeds")
    }
}

impl Drop for Kanal {
    fn drop(&mut self) {
        // It may have been closed already; the threads end either way.
        let _ = self.jobs.close();
        join(&mut self.threads);
    }
}

fn join(threads: &mut Vec<JoinHandle<()>>) {
    threads.drain(..).for_each(|thread| thread.join().expect("no task panics"));
}
