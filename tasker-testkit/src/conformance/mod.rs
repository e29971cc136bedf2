//! The suite that every backend has to pass: one function per case, named by the behaviour it holds.
//!
//! A backend says `tasker_testkit::conformance!(MyDriver);` in a test file of its own; every case becomes a test.
//! Cases are written against the promises, through the public API, on a fake clock. After each, what must hold after
//! everything is checked: see [`Case::finish`].

pub mod ancestor;
pub mod clocks;
pub mod ends;
pub mod health;
pub mod limits;
pub mod peers;
pub mod queue;
pub mod resources;
pub mod run;
pub mod scaling;
pub mod seeing;
pub mod tasks;

use std::time::Duration;

use crate::{Case, Driver, within};

/// How long a case may take, in real time, before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs one case.
///
/// # Panics
///
/// If it fails, or hangs.
pub fn check<D: Driver>(body: fn(&Case<D>)) {
    let case = Case::<D>::new();
    let watched = case.clone();
    within(
        PATIENCE,
        || watched.dump(),
        move || {
            body(&case);
            case.finish();
        },
    );
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Takes a backend through the suite: one `#[test]` per case, in a module per theme.
///
/// `tasker_testkit::conformance!(MyDriver);` is all that a backend's `tests/conformance.rs` needs beside its driver,
/// a type or alias of that file.
#[macro_export]
macro_rules! conformance {
    ($driver:ident) => {
        $crate::conformance_resources!($driver);
        $crate::conformance_health!($driver);
        $crate::conformance_queue!($driver);
        $crate::conformance_tasks!($driver);
        $crate::conformance_run!($driver);
        $crate::conformance_scaling!($driver);
        $crate::conformance_ancestor!($driver);
        $crate::conformance_ends!($driver);
        $crate::conformance_seeing!($driver);
        $crate::conformance_clocks!($driver);
        $crate::conformance_limits!($driver);
        $crate::conformance_peers!($driver);
    };
}

/// One test per name.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($driver:ident, $theme:ident: $($name:ident)*) => {
        mod $theme {
            use super::$driver as Driver;
            $(
                #[test]
                fn $name() {
                    $crate::conformance::check::<Driver>($crate::conformance::$theme::$name);
                }
            )*
        }
    };
}
