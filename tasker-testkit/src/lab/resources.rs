//! What creating, keeping and losing a resource is like.

use std::time::Duration;

use tasker_core::Timestamp;

use super::chance::Rng;
use super::dist::Dist;

/// How resources behave: how long they take to create and destroy, how often that fails, how they age and fall sick.
///
/// ```
/// use std::time::Duration;
/// use tasker_testkit::lab::{Dist, Resources};
///
/// let second = Duration::from_secs(1);
/// let resources = Resources::new()
///     .create(Dist::log_normal(second * 3, 0.5))
///     .fail(0.1)
///     .outage(second * 60, second * 90)
///     .max_lifetime(second * 600);
/// # let _ = resources;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Resources {
    pub(super) create: Dist,
    pub(super) destroy: Dist,
    pub(super) fail: f64,
    pub(super) sick: f64,
    pub(super) outages: Vec<(Timestamp, Timestamp)>,
    pub(super) max_lifetime: Option<Duration>,
}

impl Default for Resources {
    fn default() -> Self {
        Self::new()
    }
}

impl Resources {
    /// Resources that take a second to create, none to destroy, and never fail.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            create: Dist::constant(Duration::from_secs(1)),
            destroy: Dist::ZERO,
            fail: 0.0,
            sick: 0.0,
            outages: Vec::new(),
            max_lifetime: None,
        }
    }

    /// How long creating one takes, whether it succeeds or fails.
    #[must_use]
    pub const fn create(mut self, time: Dist) -> Self {
        self.create = time;
        self
    }

    /// How long destroying one takes.
    #[must_use]
    pub const fn destroy(mut self, time: Dist) -> Self {
        self.destroy = time;
        self
    }

    /// The share of creations that fail: 0 for none, 1 for all.
    #[must_use]
    pub const fn fail(mut self, share: f64) -> Self {
        self.fail = share;
        self
    }

    /// The share of attempts whose error makes the resource unhealthy: it is replaced, and the task retried.
    #[must_use]
    pub const fn sick(mut self, share: f64) -> Self {
        self.sick = share;
        self
    }

    /// All creations that are begun from `from` to `to` fail. There may be several such times.
    #[must_use]
    pub fn outage(mut self, from: Duration, to: Duration) -> Self {
        let at = |moment| Timestamp::ZERO.saturating_add(moment);
        self.outages.push((at(from), at(to)));
        self
    }

    /// How old a resource may become before it is replaced, less up to a tenth by chance, as in a pool.
    #[must_use]
    pub const fn max_lifetime(mut self, age: Duration) -> Self {
        self.max_lifetime = Some(age);
        self
    }

    /// How long a creation takes nine times of ten, and at least so often that it succeeds.
    pub(super) fn lead(&self) -> Duration {
        let tries = 1.0 / (1.0 - self.fail).max(0.1);
        Duration::from_secs_f64(self.create.high().as_secs_f64() * tries)
    }

    pub(super) fn creation_fails(&self, now: Timestamp, rng: &mut Rng) -> bool {
        let by_chance = self.fail > 0.0 && rng.unit() <= self.fail;
        by_chance || self.outages.iter().any(|(from, to)| (*from..*to).contains(&now))
    }

    pub(super) fn turns_sick(&self, rng: &mut Rng) -> bool {
        self.sick > 0.0 && rng.unit() <= self.sick
    }

    /// When a resource that is created now has to go.
    pub(super) fn expires(&self, now: Timestamp, rng: &mut Rng) -> Option<Timestamp> {
        let age = self.max_lifetime?;
        let shortened = age.as_secs_f64() * (1.0 - 0.1 * rng.unit());
        Some(now.saturating_add(Duration::from_secs_f64(shortened)))
    }
}
