//! Traces as CSV: what is read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tasker_testkit::lab::Trace;

fuzz_target!(|text: &str| {
    if let Ok(trace) = Trace::from_csv(text) {
        let again = Trace::from_csv(&trace.to_csv()).expect("what was written can be read");
        assert_eq!(trace.to_csv(), again.to_csv());
        let _ = (trace.end(), trace.work());
    }
});
