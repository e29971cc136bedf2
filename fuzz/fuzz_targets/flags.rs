//! The flags of the scaling laboratory: they are read and make a laboratory, or what is wrong is said. A policy that was
//! read is written and read again as the same.
#![no_main]

#[path = "../../tasker-testkit/examples/scaling_lab/flags.rs"]
#[expect(dead_code, reason = "the example uses the rest")]
mod flags;

use libfuzzer_sys::fuzz_target;
use tasker_testkit::lab::{Choice, Lab, Trace};

fuzz_target!(|line: &str| {
    let words = line.split_whitespace().map(str::to_owned);
    if let Ok(flags) = flags::Flags::read(words) {
        let _ = flags.apply(Lab::new(Trace::default()));
        for choice in flags.choices() {
            assert_eq!(choice.to_string().parse::<Choice>().as_ref(), Ok(&choice));
            let _ = choice.builder_line();
        }
    }
});
