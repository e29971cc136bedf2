//! What is asked for.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::prelude::{Long, Short, Value};

pub(crate) const HELP: &str = "\
Makes a thumbnail (at most 160x160) of each image of a directory, in worker
processes that may crash, hang or be killed without harm to the whole.

Usage: thumbnails [OPTIONS] [DIR]

  DIR                a directory with JPEG and PNG files (not its subdirectories).
                     Without it, images are made first, a few broken ones among
                     them, in a fresh temporary directory.

      --chaos        kill worker processes at random meanwhile, and add files that
                     crash the decoder each time. No good image is lost to it
      --out DIR      where the thumbnails go, under the names of their images
                     [default: a fresh temporary directory]
      --keep         keep the temporary directory with the images made, and with
                     their thumbnails if there is no --out. It is removed at the
                     end otherwise. Thumbnails of your own DIR always stay
      --images N     how many good images to make without DIR [default: 300]
      --workers N    worker processes that are always there [default: 2]
      --max-workers N  worker processes while much is to do
                     [default: twice as many as workers]
      --retries N    attempts after the first for a file whose worker process died
                     under it [default: 8]
      --seed N       for the images and for chaos [default: 1]
  -q, --quiet        no progress bar. There is none without a terminal either
  -h, --help         this text

Ctrl-C stops: what is done within 2 s is done, the rest is named. A second one
stops at once.

Exit status:
  0    every good image has its thumbnail and every bad file was named. Without
       DIR bad files are expected; in your own DIR each one gives status 1
  1    otherwise: a file of DIR could not be decoded, or something failed
  2    the arguments make no sense
  130  interrupted
";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Help,
    Run(Options),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) input: Input,
    pub(crate) out: Option<PathBuf>,
    pub(crate) keep: bool,
    pub(crate) chaos: bool,
    pub(crate) workers: usize,
    pub(crate) max_workers: usize,
    pub(crate) retries: u32,
    pub(crate) seed: u64,
    pub(crate) quiet: bool,
}

/// Where the images come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Directory(PathBuf),
    /// So many are made.
    Made(usize),
}

#[derive(Default)]
struct Raw {
    directory: Option<PathBuf>,
    out: Option<PathBuf>,
    images: Option<usize>,
    workers: Option<usize>,
    max_workers: Option<usize>,
    retries: Option<u32>,
    seed: Option<u64>,
    keep: bool,
    chaos: bool,
    quiet: bool,
}

/// Reads the arguments; what is wrong with them is one line.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
    let mut raw = Raw::default();
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        if matches!(argument, Short('h') | Long("help")) {
            return Ok(Asked::Help);
        }
        match argument {
            Long("chaos") => raw.chaos = true,
            Long("keep") => raw.keep = true,
            Short('q') | Long("quiet") => raw.quiet = true,
            Long("out") => raw.out = Some(parser.value().map_err(|error| error.to_string())?.into()),
            Long("images") => raw.images = Some(number("--images", &mut parser)?),
            Long("workers") => raw.workers = Some(number("--workers", &mut parser)?),
            Long("max-workers") => raw.max_workers = Some(number("--max-workers", &mut parser)?),
            Long("retries") => raw.retries = Some(number("--retries", &mut parser)?),
            Long("seed") => raw.seed = Some(number("--seed", &mut parser)?),
            Value(directory) if raw.directory.is_none() => raw.directory = Some(directory.into()),
            other @ (Short(_) | Long(_) | Value(_)) => return Err(other.unexpected().to_string()),
        }
    }
    raw.checked().map(Asked::Run)
}

fn number<T: FromStr>(option: &str, parser: &mut lexopt::Parser) -> Result<T, String> {
    let value = parser.value().map_err(|error| error.to_string())?;
    let parsed = value.to_str().and_then(|value| value.parse().ok());
    parsed.ok_or_else(|| format!("{option} needs a number, not {value:?}"))
}

impl Raw {
    fn checked(self) -> Result<Options, String> {
        let workers = self.workers.unwrap_or(2);
        let max_workers = self.max_workers.unwrap_or_else(|| workers.saturating_mul(2));
        if !(1..=1000).contains(&workers) || !(workers..=1000).contains(&max_workers) {
            return Err("--workers must be at least 1, --max-workers no less, and neither above 1000".into());
        }
        let input = match (self.directory, self.images) {
            (Some(_), Some(_)) => return Err("--images makes images only if no directory is given".into()),
            (Some(directory), None) => Input::Directory(directory),
            (None, images) => Input::Made(images.unwrap_or(300)),
        };
        if matches!(input, Input::Made(count) if !(1..=100_000).contains(&count)) {
            return Err("--images must be from 1 to 100000".into());
        }
        Ok(Options {
            input,
            out: self.out,
            keep: self.keep,
            chaos: self.chaos,
            workers,
            max_workers,
            retries: self.retries.unwrap_or(8),
            seed: self.seed.unwrap_or(1),
            quiet: self.quiet,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Asked, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn options_have_defaults_and_follow_each_other_in_any_order() {
        let Ok(Asked::Run(options)) = parsed("") else { panic!("no arguments are fine") };
        assert_eq!((options.input, options.workers, options.max_workers), (Input::Made(300), 2, 4));
        let Ok(Asked::Run(options)) = parsed("--quiet photos --workers=3 --seed 7") else {
            panic!("these too")
        };
        assert_eq!(options.input, Input::Directory("photos".into()));
        assert_eq!((options.workers, options.max_workers, options.seed, options.quiet), (3, 6, 7, true));
        assert!(parsed("--nonsense --help").is_err());
        assert_eq!(parsed("--chaos --help"), Ok(Asked::Help));
    }

    #[test]
    fn what_makes_no_sense_is_said_in_one_line() {
        let lines = [
            "--nonsense",
            "a b",
            "--images",
            "--images many",
            "--images 0",
            "photos --images 3",
            "--workers 0",
            "--workers 3 --max-workers 2",
            "--chaos=yes",
        ];
        for line in lines {
            let error = parsed(line).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{line}: {error}");
        }
    }
}
