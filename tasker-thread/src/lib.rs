//! The thread crate of tasker.
