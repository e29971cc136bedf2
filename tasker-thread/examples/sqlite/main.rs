//! A SQLite connection per worker: real queries, one that runs away and is interrupted, and a file that goes bad.
//!
//! ```sh
//! cargo run -p tasker-thread --example sqlite
//! ```
//!
//! The database is a file in a temporary directory, which is removed at the end. Each worker opens a private copy of
//! it, as a read replica would be. What the example shows, it also checks: it fails if anything went another way.

mod db;
mod scratch;

use std::error::Error;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tasker_thread::{Events, ExitReason, Pool, PoolEvent, Received, TaskError};

use crate::db::Db;
use crate::scratch::Scratch;

/// Orders in the database, and the regions they are spread over.
const ORDERS: i64 = 5_000;
const REGIONS: i64 = 7;

type Check = Result<(), Box<dyn Error>>;

fn main() -> Check {
    let scratch = Scratch::new("tasker-sqlite")?;
    let config = db::Config::create(scratch.path(), ORDERS, REGIONS)?;

    // `local_builder`: the resources need not be `Send`, since each stays on the thread of its worker.
    let pool = Pool::<Db>::local_builder(config).workers(2).max_retries(2).build()?;
    let mut events = pool.events();
    queries(&pool)?;
    runaway(&pool)?;
    corrupted(&pool, &mut events)?;

    let report = pool.stop()?;
    println!("\n{report}");
    ensure(report.is_clean(), "everything was done and destroyed")?;
    ensure(scratch.is_empty_but_for("orders.db")?, "each worker removed its copy")
}

/// One query a region, all at once, run by whichever worker is free.
fn queries(pool: &Pool<Db>) -> Check {
    println!("queries");
    let handles: Vec<_> =
        (0..REGIONS).map(|region| pool.submit(move |db, _| db.orders_and_total(region))).collect();
    let (mut orders, mut cents) = (0, 0);
    for (region, handle) in handles.into_iter().enumerate() {
        let (number, total) = handle.wait()?;
        println!("  region {region}: {number} orders, {total} cents");
        (orders, cents) = (orders + number, cents + total);
    }
    ensure(orders == ORDERS, "each order is in one region")?;
    ensure(cents == (1..=ORDERS).sum(), "the totals add up")?;

    // An error of the query, not of the connection: it goes to the caller, and no worker is replaced.
    let typo = pool.submit(|db, _| db.query_i64("SELEKT 1")).wait();
    ensure(matches!(typo, Err(TaskError::Failed(_))), "a syntax error is the caller's")?;
    ensure(pool.metrics().replaced == 0, "a syntax error replaces no worker")
}

/// A query that would never end. Its caller has the answer when the timeout is over; the worker comes back as soon as
/// SQLite was interrupted, and keeps its connection.
fn runaway(pool: &Pool<Db>) -> Check {
    println!("\na runaway query");
    let (tell, told) = mpsc::channel();
    let begun = Instant::now();
    let handle = pool.task().name("runaway").timeout(Duration::from_millis(200)).submit(move |db, cx| {
        let result = db.interruptible(cx, |db| db.query_i64(RUNAWAY));
        // Nobody waits for this result any more, hence the other way to tell.
        let _ = tell.send(result.as_ref().err().map(ToString::to_string));
        result
    });
    let result = handle.wait();
    println!("  its caller, after {:?}: {}", begun.elapsed(), result.as_ref().expect_err("it never ends"));
    ensure(matches!(result, Err(TaskError::TimedOut { .. })), "the runaway query timed out")?;

    let error = told.recv_timeout(Duration::from_secs(3))?.ok_or("the runaway query came to an end")?;
    println!("  its worker, after {:?}: {error}", begun.elapsed());
    ensure(error.contains("interrupted"), "SQLite says that it was interrupted")?;
    ensure(
        pool.submit(|db, _| db.query_i64("SELECT count(*) FROM orders")).wait()? == ORDERS,
        "all is well",
    )?;
    ensure(pool.metrics().replaced == 0, "an interruption replaces no worker")
}

/// Counts for ever.
const RUNAWAY: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

/// A worker's copy of the file goes bad under it. `check_health` recognises that by SQLite's error, the worker is
/// replaced, the replacement copies the file afresh, and the task is retried elsewhere: its caller notices nothing.
fn corrupted(pool: &Pool<Db>, events: &mut Events) -> Check {
    println!("\na corrupted database");
    let handle = pool.task().name("count").submit(|db, cx| {
        if cx.attempt() == 1 {
            db.scribble_over_the_file(); // stands for a failing disk
        }
        Ok((db.query_i64("SELECT count(*) FROM orders")?, cx.attempt()))
    });
    let (orders, attempt) = handle.wait()?;
    println!("  {orders} orders, in attempt {attempt}");
    ensure((orders, attempt) == (ORDERS, 2), "the second attempt succeeds")?;

    // The worker leaves and is replaced in its own time, after the task was handed on.
    loop {
        match events.wait() {
            Some(Received::Event(PoolEvent::WorkerReplaced { worker, why, .. })) => {
                println!("  {worker} was replaced: {why}");
                ensure(why == ExitReason::Unhealthy, "it was replaced for its health")?;
                break;
            }
            Some(Received::Event(event @ PoolEvent::TaskRetried { .. })) => println!("  {event}"),
            Some(_) => {}
            None => return Err("the pool ended early".into()),
        }
    }
    pool.warm_up(2);
    ensure(pool.stats().active == 2, "there are as many workers as before")
}

fn ensure(held: bool, what: &str) -> Check {
    if held { Ok(()) } else { Err(format!("this should hold, and does not: {what}").into()) }
}
