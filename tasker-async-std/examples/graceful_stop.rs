//! Three ways to end a pool, side by side: `stop`, `stop_within` and `kill`, on three pools with the same load.
//!
//! ```sh
//! cargo run -p tasker-async-std --example graceful_stop
//! ```
//!
//! Two printers have a dozen invoices before them when the end comes. `stop` prints them all, `stop_within` what it
//! can in the time it has, `kill` nothing more. What was not printed is named; nothing is lost without a word. It
//! fails if that is not so.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_std::task;
use tasker_async_std::{CreateContext, Pool, Resource, StopReport, Stopped, TaskError, TaskHandle};

const PRINTERS: usize = 2;
const INVOICES: usize = 12;
const ONE_TAKES: Duration = Duration::from_millis(100);

struct Printer;

impl Resource for Printer {
    type Config = ();
    type Error = std::convert::Infallible;

    async fn create(_config: &(), _cx: &CreateContext) -> Result<Self, Self::Error> {
        Ok(Self)
    }
}

#[derive(Clone, Copy)]
enum Way {
    Stop,
    StopWithin(Duration),
    Kill,
}

/// How one of the pools ended.
struct End {
    name: &'static str,
    took: Duration,
    report: Arc<StopReport>,
    /// Invoices whose submitter was told that they are printed, and that they will not be.
    printed: u64,
    given_up: u64,
}

type Failure = Box<dyn Error + Send + Sync>;

#[async_std::main]
async fn main() -> Result<(), Failure> {
    let ways =
        [("stop", Way::Stop), ("stop_within", Way::StopWithin(ONE_TAKES * 5 / 2)), ("kill", Way::Kill)];
    // All at the same time; each waits for its own pool.
    let running = ways.map(|(name, way)| task::spawn(try_out(name, way)));
    let mut ends = Vec::new();
    for end in running {
        ends.push(end.await?);
    }
    print_table(&ends);
    print_undone(&ends);
    check(&ends)
}

async fn try_out(name: &'static str, way: Way) -> Result<End, Failure> {
    let pool = Pool::<Printer>::builder(()).workers(PRINTERS).name(name).build().await?;
    let mut handles = Vec::new();
    for number in 1..=INVOICES {
        handles.push(pool.task().name(format!("invoice-{number}")).submit(async move |_printer, _| {
            task::sleep(ONE_TAKES).await;
            Ok(())
        }));
    }
    task::sleep(ONE_TAKES / 2).await;

    let begun = Instant::now();
    let report = match way {
        Way::Stop => pool.stop().await?,
        Way::StopWithin(time) => pool.stop_within(time).await?,
        Way::Kill => pool.kill().await?,
    };
    let took = begun.elapsed();
    let (printed, given_up) = outcomes(handles).await?;
    Ok(End { name, took, report, printed, given_up })
}

/// What the submitters hear. The pool has ended, so none of these waits takes any time.
async fn outcomes(handles: Vec<TaskHandle<(), std::convert::Infallible>>) -> Result<(u64, u64), Failure> {
    let (mut printed, mut given_up) = (0, 0);
    for handle in handles {
        match handle.await {
            Ok(()) => printed += 1,
            Err(TaskError::Killed) => given_up += 1,
            Err(other) => return Err(other.into()),
        }
    }
    Ok((printed, given_up))
}

fn print_table(ends: &[End]) {
    println!("{:<12} {:>8} {:>8} {:>8}  ended", "way", "took", "printed", "undone");
    for End { name, took, report, .. } in ends {
        let StopReport { how, done, undone, .. } = &**report;
        println!("{name:<12} {:>5} ms {done:>8} {undone:>8}  {how:?}", took.as_millis());
    }
}

fn print_undone(ends: &[End]) {
    for End { name, report, .. } in ends.iter().filter(|end| end.report.undone > 0) {
        println!("\n{name} left undone:");
        for task in &report.undone_tasks {
            let what = task.name.as_deref().unwrap_or("a task without a name");
            println!("  {what}{}", if task.started { ", half printed" } else { "" });
        }
    }
}

fn check(ends: &[End]) -> Result<(), Failure> {
    let expected = [Stopped::Drained, Stopped::DeadlinePassed, Stopped::Killed];
    for (end, how) in ends.iter().zip(expected) {
        let report = &end.report;
        ensure(report.how == how, end, "it ended as asked")?;
        ensure((report.done, report.undone) == (end.printed, end.given_up), end, "everybody was told")?;
        ensure(report.done + report.undone == INVOICES as u64, end, "no invoice is missing")?;
        ensure(report.undone_tasks.iter().all(|task| task.name.is_some()), end, "undone tasks are named")?;
        ensure((how == Stopped::Drained) == (report.undone == 0), end, "only a drain does everything")?;
    }
    Ok(())
}

fn ensure(held: bool, end: &End, what: &str) -> Result<(), Failure> {
    if held { Ok(()) } else { Err(format!("{}: this should hold, and does not: {what}", end.name).into()) }
}
