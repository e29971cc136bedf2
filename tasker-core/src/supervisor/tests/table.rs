//! The whole transition table as text: every phase of a pool, every state of a worker, every event.
//!
//! It is compared with `transitions.txt`, so that a changed transition shows in review. To accept a change:
//! `TASKER_BLESS=1 cargo test -p tasker-core transition_table`.

use std::fmt::Write as _;

use super::*;
use crate::supervisor::workers::State;

const COMMITTED: &str = include_str!("transitions.txt");
/// The worker the table is about; worker 2 is live and has completed a task.
const SUBJECT: u64 = 1;
const STATES: [&str; 5] = ["creating", "live", "destroying", "abandoned", "gone"];
const PHASES: [&str; 5] = ["running", "draining", "drained", "killing", "ended"];

#[test]
fn the_transition_table_is_the_committed_one() {
    let table = table();
    if std::env::var_os("TASKER_BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/supervisor/tests/transitions.txt");
        std::fs::write(path, &table).unwrap();
        return;
    }
    let differs = table.lines().zip(COMMITTED.lines()).find(|(now, before)| now != before);
    assert_eq!(differs, None, "the first line that differs: now, committed");
    assert_eq!(table.len(), COMMITTED.len());
}

fn table() -> String {
    let mut table = String::from("phase: worker 1 is + event -> worker 1 is, the pool is; commands\n");
    for phase in PHASES {
        for state in STATES {
            worker_events().into_iter().for_each(|event| row(&mut table, phase, state, event));
        }
        pool_events().into_iter().for_each(|event| row(&mut table, phase, "live", event));
    }
    table
}

fn row(table: &mut String, phase: &str, state: &str, event: Event) {
    let mut rig = arrange(phase, state);
    let (before, name) = (state_of(&rig), format!("{event:?}"));
    let commands = rig.event(event);
    let (after, reached) = (state_of(&rig), format!("{:?}", rig.supervisor.phase()).to_lowercase());
    writeln!(table, "{phase}: {before} + {name} -> {after}, {reached}").unwrap();
    commands.iter().for_each(|command| writeln!(table, "    {command}").unwrap());
}

fn worker_events() -> Vec<Event> {
    vec![
        ready(SUBJECT),
        refused(SUBJECT),
        done(SUBJECT),
        leaving(SUBJECT, ExitReason::Unhealthy),
        leaving(SUBJECT, ExitReason::MaxUses),
        leaving(SUBJECT, ExitReason::Retired),
        leaving(SUBJECT, ExitReason::Drained),
        leaving(SUBJECT, ExitReason::Killed),
        exited(SUBJECT),
        Event::Stuck(id(SUBJECT)),
        Event::Back(id(SUBJECT)),
        Event::Idle(id(SUBJECT)),
    ]
}

fn pool_events() -> Vec<Event> {
    vec![
        Event::Busy,
        Event::Blocked,
        Event::Drained,
        STOP,
        Event::Kill,
        Event::Resize { workers: 1, max_workers: 2 },
        Event::WarmUp(4),
    ]
}

fn arrange(phase: &str, state: &str) -> Rig {
    let mut rig = Rig::new(config(2, 4));
    rig.start();
    rig.event(ready(2));
    rig.event(done(2));
    if state != "creating" {
        rig.event(ready(SUBJECT));
    }
    match state {
        "destroying" => drop(rig.event(leaving(SUBJECT, ExitReason::MaxUses))),
        "abandoned" => drop(rig.event(Event::Stuck(id(SUBJECT)))),
        "gone" => drop(rig.event(exited(SUBJECT))),
        _ => {}
    }
    if matches!(phase, "draining" | "drained") {
        rig.event(STOP);
    }
    if phase == "drained" {
        rig.event(Event::Drained);
    }
    if matches!(phase, "killing" | "ended") {
        rig.event(Event::Kill);
    }
    if phase == "ended" {
        rig.wait(1_000_000);
    }
    rig
}

fn state_of(rig: &Rig) -> &'static str {
    match rig.supervisor.workers.get(id(SUBJECT)).map(|worker| worker.state) {
        None => "gone",
        Some(State::Creating { .. }) => "creating",
        Some(State::Live { proven: false, .. }) => "live",
        Some(State::Live { proven: true, .. }) => "proven",
        Some(State::Destroying { .. }) => "destroying",
        Some(State::Abandoned) => "abandoned",
    }
}
