//! The comparison a sceptic would run: tasker beside what one would take instead, all in one process, interleaved round by
//! round, each sample tagged with the regime of the machine and compared only within it.

mod ability;
mod arguments;
mod asynchronous;
mod child;
mod outcome;
mod report;
mod rounds;
mod schedule;
mod threads;
mod works;

use std::process::ExitCode;

use benches::chart::DrawError;
use benches::counting::Counting;
use benches::machine::Machine;
use benches::regime::Probe;

use crate::arguments::{Arguments, USAGE};
use crate::outcome::{Bar, Judgement, Outcome};
use crate::rounds::compete;
use crate::schedule::Schedule;
use crate::works::{Scale, Work};

/// The system's, with a count for those works that want one.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// As ours is called in tables.
pub(crate) const OURS: &str = "tasker";

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(fault) => {
            eprintln!("{fault}\n\n{USAGE}");
            return ExitCode::from(64);
        }
    };
    if let Some([kind, name]) = &arguments.child {
        return child::answer(kind, name);
    }
    let works: Vec<Work> = works::all().into_iter().filter(|work| arguments.wants(&work.id)).collect();
    if works.is_empty() {
        eprintln!("no work has such a name; --list tells them");
        return ExitCode::from(64);
    }
    if arguments.list {
        works.iter().for_each(|work| println!("{:<10} {}", work.id, work.what));
        return ExitCode::SUCCESS;
    }
    let machine = Machine::here();
    report::print_heading(&machine);
    let outcomes = measure(&works, arguments.scale);
    if let Err(error) = write(&arguments, &machine, &outcomes) {
        eprintln!("results could not be written: {error}");
        return ExitCode::from(64);
    }
    conclude(&outcomes)
}

fn write(arguments: &Arguments, machine: &Machine, outcomes: &[Outcome]) -> Result<(), DrawError> {
    if let Some(path) = &arguments.json {
        std::fs::write(path, report::json(machine, outcomes).to_string())?;
    }
    if let Some(path) = &arguments.markdown {
        std::fs::write(path, report::markdown(machine, outcomes))?;
    }
    if let Some(path) = &arguments.svg {
        report::draw(path.as_ref(), outcomes)?;
    }
    Ok(())
}

fn measure(works: &[Work], scale: Scale) -> Vec<Outcome> {
    let probe = Probe::new();
    let mut schedule = Schedule::new(scale, works.len());
    let outcomes = works.iter().map(|work| {
        let probe = work.regimes.then_some(&probe);
        let effort = schedule.next(work);
        let records = effort.map_or_else(Vec::new, |effort| compete((work.entrants)(scale), effort, probe));
        let outcome = Outcome::new(work, &records);
        report::print_work(&outcome);
        outcome
    });
    let outcomes = outcomes.collect();
    println!("\n{} s", schedule.elapsed().as_secs());
    outcomes
}

fn conclude(outcomes: &[Outcome]) -> ExitCode {
    let bars: Vec<&Bar> = outcomes.iter().flat_map(|outcome| &outcome.bars).collect();
    report::print_bars(&bars);
    let any = |judgement| bars.iter().any(|bar| bar.judgement() == judgement);
    if any(Judgement::Missed) {
        ExitCode::from(1)
    } else if any(Judgement::Inconclusive) {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    }
}
