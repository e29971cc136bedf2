//! A load, task by task: what a simulation replays and a recorder writes.

use std::fmt;
use std::time::Duration;

use tasker_core::{Priority, Timestamp};

use super::dist::seconds;

/// The first line of a trace file.
pub const HEADER: &str = "arrival_s,service_s,priority";

/// One task of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// When it arrives, since the trace began.
    pub arrival: Timestamp,
    /// How long it runs on a worker.
    pub service: Duration,
    /// How urgent it is.
    pub priority: Priority,
}

/// Tasks in the order of their arrival.
///
/// As text it is CSV with the header `arrival_s,service_s,priority`: seconds since the trace began, seconds on a
/// worker, and `high`, `normal` or `low`. The priority may be left out, column and all; then it is normal. Lines that
/// are empty or begin with `#` are skipped. Arrivals may stand in any order.
///
/// ```
/// use tasker_testkit::lab::Trace;
///
/// let trace = Trace::from_csv("arrival_s,service_s,priority\n0.5,0.020,high\n0.1,0.030,normal\n")?;
/// assert_eq!(trace.len(), 2);
/// assert_eq!(Trace::from_csv(&trace.to_csv())?, trace);
///
/// let error = Trace::from_csv("arrival_s,service_s\n1.0,soon\n").unwrap_err();
/// assert_eq!(error.to_string(), "line 2, field service_s: `soon` is not a number of seconds");
/// # Ok::<(), tasker_testkit::lab::TraceError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    tasks: Vec<Task>,
}

/// What is wrong with a trace file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// The line, from 1.
    pub line: usize,
    /// The field by its name in the header, or empty if it is about the whole line.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, field, message } = self;
        if field.is_empty() {
            write!(f, "line {line}: {message}")
        } else {
            write!(f, "line {line}, field {field}: {message}")
        }
    }
}

impl std::error::Error for TraceError {}

impl Trace {
    /// A trace of these tasks, put in order.
    #[must_use]
    pub fn new(mut tasks: Vec<Task>) -> Self {
        tasks.sort_by_key(|task| task.arrival);
        Self { tasks }
    }

    /// The tasks, the earliest first.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// How many tasks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// When the last task arrives.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.tasks.last().map_or(Timestamp::ZERO, |task| task.arrival)
    }

    /// The time all tasks take together: the least that workers must be paid for.
    #[must_use]
    pub fn work(&self) -> Duration {
        self.tasks.iter().fold(Duration::ZERO, |sum, task| sum.saturating_add(task.service))
    }

    /// The trace as CSV.
    #[must_use]
    pub fn to_csv(&self) -> String {
        use std::fmt::Write;
        let mut text = String::with_capacity(32 * self.len() + HEADER.len());
        text.push_str(HEADER);
        text.push('\n');
        for task in &self.tasks {
            let arrival = exact(task.arrival.as_nanos());
            let service = exact(u64::try_from(task.service.as_nanos()).unwrap_or(u64::MAX));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{arrival},{service},{}", name_of(task.priority));
        }
        text
    }

    /// Reads a trace from CSV.
    ///
    /// # Errors
    ///
    /// The first line that is wrong, and its field.
    pub fn from_csv(text: &str) -> Result<Self, TraceError> {
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let (number, header) = lines
            .next()
            .ok_or_else(|| TraceError::of_line(1, format!("the header `{HEADER}` is missing")))?;
        let columns = columns(number, header)?;
        let tasks: Result<Vec<_>, _> = lines.map(|(number, line)| task(number, line, columns)).collect();
        Ok(Self::new(tasks?))
    }
}

impl FromIterator<Task> for Trace {
    fn from_iter<I: IntoIterator<Item = Task>>(tasks: I) -> Self {
        Self::new(tasks.into_iter().collect())
    }
}

impl TraceError {
    const fn of_line(line: usize, message: String) -> Self {
        Self { line, field: "", message }
    }
}

fn columns(number: usize, header: &str) -> Result<usize, TraceError> {
    let names: Vec<_> = header.split(',').map(str::trim).collect();
    match names.as_slice() {
        ["arrival_s", "service_s"] => Ok(2),
        ["arrival_s", "service_s", "priority"] => Ok(3),
        _ => Err(TraceError::of_line(number, format!("the header must be `{HEADER}`, not `{header}`"))),
    }
}

fn task(number: usize, line: &str, columns: usize) -> Result<Task, TraceError> {
    let fields: Vec<_> = line.split(',').map(str::trim).collect();
    if fields.len() != columns {
        let message = format!("{} fields where the header has {columns}", fields.len());
        return Err(TraceError::of_line(number, message));
    }
    let arrival = time(number, "arrival_s", fields[0])?;
    Ok(Task {
        arrival: Timestamp::ZERO.saturating_add(arrival),
        service: time(number, "service_s", fields[1])?,
        priority: fields.get(2).map_or(Ok(Priority::Normal), |text| priority(number, text))?,
    })
}

fn time(line: usize, field: &'static str, text: &str) -> Result<Duration, TraceError> {
    let wrong = |message: String| TraceError { line, field, message };
    let value: f64 = text.parse().map_err(|_| wrong(format!("`{text}` is not a number of seconds")))?;
    if !value.is_finite() || value < 0.0 {
        return Err(wrong(format!("`{text}` must be finite and not negative")));
    }
    // A hundred years leave room to add up.
    if value > 3.2e9 {
        return Err(wrong(format!("`{text}` seconds are more than a hundred years")));
    }
    Ok(exactly(text).unwrap_or_else(|| seconds(value)))
}

/// Plain decimals to the nanosecond, which a floating point number of seconds does not always hold.
fn exactly(text: &str) -> Option<Duration> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 9 || !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos = format!("{part:0<9}").parse().ok()?;
    Some(Duration::new(whole.parse().ok()?, nanos))
}

fn priority(line: usize, text: &str) -> Result<Priority, TraceError> {
    Priority::ALL.into_iter().find(|&priority| name_of(priority) == text).ok_or_else(|| TraceError {
        line,
        field: "priority",
        message: format!("`{text}` is none of high, normal, low"),
    })
}

const fn name_of(priority: Priority) -> &'static str {
    match priority {
        Priority::High => "high",
        Priority::Normal => "normal",
        Priority::Low => "low",
    }
}

fn exact(nanos: u64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Trace::from_csv(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_back_to_the_nanosecond() {
        let task = |nanos, service, priority| Task {
            arrival: Timestamp::from_nanos(nanos),
            service: Duration::from_nanos(service),
            priority,
        };
        let trace = Trace::new(vec![
            task(3_600_000_000_123, 1, Priority::Low),
            task(7, 999_999_999, Priority::High),
            task(1_000_000_000, 0, Priority::Normal),
        ]);
        assert_eq!(trace.tasks()[0].arrival.as_nanos(), 7);
        assert_eq!(Trace::from_csv(&trace.to_csv()), Ok(trace));
    }

    #[test]
    fn comments_blanks_and_a_missing_priority_are_fine() {
        let trace = Trace::from_csv("# from staging\n\narrival_s , service_s\n 1 , 2e-3 \n").unwrap();
        let expected = Task {
            arrival: Timestamp::from_nanos(1_000_000_000),
            service: Duration::from_millis(2),
            priority: Priority::Normal,
        };
        assert_eq!(trace.tasks(), [expected]);
        assert!(Trace::from_csv("arrival_s,service_s").unwrap().is_empty());
    }

    #[test]
    fn an_error_names_line_and_field() {
        assert_eq!(error(""), "line 1: the header `arrival_s,service_s,priority` is missing");
        assert!(error("a,b\n").starts_with("line 1: the header must be"), "{}", error("a,b\n"));
        let head = "arrival_s,service_s,priority\n";
        assert_eq!(
            error(&format!("{head}1,2,high\nx,2,high")),
            "line 3, field arrival_s: `x` is not a number of seconds"
        );
        assert_eq!(
            error(&format!("{head}1,-2,high")),
            "line 2, field service_s: `-2` must be finite and not negative"
        );
        assert_eq!(
            error(&format!("{head}1,NaN,high")),
            "line 2, field service_s: `NaN` must be finite and not negative"
        );
        assert_eq!(
            error(&format!("{head}1,2,urgent")),
            "line 2, field priority: `urgent` is none of high, normal, low"
        );
        assert_eq!(error(&format!("{head}1,2")), "line 2: 2 fields where the header has 3");
        assert!(error(&format!("{head}1e300,2,low")).contains("field arrival_s"));
    }
}
