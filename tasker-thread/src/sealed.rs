//! Keeps others from implementing the extension traits, which gain methods over time.

/// Implemented here alone, for what the extension traits extend.
#[expect(unnameable_types, reason = "that is what it is for")]
pub trait Sealed {}
