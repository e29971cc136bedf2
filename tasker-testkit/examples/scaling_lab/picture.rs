//! Which simulations are drawn, and where the pictures go.

use std::path::{Path, PathBuf};

use tasker_testkit::lab::judge::ANCESTOR;
use tasker_testkit::lab::{Choice, Lab, Oracle};

use crate::flags::Flags;
use crate::plot::{Picture, draw};

/// Draws a lab's policies, with the oracle behind them: those asked for, or else the default, the ancestor's, and the
/// oracle by itself.
pub(crate) fn of_lab(flags: &Flags, title: &str, what: &str, lab: &Lab) -> Result<(), String> {
    let directory = directory(flags);
    std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let oracle = Oracle::consult(lab);
    let best = oracle.best();
    for choice in chosen(flags) {
        let (policy, run) = (choice.to_string(), lab.run(choice.with_target(lab.target()).build()));
        let picture = Picture { title, what, policy: &policy, run: &run, oracle: Some(best) };
        draw(&file(&directory, title, &policy), &picture)?;
    }
    if !flags.policies.is_empty() {
        return Ok(());
    }
    let picture = Picture { title, what, policy: "oracle", run: best, oracle: None };
    draw(&file(&directory, title, "oracle"), &picture)
}

/// Where the pictures go.
pub(crate) fn directory(flags: &Flags) -> PathBuf {
    flags.svg.clone().unwrap_or_else(|| PathBuf::from("target/scaling-lab"))
}

fn chosen(flags: &Flags) -> Vec<Choice> {
    let shown =
        |choice: &Choice| choice.kind().name == crate::DEFAULT || ANCESTOR.contains(&choice.kind().name);
    if flags.policies.is_empty() {
        Choice::all().into_iter().filter(shown).collect()
    } else {
        flags.policies.clone()
    }
}

fn file(directory: &Path, title: &str, policy: &str) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' };
    let name: String = format!("{title}-{policy}").chars().map(plain).collect();
    directory.join(format!("{name}.svg"))
}
