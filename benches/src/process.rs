//! What this process uses, as Linux tells.

use std::fs;

/// Memory in use, in bytes; 0 where the system does not tell.
#[must_use]
pub fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * PAGE
}

/// Linux on x86-64, and on most others.
const PAGE: u64 = 4096;

/// Processor time of all threads but the calling one, in nanoseconds; 0 where the system does not tell.
#[must_use]
pub fn nanos_of_others() -> u64 {
    let me = fs::read_link("/proc/thread-self").ok().and_then(|path| Some(path.file_name()?.to_owned()));
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().filter_map(Result::ok);
    let others = threads.filter(|thread| Some(thread.file_name()) != me);
    others.filter_map(|thread| running_nanos(&thread.path().join("schedstat"))).sum()
}

fn running_nanos(path: &std::path::Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory() {
        assert!(resident_bytes() > PAGE);
    }
}
