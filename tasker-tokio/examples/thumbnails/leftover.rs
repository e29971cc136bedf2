//! Whether a child process is left.

use std::time::Duration;

/// A child that was dropped rather than destroyed is reaped in the background; that may take a moment.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);

/// The numbers of the children this process still has, zombies included; `None` where the system does not say.
pub(crate) async fn children() -> Option<Vec<u32>> {
    let mut waited = Duration::ZERO;
    loop {
        let left = scan()?;
        if left.is_empty() || waited >= PATIENCE {
            return Some(left);
        }
        tokio::time::sleep(PAUSE).await;
        waited += PAUSE;
    }
}

#[cfg(target_os = "linux")]
fn scan() -> Option<Vec<u32>> {
    let own = std::process::id();
    let processes = std::fs::read_dir("/proc").ok()?;
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Some(numbers.filter(|number| parent_of(*number) == Some(own)).collect())
}

#[cfg(not(target_os = "linux"))]
const fn scan() -> Option<Vec<u32>> {
    None
}

/// `None` if the process is gone by now.
#[cfg(target_os = "linux")]
fn parent_of(number: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // After the name, which stands in brackets and may hold anything: the state, and the parent's number.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}
