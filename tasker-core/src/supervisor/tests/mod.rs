//! Behaviour of the supervisor, one event at a time.
