//! What waits for a moment.

use proptest::prelude::*;
use tasker_core::Timestamp;
use tasker_core::due::DueQueue;

use crate::cases;

#[derive(Clone, Copy, Debug)]
enum Op {
    Push { due: u64 },
    Pop { now: u64 },
    Sweep { remainder: usize },
}

fn moment() -> impl Strategy<Value = u64> {
    prop_oneof![9 => 0..12_u64, 1 => Just(u64::MAX)]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => moment().prop_map(|due| Op::Push { due }),
        4 => moment().prop_map(|now| Op::Pop { now }),
        1 => (0..3_usize).prop_map(|remainder| Op::Sweep { remainder }),
    ];
    proptest::collection::vec(op, 0..100)
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn what_is_due_first_and_pushed_first_comes_first(ops in ops()) {
        let (mut queue, mut model, mut number) = (DueQueue::new(), Vec::new(), 0);
        for op in ops {
            match op {
                Op::Push { due } => {
                    let is_first = model.iter().all(|&(other, _)| due < other);
                    prop_assert_eq!(queue.push(Timestamp::from_nanos(due), number), is_first);
                    model.push((due, number));
                    number += 1;
                }
                Op::Pop { now } => {
                    let first = model.iter().copied().min().filter(|&(due, _)| due <= now);
                    model.retain(|&item| Some(item) != first);
                    prop_assert_eq!(queue.pop_due(Timestamp::from_nanos(now)), first.map(|(_, number)| number));
                }
                Op::Sweep { remainder } => {
                    let mut swept = queue.sweep(&mut |number| number % 3 != remainder);
                    swept.sort_unstable();
                    let expected: Vec<_> =
                        model.iter().map(|&(_, number)| number).filter(|number| number % 3 == remainder).collect();
                    model.retain(|(_, number)| number % 3 != remainder);
                    prop_assert_eq!(swept, expected);
                }
            }
            prop_assert_eq!((queue.len(), queue.is_empty()), (model.len(), model.is_empty()));
            let next = model.iter().map(|&(due, _)| Timestamp::from_nanos(due)).min();
            prop_assert_eq!(queue.next_due(), next);
        }
    }
}
