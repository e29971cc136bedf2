//! Policies as data: their parameters, not their memory.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::panic_window::Averages;
use super::window::{Highest, Window};

/// What looks back is written as how far, and read as looking back so far upon nothing.
macro_rules! as_its_span {
    ($($memory:ty),*) => {$(
        impl Serialize for $memory {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.span().serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $memory {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Duration::deserialize(deserializer).map(Self::new)
            }
        }
    )*};
}

as_its_span!(Averages, Highest, Window);

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::de::DeserializeOwned;

    use super::*;
    use crate::Timestamp;
    use crate::scaling::{
        Adaptive, Aimd, Fixed, PanicWindow, RateBased, Sample, ScalingPolicy, ScalingPolicyExt, Schedule,
        TargetWait, Threshold, Utilization,
    };

    const MINUTE: Duration = Duration::from_secs(60);

    /// Writes a policy that has memories; what is read must be the policy as it was made.
    fn round_trip<P: ScalingPolicy + Serialize + DeserializeOwned>(policy: impl Fn() -> P) {
        let mut used = policy();
        let mut sample =
            Sample { workers: 2, max_workers: 9, live: 2, busy: 2, queued: 50, ..Sample::default() };
        for second in 0..9 {
            used.desired(Timestamp::from_nanos(second * 1_000_000_000), &sample);
            (sample.arrived, sample.completed) = (sample.arrived + 50, sample.completed + 20);
            sample.busy_time += Duration::from_secs(2);
        }
        let text = serde_json::to_string(&used).unwrap();
        let read: P = serde_json::from_str(&text).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", policy()), "{text}");
    }

    fn read<P: DeserializeOwned + Debug>(text: &str) -> Result<String, String> {
        serde_json::from_str::<P>(text).map(|policy| format!("{policy:?}")).map_err(|error| error.to_string())
    }

    #[test]
    fn every_policy_is_read_as_it_was_made() {
        round_trip(|| Adaptive::new().wait_target(MINUTE));
        round_trip(|| Fixed::at(3));
        round_trip(|| Threshold::new(10).step(4));
        round_trip(|| RateBased::new().window(MINUTE));
        round_trip(|| Utilization::new().busy_share(0.3).wait_target(MINUTE).window(MINUTE));
        round_trip(|| TargetWait::new(MINUTE).window(MINUTE));
        round_trip(|| {
            PanicWindow::new().per_worker(0.3).stable(MINUTE * 2).panic(MINUTE).delay(MINUTE).threshold(3.0)
        });
        round_trip(|| Aimd::new().add(3).keep(0.3).wait_target(MINUTE).rest(MINUTE));
        round_trip(|| Schedule::new(MINUTE).at(MINUTE * 9, 3).at(MINUTE * 2, 4).ahead(MINUTE));
    }

    #[test]
    fn every_combinator_is_read_as_it_was_made() {
        round_trip(|| {
            Threshold::new(10).cooldown(MINUTE, MINUTE * 2).hysteresis(2).clamp(2, 9).step_limit(3, 1)
        });
        round_trip(|| Threshold::new(10).max_of(Fixed::at(3)).min_of(Fixed::at(8)));
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        assert_eq!(read::<Fixed>("{}"), Ok(format!("{:?}", Fixed::new())));
        assert_eq!(read::<Threshold>(r#"{"backlog":7}"#), Ok(format!("{:?}", Threshold::new(7))));
        assert_eq!(read::<RateBased>("{}"), Ok(format!("{:?}", RateBased::new())));
        assert_eq!(
            read::<Utilization>(r#"{"busy_share":0.5}"#),
            Ok(format!("{:?}", Utilization::new().busy_share(0.5)))
        );
        let target = r#"{"target":{"secs":60,"nanos":0}}"#;
        assert_eq!(read::<TargetWait>(target), Ok(format!("{:?}", TargetWait::new(MINUTE))));
        assert_eq!(read::<PanicWindow>("{}"), Ok(format!("{:?}", PanicWindow::new())));
        assert_eq!(read::<Aimd>("{}"), Ok(format!("{:?}", Aimd::new())));
    }

    #[test]
    fn unknown_and_missing_parameters_are_refused_by_name() {
        assert!(read::<Aimd>(r#"{"rset":1}"#).unwrap_err().contains("unknown field `rset`"));
        assert!(read::<Threshold>("{}").unwrap_err().contains("missing field `backlog`"));
        assert!(read::<TargetWait>("{}").unwrap_err().contains("missing field `target`"));
    }
}
