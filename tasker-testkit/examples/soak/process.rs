//! What the process holds, as the system counts it.

use std::fmt;
use std::fs;

/// Threads, open descriptors and resident memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) threads: usize,
    pub(crate) descriptors: usize,
    pub(crate) kibibytes: u64,
}

impl Process {
    /// As it is now; `None` where there is no `/proc`.
    pub(crate) fn now() -> Option<Self> {
        Some(Self {
            threads: fs::read_dir("/proc/self/task").ok()?.count(),
            // One of them is the one that lists them, each time.
            descriptors: fs::read_dir("/proc/self/fd").ok()?.count(),
            kibibytes: resident()?,
        })
    }
}

fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { threads, descriptors, kibibytes } = self;
        write!(f, "{threads} threads, {descriptors} descriptors, {kibibytes} KiB")
    }
}
