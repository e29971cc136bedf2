//! What could have been had by knowing the future.
//!
//! The oracle plans with the whole trace in hand, and its plan is then run like any policy: through the real supervisor,
//! with creations that take their time and are paid for. A plan knows every arrival and service time, begins creations
//! ahead of need, and lets workers go the moment they are not needed again soon.
//!
//! A plan is made by serving the tasks in their order on as few workers as keep each within the wait target. A worker
//! is added only for a task that would otherwise start late, and only if adding it is worth its price: the plan looks
//! ahead at all the tasks that would be late without, at a given price each. A worker whose next task comes sooner than
//! a new one would have paid off is kept. Among the plans for several prices and margins the oracle is the cheapest.
//! This is a heuristic, not a proof of the optimum: finding that is a hard scheduling problem. That no policy beats it
//! on the standard scenarios is checked whenever they are judged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use tasker_core::Timestamp;
use tasker_core::scaling::{Sample, ScalingPolicy};

use super::outcome::Run;
use super::setup::Lab;

/// What a late task may cost when a plan is made, in multiples of its price.
const LATENESS: [f64; 7] = [0.0, 0.02, 0.1, 0.5, 2.0, 10.0, f64::INFINITY];
/// What share of the wait target a plan uses up; the rest is for what ticks and creations do not hit exactly.
const MARGINS: [f64; 4] = [0.0, 0.3, 0.6, 0.9];

/// The plans of the oracle for one lab, each run.
#[derive(Clone, Debug, PartialEq)]
pub struct Oracle {
    runs: Vec<Run>,
    lab_cost: Vec<f64>,
    creation: f64,
}

impl Oracle {
    /// Makes and runs the plans.
    #[must_use]
    pub fn consult(lab: &Lab) -> Self {
        let mut plans: Vec<Plan> = Vec::new();
        for margin in MARGINS {
            for lateness in LATENESS {
                let plan = Planner::new(lab, margin, lateness).plan();
                if !plans.contains(&plan) {
                    plans.push(plan);
                }
            }
        }
        let runs: Vec<_> = plans.into_iter().map(|plan| lab.run(plan)).collect();
        let lab_cost = runs.iter().map(|run| run.outcome.cost(lab.prices)).collect();
        Self { runs, lab_cost, creation: lab.prices.creation }
    }

    /// The cheapest plan by the prices of the lab: the lower bound that policies are held against.
    #[must_use]
    pub fn best(&self) -> &Run {
        let cost = |index: &usize| self.lab_cost[*index];
        let best = (0..self.runs.len()).min_by(|a, b| cost(a).total_cmp(&cost(b)));
        &self.runs[best.unwrap_or(0)]
    }

    /// The cheapest plan, by worker-seconds and creations, with no greater share of late tasks than `share`; or, if
    /// there is none, that with the smallest share.
    #[must_use]
    pub fn at_share(&self, share: f64) -> &Run {
        let price = |run: &Run| run.outcome.worker_seconds + self.creation * run.outcome.creations;
        let within = self.runs.iter().filter(|run| run.outcome.late_share() <= share);
        let cheapest = within.min_by(|a, b| price(a).total_cmp(&price(b)));
        cheapest.unwrap_or_else(|| self.most_punctual())
    }

    fn most_punctual(&self) -> &Run {
        let share = |run: &Run| run.outcome.late_share();
        self.runs.iter().min_by(|a, b| share(a).total_cmp(&share(b))).unwrap_or(&self.runs[0])
    }
}

/// How many workers there should be, from each moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plan {
    /// Each moment is in the place of the end of a creation that must begin `lead` before.
    steps: Vec<(Timestamp, usize)>,
    lead: Duration,
    interval: Duration,
    /// The step in force.
    at: usize,
}

impl ScalingPolicy for Plan {
    /// As many as are needed at any moment from when a creation begun now would be done until the next ask.
    fn desired(&mut self, now: Timestamp, _sample: &Sample) -> usize {
        while self.steps.get(self.at + 1).is_some_and(|(from, _)| *from <= now) {
            self.at += 1;
        }
        let until = now.saturating_add(self.lead).saturating_add(self.interval);
        let ahead = self.steps[self.at..].iter().take_while(|(from, _)| *from <= until);
        ahead.map(|(_, workers)| *workers).max().unwrap_or(0)
    }

    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        let lead = self.lead.saturating_add(self.interval);
        let next = self.steps[self.at..]
            .iter()
            .map(|(from, _)| *from)
            .find(|from| *from > now.saturating_add(lead))?;
        Some(Timestamp::from_nanos(next.as_nanos().saturating_sub(nanos(lead))))
    }
}

/// Serves the tasks of a trace on paper.
struct Planner<'a> {
    lab: &'a Lab,
    /// How long a task may wait, in nanoseconds.
    patience: u64,
    /// What a late task costs, in worker-nanoseconds; infinite for never.
    lateness: f64,
    /// The longest gap over which a worker is kept, in nanoseconds: for longer ones a new worker is cheaper.
    keep: u64,
    /// Before this no burst worker can be ready: nobody asks the policy of a pool without work, so the first creation
    /// begins an interval after the first arrival.
    earliest: u64,
    /// When base workers and those burst workers that have a task will be free. Base workers have number 0.
    busy: BinaryHeap<Reverse<(u64, usize)>>,
    /// Burst workers without a task: since when, and which. The last to become idle comes first.
    idle: Vec<(u64, usize)>,
    /// Each burst worker's times of need.
    stays: Vec<Vec<(u64, u64)>>,
}

impl<'a> Planner<'a> {
    fn new(lab: &'a Lab, margin: f64, lateness: f64) -> Self {
        let target = lab.wait_target.as_secs_f64();
        let turnover = lab.resources.create.mean() + lab.resources.destroy.mean();
        let keep = (turnover.as_secs_f64() + lab.prices.creation.max(0.0)) * 1e9;
        Self {
            lab,
            patience: (target * margin * 1e9) as u64,
            lateness: lateness * lab.prices.late * 1e9,
            keep: keep as u64,
            earliest: nanos(lab.config.burst_interval.saturating_add(lab.resources.lead()))
                .saturating_add(lab.trace.tasks().first().map_or(0, |task| task.arrival.as_nanos())),
            busy: (0..lab.config.workers).map(|_| Reverse((0, 0))).collect(),
            idle: Vec::new(),
            stays: Vec::new(),
        }
    }

    fn plan(mut self) -> Plan {
        let tasks = self.lab.trace.tasks();
        let mut next = 0;
        let mut head = 0;
        while let Some(task) = tasks.get(next) {
            let arrival = task.arrival.as_nanos();
            let service = nanos(task.service);
            let free = self.first_free(arrival);
            let start = free.max(arrival);
            let added = arrival.max(head).max(self.earliest);
            if start <= arrival + self.patience || added >= start || !self.may_add() {
                self.take(start, service);
                next += 1;
            } else {
                let price = self.price_of_adding(added) + service as f64;
                match self.late_without(next, price) {
                    // What was looked at is served late.
                    Some(until) => next = until,
                    None => {
                        self.add(added, service);
                        next += 1;
                    }
                }
            }
            head = head.max(start.min(arrival + self.patience)).max(arrival);
        }
        self.into_plan()
    }

    /// When the first worker is free for a task that arrives now. Burst workers that were free before are let go, as
    /// long as a base worker is free or the task can wait for one that is busy.
    fn first_free(&mut self, arrival: u64) -> u64 {
        while let Some(&Reverse((free, burst))) = self.busy.peek() {
            if free >= arrival || burst == 0 {
                return free;
            }
            self.busy.pop();
            self.idle.push((free, burst));
        }
        u64::MAX
    }

    /// The first free worker takes a task.
    fn take(&mut self, start: u64, service: u64) {
        if let Some(Reverse((_, burst))) = self.busy.pop() {
            self.occupy(burst, start, service);
        }
    }

    fn occupy(&mut self, burst: usize, start: u64, service: u64) {
        let end = start.saturating_add(service);
        self.busy.push(Reverse((end, burst)));
        if burst > 0 {
            let keep = self.keep;
            let stays = &mut self.stays[burst - 1];
            match stays.last_mut() {
                Some((_, until)) if start.saturating_sub(*until) <= keep => *until = end,
                Some(_) | None => stays.push((start, end)),
            }
        }
    }

    fn may_add(&self) -> bool {
        self.busy.len() < self.lab.config.max_workers
    }

    /// In worker-nanoseconds.
    fn price_of_adding(&self, now: u64) -> f64 {
        let gap = self.idle.last().map_or(u64::MAX, |(since, _)| now.saturating_sub(*since));
        gap.min(self.keep) as f64
    }

    fn add(&mut self, start: u64, service: u64) {
        let burst = self.idle.pop().map_or_else(
            || {
                self.stays.push(Vec::new());
                self.stays.len()
            },
            |(_, burst)| burst,
        );
        self.occupy(burst, start, service);
    }

    /// Serves tasks from `next` on with the workers there are, until one starts in time again. `None`, and nothing is
    /// served, if so many would be late that `price` is less than they cost.
    fn late_without(&mut self, next: usize, price: f64) -> Option<usize> {
        let (busy, idle, stays) = (self.busy.clone(), self.idle.len(), self.stays_mark());
        let mut cost = 0.0;
        for (offset, task) in self.lab.trace.tasks()[next..].iter().enumerate() {
            let arrival = task.arrival.as_nanos();
            let start = self.first_free(arrival).max(arrival);
            if start <= arrival + self.patience {
                return Some(next + offset);
            }
            cost += self.lateness;
            if cost >= price || self.busy.is_empty() {
                self.busy = busy;
                self.idle.truncate(idle);
                self.restore(&stays);
                return None;
            }
            self.take(start, nanos(task.service));
        }
        Some(self.lab.trace.len())
    }

    /// Enough to undo what `occupy` does to workers that are busy.
    fn stays_mark(&self) -> Vec<(usize, Option<(u64, u64)>)> {
        self.stays.iter().map(|stays| (stays.len(), stays.last().copied())).collect()
    }

    fn restore(&mut self, mark: &[(usize, Option<(u64, u64)>)]) {
        for (stays, (len, last)) in self.stays.iter_mut().zip(mark) {
            stays.truncate(*len);
            if let (Some(now), Some(before)) = (stays.last_mut(), last) {
                *now = *before;
            }
        }
    }

    fn into_plan(self) -> Plan {
        let mut changes: Vec<_> =
            self.stays.iter().flatten().flat_map(|(from, to)| [(*from, 1_isize), (*to, -1)]).collect();
        changes.sort_unstable();
        let mut workers = self.lab.config.workers;
        let mut steps = vec![(Timestamp::ZERO, workers)];
        for (at, change) in changes {
            workers = workers.saturating_add_signed(change);
            let at = Timestamp::from_nanos(at);
            match steps.last_mut() {
                Some((last, count)) if *last == at => *count = workers,
                Some(_) | None => steps.push((at, workers)),
            }
        }
        Plan { steps, lead: self.lab.resources.lead(), interval: self.lab.config.burst_interval, at: 0 }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
