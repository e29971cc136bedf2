//! How costs grow: a task's against workers, producers, queued tasks and tasks done so far, and that of looking at a pool
//! against tasks done. Flat where it should be flat. Draws the curves as SVG.

mod done;
mod lines;
mod pools;
mod producers;
mod queued;
mod workers;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use benches::chart::{self, DrawError};
use benches::machine::Machine;
use benches::regime::Probe;

use crate::lines::Chart;

const USAGE: &str = "\
Measures how costs grow, and draws it.

usage: growth [--quick] [--only NAME].. [--out DIR]

  --quick      smaller numbers, in about a minute
  --only NAME  only this curve: workers, producers, queued or done; may be repeated
  --out DIR    where the pictures go; docs/ of this workspace if not given";

fn main() -> ExitCode {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(64);
    };
    println!("{}", Machine::here());
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", arguments.out.display());
            ExitCode::from(64)
        }
    }
}

/// Measures what belongs together, quickly or in full.
type Measure = fn(bool, &Probe) -> Vec<Chart>;

fn run(arguments: &Arguments) -> Result<(), DrawError> {
    let probe = Probe::new();
    let curves: [(&str, Measure); 4] = [
        ("workers", workers::measure),
        ("producers", producers::measure),
        ("queued", queued::measure),
        ("done", done::measure),
    ];
    for (name, measure) in curves {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|only| only == name) {
            continue;
        }
        for chart in measure(arguments.quick, &probe) {
            chart.print();
            chart::curves(&file(&arguments.out, chart.file), &chart.title, chart.axes, &chart.curves)?;
        }
    }
    Ok(())
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("growth-{name}.svg"))
}

struct Arguments {
    quick: bool,
    only: Vec<String>,
    out: PathBuf,
}

impl Arguments {
    fn parse(words: impl IntoIterator<Item = String>) -> Option<Self> {
        let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let mut arguments = Self { quick: false, only: Vec::new(), out };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => arguments.quick = true,
                "--only" => arguments.only.push(words.next()?),
                "--out" => arguments.out = words.next()?.into(),
                _ => return None,
            }
        }
        Some(arguments)
    }
}
