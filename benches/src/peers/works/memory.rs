//! Memory for a task that waits, with whatever its handle needs to stay alive; each contender in a process of its own.

use std::sync::Arc;

use benches::process::resident_bytes;
use benches::work::Task;
use tokio::task::coop::unconstrained;

use super::{Limit, Unit, Work};
use crate::ability::Ability;
use crate::asynchronous::{self, AsyncWork, Flavour, Tasks};
use crate::child;
use crate::rounds::Entrant;
use crate::threads::{self, ThreadWork, Threads};

pub(super) const ON_THREADS: &str = "memory threads";
pub(super) const ON_TOKIO: &str = "memory tokio";

/// Tasks that wait.
const TASKS: u64 = 1_000_000;

pub(super) fn works() -> Vec<Work> {
    let what = "threads: memory of a queued task, of 1 M, handles kept";
    let entrants = |scale| child::each(ON_THREADS, scale, entrants_on_threads());
    let on_threads = Work::steady(ON_THREADS, what, Unit::Bytes, threads::FLOOR, entrants);
    let what = "tokio: memory of a queued task, of 1 M, handles kept";
    let entrants = |scale| child::each(ON_TOKIO, scale, entrants_on_tokio());
    let on_tokio = Work::steady(ON_TOKIO, what, Unit::Bytes, asynchronous::FLOOR, entrants);
    vec![on_threads.once().bar(Limit::Figure(96.0)), on_tokio.once().bar(Limit::Figure(176.0))]
}

pub(super) fn entrants_on_threads() -> Vec<Entrant> {
    threads::all(1, Memory)
}

/// On one thread, which is the submitter's until it waits: nothing runs meanwhile.
pub(super) fn entrants_on_tokio() -> Vec<Entrant> {
    asynchronous::all(Flavour::CurrentThread, Memory)
}

#[derive(Clone, Copy)]
struct Memory;

impl ThreadWork for Memory {
    const NEEDS: Ability = Ability::Queue;

    /// The worker never comes back from its first task. The process is left by `exit`.
    fn measure<P: Threads>(self, pool: &P) -> f64 {
        let mut handles = Vec::with_capacity(usize::try_from(TASKS).expect("a million"));
        let before = resident_bytes();
        (1..=TASKS).for_each(|number| handles.push(pool.submit(Task::endless(number))));
        each(resident_bytes().saturating_sub(before), handles)
    }
}

impl AsyncWork for Memory {
    const NEEDS: Ability = Ability::Queue;

    async fn measure<P: Tasks>(self, pool: &Arc<P>) -> f64 {
        let queue = async {
            let mut handles = Vec::with_capacity(usize::try_from(TASKS).expect("a million"));
            let before = resident_bytes();
            for number in 1..=TASKS {
                handles.push(pool.submit(Task::empty(number)).await);
            }
            each(resident_bytes().saturating_sub(before), handles)
        };
        // Else tokio would make the submitter give way now and then.
        unconstrained(queue).await
    }
}

/// Of a task, without the list that the handles are kept in: that is the user's.
#[expect(clippy::cast_precision_loss, reason = "some megabytes")]
fn each<H>(bytes: u64, handles: Vec<H>) -> f64 {
    // Dropping them could cancel and would free, which is of no interest here.
    std::mem::forget(handles);
    bytes as f64 / TASKS as f64 - size_of::<H>() as f64
}
