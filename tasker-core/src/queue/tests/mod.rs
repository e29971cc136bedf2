//! The inbox without a pool: what submitters, workers and the control loop see of it, one call at a time.

mod lone;
#[cfg(not(any(tasker_loom, tasker_shuttle, miri)))]
mod random;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use super::arrivals::Arrivals;
use super::inbox::{Counts, Inbox, Overflow, QueueSettings};
use super::intake::Intake;
use super::seekers::Seekers;
use super::state::{Calls, Effects};
use super::{Appetite, CameFrom, Comes, Leave, Pull, Queue, Share};
use crate::error::Refusal;
use crate::ids::WorkerId;
use crate::sync::{Arc, Lock};
use crate::task::current;
use crate::task::job::Job;
use crate::task::{End, Priority, Shared, Sole, Task, TaskCore, TaskOptions};
use crate::testing::{Bell, Desk};
use crate::time::Timestamp;

type PlainTask = Task<Captured, u32, String>;

/// What a task holds; says so when it goes.
#[derive(Default)]
struct Captured(Option<Box<dyn FnOnce() + Send>>);

impl Drop for Captured {
    fn drop(&mut self) {
        if let Some(tell) = self.0.take() {
            tell();
        }
    }
}

#[derive(Debug)]
struct Plain(Sole<PlainTask>);

impl Job for Plain {
    type Error = String;
    type Task = PlainTask;

    fn own(&self) -> &Sole<PlainTask> {
        &self.0
    }

    fn own_mut(&mut self) -> &mut Sole<PlainTask> {
        &mut self.0
    }

    fn into_own(self) -> Sole<PlainTask> {
        self.0
    }
}

fn job_that_holds(captured: Captured, options: TaskOptions) -> Plain {
    Plain(PlainTask::pair(TaskCore::new(options, 0, Timestamp::ZERO), captured, |task| task).0)
}

fn job_with(options: TaskOptions) -> Plain {
    job_that_holds(Captured::default(), options)
}

fn job() -> Plain {
    job_with(TaskOptions::default())
}

fn delayed() -> Plain {
    job_with(TaskOptions { delay: Some(Duration::from_secs(1)), ..TaskOptions::default() })
}

fn id(number: u64) -> WorkerId {
    WorkerId::new(number)
}

/// An inbox, and workers that come to it.
struct Rig {
    desk: Desk,
    inbox: Arc<Inbox<Plain>>,
}

impl Rig {
    fn new(capacity: Option<usize>) -> Self {
        Self::with(&QueueSettings { capacity, overflow: Overflow::Reject, ageing: None })
    }

    fn with(settings: &QueueSettings) -> Self {
        let desk = Desk::new();
        let inbox = Arc::new(Inbox::new(settings, Arc::clone(&desk.hub)));
        Self { desk, inbox }
    }

    /// Workers with a place for what they take along.
    fn workers<const N: usize>(&self) -> [Arc<Share<Plain>>; N] {
        std::array::from_fn(|index| self.inbox.open_share(id(index as u64 + 1)))
    }

    fn submit(&self, job: Plain) -> Comes {
        self.inbox.submit(job, 0, Timestamp::ZERO, None).expect("it is taken")
    }

    fn submit_many(&self, count: usize) {
        for _ in 0..count {
            self.submit(job());
        }
    }

    /// Submits a task that can be ended from outside.
    fn submit_shared(&self, job: Plain) -> Shared {
        let shared = job.own().share();
        self.submit(job);
        shared
    }

    fn cancel(&self, task: &Shared) {
        assert!(task.cut(&self.desk.hub, &End::Cancelled).is_some(), "it has not ended");
        self.inbox.forfeit(task);
    }

    fn pull(&self, share: &Share<Plain>, waker: &Waker, from: CameFrom, tasks: usize) -> Pull<Plain> {
        self.inbox.pull(share, waker, from, Appetite { tasks, looks: false }, Timestamp::ZERO)
    }

    /// A worker comes from elsewhere, and finds nothing.
    fn sleep(&self, share: &Share<Plain>) -> Arc<Bell> {
        let bell = Arc::<Bell>::default();
        assert!(matches!(self.pull(share, &bell.waker(), CameFrom::Elsewhere, 1), Pull::Wait));
        bell
    }

    /// A worker comes from elsewhere, gets a task, and may take others along.
    fn take(&self, share: &Share<Plain>, tasks: usize) -> Plain {
        let Pull::Task(job) = self.pull(share, Waker::noop(), CameFrom::Elsewhere, tasks) else {
            panic!("a task waits")
        };
        job
    }

    fn counts(&self) -> Counts {
        self.inbox.counts()
    }

    fn dead(&self) -> isize {
        self.inbox.state().dead
    }

    /// How many delayed tasks there are, the dead included.
    fn delayed(&self) -> usize {
        self.inbox.state().delayed.len()
    }

    /// How many shares hold something.
    fn stocked(&self) -> usize {
        self.inbox.state().stocked.iter().sum()
    }
}

#[test]
fn two_look_around_at_a_time_and_nobody_is_called_meanwhile() {
    let mut seekers = Seekers::default();
    assert_eq!([1, 2, 3].map(|worker| seekers.look(id(worker))), [true, true, false]);
    seekers.sleep(id(3), Waker::noop().clone());
    seekers.sleep(id(4), Waker::noop().clone());
    assert_eq!((seekers.count(), seekers.asleep()), (4, 2));
    assert!(seekers.call_one().is_none());
    [1, 2].into_iter().for_each(|worker| seekers.arrives(id(worker)));
    assert!(
        seekers.call_one().is_some() && seekers.call_one().is_none(),
        "the one that was called is on its way"
    );
    assert_eq!((seekers.count(), seekers.asleep()), (2, 1));
}

#[test]
fn workers_on_a_runtime_are_called_one_for_each_task() {
    let mut seekers = Seekers::default();
    (1..=2).for_each(|worker| seekers.sleep(id(worker), Waker::noop().clone()));
    assert!(seekers.call_one().is_some() && seekers.call_one().is_some() && seekers.call_one().is_none());
}

#[test]
fn a_call_is_for_workers_of_lower_lanes() {
    let (urgent, normal) = (Calls::lane(0), Calls::lane(1));
    assert_eq!([0, 1, 2].map(|lane| urgent.above(lane)), [false, true, true]);
    assert_eq!([0, 1, 2].map(|lane| normal.above(lane)), [false, false, true]);
    assert!([urgent, normal, normal.and(normal), normal.and(urgent)].iter().all(|calls| calls.any()));
    assert!(!Calls(0).any() && normal.and(urgent).above(1));
}

#[test]
fn what_has_to_be_done_after_the_lock_is_seen() {
    assert!(Effects::<Plain>::none().are_none());
    let mut effects = Effects::none();
    effects.trash.push(job());
    assert!(!effects.are_none());
    let [mut one, mut another] = [(); 2].map(|()| Effects::<Plain>::none());
    one.wake = Some(Waker::noop().clone());
    another.wake_all.push(Waker::noop().clone());
    assert!(!one.are_none() && !another.are_none());
}

#[test]
fn an_intake_takes_as_many_as_it_has_credit_for_and_calls_for_their_lanes() {
    let intake = Intake::new();
    assert!(intake.leave(job()).is_err(), "without credit");
    intake.set_credit(&mut intake.shut(), 2);
    assert!(intake.leave(job()).is_ok_and(|alone| alone));
    assert!(intake.leave(job()).is_ok_and(|alone| !alone));
    assert!(intake.leave(job()).is_err());
    assert_eq!(intake.calls(), Calls::lane(Priority::Normal.lane()));
    let (mut gate, mut jobs) = (intake.shut(), Arrivals::new());
    assert!(!gate.is_empty());
    intake.take_over(&mut gate, &mut jobs);
    assert!(gate.is_empty() && !intake.calls().any());
    assert_eq!(jobs.len(), 2);
}

#[test]
fn a_submitter_is_told_when_its_task_is_the_next() {
    let rig = Rig::new(None);
    rig.counts();
    let comes = [(); 2].map(|()| rig.submit(job()));
    assert_eq!(comes, [Comes::Soon, Comes::Later], "the second has another before it");
    let rig = Rig::new(None);
    rig.inbox.retire(1);
    assert_eq!(rig.submit(job()), Comes::Later, "whoever comes first leaves");
}

#[test]
fn an_inbox_beckons_while_there_is_something_to_come_for() {
    let rig = Rig::new(None);
    let [worker] = rig.workers();
    assert!(!rig.inbox.beckons());
    rig.inbox.retire(1);
    assert!(rig.inbox.beckons());
    rig.inbox.recall(1);
    assert!(!rig.inbox.beckons());
    rig.submit(job());
    assert!(rig.inbox.beckons());
    rig.inbox.pause(true);
    assert!(!rig.inbox.beckons());
    rig.inbox.pause(false);
    assert!(rig.inbox.beckons());
    let running = rig.take(&worker, 1);
    assert!(!rig.inbox.beckons());
    rig.inbox.close();
    assert!(rig.inbox.beckons(), "workers are to see whether they are needed any more");
    drop(running);
}

#[test]
fn permits_that_were_recalled_are_for_nobody() {
    let rig = Rig::new(None);
    let [first, second] = rig.workers();
    rig.submit(job());
    rig.inbox.retire(2);
    rig.inbox.recall(1);
    let pulled = rig.pull(&first, Waker::noop(), CameFrom::Elsewhere, 1);
    assert!(matches!(pulled, Pull::Leave(Leave::Retired)), "before the task, which is for those that stay");
    drop(rig.take(&second, 1));
}

#[test]
fn those_who_sleep_are_called_by_the_end_of_a_pause_and_not_by_its_beginning() {
    let rig = Rig::new(None);
    let workers: [_; 3] = rig.workers();
    let bells = workers.each_ref().map(|worker| rig.sleep(worker));
    assert_eq!(rig.counts().idle, 3);
    let rung = || bells.iter().map(|bell| bell.rung()).sum::<usize>();
    assert!(rig.inbox.pause(true) && !rig.inbox.pause(true));
    rig.submit(job());
    assert_eq!(rung(), 0);
    assert!(rig.inbox.pause(false) && !rig.inbox.pause(false));
    assert_eq!(rung(), 3);
}

#[test]
fn a_retry_that_is_due_now_waits_in_its_lane() {
    let rig = Rig::new(None);
    let [worker] = rig.workers();
    rig.submit(job());
    let running = rig.take(&worker, 1);
    let now = Timestamp::from_nanos(7);
    assert!(rig.inbox.retry(running, 0, Some(now), now).is_none());
    assert_eq!((rig.counts().queued(), rig.counts().delayed), (1, 0));
}

#[test]
fn the_dead_are_counted_until_they_are_thrown_away() {
    let rig = Rig::new(None);
    let [worker] = rig.workers();
    let tasks = [rig.submit_shared(job()), rig.submit_shared(delayed())];
    tasks.iter().for_each(|task| rig.cancel(task));
    assert_eq!(rig.dead(), 2);
    rig.sleep(&worker);
    assert_eq!(rig.dead(), 1, "a worker that looked for tasks has found one");
    assert_eq!(rig.inbox.release_due(Timestamp::MAX), None);
    assert_eq!(rig.dead(), 0);
    rig.cancel(&rig.submit_shared(job()));
    assert!(rig.inbox.discard(Refusal::Stopping).is_empty());
    assert_eq!(rig.dead(), 0);
}

#[test]
fn dead_tasks_stay_while_the_living_outnumber_them_and_are_then_thrown_away() {
    let rig = Rig::new(None);
    let tasks: Vec<_> = (0..150).map(|_| rig.submit_shared(delayed())).collect();
    tasks[..75].iter().for_each(|task| rig.cancel(task));
    assert_eq!((rig.delayed(), rig.dead()), (150, 75));
    rig.cancel(&tasks[75]);
    assert_eq!((rig.delayed(), rig.dead()), (74, 0));
    assert_eq!(rig.counts().delayed, 74);
}

#[test]
fn a_worker_takes_half_of_what_falls_to_each_that_is_awake() {
    let rig = Rig::new(None);
    let [first, _second, _third] = rig.workers();
    rig.submit_many(31);
    let running = rig.take(&first, 32);
    assert_eq!((rig.counts().queued(), rig.counts().running), (30, 1));
    assert_eq!(rig.stocked(), 1);
    assert_eq!(first.open().jobs.len(), 5);
    drop(running);
    let next = rig.pull(&first, Waker::noop(), CameFrom::Task, 1);
    assert!(matches!(next, Pull::Task(_)));
    assert_eq!((rig.counts().queued(), rig.counts().running), (29, 1));
    assert_eq!(first.open().jobs.len(), 4, "it came from there");
}

#[test]
fn nothing_is_taken_along_while_somebody_waits_for_it() {
    let rig = Rig::new(None);
    let [first, second, third] = rig.workers();
    let _bells = [rig.sleep(&second), rig.sleep(&third)];
    rig.inbox.pause(true);
    rig.submit_many(30);
    rig.inbox.state().paused = false;
    drop(rig.take(&first, 32));
    assert_eq!(rig.stocked(), 0, "two workers sleep");
}

#[test]
fn nothing_is_taken_along_while_somebody_waits_for_room() {
    let rig = Rig::new(Some(30));
    let [first] = rig.workers();
    rig.submit_many(30);
    let mut waits = [(); 2].map(|()| rig.inbox.room());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waits.iter_mut().all(|wait| Pin::new(wait).poll(&mut cx).is_pending()));
    drop(rig.take(&first, 32));
    assert_eq!(rig.stocked(), 0, "each start has to free room at once");
}

#[test]
fn dead_tasks_of_a_share_are_counted_as_such() {
    let rig = Rig::new(None);
    let [worker] = rig.workers();
    let tasks: Vec<_> = (0..9).map(|_| rig.submit_shared(job())).collect();
    drop(rig.take(&worker, 32));
    assert_eq!(worker.open().jobs.len(), 4);
    [&tasks[1], &tasks[2]].into_iter().for_each(|task| rig.cancel(task));
    assert_eq!(rig.dead(), 2);
    assert!(matches!(rig.pull(&worker, Waker::noop(), CameFrom::Task, 1), Pull::Task(_)));
    assert_eq!((rig.counts().queued(), rig.dead()), (5, 0));
}

#[test]
fn a_pool_that_was_killed_gives_its_workers_no_task() {
    let rig = Rig::new(None);
    let [worker] = rig.workers();
    rig.submit(job());
    assert_eq!(rig.inbox.discard(Refusal::Stopping).len(), 1);
    let pulled = rig.pull(&worker, Waker::noop(), CameFrom::Elsewhere, 1);
    assert!(matches!(pulled, Pull::Leave(Leave::Killed)));
    let refused = rig.inbox.submit(job(), 0, Timestamp::ZERO, None);
    assert!(refused.is_err_and(|(_, reason)| reason == Refusal::Stopping));
}

#[test]
fn what_was_cancelled_is_dropped_inside_of_the_worker_that_finds_it_and_may_panic() {
    let rig = Rig::new(None);
    let [worker] = rig.workers();
    let (pool, found) = (rig.desk.hub.pool(), Arc::new(Lock::new(None)));
    let finding = Arc::clone(&found);
    let captured = Captured(Some(Box::new(move || {
        *finding.lock() = current::inside_of(pool).and_then(|inside| inside.worker);
        panic!("it goes with a bang");
    })));
    rig.cancel(&rig.submit_shared(job_that_holds(captured, TaskOptions::default())));
    rig.sleep(&worker);
    assert_eq!(*found.lock(), Some(id(1)));
}

#[test]
fn a_panic_of_what_was_cancelled_stays_there_whoever_throws_it_away() {
    let rig = Rig::new(None);
    let captured = Captured(Some(Box::new(|| panic!("it goes with a bang"))));
    let options = TaskOptions { delay: Some(Duration::from_secs(1)), ..TaskOptions::default() };
    rig.cancel(&rig.submit_shared(job_that_holds(captured, options)));
    assert_eq!(rig.inbox.release_due(Timestamp::MAX), None);
}

#[test]
fn room_that_was_freed_by_what_was_taken_along_is_seen_by_whoever_asks_for_it() {
    let rig = Rig::new(Some(10));
    let [worker] = rig.workers();
    rig.submit_many(10);
    drop(rig.take(&worker, 32));
    rig.submit(job());
    let next = rig.pull(&worker, Waker::noop(), CameFrom::Task, 1);
    assert!(matches!(next, Pull::Task(_)), "it comes from the share");
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut rig.inbox.room()).poll(&mut cx).is_ready());
}

#[test]
fn a_worker_that_takes_an_urgent_task_of_another_keeps_what_it_took_along_itself() {
    let rig = Rig::new(None);
    let [first, second] = rig.workers();
    let urgent = || job_with(TaskOptions { priority: Priority::High, ..TaskOptions::default() });
    rig.submit_many(20);
    drop(rig.take(&first, 32));
    let own = first.open().jobs.len();
    (0..20).for_each(|_| assert_eq!(rig.submit(urgent()), Comes::Later));
    drop(rig.take(&second, 32));
    let others = second.open().jobs.len();
    assert!(own > 0 && others > 0);
    rig.inbox.state().lanes.sweep(&mut |_| false).clear();
    let Pull::Task(next) = rig.pull(&first, Waker::noop(), CameFrom::Task, 1) else { panic!("tasks wait") };
    assert_eq!(next.core().priority(), Priority::High);
    assert_eq!((first.open().jobs.len(), second.open().jobs.len()), (own, others - 1));
}

#[test]
fn a_worker_is_not_reckoned_with_while_it_throws_away_what_it_has_found() {
    for (looks, from) in [(false, CameFrom::Elsewhere), (false, CameFrom::Task), (true, CameFrom::Task)] {
        let rig = Rig::new(None);
        let [share] = rig.workers();
        let came = (from == CameFrom::Task).then(|| (rig.submit_many(1), rig.take(&share, 1)));
        let seen = Arc::<Lock<Option<usize>>>::default();
        let (inbox, noting) = (Arc::clone(&rig.inbox), Arc::clone(&seen));
        let captured = Captured(Some(Box::new(move || *noting.lock() = Some(inbox.counts().idle))));
        let dead = rig.submit_shared(job_that_holds(captured, TaskOptions::default()));
        rig.cancel(&dead);
        let appetite = Appetite { tasks: 1, looks };
        let pulled = rig.inbox.pull(&share, Waker::noop(), from, appetite, Timestamp::ZERO);
        assert!(matches!(pulled, Pull::Look | Pull::Wait), "{pulled:?}");
        assert_eq!(*seen.lock(), Some(0), "while it was inside of the drop");
        assert_eq!((rig.counts().idle, rig.counts().running), (1, 0));
        drop(came);
    }
}

#[test]
fn a_higher_task_is_seen_while_it_is_on_its_way_to_its_lane() {
    let rig = Rig::new(None);
    let [share] = rig.workers();
    rig.submit_many(8);
    let _first = rig.take(&share, 4);
    assert_eq!(rig.stocked(), 1);
    let normal = Priority::Normal.lane();
    assert!(!rig.inbox.calls_while_fetched().above(normal));
    rig.submit(job_with(TaskOptions { priority: Priority::High, ..TaskOptions::default() }));
    assert!(rig.inbox.calls_while_fetched().above(normal), "whoever has normal tasks is to come for it");
    let rig = Rig::new(None);
    let [share] = rig.workers();
    rig.submit_many(1);
    let _only = rig.take(&share, 1);
    rig.submit(job_with(TaskOptions { priority: Priority::High, ..TaskOptions::default() }));
    assert!(!rig.inbox.calls_while_fetched().any(), "nobody has any");
}

#[test]
fn nothing_is_claimed_before_what_has_ended_is_thrown_away() {
    for along in [1, 4] {
        let rig = Rig::new(None);
        let [share, other] = rig.workers();
        let taken = Arc::<Lock<Vec<bool>>>::default();
        let (inbox, taking, noting) = (Arc::clone(&rig.inbox), Arc::clone(&other), Arc::clone(&taken));
        let captured = Captured(Some(Box::new(move || {
            let appetite = Appetite { tasks: 1, looks: false };
            let pulled = inbox.pull(&taking, Waker::noop(), CameFrom::Elsewhere, appetite, Timestamp::ZERO);
            noting.lock().push(matches!(pulled, Pull::Task(_)));
        })));
        // With some taken along, the dead one and the next lie in the share, and what else there is others have.
        rig.submit_many(1);
        let dead = rig.submit_shared(job_that_holds(captured, TaskOptions::default()));
        let others = if along > 1 { 6 } else { 0 };
        rig.submit_many(others + 1);
        let first = rig.take(&share, along);
        let rest: Vec<_> = (0..others).map(|_| rig.take(&other, 1)).collect();
        assert_eq!((rig.stocked(), rig.counts().queued()), (usize::from(along > 1), 2));
        rig.cancel(&dead);
        let second = rig.pull(&share, Waker::noop(), CameFrom::Task, 1);
        assert_eq!(*taken.lock(), [true], "another worker finds the next one");
        drop((first, rest, second));
    }
}
