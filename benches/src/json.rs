//! Just enough JSON to write results down.

use std::fmt::{self, Write};

/// A value as it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// A number; what is not finite is written as null.
    Number(f64),
    /// A text.
    Text(String),
    /// true or false.
    Flag(bool),
    /// A list.
    List(Vec<Self>),
    /// Names and values, in this order.
    Object(Vec<(String, Self)>),
    /// Nothing.
    Null,
}

impl Json {
    /// An object of these names and values.
    pub fn object<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A list of numbers.
    #[must_use]
    pub fn numbers(numbers: &[f64]) -> Self {
        Self::List(numbers.iter().copied().map(Self::Number).collect())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) if number.is_finite() => write!(f, "{number}"),
            Self::Number(_) | Self::Null => f.write_str("null"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Text(text) => quoted(f, text),
            Self::List(items) => enclosed(f, ['[', ']'], items, |f, item| item.fmt(f)),
            Self::Object(fields) => enclosed(f, ['{', '}'], fields, |f, (name, value)| {
                quoted(f, name)?;
                f.write_char(':')?;
                value.fmt(f)
            }),
        }
    }
}

fn enclosed<T>(
    f: &mut fmt::Formatter<'_>,
    [open, close]: [char; 2],
    items: &[T],
    each: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_char(open)?;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_char(',')?;
        }
        each(f, item)?;
    }
    f.write_char(close)
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for letter in text.chars() {
        match letter {
            '"' | '\\' => write!(f, "\\{letter}")?,
            control if control.is_control() => write!(f, "\\u{:04x}", u32::from(control))?,
            plain => f.write_char(plain)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_nest() {
        let json = Json::object([
            ("a", Json::numbers(&[1.0, 2.5])),
            ("b", Json::text("say \"hi\"\n")),
            ("c", Json::Number(f64::NAN)),
            ("d", Json::Flag(true)),
        ]);
        assert_eq!(json.to_string(), r#"{"a":[1,2.5],"b":"say \"hi\"\u000a","c":null,"d":true}"#);
    }
}
