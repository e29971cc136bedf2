//! Pools in trouble, one after the other, on real threads and real runtimes: everything has to add up after each, and
//! nothing may be left of any.
//!
//! ```text
//! soak -- [--backend thread|tokio|async-std|all] [--minutes M | --seconds S] [--seed N]
//! ```
//!
//! In each round a pool of chance settings is built, three threads submit to it in every form, wait, cancel and give up;
//! it is paused, resized and warmed up, all of its callbacks fail, panic and dawdle, and it is stopped, killed or dropped. The
//! time is shared by the backends that were asked for. Ends with status 1 at the first round that does not add up, and
//! when somebody waits too long, with all that is known.
// gate: --backend all --seconds 30

mod audit;
mod chance;
mod flags;
mod ground;
mod on_runtimes;
mod on_threads;
mod panics;
mod process;
mod producer;
mod resource;
mod round;
mod shape;
mod soak;
mod task;
mod watch;
mod world;

use std::process::ExitCode;

use flags::{Backend, Flags};
use on_runtimes::{AsyncStdThreads, OnRuntime, TokioThreads};
use on_threads::OnThreads;
use soak::soak;
use watch::Watch;

fn main() -> ExitCode {
    let flags = match Flags::read(std::env::args().skip(1)) {
        Ok(flags) => flags,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    panics::watch();
    let watch = Watch::start();
    let share = flags.time / u32::try_from(flags.backends.len()).unwrap_or(1);
    for backend in flags.backends {
        let soaked = match backend {
            Backend::Thread => soak::<OnThreads>(backend.name(), share, flags.seed, &watch),
            Backend::Tokio => soak::<OnRuntime<TokioThreads>>(backend.name(), share, flags.seed, &watch),
            Backend::AsyncStd => {
                soak::<OnRuntime<AsyncStdThreads>>(backend.name(), share, flags.seed, &watch)
            }
        };
        match soaked {
            Ok(told) => println!("{told}"),
            Err(told) => {
                println!("{told}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
