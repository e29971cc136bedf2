//! Traces as CSV: what is read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tasker_testkit::lab::Trace;

fuzz_target!(|text: &str| {
    if let Ok(trace) = Trace::from_csv(text) {
        assert_eq!(Trace::from_csv(&trace.to_csv()).as_ref(), Ok(&trace));
        let _ = (trace.end(), trace.work());
    }
});
