//! tasker, with a fixed number of workers, room for everything and otherwise as it comes.

use benches::Nothing;
use benches::work::Task;
use tasker_thread::Pool;

use super::Threads;

pub(crate) struct Ours(pub(crate) Pool<Nothing>);

impl Threads for Ours {
    const NAME: &'static str = crate::OURS;

    fn start(workers: usize) -> Self {
        let pool = Pool::builder(()).workers(workers).unbounded().build().expect("threads can be started");
        pool.warm_up(workers);
        Self(pool)
    }

    fn fire(&self, task: Task) {
        let task = move |_: &mut _, _: &_| {
            task.report();
            Ok(())
        };
        self.0.submit(task).detach();
    }

    fn submit(&self, task: Task) -> impl FnOnce() -> u64 + Send {
        let handle = self.0.submit(move |_, _| Ok(task.run()));
        || handle.wait().expect("the task succeeds")
    }
}
