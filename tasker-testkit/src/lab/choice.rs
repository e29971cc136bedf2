//! Policies by name, with parameters that are numbers: for command lines and for tuning.

use std::fmt;
use std::time::Duration;

use tasker_core::scaling::{
    Adaptive, Aimd, Fixed, PanicWindow, RateBased, ScalingPolicy, Schedule, TargetWait, Threshold,
    Utilization,
};

use super::dist::seconds;

/// What a parameter counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Whole things: workers, tasks.
    Count,
    /// Seconds. Written as a number, or with `s`, `ms` or `us` behind it.
    Seconds,
    /// A plain number, as a share or a factor.
    Number,
}

/// A parameter of a policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Param {
    /// As it is written on command lines, which is the builder's name for it.
    pub name: &'static str,
    /// What it counts in.
    pub unit: Unit,
    /// What it is if it is not given.
    pub default: f64,
    /// The values that tuning tries lie between these two.
    pub range: (f64, f64),
}

/// A kind of policy.
#[derive(Debug)]
pub struct Kind {
    /// As it is written on command lines.
    pub name: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
    build: fn(&[f64]) -> Box<dyn ScalingPolicy>,
    line: fn(&[f64]) -> String,
}

/// A kind of policy with values for its parameters.
///
/// ```
/// use tasker_testkit::lab::Choice;
///
/// let choice: Choice = "threshold:backlog=50,step=2".parse()?;
/// assert_eq!(choice.to_string(), "threshold:backlog=50,step=2");
/// assert_eq!(choice.builder_line(), "Threshold::new(50).step(2)");
///
/// let error = "threshold:backlog=many".parse::<Choice>().unwrap_err();
/// assert_eq!(error.to_string(), "policy threshold, field backlog: `many` is not a whole number");
/// # Ok::<(), tasker_testkit::lab::ChoiceError>(())
/// ```
#[derive(Clone)]
pub struct Choice {
    kind: &'static Kind,
    values: Vec<f64>,
    /// The parameters that somebody set.
    given: Vec<bool>,
}

/// What is wrong with the name or the parameters of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoiceError(String);

impl fmt::Display for ChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ChoiceError {}

impl Choice {
    /// All policies that are shipped, with their defaults.
    #[must_use]
    pub fn all() -> Vec<Self> {
        KINDS.iter().map(Self::of).collect()
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// The values of the parameters, in the order of the kind's.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The same kind with other values, as many as it has parameters; counts are rounded.
    #[must_use]
    pub fn with(&self, values: &[f64]) -> Self {
        let fit = |(param, value): (&Param, &f64)| match param.unit {
            Unit::Count => value.round().max(0.0),
            Unit::Seconds | Unit::Number => *value,
        };
        let mut all = self.values.clone();
        for (old, new) in all.iter_mut().zip(self.kind.params.iter().zip(values).map(fit)) {
            *old = new;
        }
        Self { kind: self.kind, values: all, given: vec![true; self.given.len()] }
    }

    /// The same, told how long tasks should wait at most, if it has a parameter for that which nobody has set.
    #[must_use]
    pub fn with_target(mut self, target: Duration) -> Self {
        let targets = self.kind.params.iter().position(|param| is_target(param.name));
        if let Some(index) = targets.filter(|index| !self.given[*index]) {
            self.values[index] = target.as_secs_f64();
        }
        self
    }

    /// A policy to ask.
    #[must_use]
    pub fn build(&self) -> Box<dyn ScalingPolicy> {
        (self.kind.build)(&self.values)
    }

    /// The expression that makes this policy, to be given to a pool's `scaling`.
    #[must_use]
    pub fn builder_line(&self) -> String {
        (self.kind.line)(&self.values)
    }

    fn of(kind: &'static Kind) -> Self {
        let values = kind.params.iter().map(|param| param.default).collect();
        Self { kind, values, given: vec![false; kind.params.len()] }
    }

    fn set(&mut self, text: &str) -> Result<(), ChoiceError> {
        let name = self.kind.name;
        let (param, value) = text
            .split_once('=')
            .ok_or_else(|| ChoiceError(format!("policy {name}: `{text}` is not PARAM=VALUE")))?;
        let index = self.kind.params.iter().position(|known| known.name == param).ok_or_else(|| {
            let known: Vec<_> = self.kind.params.iter().map(|param| param.name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            ChoiceError(format!("policy {name}, field {param}: no such parameter; it has: {known}"))
        })?;
        self.given[index] = true;
        self.values[index] = parse(self.kind.params[index].unit, value)
            .map_err(|wrong| ChoiceError(format!("policy {name}, field {param}: {wrong}")))?;
        Ok(())
    }
}

impl std::str::FromStr for Choice {
    type Err = ChoiceError;

    /// `NAME` or `NAME:PARAM=VALUE,..`.
    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let (name, params) = text.split_once(':').unwrap_or((text, ""));
        let kind = KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
            let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
            ChoiceError(format!("no policy is named `{name}`; there are: {}", names.join(", ")))
        })?;
        let mut choice = Self::of(kind);
        for param in params.split(',').filter(|param| !param.is_empty()) {
            choice.set(param)?;
        }
        if let Err(refused) = choice.build().validate() {
            return Err(ChoiceError(format!("policy {name}, field {}: {refused}", refused.field)));
        }
        Ok(choice)
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name)?;
        let mut separator = ':';
        for ((param, value), given) in self.kind.params.iter().zip(&self.values).zip(&self.given) {
            if *given {
                write!(f, "{separator}{}={value}", param.name)?;
                separator = ',';
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Choice({self})")
    }
}

impl PartialEq for Choice {
    fn eq(&self, other: &Self) -> bool {
        self.kind.name == other.kind.name && self.values == other.values
    }
}

/// Whether a parameter of this name is the wait target itself.
pub(super) fn is_target(name: &str) -> bool {
    matches!(name, "target" | "wait_target")
}

/// Reads a number of seconds, which may have its unit behind it.
///
/// # Errors
///
/// A sentence about what is wrong.
pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    match seconds(parse(Unit::Seconds, text)?) {
        longest if longest == Duration::from_nanos(u64::MAX) => {
            Err(format!("`{text}` is more than 584 years"))
        }
        time => Ok(time),
    }
}

fn parse(unit: Unit, text: &str) -> Result<f64, String> {
    match unit {
        Unit::Count => {
            let count: u32 = text.parse().map_err(|_| format!("`{text}` is not a whole number"))?;
            Ok(f64::from(count))
        }
        Unit::Number => number(text).ok_or_else(|| format!("`{text}` is not a number")),
        Unit::Seconds => {
            let scales = [("ms", 1e-3), ("us", 1e-6), ("s", 1.0)];
            let scaled = scales.iter().find_map(|(suffix, scale)| Some((text.strip_suffix(suffix)?, *scale)));
            let (digits, scale) = scaled.unwrap_or((text, 1.0));
            let value = number(digits).filter(|value| *value >= 0.0);
            value.map(|value| value * scale).ok_or_else(|| format!("`{text}` is not a number of seconds"))
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

const fn count(name: &'static str, default: f64, range: (f64, f64)) -> Param {
    Param { name, unit: Unit::Count, default, range }
}

const fn time(name: &'static str, default: f64, range: (f64, f64)) -> Param {
    Param { name, unit: Unit::Seconds, default, range }
}

const fn plain(name: &'static str, default: f64, range: (f64, f64)) -> Param {
    Param { name, unit: Unit::Number, default, range }
}

/// `Duration::from_millis(..)`, or finer if need be.
fn duration(value: f64) -> String {
    let time = seconds(value);
    if time.subsec_nanos() == 0 {
        format!("Duration::from_secs({})", time.as_secs())
    } else if time.subsec_nanos() % 1_000_000 == 0 {
        format!("Duration::from_millis({})", time.as_millis())
    } else {
        format!("Duration::from_micros({})", time.as_micros())
    }
}

/// What is shipped. `threshold` and `rate` are the rules of the ancestor, the Go library tasker: v1's backlog rule with
/// the values of its documentation ("Configuring Bursting": a threshold of 10, 5 workers at a time), and v2's rates,
/// which have no parameter there; ours look back over a window, since lifetime averages never come down.
static KINDS: &[Kind] = &[
    Kind {
        name: "adaptive",
        // 0: none is given, and the policy takes its own.
        params: &[time("wait_target", 0.0, (0.01, 10.0))],
        build: |v| {
            Box::new(if v[0] > 0.0 { Adaptive::new().wait_target(seconds(v[0])) } else { Adaptive::new() })
        },
        line: |v| {
            let target = if v[0] > 0.0 { format!(".wait_target({})", duration(v[0])) } else { String::new() };
            format!("Adaptive::new(){target}")
        },
    },
    Kind {
        name: "fixed",
        params: &[count("at", 0.0, (1.0, 64.0))],
        build: |v| if v[0] > 0.0 { Box::new(Fixed::at(v[0] as usize)) } else { Box::new(Fixed::new()) },
        line: |v| if v[0] > 0.0 { format!("Fixed::at({})", v[0]) } else { "Fixed::new()".to_owned() },
    },
    Kind {
        name: "threshold",
        params: &[count("backlog", 10.0, (1.0, 200.0)), count("step", 5.0, (1.0, 16.0))],
        build: |v| Box::new(Threshold::new(v[0] as usize).step(v[1] as usize)),
        line: |v| format!("Threshold::new({}).step({})", v[0], v[1]),
    },
    Kind {
        name: "rate",
        params: &[time("window", 10.0, (0.5, 60.0))],
        build: |v| Box::new(RateBased::new().window(seconds(v[0]))),
        line: |v| format!("RateBased::new().window({})", duration(v[0])),
    },
    Kind {
        name: "utilization",
        params: &[
            plain("busy_share", 0.7, (0.3, 0.95)),
            time("wait_target", 0.1, (0.01, 10.0)),
            time("window", 10.0, (0.5, 60.0)),
        ],
        build: |v| {
            let policy = Utilization::new().busy_share(v[0]).wait_target(seconds(v[1]));
            Box::new(policy.window(seconds(v[2])))
        },
        line: |v| {
            let (target, window) = (duration(v[1]), duration(v[2]));
            format!("Utilization::new().busy_share({:?}).wait_target({target}).window({window})", v[0])
        },
    },
    Kind {
        name: "target-wait",
        params: &[time("target", 0.1, (0.01, 10.0)), time("window", 10.0, (0.5, 60.0))],
        build: |v| Box::new(TargetWait::new(seconds(v[0])).window(seconds(v[1]))),
        line: |v| format!("TargetWait::new({}).window({})", duration(v[0]), duration(v[1])),
    },
    Kind {
        name: "panic-window",
        params: &[
            plain("per_worker", 0.7, (0.3, 2.0)),
            time("stable", 60.0, (5.0, 120.0)),
            time("panic", 6.0, (0.5, 12.0)),
            plain("threshold", 2.0, (1.1, 4.0)),
            time("delay", 30.0, (0.0, 60.0)),
        ],
        build: |v| {
            let policy = PanicWindow::new().per_worker(v[0]).stable(seconds(v[1])).panic(seconds(v[2]));
            Box::new(policy.threshold(v[3]).delay(seconds(v[4])))
        },
        line: |v| {
            let [stable, panic, delay] = [v[1], v[2], v[4]].map(duration);
            let (tasks, times) = (v[0], v[3]);
            format!(
                "PanicWindow::new().per_worker({tasks:?}).stable({stable}).panic({panic}).threshold({times:?})\
                 .delay({delay})"
            )
        },
    },
    Kind {
        name: "aimd",
        params: &[
            count("add", 1.0, (1.0, 8.0)),
            plain("keep", 0.75, (0.3, 0.95)),
            time("wait_target", 0.1, (0.01, 10.0)),
            time("rest", 10.0, (0.5, 60.0)),
        ],
        build: |v| {
            let policy = Aimd::new().add(v[0] as usize).keep(v[1]).wait_target(seconds(v[2]));
            Box::new(policy.rest(seconds(v[3])))
        },
        line: |v| {
            let (target, rest) = (duration(v[2]), duration(v[3]));
            format!("Aimd::new().add({}).keep({:?}).wait_target({target}).rest({rest})", v[0], v[1])
        },
    },
    Kind {
        name: "schedule",
        params: &[
            time("start", 0.0, (0.0, 86_399.0)),
            time("from", 28_800.0, (0.0, 86_399.0)),
            count("workers", 24.0, (1.0, 64.0)),
            time("until", 64_800.0, (0.0, 86_399.0)),
            count("otherwise", 4.0, (1.0, 64.0)),
            time("ahead", 0.0, (0.0, 60.0)),
        ],
        build: |v| {
            let policy = Schedule::new(seconds(v[0])).at(seconds(v[1]), v[2] as usize);
            Box::new(policy.at(seconds(v[3]), v[4] as usize).ahead(seconds(v[5])))
        },
        line: |v| {
            let [start, from, until, ahead] = [v[0], v[1], v[3], v[5]].map(duration);
            format!("Schedule::new({start}).at({from}, {}).at({until}, {}).ahead({ahead})", v[2], v[4])
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Choice>().unwrap_err().to_string()
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for choice in Choice::all() {
            assert_eq!(choice.to_string().parse(), Ok(choice.clone()));
            let other =
                choice.with(&choice.kind().params.iter().map(|param| param.range.1).collect::<Vec<_>>());
            assert_eq!(other.to_string().parse(), Ok(other));
        }
    }

    #[test]
    fn seconds_may_have_a_unit() {
        let all = ["0.25", "0.25s", "250ms", "250000us"].map(parse_seconds);
        assert!(all.iter().all(|time| *time == Ok(Duration::from_millis(250))), "{all:?}");
        assert_eq!(parse_seconds("-1").unwrap_err(), "`-1` is not a number of seconds");
        assert!(parse_seconds("inf").is_err() && parse_seconds("ms").is_err());
    }

    #[test]
    fn errors_name_the_policy_and_the_field() {
        assert!(
            error("magic").starts_with("no policy is named `magic`; there are: adaptive, fixed, threshold")
        );
        assert_eq!(error("rate:window"), "policy rate: `window` is not PARAM=VALUE");
        assert_eq!(error("rate:span=1"), "policy rate, field span: no such parameter; it has: window");
        assert_eq!(error("threshold:step=1.5"), "policy threshold, field step: `1.5` is not a whole number");
        assert!(error("threshold:backlog=0").starts_with("policy threshold, field backlog: "));
        assert!(error("utilization:busy_share=2").contains("field busy_share"));
    }

    #[test]
    fn builder_lines_can_be_pasted() {
        let choice: Choice = "utilization:busy_share=0.8,window=500us".parse().unwrap();
        assert_eq!(
            choice.builder_line(),
            "Utilization::new().busy_share(0.8).wait_target(Duration::from_millis(100))\
             .window(Duration::from_micros(500))"
        );
    }
}
