//! The command line, parsed once.

use std::path::PathBuf;
use std::time::Duration;

use tasker_testkit::lab::{Choice, Dist, Lab, Resources, Scenario, parse_seconds};

/// What was asked for.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    pub(crate) trace: Option<PathBuf>,
    pub(crate) policies: Vec<Choice>,
    pub(crate) scenarios: Vec<String>,
    pub(crate) min: Option<usize>,
    pub(crate) max: Option<usize>,
    pub(crate) interval: Option<Duration>,
    pub(crate) create_time: Option<Duration>,
    pub(crate) target_wait: Option<Duration>,
    pub(crate) seed: Option<u64>,
    pub(crate) svg: Option<PathBuf>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) csv: Option<PathBuf>,
    pub(crate) tune: bool,
    pub(crate) quick: bool,
}

impl Flags {
    /// Reads the arguments. An error names the flag and what is wrong with its value.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut flags = Self::default();
        while let Some(flag) = arguments.next() {
            match flag.as_str() {
                "--tune" => flags.tune = true,
                "--quick" => flags.quick = true,
                _ => flags.set(&flag, arguments.next())?,
            }
        }
        flags.check()?;
        Ok(flags)
    }

    fn set(&mut self, flag: &str, value: Option<String>) -> Result<(), String> {
        let known = [
            "--trace",
            "--policy",
            "--scenario",
            "--min",
            "--max",
            "--interval",
            "--create-time",
            "--target-wait",
            "--seed",
            "--svg",
            "--json",
            "--csv",
        ];
        if !known.contains(&flag) {
            return Err(format!("{flag}: no such flag; there are {}, --tune and --quick", known.join(", ")));
        }
        let value = value.ok_or_else(|| format!("{flag}: a value is missing"))?;
        self.assign(flag, &value).map_err(|wrong| format!("{flag}: {wrong}"))
    }

    fn assign(&mut self, flag: &str, value: &str) -> Result<(), String> {
        match flag {
            "--trace" => self.trace = Some(value.into()),
            "--policy" => self.policies.push(value.parse().map_err(|wrong| format!("{wrong}"))?),
            "--scenario" => self.scenarios.push(scenario(value)?),
            "--min" => self.min = Some(count(value)?),
            "--max" => self.max = Some(count(value)?),
            "--interval" => self.interval = Some(positive(value)?),
            "--create-time" => self.create_time = Some(parse_seconds(value)?),
            "--target-wait" => self.target_wait = Some(positive(value)?),
            "--seed" => {
                self.seed = Some(value.parse().map_err(|_| format!("`{value}` is not a whole number"))?)
            }
            "--svg" => self.svg = Some(value.into()),
            "--json" => self.json = Some(value.into()),
            _ => self.csv = Some(value.into()),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if self.trace.is_some() && !self.scenarios.is_empty() {
            return Err("--scenario: there is a --trace already".into());
        }
        if self.tune && self.trace.is_none() && self.scenarios.len() != 1 {
            return Err("--tune: needs a load, by --trace FILE or by one --scenario NAME".into());
        }
        if self.tune && self.policies.len() > 1 {
            return Err("--tune: takes one --policy at a time".into());
        }
        if self.quick && (self.tune || self.trace.is_some()) {
            return Err("--quick: is for the standard scenarios, without --trace and --tune".into());
        }
        if self.quick && !self.policies.is_empty() {
            return Err("--quick: judges all policies, so there can be no --policy".into());
        }
        if let (Some(min), Some(max)) = (self.min, self.max) {
            if max < min {
                return Err(format!("--max: {max} is less than --min, {min}"));
            }
        }
        Ok(())
    }

    /// The policies asked for, or all.
    pub(crate) fn choices(&self) -> Vec<Choice> {
        if self.policies.is_empty() { Choice::all() } else { self.policies.clone() }
    }

    /// The scenarios asked for, or all.
    pub(crate) fn standard(&self) -> Vec<Scenario> {
        let wanted = |scenario: &Scenario| {
            self.scenarios.is_empty() || self.scenarios.iter().any(|name| name == scenario.name)
        };
        Scenario::all().into_iter().filter(wanted).collect()
    }

    /// The lab with what was asked for in the place of its own settings.
    pub(crate) fn apply(&self, mut lab: Lab) -> Result<Lab, String> {
        let (min, max) = lab.bounds();
        let min = self.min.unwrap_or_else(|| self.max.map_or(min, |max| min.min(max)));
        lab = lab.workers(min).max_workers(self.max.unwrap_or(max.max(min)));
        if let Some(interval) = self.interval {
            lab = lab.interval(interval);
        }
        if let Some(time) = self.create_time {
            lab = lab.resources(Resources::new().create(Dist::constant(time)));
        }
        if let Some(target) = self.target_wait {
            lab = lab.wait_target(target);
        }
        lab.validate().map_err(|wrong| format!("the pool, field {}: {wrong}", wrong.field))?;
        Ok(lab)
    }
}

fn scenario(name: &str) -> Result<String, String> {
    let names: Vec<_> = Scenario::all().iter().map(|scenario| scenario.name).collect();
    if names.contains(&name) {
        Ok(name.to_owned())
    } else {
        Err(format!("no scenario is named `{name}`; there are: {}", names.join(", ")))
    }
}

fn count(value: &str) -> Result<usize, String> {
    let count: usize = value.parse().map_err(|_| format!("`{value}` is not a whole number"))?;
    if (1..=100_000).contains(&count) { Ok(count) } else { Err(format!("{count} must be from 1 to 100000")) }
}

fn positive(value: &str) -> Result<Duration, String> {
    let time = parse_seconds(value)?;
    if time.is_zero() { Err(format!("`{value}` must be longer than nothing")) } else { Ok(time) }
}
