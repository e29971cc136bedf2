//! The refusal of a configuration that makes no sense.

use std::fmt::Display;

/// A setting that was refused: which one, what it was, and the rule it breaks. Nothing was started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid configuration: `{field}`{} is {value}, but {rule}", of(.setting))]
#[non_exhaustive]
pub struct InvalidConfig {
    /// The builder's setting that `field` is a part of, where the value given is a policy or a backoff.
    pub setting: Option<&'static str>,
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
        Self { setting: None, field, value: value.to_string(), rule }
    }

    /// Says of which setting of the builder the field is a part.
    #[must_use]
    pub fn of(self, setting: &'static str) -> Self {
        Self { setting: Some(setting), ..self }
    }

    /// Refuses a time of zero for `field`, in the words that are the same for every setting.
    pub fn zero_time(field: &'static str) -> Self {
        Self::new(field, "0s", "must be longer than zero")
    }
}

fn of(setting: &Option<&str>) -> String {
    setting.map(|setting| format!(" of `{setting}`")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_wrong_with_what() {
        let error = InvalidConfig::new("factor", 0, "must be at least 1");
        assert_eq!(error.to_string(), "invalid configuration: `factor` is 0, but must be at least 1");
        let error = error.of("create_backoff");
        assert_eq!(
            error.to_string(),
            "invalid configuration: `factor` of `create_backoff` is 0, but must be at least 1"
        );
    }
}
