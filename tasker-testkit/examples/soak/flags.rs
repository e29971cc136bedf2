//! The command line, parsed once.

use std::time::Duration;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Flags {
    pub(crate) backends: Vec<Backend>,
    /// For all backends together.
    pub(crate) time: Duration,
    pub(crate) seed: u64,
}

/// What pools run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Thread,
    Tokio,
    AsyncStd,
}

impl Backend {
    const ALL: [Self; 3] = [Self::Thread, Self::Tokio, Self::AsyncStd];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Tokio => "tokio",
            Self::AsyncStd => "async-std",
        }
    }
}

impl Flags {
    /// Reads the arguments. An error names the flag and what is wrong with its value.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut flags = Self { backends: Backend::ALL.to_vec(), time: Duration::from_secs(30), seed: 1 };
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{flag}: a value is missing"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("{flag}: not a whole number: {value}"));
            match flag.as_str() {
                "--minutes" => flags.time = Duration::from_secs(number()?.saturating_mul(60)),
                "--seconds" => flags.time = Duration::from_secs(number()?),
                "--seed" => flags.seed = number()?,
                "--backend" => flags.backends = backends(&value)?,
                _ => return Err(format!("{flag}: no such flag; see the head of this example")),
            }
        }
        Ok(flags)
    }
}

fn backends(name: &str) -> Result<Vec<Backend>, String> {
    if name == "all" {
        return Ok(Backend::ALL.to_vec());
    }
    let known = Backend::ALL.into_iter().find(|backend| backend.name() == name);
    known.map(|backend| vec![backend]).ok_or_else(|| format!("--backend: no such backend: {name}"))
}
