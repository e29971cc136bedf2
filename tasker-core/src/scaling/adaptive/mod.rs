//! The policy that needs no tuning: the default of pools that may grow.

mod arrivals;
mod learned;
mod staffing;

use std::time::Duration;

use super::window::{Highest, size, whole_workers};
use super::{Sample, ScalingPolicy};
use crate::{InvalidConfig, Timestamp};
use arrivals::{Arrivals, Rate};
use learned::{Creation, Service};
use staffing::{LATE, staff};

/// How sure the policy wants to be of a rate, in standard deviations, before it changes the size for it.
const CERTAINTY: f64 = 1.5;
/// The least wait target, in seconds, unless one is given.
const LEAST_TARGET: f64 = 0.1;
/// Creations that failed in a row, after which the pool does not grow.
const FAILING: u32 = 3;

fn knob(name: &str, default: f64) -> f64 {
    static KNOBS: std::sync::OnceLock<std::collections::BTreeMap<String, f64>> = std::sync::OnceLock::new();
    let knobs = KNOBS.get_or_init(|| {
        std::env::vars()
            .filter_map(|(k, v)| Some((k.strip_prefix("K_")?.to_owned(), v.parse().ok()?)))
            .collect()
    });
    knobs.get(name).copied().unwrap_or(default)
}

#[derive(Clone, Debug)]
pub struct Adaptive {
    wait_target: Option<Duration>,
    last: Option<(Timestamp, Sample)>,
    /// Seconds between asks while there is work.
    pace: f64,
    arrivals: Arrivals,
    service: Service,
    creation: Creation,
    needed: Highest,
    held: usize,
}

/// What one ask has to go by; times in seconds, load in workers.
#[derive(Clone, Copy, Debug)]
struct View {
    rate: Rate,
    service: f64,
    target: f64,
    creation: f64,
    size: usize,
}

impl Adaptive {
    /// The policy, knowing nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            wait_target: None,
            last: None,
            pace: 0.0,
            arrivals: Arrivals::default(),
            service: Service::default(),
            creation: Creation::default(),
            needed: Highest::new(Duration::ZERO),
            held: 0,
        }
    }

    /// How long a task should wait at most. Must not be zero. Default: twice the mean execution time, at least 100 ms.
    #[must_use]
    pub const fn wait_target(mut self, target: Duration) -> Self {
        self.wait_target = Some(target);
        self
    }

    fn learn(&mut self, now: Timestamp, sample: &Sample) {
        match &self.last {
            None => {
                self.service.begin(sample);
                self.creation.observe(&Sample::default(), sample);
            }
            Some((then, before)) => {
                let time = now.saturating_since(*then).as_secs_f64();
                let tasks = sample.arrived.saturating_sub(before.arrived) as f64;
                self.service.observe(time, before, sample);
                self.creation.observe(before, sample);
                let idle = before.busy == 0 && before.queued == 0;
                if idle && self.pace > 0.0 && time > 2.0 * self.pace {
                    // Nobody asks while the pool is idle; the tasks came after that.
                    self.arrivals.observe(time - self.pace, 0.0);
                    self.arrivals.observe(self.pace, tasks);
                } else {
                    self.arrivals.observe(time, tasks);
                    self.pace = time;
                }
            }
        }
    }

    fn view(&self, sample: &Sample) -> Option<View> {
        let service = self.service.mean(sample.busy)?;
        let target = self
            .wait_target
            .map_or_else(|| (knob("TARGET", 1.0) * service).max(LEAST_TARGET), |t| t.as_secs_f64());
        let rate = self.arrivals.rate(knob("CERT", CERTAINTY));
        Some(View { rate, service, target, creation: self.creation.mean(), size: self.size(sample) })
    }

    /// The size as it is meant to be: workers whose creation failed are still wanted.
    fn size(&self, sample: &Sample) -> usize {
        let size = size(sample);
        if sample.failing > 0 { size.max(self.held) } else { size }
    }

    /// How long a worker that may not be needed is kept, since creating it again has its price, too.
    fn hold(&self) -> Duration {
        let price = self.creation.mean() + (2.0 * self.creation.mean()).max(1.0);
        Duration::try_from_secs_f64(price * knob("HOLD", 1.0)).unwrap_or(Duration::MAX)
    }

    fn decide(&mut self, now: Timestamp, sample: &Sample) -> usize {
        let Some(view) = self.view(sample) else {
            return self.size(sample);
        };
        self.needed.set_span(self.hold());
        let peak = if knob("PEAKMEAN", 1.0) > 0.0 { view.rate.mean } else { view.rate.most };
        let needed = self.needed.observe(now, view.staff(peak, sample));
        let needed = needed.max(view.staff(view.rate.most, sample)).max(sample.busy);
        if sample.queued == 0 {
            return needed.min(view.size);
        }
        let wanted = view.staff(view.rate.least, sample).max(view.clearing(sample));
        let mut useful = sample.busy.saturating_add(sample.queued);
        if !self.creation.is_known() {
            useful = useful.min(sample.live.saturating_mul(2));
        }
        wanted.min(useful).max(view.size)
    }
}

impl View {
    fn staff(&self, rate: f64, sample: &Sample) -> usize {
        staff(rate * self.service, self.target / self.service, sample.max_workers)
    }

    /// Workers that clear the queue, if it is more than waits within the target.
    fn clearing(&self, sample: &Sample) -> usize {
        let load = (self.rate.mean * self.service).max(0.0);
        let hands = sample.live as f64 + sample.creating as f64 / 2.0;
        // What will wait when a worker whose creation begins now is ready.
        let waiting = sample.queued as f64 * self.service + (load - hands) * self.creation;
        if waiting <= self.size as f64 * self.target {
            return 0;
        }
        let price = (self.creation + (2.0 * self.creation).max(1.0)) * knob("PRICE", 1.0);
        let worth = (LATE * load.max(sample.busy as f64) * waiting / price).sqrt();
        whole_workers(load + worth.min(waiting / self.target))
    }
}

impl Default for Adaptive {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalingPolicy for Adaptive {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        if self.last.as_ref().is_some_and(|(then, _)| now <= *then) {
            return self.size(sample).max(sample.workers);
        }
        self.learn(now, sample);
        self.last = Some((now, sample.clone()));
        let mut wanted = self.decide(now, sample);
        if sample.failing >= FAILING {
            wanted = wanted.min(sample.live.saturating_add(sample.creating.max(1)));
        }
        self.held = wanted.min(sample.max_workers).max(sample.workers);
        self.held
    }

    fn validate(&self) -> Result<(), InvalidConfig> {
        if self.wait_target.is_some_and(|target| target.is_zero()) {
            return Err(InvalidConfig::new("wait_target", "0s", "must be longer than zero"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::testing::{Load, assert_survives_extremes, simulate};

    #[test]
    fn survives_extreme_samples() {
        assert_survives_extremes(Adaptive::new);
        assert_survives_extremes(|| Adaptive::new().wait_target(Duration::MAX));
        assert_survives_extremes(|| Adaptive::new().wait_target(Duration::from_nanos(1)));
    }

    #[test]
    fn settles_on_a_constant_load() {
        for percent in (5..=95).step_by(5) {
            for service in [10, 100, 1_000] {
                let run = simulate(Adaptive::new(), Load::constant(percent).service(service), percent);
                println!("{percent} {service} {run:?}");
            }
        }
    }

    #[test]
    fn grows_with_a_burst_and_is_back_at_base_after_it() {
        let run = simulate(Adaptive::new(), Load::burst(), 7);
        assert!(run.peak() > 6, "{run:?}");
        assert!(run.back_at_base_after_load() <= 5_000, "{run:?}");
    }
}
