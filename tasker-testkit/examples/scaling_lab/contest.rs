//! The standard scenarios.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tasker_core::scaling::Adaptive;
use tasker_testkit::lab::judge::{Bar, Contest, Heat, judge, report};
use tasker_testkit::lab::scenario::JUDGING;
use tasker_testkit::lab::{Choice, Lab, Load, Report, Scenario, quoted};

use crate::flags::Flags;
use crate::{DEFAULT, picture};

/// Runs the policies on the scenarios; whether the bars hold, if they are asked for.
pub(crate) fn hold(flags: &Flags) -> Result<bool, String> {
    let begun = Instant::now();
    let scenarios = flags.standard();
    let seeds = flags.seed.map_or_else(|| JUDGING.to_vec(), |seed| vec![seed]);
    let contests = contests(flags, &scenarios, &seeds)?;
    let report = report(&contests);
    print!("{report}");
    for scenario in &scenarios {
        println!("{}: {}", scenario.name, scenario.what);
    }
    let bars = if flags.policies.is_empty() { judge(&contests, DEFAULT) } else { Vec::new() };
    show(&bars);
    write(flags, &report, &bars)?;
    if flags.quick {
        speed();
    } else {
        plots(flags, &scenarios, seeds[0])?;
    }
    println!("{:.1} s", begun.elapsed().as_secs_f64());
    Ok(!flags.quick || bars.iter().all(|bar| bar.held))
}

/// Each scenario and seed by itself, on as many threads as there are cores.
fn contests(flags: &Flags, scenarios: &[Scenario], seeds: &[u64]) -> Result<Vec<Contest>, String> {
    let choices = flags.choices();
    let labs: Result<Vec<_>, String> = scenarios
        .iter()
        .flat_map(|scenario| seeds.iter().map(move |seed| (scenario, *seed)))
        .map(|(scenario, seed)| flags.apply(scenario.lab(seed)))
        .collect();
    let heats = in_parallel(&labs?, |lab| Heat::run(lab, &entrants(lab, &choices)));
    let names: Vec<_> = choices.iter().map(ToString::to_string).collect();
    let of = |(scenario, heats): (&Scenario, &[Heat])| {
        Contest::of(scenario.name, scenario.prices(), &names, heats)
    };
    Ok(scenarios.iter().zip(heats.chunks(seeds.len())).map(of).collect())
}

/// The policies, told how long tasks should wait.
fn entrants(lab: &Lab, choices: &[Choice]) -> Vec<Choice> {
    choices.iter().map(|choice| choice.clone().with_target(lab.target())).collect()
}

/// The answers in the order of the items.
fn in_parallel<T: Sync, A: Send>(items: &[T], work: impl Fn(&T) -> A + Sync) -> Vec<A> {
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((index, item)) = item_at(items, &next) {
                    let answer = work(item);
                    answers.lock().expect("a thread panicked").push((index, answer));
                }
            });
        }
    });
    let mut answers = answers.into_inner().expect("a thread panicked");
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn item_at<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}

/// What a simulation costs here.
fn speed() {
    let trace = Load::constant(1_000.0).lasting(Duration::from_secs(1_000)).trace(1);
    let lab = Lab::new(trace).workers(64).max_workers(192);
    let begun = Instant::now();
    let tasks = lab.run(Adaptive::new()).outcome.tasks;
    println!("\n{tasks} tasks simulated in {:.2} s", begun.elapsed().as_secs_f64());
}

fn plots(flags: &Flags, scenarios: &[Scenario], seed: u64) -> Result<(), String> {
    let draw = |scenario: &Scenario| {
        let lab = flags.apply(scenario.lab(seed))?;
        picture::of_lab(flags, scenario.name, scenario.what, &lab)
    };
    in_parallel(scenarios, draw).into_iter().collect::<Result<(), String>>()?;
    println!("\nplots of seed {seed} are in {}", picture::directory(flags).display());
    Ok(())
}

fn show(bars: &[Bar]) {
    if !bars.is_empty() {
        println!("\nthe bars for {DEFAULT}:");
    }
    for bar in bars {
        let (count, all) = bar.count;
        println!("  {}: {} ({count} of {all})", if bar.held { "held" } else { "MISSED" }, bar.what);
        for miss in &bar.misses {
            println!("    {miss}");
        }
    }
}

fn write(flags: &Flags, report: &Report, bars: &[Bar]) -> Result<(), String> {
    if let Some(path) = &flags.json {
        let bars: Vec<_> = bars.iter().map(json).collect();
        let text = format!("{{\"rows\": {},\n\"bars\": [\n{}\n]}}\n", report.to_json(), bars.join(",\n"));
        save(path, &text)?;
    }
    flags.csv.as_ref().map_or(Ok(()), |path| save(path, &report.to_csv()))
}

fn json(bar: &Bar) -> String {
    let misses: Vec<_> = bar.misses.iter().map(|miss| quoted(miss)).collect();
    let (count, all) = bar.count;
    format!(
        "  {{\"what\": {}, \"held\": {}, \"count\": {count}, \"of\": {all}, \"misses\": [{}]}}",
        quoted(bar.what),
        bar.held,
        misses.join(", "),
    )
}

/// Writes a file, and its directory if need be.
pub(crate) fn save(path: &Path, text: &str) -> Result<(), String> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let made = directory.map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(path, text)).map_err(|error| format!("{}: {error}", path.display()))
}
