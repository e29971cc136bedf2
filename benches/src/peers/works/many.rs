//! Many workers: a task must cost no more among 64 than among 8.

use super::results::Results;
use super::{Limit, Work};
use crate::threads::{self, Ours};

const EIGHT: &str = "floor: tasker with 8 workers";

pub(super) fn works() -> Vec<Work> {
    let what = "threads: typed results, 1,024 in flight, of 64 workers, against 8";
    let entrants = |scale| {
        let eight = threads::one::<Ours, _>(8, Results::new(scale)).renamed(EIGHT);
        vec![eight, threads::one::<Ours, _>(64, Results::new(scale))]
    };
    // 5 % for chance.
    vec![Work::timed("T2 w64", what, EIGHT, entrants).bar(Limit::ratio(1.05))]
}
