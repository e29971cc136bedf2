//! Thumbnails of a directory of images, made in child processes that may be killed at any moment.
//!
//! ```text
//! cargo run --release -p tasker-tokio --example thumbnails -- --chaos
//! ```
//!
//! The pool's main job in one picture: each worker owns a child process (`processor.rs`), which decodes what strangers
//! have sent (`child.rs`) and may die of it. A child that died is replaced and its image tried again elsewhere; an
//! image that is no image is an error of its own and costs no child. With `--chaos` somebody shoots at the children
//! meanwhile (`chaos.rs`), by rules that make "every good image is done" certain (`seat.rs`).

// gate: --chaos --images 120 --quiet

mod chaos;
mod child;
mod cli;
mod files;
mod images;
mod leftover;
mod processor;
mod progress;
mod protocol;
mod rng;
mod seat;
mod summary;

use std::env;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tasker_tokio::scaling::Threshold;
use tasker_tokio::{Backoff, Pool, Priority, TaskContext};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::chaos::Chaos;
use crate::cli::{Asked, Input, Options};
use crate::files::{Job, Scratch, blocking};
use crate::processor::{Processor, Setup};
use crate::progress::Progress;
use crate::seat::Registry;
use crate::summary::{Chronicle, Outcome, Summary, judge_all};

/// How long one attempt may take: a child that hangs is as bad as one that died.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long work goes on after the first Ctrl-C.
const STOP_WITHIN: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(100);

const WENT_WRONG: u8 = 1;
const USAGE: u8 = 2;
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    // Before anything else: a worker process needs no runtime.
    if env::args_os().nth(1).is_some_and(|first| first == child::FLAG) {
        return child::main();
    }
    let status = match cli::parse(env::args_os().skip(1)) {
        Ok(Asked::Help) => {
            print!("{}", cli::HELP);
            Ok(0)
        }
        Ok(Asked::Run(options)) => start(options),
        Err(why) => Err(Trouble { status: USAGE, what: format!("{why} (--help tells more)") }),
    };
    ExitCode::from(status.unwrap_or_else(|Trouble { status, what }| {
        eprintln!("thumbnails: {what}");
        status
    }))
}

/// Why there is nothing to sum up.
#[derive(Debug)]
struct Trouble {
    status: u8,
    what: String,
}

impl Trouble {
    fn usage(what: String) -> Self {
        Self { status: USAGE, what }
    }

    fn other(what: &str, error: impl std::fmt::Display) -> Self {
        Self { status: WENT_WRONG, what: format!("{what}: {error}") }
    }
}

fn start(options: Options) -> Result<u8, Trouble> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Trouble::other("no runtime", error))?;
    let trouble = |error| Trouble::other("no temporary directory", error);
    let mut scratch = Scratch::new().map_err(trouble)?;
    // Thumbnails of images we made go with these; those of the user's stay.
    let mut results = match (&options.input, &options.out) {
        (Input::Directory(_), None) => Some(Scratch::new().map_err(trouble)?),
        _ => None,
    };
    let into = match (&options.out, &results) {
        (Some(out), _) => out.clone(),
        (None, Some(results)) => results.path().to_owned(),
        (None, None) => scratch.directory("thumbnails").map_err(trouble)?,
    };
    let status = runtime.block_on(run(&options, &scratch, &into));
    // Waits for files being written, so that directories can go after that.
    drop(runtime);
    if status.is_ok() {
        results.iter_mut().for_each(Scratch::keep);
    }
    if options.keep {
        scratch.keep();
    }
    status
}

async fn run(options: &Options, scratch: &Scratch, into: &Path) -> Result<u8, Trouble> {
    let mut interrupts = interrupts();
    let Some(jobs) = prepare(options, scratch, into, &mut interrupts).await? else { return Ok(INTERRUPTED) };
    let registry = Arc::new(Registry::default());
    let pool = build(options, &registry).await?;
    let listener = tokio::spawn(Chronicle::listen(pool.events(), options.workers));
    let chaos = options.chaos.then(|| Chaos::begin(registry, options.seed, options.retries));

    let (began, retries) = (Instant::now(), options.retries);
    let (outcomes, interrupted) = work(&pool, jobs, options.quiet, &mut interrupts).await;
    let took = began.elapsed();

    let chaos = match chaos {
        Some(chaos) => Some(chaos.end().await),
        None => None,
    };
    let report = pool.stop().await.map_err(|error| Trouble::other("the pool did not stop", error))?;
    let judging = blocking(move || Ok(judge_all(&outcomes, retries)));
    let summary = Summary {
        endings: judging.await.map_err(|error| Trouble::other("the thumbnails were not checked", error))?,
        took,
        metrics: pool.metrics(),
        report,
        chronicle: listener.await.unwrap_or_default(),
        chaos,
        children_left: leftover::children().await,
    };
    println!("{summary}");
    match (summary.is_good(), interrupted) {
        (true, _) => Ok(0),
        (false, true) => Ok(INTERRUPTED),
        (false, false) => Ok(WENT_WRONG),
    }
}

/// Each Ctrl-C from now on.
fn interrupts() -> UnboundedReceiver<()> {
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move { while tokio::signal::ctrl_c().await.is_ok() && tell.send(()).is_ok() {} });
    told
}

/// Finds or makes the images; `None` if it was interrupted.
async fn prepare(
    options: &Options,
    scratch: &Scratch,
    into: &Path,
    interrupts: &mut UnboundedReceiver<()>,
) -> Result<Option<Vec<Job>>, Trouble> {
    check_out(options)?;
    let jobs = match &options.input {
        Input::Directory(directory) => list(directory, into)?,
        Input::Made(count) => {
            let making = make(options, *count, (scratch, into), interrupts);
            let Some(jobs) = making.await.map_err(|error| Trouble::other("making images", error))? else {
                return Ok(None);
            };
            jobs
        }
    };
    let crashers = if options.chaos {
        let made = scratch.directory("crashers").and_then(|directory| images::crashers(&directory, into));
        made.map_err(|error| Trouble::other("making crashers", error))?
    } else {
        Vec::new()
    };
    println!("{} files; thumbnails go to {}", jobs.len() + crashers.len(), into.display());
    Ok(Some([crashers, jobs].concat()))
}

/// Makes sure of the directory for the thumbnails.
fn check_out(options: &Options) -> Result<(), Trouble> {
    let Some(out) = &options.out else { return Ok(()) };
    std::fs::create_dir_all(out)
        .map_err(|error| Trouble::usage(format!("--out {}: {error}", out.display())))?;
    let same = |input: &Path| matches!((input.canonicalize(), out.canonicalize()), (Ok(a), Ok(b)) if a == b);
    match &options.input {
        Input::Directory(input) if same(input) => Err(Trouble::usage(
            "--out must be another directory: the thumbnails bear the images' names".into(),
        )),
        Input::Directory(_) | Input::Made(_) => Ok(()),
    }
}

fn list(directory: &Path, into: &Path) -> Result<Vec<Job>, Trouble> {
    match files::list(directory, into) {
        Ok(jobs) if jobs.is_empty() => {
            Err(Trouble::usage(format!("no JPEG or PNG in {}", directory.display())))
        }
        Ok(jobs) => Ok(jobs),
        Err(error) => Err(Trouble::usage(format!("{}: {error}", directory.display()))),
    }
}

async fn make(
    options: &Options,
    count: usize,
    (scratch, into): (&Scratch, &Path),
    interrupts: &mut UnboundedReceiver<()>,
) -> io::Result<Option<Vec<Job>>> {
    let (directory, into) = (scratch.directory("images")?, into.to_owned());
    let kept = if options.keep { "" } else { ", until the end" };
    let (seed, quiet) = (options.seed, options.quiet);
    println!("making {count} images and a few broken ones in {}{kept}", scratch.path().display());
    let (progress, go_on) = (Progress::new("making", count, quiet), Arc::new(AtomicBool::new(true)));
    let making = blocking({
        let go_on = Arc::clone(&go_on);
        move || {
            images::make(&directory, &into, (count, seed), &|| {
                progress.advance();
                go_on.load(Ordering::Relaxed)
            })
        }
    });
    tokio::pin!(making);
    tokio::select! {
        jobs = &mut making => jobs.map(Some),
        Some(()) = interrupts.recv() => {
            go_on.store(false, Ordering::Relaxed);
            making.await.map(|_| None)
        }
    }
}

async fn build(options: &Options, registry: &Arc<Registry>) -> Result<Pool<Processor>, Trouble> {
    let program = env::current_exe().map_err(|error| Trouble::other("where this program is", error))?;
    Pool::<Processor>::builder(Setup { program, registry: Arc::clone(registry) })
        .name("thumbnails")
        .workers(options.workers)
        .max_workers(options.max_workers)
        .scaling(Threshold::new(2 * options.workers))
        .burst_interval(Duration::from_millis(20))
        // The files are all known, and a name takes little memory: there is nobody to hold back.
        .unbounded()
        .max_retries(options.retries)
        // A file that brings its worker down comes back later rather than at once, and lets the others go first.
        .retry(Backoff::new().first(Duration::from_millis(10)).max(Duration::from_millis(200)))
        // A child that dies young is no sign of trouble here, so the next one need not wait for long.
        .create_backoff(Backoff::new().first(Duration::from_millis(5)).max(Duration::from_millis(100)))
        .create_timeout(Duration::from_secs(10))
        .destroy_timeout(Duration::from_secs(5))
        .probe_interval(Duration::from_millis(200))
        .seed(options.seed)
        .build()
        .await
        .map_err(|error| Trouble::other("no worker process", error))
}

/// Submits all jobs and waits for what becomes of each; also says whether it was interrupted.
async fn work(
    pool: &Pool<Processor>,
    jobs: Vec<Job>,
    quiet: bool,
    interrupts: &mut UnboundedReceiver<()>,
) -> (Vec<Outcome>, bool) {
    let (tell, mut told) = unbounded_channel();
    let progress = Progress::new("thumbnails", jobs.len(), quiet);
    jobs.into_iter().for_each(|job| submit(pool, Arc::new(job), tell.clone()));
    drop(tell);
    let (mut outcomes, mut interrupted, mut tick) = (Vec::new(), 0, tokio::time::interval(TICK));
    loop {
        tokio::select! {
            outcome = told.recv() => {
                let Some(outcome) = outcome else { return (outcomes, interrupted > 0) };
                note(&progress, &outcome);
                outcomes.push(outcome);
            }
            Some(()) = interrupts.recv() => {
                interrupted += 1;
                interrupt(pool, interrupted);
            }
            _ = tick.tick() => progress.show(&pool.stats(), &pool.metrics()),
        }
    }
}

/// Submits one job. Its handle resolves whatever happens, and so it is told of whatever happens.
fn submit(pool: &Pool<Processor>, job: Arc<Job>, tell: UnboundedSender<Outcome>) {
    let request =
        pool.task().name(Arc::clone(&job.name)).priority(priority(&job)).timeout(TIMEOUT).retry_on_timeout();
    let task = {
        let job = Arc::clone(&job);
        async move |processor: &mut Processor, _: &TaskContext| processor.thumbnail(&job).await
    };
    request.submit_then(task, move |result| {
        // Nobody listens only if this program is on its way out.
        let _ = tell.send((job, result));
    });
}

const fn priority(job: &Job) -> Priority {
    if job.size <= files::SMALL { Priority::High } else { Priority::Normal }
}

fn note(progress: &Progress, (job, result): &Outcome) {
    progress.advance();
    if let Err(error) = result {
        progress.say(&format!("{}: {error}", job.name));
    }
}

/// The first Ctrl-C stops gracefully, the next one kills. Every task's handle resolves either way.
fn interrupt(pool: &Pool<Processor>, times: u32) {
    let pool = pool.clone();
    if times == 1 {
        eprintln!("stopping within {STOP_WITHIN:?}; Ctrl-C again stops at once");
        tokio::spawn(async move { pool.stop_within(STOP_WITHIN).await });
    } else {
        eprintln!("stopping now");
        tokio::spawn(async move { pool.kill().await });
    }
}
