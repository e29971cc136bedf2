//! The flags of the scaling laboratory: they are read and make a laboratory, or what is wrong is said.
#![no_main]

#[path = "../../tasker-testkit/examples/scaling_lab/flags.rs"]
#[expect(dead_code, reason = "the example uses the rest")]
mod flags;

use libfuzzer_sys::fuzz_target;
use tasker_testkit::lab::{Lab, Trace};

fuzz_target!(|line: &str| {
    let words = line.split_whitespace().map(str::to_owned);
    if let Ok(flags) = flags::Flags::read(words) {
        let _ = flags.apply(Lab::new(Trace::default()));
    }
});
