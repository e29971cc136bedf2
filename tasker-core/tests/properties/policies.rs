//! Scaling policies, asked with whatever a sample can hold.

use std::time::Duration;

use proptest::prelude::*;
use tasker_core::Timestamp;
use tasker_core::scaling::{
    Adaptive, Aimd, Fixed, PanicWindow, RateBased, Sample, ScalingPolicy, ScalingPolicyExt, Schedule,
    TargetWait, Threshold, Utilization,
};

use crate::cases;

const MINUTE: Duration = Duration::from_secs(60);

fn policies() -> Vec<Box<dyn ScalingPolicy>> {
    vec![
        Box::new(Adaptive::new()),
        Box::new(Aimd::new()),
        Box::new(Fixed::new()),
        Box::new(Fixed::at(usize::MAX)),
        Box::new(PanicWindow::new()),
        Box::new(RateBased::new()),
        Box::new(Schedule::new(MINUTE).at(MINUTE, 3).at(MINUTE * 2, usize::MAX)),
        Box::new(TargetWait::new(MINUTE)),
        Box::new(Threshold::new(usize::MAX).step(usize::MAX)),
        Box::new(Threshold::new(1).step(usize::MAX)),
        Box::new(Utilization::new()),
        Box::new(
            Threshold::new(3).max_of(Fixed::at(usize::MAX)).step_limit(usize::MAX, 1).hysteresis(usize::MAX),
        ),
        Box::new(RateBased::new().cooldown(Duration::MAX, Duration::ZERO).min_of(Fixed::at(2))),
    ]
}

fn level() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 0..20_usize, 1 => any::<usize>(), 1 => Just(usize::MAX)]
}

fn counter() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0..1_000_u64, 1 => any::<u64>()]
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![6 => (0..10_000_000_000_u64).prop_map(Duration::from_nanos), 1 => Just(Duration::MAX)]
}

prop_compose! {
    fn sample()(
        levels in proptest::array::uniform8(level()),
        counters in proptest::array::uniform6(counter()),
        times in proptest::array::uniform3(duration()),
    ) -> Sample {
        let mut sample = Sample::default();
        let [workers, max, live, creating, busy, queued, delayed, blocked] = levels;
        (sample.workers, sample.max_workers) = (workers.max(1), max.max(workers).max(1));
        (sample.live, sample.creating, sample.busy) = (live, creating, busy);
        (sample.queued, sample.delayed, sample.blocked) = (queued, delayed, blocked);
        let [arrived, started, completed, failed, created, create_failed] = counters;
        (sample.arrived, sample.started, sample.completed) = (arrived, started, completed);
        (sample.failed, sample.created, sample.create_failed) = (failed, created, create_failed);
        [sample.busy_time, sample.wait_time, sample.create_time] = times;
        sample
    }
}

fn asked() -> impl Strategy<Value = Vec<(Timestamp, Sample)>> {
    let gap = prop_oneof![6 => 0..1_000_000_000_u64, 1 => Just(u64::MAX), 1 => Just(0)];
    proptest::collection::vec((gap, sample()), 1..30).prop_map(|asked| {
        let later = |now: &mut u64, (gap, sample): (u64, Sample)| {
            *now = now.saturating_add(gap);
            Some((Timestamp::from_nanos(*now), sample))
        };
        asked.into_iter().scan(0, later).collect()
    })
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn no_policy_falls_and_the_same_samples_give_the_same_answers(asked in asked()) {
        for (mut policy, mut again) in policies().into_iter().zip(policies()) {
            for (now, sample) in &asked {
                let (answer, same) = (policy.desired(*now, sample), again.desired(*now, sample));
                prop_assert_eq!(answer, same, "{:?}", policy);
                prop_assert_eq!(policy.next_ask(*now), again.next_ask(*now));
            }
        }
    }

    #[test]
    fn clamped_policies_stay_within_their_bounds(asked in asked(), min in 0..10_usize, more in 0..10_usize) {
        let max = (min + more).max(1);
        let mut clamped: [Box<dyn ScalingPolicy>; 3] = [
            Box::new(Utilization::new().clamp(min, max)),
            Box::new(Threshold::new(1).step(usize::MAX).clamp(min, max)),
            Box::new(RateBased::new().clamp(min, max)),
        ];
        for policy in &mut clamped {
            for (now, sample) in &asked {
                prop_assert!((min..=max).contains(&policy.desired(*now, sample)), "{:?}", policy);
            }
        }
    }
}
