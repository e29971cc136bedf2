//! What happened to resources and tasks in one schedule, and what may never happen.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tasker_core::sync::atomic::AtomicBool;
use tasker_core::{CreateContext, Health, Resource, TaskError};

/// What happened so far. Clones are the same book.
///
/// Its lock and counters are std's, so that they add nothing to what shuttle explores; nothing is asserted here, since a
/// pool catches the panics of user code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    /// How often each resource was destroyed, in the order of creation.
    destroyed: Vec<u32>,
    workers: usize,
    most_workers: usize,
    faults: Vec<String>,
}

impl Book {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what may never happen.
    pub(crate) fn fault(&self, what: impl Into<String>) {
        self.entries().faults.push(what.into());
    }

    /// Resources created.
    pub(crate) fn created(&self) -> usize {
        self.entries().destroyed.len()
    }

    /// Fails unless every resource was destroyed once, there were never more than `max_workers` workers, and nothing
    /// else was noted.
    pub(crate) fn close(&self, max_workers: usize) {
        let entries = self.entries();
        assert!(entries.faults.is_empty(), "{:?}", entries.faults);
        assert!(entries.destroyed.iter().all(|&times| times == 1), "destroyed: {:?}", entries.destroyed);
        assert!(entries.most_workers <= max_workers, "{} workers at once", entries.most_workers);
    }
}

/// A worker from the creation of its resource to the end of its destruction.
#[derive(Debug)]
struct Present(Option<Book>);

impl Present {
    fn begin(book: &Book, of_worker: bool) -> Self {
        let mut entries = book.entries();
        entries.workers += usize::from(of_worker);
        entries.most_workers = entries.most_workers.max(entries.workers);
        Self(of_worker.then(|| book.clone()))
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        if let Some(book) = &self.0 {
            book.entries().workers -= 1;
        }
    }
}

/// A resource that keeps the book.
#[derive(Debug)]
pub(crate) struct Part {
    book: Book,
    number: usize,
    destroyed: bool,
    /// No task may meet it any more.
    spoilt: bool,
    // Last, so that it counts until all else is dropped.
    _present: Present,
}

impl Resource for Part {
    type Config = Book;
    type Error = Fault;

    async fn create(book: &Book, cx: &CreateContext) -> Result<Self, Fault> {
        let present = Present::begin(book, cx.worker.is_some());
        breathe().await;
        let mut entries = book.entries();
        let number = entries.destroyed.len();
        entries.destroyed.push(0);
        drop(entries);
        Ok(Self { book: book.clone(), number, destroyed: false, spoilt: false, _present: present })
    }

    async fn destroy(mut self) -> Result<(), Fault> {
        self.destroyed = true;
        self.book.entries().destroyed[self.number] += 1;
        breathe().await;
        Ok(())
    }

    fn check_health(&self, error: &Fault) -> Health {
        match error {
            Fault::Own => Health::Healthy,
            Fault::Sick => Health::Unhealthy,
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.destroyed {
            self.book.fault("a resource was dropped and not destroyed");
        }
    }
}

/// The error of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The resource is fine.
    Own,
    /// The resource is broken.
    Sick,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It gives `()`.
    Succeed,
    /// It fails, on a resource that is fine.
    Fail,
    /// Its first attempt breaks the resource.
    Sicken,
    /// It panics.
    Panic,
}

/// A task. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    deed: Deed,
    most: u32,
    attempts: Arc<AtomicU32>,
}

impl Task {
    /// A task that may be begun `most` times.
    pub(crate) fn new(deed: Deed, most: u32) -> Self {
        Self { deed, most, attempts: Arc::default() }
    }

    /// Attempts that were begun.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// One attempt on a thread.
    pub(crate) fn act(&self, part: &mut Part) -> Result<(), Fault> {
        let attempt = self.begin(part);
        AtomicBool::new(true).load(Ordering::SeqCst);
        self.end(attempt, part)
    }

    /// One attempt that can be interrupted in the middle.
    pub(crate) async fn act_async(&self, part: &mut Part) -> Result<(), Fault> {
        let attempt = self.begin(part);
        breathe().await;
        self.end(attempt, part)
    }

    fn begin(&self, part: &mut Part) -> u32 {
        if part.spoilt {
            part.book.fault("a task met a resource that was not to be used any more");
        }
        part.spoilt = true;
        self.attempts.fetch_add(1, Ordering::Relaxed)
    }

    fn end(&self, attempt: u32, part: &mut Part) -> Result<(), Fault> {
        match self.deed {
            Deed::Sicken if attempt == 0 => return Err(Fault::Sick),
            // Past the hook, which would take it for the end of the test.
            Deed::Panic => std::panic::resume_unwind(Box::new("as told")),
            Deed::Succeed | Deed::Fail | Deed::Sicken => part.spoilt = false,
        }
        if self.deed == Deed::Fail { Err(Fault::Own) } else { Ok(()) }
    }
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    Failed,
    Exhausted,
    Panicked,
    Cancelled,
    Displaced,
    Refused,
    Killed,
}

/// A task with what its handle said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) task: Task,
    pub(crate) end: Result<(), TaskError<Fault>>,
}

impl Answer {
    /// How it ended, which has to agree with what it did.
    pub(crate) fn end(&self) -> End {
        let attempts = self.task.attempts();
        let (end, agrees) = match &self.end {
            Ok(()) => (End::Done, attempts >= 1 && self.task.deed != Deed::Fail),
            Err(TaskError::Failed(_)) => (End::Failed, attempts >= 1 && self.task.deed == Deed::Fail),
            Err(TaskError::Exhausted { attempts: told, .. }) => (End::Exhausted, attempts == *told),
            Err(TaskError::Panicked { .. }) => {
                (End::Panicked, attempts == 1 && self.task.deed == Deed::Panic)
            }
            Err(TaskError::Cancelled) => (End::Cancelled, true),
            Err(TaskError::Displaced) => (End::Displaced, attempts == 0),
            Err(TaskError::Refused(_)) => (End::Refused, attempts == 0),
            Err(TaskError::Killed) => (End::Killed, true),
            Err(other) => panic!("nothing here ends so: {other:?}"),
        };
        assert!(agrees && attempts <= self.task.most, "{self:?} after {attempts} attempts");
        end
    }
}

/// Lets all others go on for a moment; here a future can be dropped.
pub(crate) async fn breathe() {
    let mut breathed = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut breathed, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
