//! Benches of tasker.
