//! A burst of work: 20 heavy computations meet 2 workers, the pool grows to at most 8, and is back at 2 afterwards.
//!
//! ```sh
//! cargo run --release -p tasker-tokio --example bursting
//! ```
//!
//! On a terminal it draws a live table; elsewhere it prints a line whenever something has changed. It fails if the
//! pool does not grow, grows too far, or does not come back. (More workers than cores make sums no faster: they show
//! how the pool moves. Workers that wait for something else, as most do, are another matter.)

use std::error::Error;
use std::io::{IsTerminal, stdout};
use std::time::{Duration, Instant};

use tasker_tokio::scaling::Threshold;
use tasker_tokio::{CreateContext, Events, Pool, PoolEvent, Received, Resource, Stats};

const TASKS: usize = 20;
const WORKERS: usize = 2;
const MAX_WORKERS: usize = 8;
/// Numbers that one task looks through, and how many primes there are in all; less of both for a debug build.
const SHARE: usize = if cfg!(debug_assertions) { 1_000_000 } else { 20_000_000 };
const PRIMES: usize = if cfg!(debug_assertions) { 1_270_607 } else { 21_336_326 };
/// Numbers that a task looks through between two yields.
const SEGMENT: usize = 100_000;

/// Counts primes, with a table and a scratch pad that are worth keeping from one task to the next.
struct Sieve {
    primes: Vec<usize>,
    composite: Vec<bool>,
}

impl Resource for Sieve {
    type Config = usize;
    type Error = std::convert::Infallible;

    async fn create(limit: &usize, _cx: &CreateContext) -> Result<Self, Self::Error> {
        let mut sieve = Self { primes: Vec::new(), composite: vec![false; SEGMENT] };
        let is_prime = |n: &usize| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0);
        sieve.primes = (2..=limit.isqrt()).filter(is_prime).collect();
        Ok(sieve)
    }
}

impl Sieve {
    /// Counts the primes in the `SEGMENT` numbers from `start` on.
    fn count(&mut self, start: usize) -> usize {
        self.composite.fill(false);
        for &prime in self.primes.iter().take_while(|&prime| prime * prime < start + SEGMENT) {
            let first = start.next_multiple_of(prime).max(prime * prime);
            for multiple in (first - start..SEGMENT).step_by(prime) {
                self.composite[multiple] = true;
            }
        }
        let found = self.composite.iter().filter(|&&composite| !composite).count();
        // 0 and 1 have no prime factor, and are no primes either.
        if start == 0 { found - 2 } else { found }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pool = Pool::<Sieve>::builder(TASKS * SHARE)
        .workers(WORKERS)
        .max_workers(MAX_WORKERS)
        .scaling(Threshold::new(4).step(2))
        .burst_interval(Duration::from_millis(50))
        .build()
        .await?;
    let events = pool.events();

    let mut handles = Vec::new();
    for task in 0..TASKS {
        handles.push(pool.submit(async move |sieve, _| {
            let mut found = 0;
            for start in (task * SHARE..(task + 1) * SHARE).step_by(SEGMENT) {
                found += sieve.count(start);
                // A task that computes lets others have their turn now and then.
                tokio::task::yield_now().await;
            }
            Ok(found)
        }));
    }

    let seen = watch(&pool, events).await?;
    let mut found = 0;
    for handle in handles {
        found += handle.await?;
    }
    println!("{found} primes below {}; at most {} workers at once", TASKS * SHARE, seen.peak);
    println!("{}", pool.stop().await?);

    ensure(found == PRIMES, "every prime was found")?;
    ensure(seen.grown > 0 && seen.peak > WORKERS, "the pool grew")?;
    ensure(seen.peak <= MAX_WORKERS, "the pool grew no further than it may")?;
    ensure(seen.wanted == WORKERS, "the policy let the burst workers go")
}

/// What was seen of the pool while it worked.
struct Seen {
    /// How often more workers were wanted.
    grown: usize,
    /// How many are wanted now.
    wanted: usize,
    /// The most there were.
    peak: usize,
}

/// Shows the pool until all tasks are done and only base workers are left.
async fn watch(pool: &Pool<Sieve>, mut events: Events) -> Result<Seen, Box<dyn Error>> {
    let mut seen = Seen { grown: 0, wanted: WORKERS, peak: 0 };
    let mut screen = Screen { begun: Instant::now(), live: stdout().is_terminal(), last: None };
    let mut tick = tokio::time::interval(Duration::from_millis(25));
    while screen.begun.elapsed() < Duration::from_secs(60) {
        tick.tick().await;
        while let Some(received) = events.try_recv() {
            if let Received::Event(event @ PoolEvent::Scaled { from, to, .. }) = received {
                seen.grown += usize::from(to > from);
                seen.wanted = to;
                screen.say(&event.to_string());
            }
        }
        let (stats, done) = (pool.stats(), pool.metrics().completed as usize);
        seen.peak = seen.peak.max(stats.active + stats.starting + stats.stopping);
        screen.show(&stats, done);
        let at_rest = stats.active == WORKERS && stats.starting + stats.stopping == 0;
        if done == TASKS && at_rest {
            return Ok(seen);
        }
    }
    Err("a minute has passed, and the pool is still not back at its base workers".into())
}

/// A table that is drawn over and over on a terminal, or lines elsewhere.
struct Screen {
    begun: Instant,
    live: bool,
    last: Option<(Stats, usize)>,
}

impl Screen {
    fn say(&mut self, text: &str) {
        self.wipe();
        println!("{:>5.2} s  {text}", self.begun.elapsed().as_secs_f32());
    }

    fn show(&mut self, stats: &Stats, done: usize) {
        if self.last == Some((*stats, done)) {
            return;
        }
        self.wipe();
        self.last = Some((*stats, done));
        let Stats { base, burst, starting, busy, .. } = *stats;
        let queued = stats.queued_total();
        if self.live {
            println!("  workers {:<20}  {base} base + {burst} burst, {starting} starting", bar(base + burst));
            println!("  busy    {:<20}  {busy}", bar(busy));
            println!("  queued  {:<20}  {queued}", bar(queued));
            println!("  done    {:<20}  {done} of {TASKS}", bar(done));
        } else {
            let time = self.begun.elapsed().as_secs_f32();
            println!(
                "{time:>5.2} s  workers {base} + {burst}, {starting} starting; tasks {busy} running, {queued} \
                 queued, {done} done"
            );
        }
    }

    /// Takes the table off a terminal, so that what is printed next takes its place.
    fn wipe(&mut self) {
        if self.live && self.last.take().is_some() {
            print!("\x1b[4A\x1b[J");
        }
    }
}

fn bar(length: usize) -> String {
    "█".repeat(length)
}

fn ensure(held: bool, what: &str) -> Result<(), Box<dyn Error>> {
    if held { Ok(()) } else { Err(format!("this should hold, and does not: {what}").into()) }
}
