//! The testkit crate of tasker.

pub mod sim;
