//! Properties of the pure parts, over values of chance, against models that are plain enough to be believed.
//!
//! A failure is shrunk and printed with its values; `TASKER_LONG=1` tries more.

use proptest::test_runner::Config;

mod backoff;
mod config;
mod due;
mod histogram;
mod lanes;
mod policies;
mod rates;

/// How many cases each property is tried with. Nothing is written down: a failure that matters becomes a test.
fn cases(few: u32) -> Config {
    let long = std::env::var_os("TASKER_LONG").is_some_and(|value| value == "1");
    Config { cases: if long { few * 50 } else { few }, failure_persistence: None, ..Config::default() }
}
