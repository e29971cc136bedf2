//! The smallest use: a pool of calculators, some tasks, an error, and an orderly end.
//!
//! ```sh
//! cargo run -p tasker-thread --example calculator
//! ```

use std::error::Error;
use std::fmt;

use tasker_thread::{CreateContext, Pool, Resource, TaskError};

/// Stands for something that is costly to make. Each worker makes one, on its own thread, and keeps it.
struct Calculator {
    sums: u32,
}

#[derive(Debug, PartialEq)]
struct DivisionByZero;

impl fmt::Display for DivisionByZero {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("division by zero")
    }
}

impl Resource for Calculator {
    type Config = ();
    type Error = DivisionByZero;

    async fn create(_config: &(), _cx: &CreateContext) -> Result<Self, DivisionByZero> {
        Ok(Self { sums: 0 })
    }

    async fn destroy(self) -> Result<(), DivisionByZero> {
        println!("a calculator leaves after {} sums", self.sums);
        Ok(())
    }
}

impl Calculator {
    fn divide(&mut self, a: i64, b: i64) -> Result<i64, DivisionByZero> {
        self.sums += 1;
        a.checked_div(b).ok_or(DivisionByZero)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let pool = Pool::<Calculator>::builder(()).workers(2).build()?;

    // Submitted together, run on two threads, waited for one by one.
    let handles: Vec<_> = (1..=5).map(|n| pool.submit(move |calc, _| calc.divide(100, n))).collect();
    for (n, handle) in (1..).zip(handles) {
        println!("100 / {n} = {}", handle.wait()?);
    }

    // A task's error comes back typed, and harms nothing.
    match pool.submit(|calc, _| calc.divide(1, 0)).wait() {
        Err(TaskError::Failed(DivisionByZero)) => println!("1 / 0: {DivisionByZero}"),
        other => return Err(format!("1 / 0 came out as {other:?}").into()),
    }

    let report = pool.stop()?;
    println!("{report}");
    assert!(report.is_clean() && report.done == 5 && report.failed == 1);
    Ok(())
}
