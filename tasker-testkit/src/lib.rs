//! The testkit crate of tasker.
