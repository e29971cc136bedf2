//! The async-std crate of tasker.
