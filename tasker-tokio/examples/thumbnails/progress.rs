//! How it is going, on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tasker_tokio::{Metrics, Stats};

/// A bar on stderr; nothing at all where there is no terminal.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(what: &'static str, count: usize, quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(count as u64), target).with_prefix(what);
        let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {msg}");
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    pub(crate) fn advance(&self) {
        self.0.inc(1);
    }

    /// Says something above the bar.
    pub(crate) fn say(&self, line: &str) {
        self.0.println(line);
    }

    pub(crate) fn show(&self, stats: &Stats, metrics: &Metrics) {
        self.0.set_message(format!(
            "{} workers, {} busy, {} waiting, {} retried, {} replaced",
            stats.active,
            stats.busy,
            stats.queued_total() + stats.delayed,
            metrics.retried,
            metrics.replaced,
        ));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
