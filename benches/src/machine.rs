//! On what machine, and with what, something was measured.

use std::fmt;
use std::fs::read_to_string;
use std::thread::available_parallelism;

use crate::json::Json;

/// The machine, as far as the system tells.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Cores this process may use.
    pub cores: usize,
    /// The processor's name.
    pub processor: String,
    /// The kernel's name and version.
    pub kernel: String,
    /// Memory, in GiB.
    pub memory: f64,
    /// Processes that ran or waited over the last minute, on average. Above a fraction of one, somebody else is here.
    pub load: f64,
}

impl Machine {
    /// This machine, now.
    #[must_use]
    pub fn here() -> Self {
        Self {
            cores: available_parallelism().map_or(1, usize::from),
            processor: line("/proc/cpuinfo", "model name")
                .unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            kernel: read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| std::env::consts::OS.to_owned(), |release| release.trim().to_owned()),
            memory: line("/proc/meminfo", "MemTotal").and_then(|size| first(&size)).unwrap_or_default()
                / f64::from(1 << 20),
            load: read_to_string("/proc/loadavg").ok().and_then(|load| first(&load)).unwrap_or_default(),
        }
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Json {
        Json::object([
            ("cores", Json::text(self.cores.to_string())),
            ("processor", Json::text(&self.processor)),
            ("kernel", Json::text(&self.kernel)),
            ("memory_gib", Json::Number(self.memory)),
            ("load", Json::Number(self.load)),
            ("rustc", Json::text(RUSTC)),
        ])
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, processor, kernel, memory, load } = self;
        write!(f, "{cores} cores of {processor}, {memory:.0} GiB, kernel {kernel}, load {load}, {RUSTC}")
    }
}

/// The compiler this was built with.
pub const RUSTC: &str = env!("BENCHES_RUSTC");

/// The version of a dependency, as `Cargo.lock` has it: the greatest if there are several.
#[must_use]
pub fn version_of(package: &str) -> Option<&'static str> {
    let wanted = format!("name = \"{package}\"");
    let lines: Vec<&str> = LOCK.lines().collect();
    let versions = lines.windows(2).filter(|pair| pair[0] == wanted);
    versions
        .filter_map(|pair| pair[1].strip_prefix("version = \"")?.strip_suffix('"'))
        .max_by_key(|version| numbers(version))
}

/// What cargo resolved when this was built.
const LOCK: &str = include_str!("../../Cargo.lock");

fn numbers(version: &str) -> Vec<u32> {
    version.split(['.', '-', '+']).filter_map(|part| part.parse().ok()).collect()
}

/// The text after the colon of the first line that begins with `key`.
fn line(path: &str, key: &str) -> Option<String> {
    let text = read_to_string(path).ok()?;
    let found = text.lines().find(|line| line.starts_with(key))?;
    Some(found.split_once(':')?.1.trim().to_owned())
}

fn first(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_lock_file() {
        assert_eq!(version_of("tasker-core"), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(version_of("no such package"), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(numbers("0.12.2") > numbers("0.9.1"));
    }
}
