//! The pools that are measured, and a stream of tasks through them.

use std::collections::VecDeque;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use benches::work::{Task, sum_of};
use benches::{Nothing, together};
use tokio::runtime::Runtime;

/// Tasks that are in flight at most, over all producers.
const IN_FLIGHT: usize = 1_024;

/// tasker on threads, with room for everything.
pub(crate) fn on_threads(workers: usize) -> tasker_thread::Pool<Nothing> {
    let pool = tasker_thread::Pool::builder(()).workers(workers).unbounded().build().expect("threads start");
    pool.warm_up(workers);
    pool
}

/// tasker on tokio, with room for everything; call it inside of a runtime.
pub(crate) async fn on_tokio(workers: usize) -> tasker_tokio::Pool<Nothing> {
    let pool =
        tasker_tokio::Pool::builder(()).workers(workers).unbounded().build().await.expect("workers start");
    pool.warm_up(workers).await;
    pool
}

/// Nanoseconds a task of a stream of typed results.
pub(crate) fn stream_on_threads(pool: &tasker_thread::Pool<Nothing>, producers: usize, tasks: u64) -> f64 {
    let each = tasks / producers as u64;
    let (sums, time) = together(producers, |_| {
        produce(each, IN_FLIGHT / producers, |task| {
            let handle = pool.submit(move |_, _| Ok(task.run()));
            || handle.wait().expect("the task succeeds")
        })
    });
    check(&sums, each);
    nanos_each(time, each * producers as u64)
}

/// The same.
pub(crate) fn stream_on_tokio(
    runtime: &Runtime,
    pool: &tasker_tokio::Pool<Nothing>,
    producers: usize,
    tasks: u64,
) -> f64 {
    let each = tasks / producers as u64;
    let began = std::time::Instant::now();
    let producers: Vec<_> = (0..producers)
        .map(|_| runtime.spawn(produce_on_tokio(pool.clone(), each, IN_FLIGHT / producers)))
        .collect();
    let count = producers.len() as u64;
    let sums: Vec<u64> = runtime.block_on(async {
        let mut sums = Vec::new();
        for producer in producers {
            sums.push(producer.await.expect("no producer panics"));
        }
        sums
    });
    check(&sums, each);
    nanos_each(began.elapsed(), each * count)
}

async fn produce_on_tokio(pool: tasker_tokio::Pool<Nothing>, count: u64, in_flight: usize) -> u64 {
    let mut waiting: VecDeque<tasker_tokio::TaskHandle<u64, _>> = VecDeque::with_capacity(in_flight);
    let mut sum = 0;
    for task in (1..=count).map(Task::empty) {
        let oldest = if waiting.len() == in_flight { waiting.pop_front() } else { None };
        waiting.push_back(pool.submit(async move |_, _| Ok(task.run())));
        if let Some(handle) = oldest {
            sum += handle.await.expect("the task succeeds");
        }
    }
    for handle in waiting {
        sum += handle.await.expect("the task succeeds");
    }
    sum
}

/// What one writes by hand: threads, a channel of boxed closures, a one-shot channel for each result.
pub(crate) struct Floor {
    jobs: Option<crossbeam_channel::Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Floor {
    pub(crate) fn start(workers: usize) -> Self {
        let (jobs, queue) = crossbeam_channel::unbounded::<Job>();
        let threads = (0..workers).map(|_| {
            let queue = queue.clone();
            thread::spawn(move || queue.iter().for_each(|job| job()))
        });
        Self { jobs: Some(jobs), threads: threads.collect() }
    }

    /// Nanoseconds a task of a stream of typed results.
    pub(crate) fn stream(&self, producers: usize, tasks: u64) -> f64 {
        let each = tasks / producers as u64;
        let (sums, time) =
            together(producers, |_| produce(each, IN_FLIGHT / producers, |task| self.submit(task)));
        check(&sums, each);
        nanos_each(time, each * producers as u64)
    }

    fn submit(&self, task: Task) -> impl FnOnce() -> u64 {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move || sender.send(task.run()).expect("the result is awaited"));
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).expect("the threads listen");
        || receiver.recv().expect("the task succeeds")
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.jobs = None;
        self.threads.drain(..).for_each(|thread| thread.join().expect("no task panics"));
    }
}

/// Submits `count` tasks, taking the oldest result whenever `in_flight` are on their way; the sum of all results.
fn produce<W: FnOnce() -> u64>(count: u64, in_flight: usize, submit: impl Fn(Task) -> W) -> u64 {
    let mut waiting = VecDeque::with_capacity(in_flight);
    let mut sum = 0;
    for number in 1..=count {
        let oldest = if waiting.len() == in_flight { waiting.pop_front() } else { None };
        waiting.push_back(submit(Task::empty(number)));
        sum += oldest.map_or(0, |wait: W| wait());
    }
    waiting.into_iter().fold(sum, |sum, wait| sum + wait())
}

fn check(sums: &[u64], each: u64) {
    assert!(sums.iter().all(|sum| *sum == sum_of(each)), "wrong results");
}

/// Nanoseconds for each of `count`.
#[expect(clippy::cast_precision_loss, reason = "some millions")]
pub(crate) fn nanos_each(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 1e9 / count as f64
}
