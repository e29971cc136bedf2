//! `run`: a task past the queue, on a free resource of the reserve; and what pools of resources do.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use benches::Nothing;
use benches::work::{Task, sum_of};
use tokio::runtime::Runtime;

use super::{Limit, Scale, Unit, Work};
use crate::OURS;
use crate::asynchronous::{Bb8, Deadpool, Flavour, OnTokio, Tasks};
use crate::rounds::{Entrant, Measure, nanos_each};
use crate::threads::{Ours, Threads};

const FLOOR: &str = "floor: Mutex<Vec<_>>";
const LIMIT: Limit = Limit::Figure(60.0);

pub(super) fn works() -> Vec<Work> {
    let what = "threads: `run` on a free resource of the reserve, nobody else there";
    let entrants = |scale| vec![floor(scale), on_threads(scale)];
    let on_threads = Work::steady("run threads", what, Unit::Nanos, FLOOR, entrants);
    let what = "tokio: `run` on a free resource of the reserve, nobody else there";
    let on_tokio = Work::steady("run tokio", what, Unit::Nanos, FLOOR, |scale| {
        let runtime = Arc::new(Flavour::CurrentThread.runtime());
        vec![floor(scale), on_tokio(scale, &runtime), deadpool(scale, &runtime), bb8(scale, &runtime)]
    });
    vec![on_threads.bar(LIMIT), on_tokio.bar(LIMIT)]
}

/// A list of resources under a lock.
fn floor(scale: Scale) -> Entrant {
    Entrant::new(FLOOR, move || {
        let resources = Mutex::new(vec![Nothing]);
        let run = move |task: Task| {
            let resource = resources.lock().expect("nobody panics under it").pop().expect("it is free");
            let result = task.run();
            resources.lock().expect("nobody panics under it").push(resource);
            result
        };
        Box::new(move || repeat(scale, &run))
    })
}

fn on_threads(scale: Scale) -> Entrant {
    Entrant::new(OURS, move || {
        let Ours(pool) = Ours::start(1);
        let run = move |task: Task| pool.run(|_, _| Ok(task.run())).expect("the task succeeds");
        Box::new(move || repeat(scale, &run))
    })
}

fn on_tokio(scale: Scale, runtime: &Arc<Runtime>) -> Entrant {
    let runtime = Arc::clone(runtime);
    Entrant::new(OURS, move || {
        let OnTokio(pool) = runtime.block_on(OnTokio::start(1));
        let run = async move |task: Task| {
            pool.run(async move |_, _| Ok(task.run())).await.expect("the task succeeds")
        };
        repeat_async(scale, runtime, run)
    })
}

fn deadpool(scale: Scale, runtime: &Arc<Runtime>) -> Entrant {
    let runtime = Arc::clone(runtime);
    Entrant::new("deadpool", move || {
        let Deadpool(pool) = runtime.block_on(Deadpool::start(1));
        let run = async move |task: Task| {
            let _resource = pool.get().await.expect("it is free");
            task.run()
        };
        repeat_async(scale, runtime, run)
    })
}

fn bb8(scale: Scale, runtime: &Arc<Runtime>) -> Entrant {
    let runtime = Arc::clone(runtime);
    Entrant::new("bb8", move || {
        let Bb8(pool) = runtime.block_on(Bb8::start(1));
        let run = async move |task: Task| {
            let _resource = pool.get().await.expect("it is free");
            task.run()
        };
        repeat_async(scale, runtime, run)
    })
}

const fn calls(scale: Scale) -> u64 {
    scale.pick(50_000, 500_000)
}

fn repeat(scale: Scale, run: &impl Fn(Task) -> u64) -> f64 {
    let began = Instant::now();
    let sum: u64 = (1..=calls(scale)).map(|number| run(Task::empty(number))).sum();
    let time = began.elapsed();
    assert_eq!(sum, sum_of(calls(scale)), "wrong results");
    nanos_each(time, calls(scale))
}

fn repeat_async(scale: Scale, runtime: Arc<Runtime>, run: impl AsyncFn(Task) -> u64 + 'static) -> Measure {
    Box::new(move || {
        let began = Instant::now();
        let sum = runtime.block_on(async {
            let mut sum = 0;
            for number in 1..=calls(scale) {
                sum += run(Task::empty(number)).await;
            }
            sum
        });
        let time = began.elapsed();
        assert_eq!(sum, sum_of(calls(scale)), "wrong results");
        nanos_each(time, calls(scale))
    })
}
