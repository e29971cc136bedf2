//! Simulates many pools, each from a seed, and says what does not hold.
//!
//! ```text
//! simulate -- --seeds N [--from S]    the seeds from S (0) on
//! simulate -- --seed S                this one alone
//! simulate -- --plants                every planted bug, and how many seeds it takes to notice it
//! ```

use std::process::ExitCode;
use std::time::Instant;

use tasker_testkit::sim::{self, Plant, check};

fn main() -> ExitCode {
    match Wish::read() {
        Ok(Wish::Seeds { from, count }) => simulate(from, count),
        Ok(Wish::Plants) => plants(),
        Err(usage) => {
            eprintln!("{usage}");
            ExitCode::from(2)
        }
    }
}

enum Wish {
    Seeds { from: u64, count: u64 },
    Plants,
}

impl Wish {
    fn read() -> Result<Self, String> {
        let (mut from, mut count) = (0, 10_000);
        let mut arguments = std::env::args().skip(1);
        while let Some(flag) = arguments.next() {
            let mut number = || {
                let value = arguments.next().ok_or_else(|| format!("{flag} needs a number"))?;
                value.parse::<u64>().map_err(|_| format!("{flag} needs a number, not {value}"))
            };
            match flag.as_str() {
                "--seeds" => count = number()?,
                "--from" => from = number()?,
                "--seed" => (from, count) = (number()?, 1),
                "--plants" => return Ok(Self::Plants),
                _ => return Err(format!("unknown: {flag}; see the head of this example")),
            }
        }
        Ok(Self::Seeds { from, count })
    }
}

fn simulate(from: u64, count: u64) -> ExitCode {
    let begun = Instant::now();
    let (mut steps, mut tasks, mut workers, mut failed) = (0, 0, 0, 0_u32);
    for seed in from..from.saturating_add(count) {
        match check(seed, Plant::Nothing) {
            Ok(passed) => {
                steps += passed.steps;
                tasks += passed.tasks;
                workers += passed.workers;
            }
            Err(failure) => {
                failed += 1;
                if failed <= 3 {
                    println!("{failure}\n");
                } else {
                    println!("seed {seed}: {}: {}", failure.invariant, failure.message);
                }
            }
        }
    }
    let took = begun.elapsed();
    println!(
        "{count} seeds from {from}: {failed} failed; {steps} steps, {tasks} tasks, {workers} workers; {took:.1?}"
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn plants() -> ExitCode {
    let mut missed = 0;
    for plant in Plant::ALL {
        let noticed = (0..100_000).find_map(|seed| Some((seed, sim::simulate(seed, plant).err()?)));
        match noticed {
            Some((seed, invariant)) => println!("{plant:?}: {} seeds: {invariant}", seed + 1),
            None => {
                missed += 1;
                println!("{plant:?}: not noticed");
            }
        }
    }
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
