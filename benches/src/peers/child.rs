//! Works that need a process of their own, so that nothing of the others is in their figure: the same program again.

use std::process::{Command, ExitCode};

use crate::OURS;
use crate::rounds::{Entrant, Measure};
use crate::works::{self, Scale};

/// The same contenders, each measured in a child process. That takes its time, so a quick run looks at ours and the floor
/// alone.
pub(crate) fn each(kind: &'static str, scale: Scale, entrants: Vec<Entrant>) -> Vec<Entrant> {
    let child = |entrant: Entrant| match entrant.absent_because() {
        Some(reason) => Entrant::absent(entrant.name, reason),
        None => {
            let name = entrant.name;
            Entrant::new(name, move || -> Measure { Box::new(move || ask(kind, name)) })
        }
    };
    let wanted = |entrant: &Entrant| {
        scale == Scale::Full || entrant.name == OURS || entrant.name.starts_with("floor:")
    };
    entrants.into_iter().filter(wanted).map(child).collect()
}

fn ask(kind: &str, name: &str) -> f64 {
    let program = std::env::current_exe().expect("the system knows this program");
    let mut child = Command::new(program);
    // The crate blocking takes no number of workers but this.
    child.args(["--child", kind, name]).env("BLOCKING_MAX_THREADS", "1");
    let output = child.output().expect("a process can be started");
    assert!(output.status.success(), "{kind} of {name}: {}", String::from_utf8_lossy(&output.stderr));
    let answer = String::from_utf8_lossy(&output.stdout);
    answer.trim().parse().expect("the child prints its figure")
}

/// What the child does: prints the figure and is gone, with all that still runs in it.
pub(crate) fn answer(kind: &str, name: &str) -> ExitCode {
    let entrant = works::in_child(kind).into_iter().find(|entrant| entrant.name == name);
    let Some(mut measure) = entrant.and_then(Entrant::enter) else {
        eprintln!("no {kind} of {name}");
        return ExitCode::from(64);
    };
    println!("{}", measure());
    std::process::exit(0)
}
