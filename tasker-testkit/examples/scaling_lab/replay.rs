//! A load of one's own, or one scenario: policies compared on it, or one of them tuned for it.

use std::path::Path;
use std::time::Duration;

use tasker_testkit::lab::scenario::TUNING;
use tasker_testkit::lab::{Choice, Lab, Oracle, Report, Row, Trace, Trial, Tuned, tune as search};

use crate::flags::Flags;
use crate::{DEFAULT, contest, picture};

/// Replays the trace with each policy.
pub(crate) fn compare(flags: &Flags) -> Result<bool, String> {
    let (name, lab) = load(flags)?.remove(0);
    let choices = flags.choices().into_iter().map(|choice| choice.with_target(lab.target()));
    let runs: Vec<_> = choices.map(|choice| (choice.to_string(), lab.run(choice.build()))).collect();
    let oracle = Oracle::consult(&lab);
    let named = runs.iter().map(|(policy, run)| (policy.as_str(), run)).chain([("oracle", oracle.best())]);
    let row = |(policy, run): (&str, &tasker_testkit::lab::Run)| Row {
        scenario: name.clone(),
        policy: policy.to_owned(),
        outcome: run.outcome.clone(),
        prices: lab.price_list(),
    };
    let report = Report { rows: named.map(row).collect() };
    let (min, max) = lab.bounds();
    println!(
        "{} tasks, {min} to {max} workers, a task should wait {:?} at most",
        lab.load().len(),
        lab.target()
    );
    print!("{report}");
    if let Some(path) = &flags.json {
        contest::save(path, &format!("{{\"rows\": {}}}\n", report.to_json()))?;
    }
    if let Some(path) = &flags.csv {
        contest::save(path, &report.to_csv())?;
    }
    picture::of_lab(flags, &name, &format!("{} tasks", lab.load().len()), &lab)?;
    println!("plots are in {}", picture::directory(flags).display());
    Ok(true)
}

/// Looks for the parameters of a policy on the trace, or on the tuning seeds of a scenario.
pub(crate) fn tune(flags: &Flags) -> Result<bool, String> {
    let labs: Vec<_> = load(flags)?.into_iter().map(|(_, lab)| lab).collect();
    let start = match flags.policies.first() {
        Some(choice) => choice.clone(),
        None => DEFAULT.parse::<Choice>().map_err(|wrong| format!("--policy: {wrong}"))?,
    };
    let tuned = search(&labs, &start, flags.seed.unwrap_or_default());
    let report = Report { rows: tuned.front.iter().map(|trial| row(trial, &labs[0])).collect() };
    print(&tuned, &report, labs[0].target());
    if let Some(path) = &flags.json {
        let best = Report { rows: vec![row(&tuned.best, &labs[0])] };
        let text = format!("{{\"front\": {},\n\"best\": {}}}\n", report.to_json(), best.to_json());
        contest::save(path, &text)?;
    }
    if let Some(path) = &flags.csv {
        contest::save(path, &report.to_csv())?;
    }
    Ok(true)
}

fn print(tuned: &Tuned, report: &Report, target: Duration) {
    print!("{report}");
    if tuned.keeps_target {
        println!(
            "of {} tried, the fewest worker-seconds with 99 of 100 tasks waiting {target:?} at most:",
            tuned.tried
        );
    } else {
        println!(
            "of {} tried, none keeps 99 of 100 tasks within {target:?}; the shortest wait:",
            tuned.tried
        );
    }
    println!("  {}", tuned.best.choice);
    println!("  .scaling({})", tuned.best.choice.builder_line());
}

fn row(trial: &Trial, lab: &Lab) -> Row {
    Row {
        scenario: "the Pareto front in p99 wait and worker-seconds".into(),
        policy: trial.choice.to_string(),
        outcome: trial.outcome.clone(),
        prices: lab.price_list(),
    }
}

/// The load asked for: a trace is one, a scenario has a lab for each seed to tune on.
fn load(flags: &Flags) -> Result<Vec<(String, Lab)>, String> {
    if let Some(path) = &flags.trace {
        let seed = flags.seed.unwrap_or_default();
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let trace = read(path)?;
        return Ok(vec![(name, flags.apply(Lab::new(trace).seed(seed))?)]);
    }
    let scenario = flags.standard().remove(0);
    let seeds = flags.seed.map_or_else(|| TUNING.to_vec(), |seed| vec![seed]);
    let lab = |seed: u64| Ok((scenario.name.to_owned(), flags.apply(scenario.lab(seed))?));
    seeds.into_iter().map(lab).collect()
}

fn read(path: &Path) -> Result<Trace, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let trace = Trace::from_csv(&text).map_err(|wrong| format!("{}, {wrong}", path.display()))?;
    if trace.is_empty() { Err(format!("{}: there is no task in it", path.display())) } else { Ok(trace) }
}
