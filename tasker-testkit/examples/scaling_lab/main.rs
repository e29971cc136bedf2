//! The scaling laboratory: replays loads in virtual time and shows what scaling policies make of them.
//!
//! ```text
//! scaling_lab                          the standard scenarios over all shipped policies, with plots
//! scaling_lab --quick --json FILE      the same without plots; the exit status says whether the bars hold
//! scaling_lab --trace FILE             your load instead: CSV with arrival_s,service_s,priority
//! scaling_lab --trace FILE --tune --policy NAME
//!                                      looks for the policy's parameters for this load
//!
//! --policy NAME:PARAM=VALUE,..   only this policy, with these parameters; may be given several times
//! --scenario NAME                only this standard scenario; may be given several times
//! --min N, --max N               base workers, and the most there may be
//! --interval T                   how often the policy is asked
//! --create-time T                how long a resource takes to create
//! --target-wait T                how long a task should wait at most
//! --seed N                       where chance comes from; without it the seeds that judge
//! --svg DIR                      where the plots go (target/scaling-lab)
//! --json FILE, --csv FILE        all figures, for programs
//!
//! T is in seconds, or has s, ms or us behind it. Exit status: 0, or with --quick 1 if a bar is missed; 2 for bad input.
//! ```
// gate: --scenario ageing --scenario spike --svg target/scaling-lab --csv target/scaling-lab/all.csv
// gate: --quick --json target/scaling-lab/quick.json

mod contest;
mod flags;
mod picture;
mod plot;
mod replay;

use std::process::ExitCode;

use flags::Flags;

/// The policy of a builder that is given none: the one that the bars are for, and that is tuned if no other is named.
const DEFAULT: &str = "adaptive";

fn main() -> ExitCode {
    let done = Flags::read(std::env::args().skip(1)).and_then(|flags| match (&flags.trace, flags.tune) {
        (_, true) => replay::tune(&flags),
        (Some(_), false) => replay::compare(&flags),
        (None, false) => contest::hold(&flags),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(wrong) => {
            eprintln!("scaling_lab: {wrong}");
            ExitCode::from(2)
        }
    }
}
