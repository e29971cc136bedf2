//! The flags of the scaling laboratory: what is wrong with them is named, however large, small or contradictory.

#[path = "../examples/scaling_lab/flags.rs"]
#[expect(dead_code, reason = "the example uses the rest")]
mod flags;

use flags::Flags;
use tasker_testkit::lab::{Lab, Trace};

fn read(line: &str) -> Result<Flags, String> {
    Flags::read(line.split_whitespace().map(str::to_owned))
}

#[test]
fn what_is_wrong_with_a_flag_is_named() {
    let huge = "99999999999999999999999999";
    let rows = [
        ("--no-such", "--no-such: no such flag"),
        ("--min", "--min: a value is missing"),
        ("--min 0", "0 must be from 1 to 100000"),
        ("--min -1", "`-1` is not a whole number"),
        ("--max 100001", "100001 must be from 1 to 100000"),
        (&format!("--max {huge}"), "is not a whole number"),
        ("--min 5 --max 4", "--max: 4 is less than --min, 5"),
        ("--interval 0", "--interval:"),
        ("--interval 0.0s", "must be longer than nothing"),
        ("--interval -1", "--interval:"),
        ("--interval NaN", "--interval:"),
        ("--interval inf", "--interval:"),
        (&format!("--interval {huge}"), "is more than 584 years"),
        ("--create-time -0.1", "--create-time:"),
        ("--create-time x", "--create-time:"),
        ("--target-wait 0us", "must be longer than nothing"),
        ("--seed -1", "`-1` is not a whole number"),
        (&format!("--seed {huge}"), "is not a whole number"),
        ("--policy no-such", "--policy:"),
        ("--policy threshold:backlog=0", "--policy:"),
        ("--policy threshold:no-such=1", "--policy:"),
        ("--scenario no-such", "no scenario is named `no-such`"),
        ("--trace a.csv --scenario spike", "--scenario: there is a --trace already"),
        ("--tune", "--tune: needs a load"),
        ("--quick --tune --scenario spike", "--quick:"),
        ("--quick --policy fixed", "--quick:"),
    ];
    for (line, wrong) in rows {
        let refused = read(line).expect_err(line);
        assert!(refused.contains(wrong), "`{line}` gave `{refused}`");
    }
}

#[test]
fn flags_as_large_and_as_small_as_they_may_be_make_a_lab_or_say_why_not() {
    let rows = [
        "",
        "--min 1 --max 1",
        "--min 100000",
        "--max 100000",
        "--interval 1us --create-time 0 --target-wait 1us --seed 0",
        "--interval 100000000 --create-time 100000000 --target-wait 100000000 --seed 18446744073709551615",
    ];
    for line in rows {
        let flags = read(line).expect(line);
        if let Err(wrong) = flags.apply(Lab::new(Trace::default())) {
            assert!(wrong.starts_with("the pool, field "), "`{line}` gave `{wrong}`");
        }
    }
}
