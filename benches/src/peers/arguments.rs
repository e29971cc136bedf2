//! What the command line asks for.

use crate::works::Scale;

pub(crate) const USAGE: &str = "\
Compares tasker with what one would take instead.

usage: peers [--quick] [--only NAME].. [--json FILE] [--svg FILE] [--markdown FILE] [--list]

  --quick      less of everything; ends within 50 s
  --only NAME  only works whose name begins with NAME; may be repeated
  --json FILE  writes the results there, too
  --svg FILE   draws them there, too
  --markdown FILE
               writes them there as a table
  --list       prints the names of all works and ends

exit status: 0 all bars met, 1 a bar missed, 2 inconclusive, 64 wrong usage";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) scale: Scale,
    pub(crate) only: Vec<String>,
    pub(crate) json: Option<String>,
    pub(crate) svg: Option<String>,
    pub(crate) markdown: Option<String>,
    pub(crate) list: bool,
    /// Not for people: what this process is to measure for its parent, and for whom.
    pub(crate) child: Option<[String; 2]>,
}

impl Arguments {
    /// # Errors
    ///
    /// What is wrong with the words.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            scale: Scale::Full,
            only: Vec::new(),
            json: None,
            svg: None,
            markdown: None,
            list: false,
            child: None,
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--quick" => arguments.scale = Scale::Quick,
                "--list" => arguments.list = true,
                "--only" => arguments.only.push(value()?),
                "--child" => arguments.child = Some([value()?, value()?]),
                "--svg" => arguments.svg = Some(value()?),
                "--markdown" => arguments.markdown = Some(value()?),
                "--json" => arguments.json = Some(value()?),
                _ => return Err(format!("what is {word}?")),
            }
        }
        Ok(arguments)
    }

    pub(crate) fn wants(&self, id: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|start| id.starts_with(start.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_taken_in_any_order() {
        let arguments = parse("--only T2 --quick --json a.json --only A").unwrap();
        assert_eq!((arguments.scale, arguments.json.as_deref()), (Scale::Quick, Some("a.json")));
        assert!(arguments.wants("T2 w1") && arguments.wants("A5 mt") && !arguments.wants("T3"));
    }

    #[test]
    fn without_only_everything_is_wanted() {
        assert!(parse("").unwrap().wants("T3"));
    }

    #[test]
    fn unknown_words_and_missing_values_are_refused() {
        assert!(parse("--fast").unwrap_err().contains("--fast"));
        assert!(parse("--only").unwrap_err().contains("--only"));
    }
}
