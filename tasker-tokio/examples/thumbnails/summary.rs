//! How it went.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tasker_tokio::Metrics;
use tasker_tokio::{Events, PoolEvent, Received, StopReport, TaskError};

use crate::child::fit;
use crate::files::{Expected, Job};
use crate::processor::Fault;
use crate::seat::Fired;

/// What became of a job: the size of the image, or why there is no thumbnail.
pub(crate) type Outcome = (Arc<Job>, Result<(u32, u32), TaskError<Fault>>);

/// Everything there is to say at the end.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) endings: Vec<(Arc<str>, Ending)>,
    pub(crate) took: Duration,
    pub(crate) metrics: Metrics,
    pub(crate) report: Arc<StopReport>,
    pub(crate) chronicle: Chronicle,
    pub(crate) chaos: Option<Fired>,
    pub(crate) children_left: Option<Vec<u32>>,
}

/// What became of a file, by what was known of it beforehand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its thumbnail is there, decodes, and has the right size.
    Done,
    /// It is bad, as was known, and this is why.
    Bad(String),
    /// It should not have ended like this.
    Wrong(String),
    /// The stop came first.
    Undone,
}

/// Looks at all outcomes, and at the thumbnails themselves; by name.
pub(crate) fn judge_all(outcomes: &[Outcome], retries: u32) -> Vec<(Arc<str>, Ending)> {
    let judged = outcomes.iter().map(|outcome| (Arc::clone(&outcome.0.name), judge(outcome, retries)));
    let mut endings: Vec<_> = judged.collect();
    endings.sort_by(|(a, _), (b, _)| a.cmp(b));
    endings
}

fn judge((job, result): &Outcome, retries: u32) -> Ending {
    match (job.expected, result) {
        (_, Err(TaskError::Killed | TaskError::Refused(_))) => Ending::Undone,
        (Expected::Thumbnail(known), Ok(source)) => match examine(job, known, *source) {
            Ok(()) => Ending::Done,
            Err(why) => Ending::Wrong(why),
        },
        (Expected::Undecodable | Expected::Crash, Ok(_)) => {
            Ending::Wrong("has a thumbnail all the same".into())
        }
        (Expected::Undecodable, Err(TaskError::Failed(Fault::Image(why)))) => Ending::Bad(why.clone()),
        (Expected::Crash, Err(error @ TaskError::Exhausted { attempts, .. })) if *attempts == retries + 1 => {
            Ending::Bad(error.to_string())
        }
        (_, Err(TaskError::Failed(fault))) => Ending::Wrong(fault.to_string()),
        (_, Err(error)) => Ending::Wrong(error.to_string()),
    }
}

/// Looks whether a thumbnail decodes and has the size it should have.
fn examine(job: &Job, known: Option<(u32, u32)>, source: (u32, u32)) -> Result<(), String> {
    if known.is_some_and(|known| known != source) {
        return Err(format!("was taken for an image of {source:?}"));
    }
    let reader = image::ImageReader::open(&job.target).and_then(|reader| reader.with_guessed_format());
    let decode = |reader: image::ImageReader<_>| reader.decode().map_err(io::Error::other);
    let thumbnail = reader.and_then(decode).map_err(|error| format!("its thumbnail is bad: {error}"))?;
    let size = (thumbnail.width(), thumbnail.height());
    if size == fit(source) {
        Ok(())
    } else {
        Err(format!("its thumbnail is {size:?}, not {:?}", fit(source)))
    }
}

/// What the pool's events told.
#[derive(Debug, Default)]
pub(crate) struct Chronicle {
    /// How often each file was retried.
    retried: BTreeMap<Arc<str>, u32>,
    /// The most workers the pool wanted.
    peak: usize,
    missed: u64,
}

impl Chronicle {
    /// Listens until the pool has ended.
    pub(crate) async fn listen(mut events: Events, workers: usize) -> Self {
        let mut chronicle = Self { peak: workers, ..Self::default() };
        while let Some(received) = events.recv().await {
            chronicle.note(received);
        }
        chronicle
    }

    fn note(&mut self, received: Received) {
        if let Received::Event(PoolEvent::TaskRetried { name: Some(name), .. }) = received {
            *self.retried.entry(name).or_default() += 1;
        } else if let Received::Event(PoolEvent::Scaled { to, .. }) = received {
            self.peak = self.peak.max(to);
        } else if let Received::Missed(count) = received {
            self.missed += count;
        }
    }
}

impl Summary {
    /// Whether every good image is done and every bad file was named, and nothing is left.
    pub(crate) fn is_good(&self) -> bool {
        let as_expected = |ending: &Ending| matches!(ending, Ending::Done | Ending::Bad(_));
        self.endings.iter().all(|(_, ending)| as_expected(ending))
            && self.report.is_clean()
            && self.children_left.as_ref().is_none_or(Vec::is_empty)
    }

    fn count(&self, is: impl Fn(&Ending) -> bool) -> usize {
        self.endings.iter().filter(|(_, ending)| is(ending)).count()
    }

    fn named(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, ending) in &self.endings {
            match ending {
                Ending::Bad(why) => writeln!(f, "  {name}: {why}")?,
                Ending::Wrong(why) => writeln!(f, "  {name}: {why}  <-- unexpected")?,
                Ending::Done | Ending::Undone => {}
            }
        }
        Ok(())
    }

    fn undone(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for task in &self.report.undone_tasks {
            let name = task.name.as_deref().unwrap_or("without a name");
            writeln!(f, "  {name}{}", if task.started { " (begun)" } else { "" })?;
        }
        let unlisted = self.report.undone.saturating_sub(self.report.undone_tasks.len() as u64);
        if unlisted > 0 { writeln!(f, "  and {unlisted} more") } else { Ok(()) }
    }

    fn work(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { metrics, chronicle, .. } = self;
        let most = chronicle.retried.iter().max_by_key(|(_, times)| **times);
        write!(f, "retried    {} attempts of {} files", metrics.retried, chronicle.retried.len())?;
        if let Some((name, times)) = most {
            write!(f, ", most often {name} ({times})")?;
        }
        if chronicle.missed > 0 {
            write!(f, " (at least: {} events were missed)", chronicle.missed)?;
        }
        let spread = &metrics.execution;
        let (created, peak) = (metrics.created, chronicle.peak);
        writeln!(f, "\nworkers    {} replaced, {created} created, wanted at most {peak}", metrics.replaced)?;
        writeln!(f, "execution  p50 {:.1?}, p95 {:.1?}, p99 {:.1?}", spread.p50, spread.p95, spread.p99)
    }

    fn children(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Fired { at_work, idle }) = self.chaos {
            writeln!(f, "chaos      killed {at_work} worker processes at work, {idle} idle ones")?;
        }
        match self.children_left.as_deref() {
            None => writeln!(f, "children   not looked for on this system"),
            Some([]) => writeln!(f, "children   none left"),
            Some(left) => writeln!(f, "children   LEFT BEHIND: {left:?}"),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = self.count(|ending| *ending == Ending::Done);
        let failed = self.count(|ending| matches!(ending, Ending::Bad(_) | Ending::Wrong(_)));
        let undone = self.count(|ending| *ending == Ending::Undone);
        let rate = done as f64 / self.took.as_secs_f64();
        writeln!(f, "thumbnails {done} done, {failed} failed, {undone} undone; each one done was checked")?;
        writeln!(f, "time       {:.2?}, {rate:.0} images per second", self.took)?;
        self.work(f)?;
        self.children(f)?;
        writeln!(f, "pool       {}", self.report)?;
        if failed > 0 {
            writeln!(f, "failed:")?;
            self.named(f)?;
        }
        if undone > 0 {
            writeln!(f, "undone:")?;
            self.undone(f)?;
        }
        match (self.is_good(), undone) {
            (true, _) => f.write_str("good: every good image is done and every bad file is named"),
            (false, 0) => f.write_str("NOT good: see above"),
            (false, _) => f.write_str("stopped before everything was done"),
        }
    }
}
