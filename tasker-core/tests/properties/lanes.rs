//! The order of waiting tasks.

use std::time::Duration;

use proptest::prelude::*;
use tasker_core::queue::{Lanes, Queue};
use tasker_core::{Priority, Timestamp};

use crate::cases;

#[derive(Clone, Copy, Debug)]
enum Op {
    Push {
        lane: usize,
        rank: u64,
    },
    Pop,
    /// Evicts, of what is not above the lane, the first whose number has this remainder by 3.
    Evict {
        lane: usize,
        remainder: u64,
    },
    Sweep {
        remainder: u64,
    },
}

fn ops() -> impl Strategy<Value = Vec<(u64, Op)>> {
    let op = prop_oneof![
        5 => (0..3_usize, 0..3_u64).prop_map(|(lane, rank)| Op::Push { lane, rank }),
        3 => Just(Op::Pop),
        1 => (0..3_usize, 0..3_u64).prop_map(|(lane, remainder)| Op::Evict { lane, remainder }),
        1 => (0..3_u64).prop_map(|remainder| Op::Sweep { remainder }),
    ];
    proptest::collection::vec((0..8_u64, op), 0..120)
}

#[derive(Clone, Copy, Debug)]
struct Item {
    lane: usize,
    rank: u64,
    number: u64,
    pushed: u64,
}

/// A list that is searched.
#[derive(Default)]
struct Model(Vec<Item>);

impl Model {
    fn take(&mut self, at: Option<usize>) -> Option<u64> {
        at.map(|at| self.0.remove(at).number)
    }

    fn pop(&mut self, now: u64, ageing: Option<u64>) -> Option<u64> {
        let lane = |item: &Item| match ageing {
            Some(period) => item.lane.saturating_sub(((now - item.pushed) / period) as usize),
            None => item.lane,
        };
        let first = self.0.iter().enumerate().min_by_key(|(_, item)| (lane(item), item.rank, item.number));
        let at = first.map(|(at, _)| at);
        self.take(at)
    }

    fn evict(&mut self, floor: usize, remainder: u64) -> Option<u64> {
        let allowed = |item: &&Item| item.lane >= floor && item.number % 3 == remainder;
        let lowest = self.0.iter().filter(allowed).map(|item| item.lane).max()?;
        let at = self.0.iter().position(|item| allowed(&item) && item.lane == lowest);
        self.take(at)
    }

    fn sweep(&mut self, remainder: u64) -> Vec<u64> {
        let (swept, kept) = self.0.iter().partition(|item| item.number % 3 == remainder);
        self.0 = kept;
        Vec::from_iter(swept).iter().map(|item: &Item| item.number).collect()
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn lanes_are_a_list_that_is_searched(ops in ops(), ageing in proptest::option::of(1..20_u64)) {
        let mut lanes = Lanes::new(ageing.map(Duration::from_nanos));
        let (mut model, mut now, mut number) = (Model::default(), 0, 0);
        for (later, op) in ops {
            now += later;
            let at = Timestamp::from_nanos(now);
            match op {
                Op::Push { lane, rank } => {
                    // Ranks and ageing do not go together.
                    let rank = if ageing.is_some() { 0 } else { rank };
                    lanes.push(Priority::ALL[lane], rank, at, number);
                    model.0.push(Item { lane, rank, number, pushed: now });
                    number += 1;
                }
                Op::Pop => prop_assert_eq!(lanes.pop(at), model.pop(now, ageing)),
                Op::Evict { lane, remainder } => {
                    let evicted = lanes.evict(Priority::ALL[lane], &mut |item| item % 3 == remainder);
                    prop_assert_eq!(evicted, model.evict(lane, remainder));
                }
                Op::Sweep { remainder } => {
                    let mut swept = lanes.sweep(&mut |item| item % 3 != remainder);
                    swept.sort_unstable();
                    prop_assert_eq!(swept, model.sweep(remainder));
                }
            }
            for (lane, priority) in Priority::ALL.into_iter().enumerate() {
                prop_assert_eq!(lanes.len(priority), model.0.iter().filter(|item| item.lane == lane).count());
            }
        }
    }
}
