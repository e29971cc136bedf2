//! The refusal of a configuration that makes no sense.

use std::fmt::Display;

/// A setting that was refused: which one, what it was, and the rule it breaks. Nothing was started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid configuration: `{field}` is {value}, but {rule}")]
#[non_exhaustive]
pub struct InvalidConfig {
    /// The setting's name: the method of the builder, or of the policy or backoff, that sets it.
    pub field: &'static str,
    /// The value that was given.
    pub value: String,
    /// The rule it breaks, as half a sentence: "must be at least 1".
    pub rule: &'static str,
}

impl InvalidConfig {
    /// Refuses `value` for `field` because of `rule`.
    pub fn new(field: &'static str, value: impl Display, rule: &'static str) -> Self {
        Self { field, value: value.to_string(), rule }
    }

    /// Refuses a time of zero for `field`, in the words that are the same for every setting.
    pub fn zero_time(field: &'static str) -> Self {
        Self::new(field, "0s", "must be longer than zero")
    }
}
