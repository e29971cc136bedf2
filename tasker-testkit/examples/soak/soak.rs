//! Round after round, and what is left between them.

use std::time::{Duration, Instant};

use crate::audit::comes_true;
use crate::chance::Chance;
use crate::ground::Ground;
use crate::panics;
use crate::process::Process;
use crate::round::round;
use crate::watch::Watch;

/// How much resident memory may grow after the warm-up. Allocators keep what they were given by chance sizes of
/// rounds; what leaks a little in each of thousands of rounds is more.
const GROWTH_KIB: u64 = 16 * 1024;

/// Soaks one backend; says how that went, in either case.
pub(crate) fn soak<G: Ground>(
    name: &str,
    time: Duration,
    seed: u64,
    watch: &Watch,
) -> Result<String, String> {
    let (begun, mut chance) = (Instant::now(), Chance::new(seed));
    let (mut rounds, mut tasks, mut resources, mut not_built) = (0_u64, 0, 0, 0);
    let mut left = Left::default();
    while begun.elapsed() < time {
        rounds += 1;
        let failed = |what: String| format!("{name}: round {rounds} of seed {seed}: {what}");
        let passed = round::<G>(&mut chance, watch).map_err(|audit| failed(audit.join("\n  ")))?;
        left.look(begun.elapsed() * 4 < time || rounds == 1).map_err(failed)?;
        tasks += passed.tasks;
        resources += passed.resources;
        not_built += passed.not_built;
    }
    let unplanned = panics::unplanned();
    let told = format!(
        "{name}: {rounds} rounds in {:.0?}, {tasks} tasks, {resources} resources, {not_built} pools not built, \
         {unplanned} unplanned panics; {left}",
        begun.elapsed()
    );
    if unplanned == 0 { Ok(told) } else { Err(told) }
}

/// What is left of rounds that are over.
#[derive(Debug, Default)]
struct Left {
    /// After the first round: runtimes that are never ended have their threads by then.
    first: Option<Process>,
    /// The most memory there was after a round of the warm-up.
    warm: u64,
    last: Option<Process>,
    /// The most there was after any.
    most: u64,
}

impl Left {
    fn look(&mut self, warming: bool) -> Result<(), String> {
        let Some(now) = Process::now() else { return Ok(()) };
        let first = *self.first.get_or_insert(now);
        let gone = || {
            Process::now()
                .is_none_or(|now| now.threads <= first.threads && now.descriptors <= first.descriptors)
        };
        if !comes_true(gone) {
            return Err(format!("left behind: {now}, where {first} are due"));
        }
        // A round can leave a thread behind that had not ended yet when it was counted as the first.
        self.first = Process::now().map(|now| Process { kibibytes: first.kibibytes, ..least(first, now) });
        self.last = Process::now();
        self.most = self.most.max(now.kibibytes);
        if warming {
            self.warm = self.warm.max(now.kibibytes);
        } else if now.kibibytes > self.warm + GROWTH_KIB {
            return Err(format!("memory grows: {now}, after a warm-up that took {} KiB", self.warm));
        }
        Ok(())
    }
}

fn least(a: Process, b: Process) -> Process {
    Process { threads: a.threads.min(b.threads), descriptors: a.descriptors.min(b.descriptors), ..a }
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.first, self.last) {
            (Some(first), Some(last)) => {
                write!(f, "at first {first}, at last {last}; {} KiB at most, ", self.most)?;
                write!(f, "{} KiB in the warm-up", self.warm)
            }
            _ => f.write_str("NOT checked, for want of /proc: threads, descriptors and memory"),
        }
    }
}
