//! The tokio crate of tasker.
