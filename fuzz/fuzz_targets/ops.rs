//! Scripts of operations over a simulated pool: each byte is a decision, and every invariant of the simulation must hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tasker_testkit::sim::check_bytes;

fuzz_target!(|bytes: &[u8]| {
    if let Err(failure) = check_bytes(bytes) {
        panic!("{failure}");
    }
});
