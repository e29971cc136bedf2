//! Random walks: thousands of seeds of sensible, stale and absurd events and steps of time, with the invariants
//! checked after each; then the faults stop and the pool has to get well, and then to end.

use std::collections::BTreeMap;

use super::*;
use crate::splitmix::splitmix64;
use crate::supervisor::{Levels, Phase, Startup};

/// Walks a test; each test has seeds of its own.
const SEEDS: u64 = 1000;
const STEPS: u32 = 150;

#[test]
fn invariants_hold_on_random_walks() {
    seeds(0).for_each(|seed| drop(Walk::new(seed).faults(STEPS)));
}

#[test]
fn a_running_pool_recovers_when_the_faults_stop() {
    let recovered = seeds(1).filter(|seed| Walk::new(*seed).faults_while_running(STEPS).recovers()).count();
    assert!(recovered > SEEDS as usize / 2, "most pools should still have been running: {recovered}");
}

#[test]
fn a_stopped_pool_ends_when_its_tasks_are_done() {
    seeds(2).for_each(|seed| Walk::new(seed).faults(STEPS).drains());
}

#[test]
fn a_killed_pool_ends_although_nobody_says_a_word() {
    seeds(3).for_each(|seed| Walk::new(seed).faults(STEPS).dies_in_silence());
}

#[test]
fn the_same_walk_gives_the_same_commands() {
    (0..50).for_each(|seed| {
        assert_eq!(Walk::new(seed).faults(STEPS).log, Walk::new(seed).faults(STEPS).log);
    });
}

fn seeds(part: u64) -> std::ops::Range<u64> {
    part * SEEDS..(part + 1) * SEEDS
}

/// What the walk itself knows a worker to be doing, from the commands and the events alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Creating,
    Live,
    Destroying,
    Abandoned,
}

#[derive(Debug)]
struct Swing(u64);

impl ScalingPolicy for Swing {
    fn desired(&mut self, now: Timestamp, sample: &Sample) -> usize {
        self.0 = splitmix64(self.0 ^ now.as_nanos());
        match self.0 % 8 {
            0 => 0,
            1 => usize::MAX,
            _ => sample.queued % 9,
        }
    }

    fn next_ask(&self, now: Timestamp) -> Option<Timestamp> {
        (self.0 % 3 == 0).then(|| now.saturating_add(ms(self.0 % 500)))
    }
}

struct Walk {
    seed: u64,
    random: u64,
    supervisor: Supervisor,
    now: Timestamp,
    known: BTreeMap<WorkerId, Doing>,
    last_id: u64,
    started: u32,
    terminated: bool,
    queue_closed: bool,
    log: Vec<Command>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut random = splitmix64(seed);
        let mut pick = |choices: u64| {
            random = splitmix64(random);
            random % choices
        };
        let workers = 1 + pick(4) as usize;
        let maybe = |millis: u64| (millis > 0).then(|| ms(millis));
        let config = SupervisorConfig {
            max_workers: workers + pick(4) as usize,
            backoff: Backoff::new().first(ms(pick(50))).max(ms(50 + pick(400))),
            create_retries: (pick(3) == 0).then(|| pick(4) as u32),
            create_timeout: maybe(pick(4) * 30),
            destroy_timeout: maybe(pick(4) * 20),
            grace: ms(pick(20)),
            max_abandoned: pick(4) as usize,
            burst_interval: ms(pick(30)),
            startup: [Startup::Wait, Startup::Fail, Startup::Lazy][pick(3) as usize],
            breaker_threshold: pick(5) as u32,
            seed,
            ..SupervisorConfig::new(workers)
        };
        let policy = (pick(2) == 0).then(|| Box::new(Swing(seed)) as Box<dyn ScalingPolicy>);
        let mut walk = Self {
            seed,
            random,
            supervisor: Supervisor::new(config, policy),
            now: Timestamp::ZERO,
            known: BTreeMap::new(),
            last_id: 0,
            started: 0,
            terminated: false,
            queue_closed: false,
            log: Vec::new(),
        };
        walk.supervisor.start(walk.now);
        walk.check();
        walk
    }

    fn pick(&mut self, choices: u64) -> u64 {
        self.random = splitmix64(self.random);
        self.random % choices
    }

    fn faults(mut self, steps: u32) -> Self {
        (0..steps).for_each(|_| self.step(true));
        self
    }

    fn faults_while_running(mut self, steps: u32) -> Self {
        (0..steps).for_each(|_| self.step(false));
        self
    }

    fn step(&mut self, may_stop: bool) {
        match self.pick(10) {
            0..=1 => self.pass_time(),
            2..=6 => {
                let event = self.worker_event();
                self.tell(event);
            }
            7 => {
                let event = self.stale_event();
                self.tell(event);
            }
            _ => {
                let event = self.pool_event(may_stop);
                self.tell(event);
            }
        }
        self.fire_timers();
    }

    fn pass_time(&mut self) {
        let millis = [0, 1, 7, 30, 100, 1000, 86_400_000][self.pick(7) as usize];
        self.now = self.now.saturating_add(ms(millis));
        let sample = self.sample();
        self.supervisor.handle_timeout(self.now, &sample);
        self.check();
    }

    fn sample(&mut self) -> Sample {
        let some = |walk: &mut Self| if walk.pick(3) == 0 { walk.pick(20) as usize } else { 0 };
        Sample {
            queued: some(self),
            delayed: some(self),
            busy: some(self),
            blocked: some(self) / 6,
            ..Sample::default()
        }
    }

    fn anyone(&mut self) -> Option<(WorkerId, Doing)> {
        if self.known.is_empty() {
            return None;
        }
        let at = self.pick(self.known.len() as u64) as usize;
        self.known.iter().nth(at).map(|(id, doing)| (*id, *doing))
    }

    /// News that fits what a worker is doing.
    fn worker_event(&mut self) -> Event {
        let Some((id, doing)) = self.anyone() else { return Event::Busy };
        match (doing, self.pick(4)) {
            (Doing::Creating, 0..=1) => Event::Ready(id),
            (Doing::Creating, 2) => Event::CreateFailed(id, "refused".into()),
            (Doing::Live, 0) => Event::FirstTaskDone(id),
            (Doing::Live, 1) => Event::Idle(id),
            (Doing::Live, 2) => Event::Leaving(id, self.reason()),
            (Doing::Live, _) if self.pick(3) == 0 => Event::Stuck(id),
            (Doing::Live, _) if self.pick(2) == 0 => Event::Back(id),
            (Doing::Live | Doing::Creating | Doing::Destroying | Doing::Abandoned, _) => Event::Exited(id),
        }
    }

    fn reason(&mut self) -> ExitReason {
        use ExitReason::*;
        [Unhealthy, Panicked, ProbeFailed, MaxLifetime, MaxUses, Retired, Retired, Drained, Killed]
            [self.pick(9) as usize]
    }

    /// News of anybody, whatever they are doing, of the departed and of the unborn.
    fn stale_event(&mut self) -> Event {
        let id = WorkerId::new(self.pick(self.last_id + 3));
        match self.pick(7) {
            0 => Event::Ready(id),
            1 => Event::CreateFailed(id, "stale".into()),
            2 => Event::FirstTaskDone(id),
            3 => Event::Leaving(id, self.reason()),
            4 => Event::Exited(id),
            5 => Event::Stuck(id),
            _ => Event::Idle(id),
        }
    }

    fn pool_event(&mut self, may_stop: bool) -> Event {
        match self.pick(if may_stop { 60 } else { 50 }) {
            0..=9 => Event::Blocked,
            10..=19 => Event::Drained,
            20..=29 => Event::WarmUp(self.pick(12) as usize),
            30..=39 => Event::Resize { workers: self.pick(5) as usize, max_workers: self.pick(9) as usize },
            40..=49 => Event::Busy,
            50..=52 => STOP,
            53..=56 => Event::Stop { deadline: Some(self.now.saturating_add(ms(self.pick(300)))) },
            _ => Event::Kill,
        }
    }

    fn tell(&mut self, event: Event) {
        self.note(&event);
        self.supervisor.handle_event(self.now, event);
        self.check();
    }

    /// Keeps the walk's own books.
    fn note(&mut self, event: &Event) {
        if self.terminated {
            return;
        }
        let (id, next) = match event {
            Event::Ready(id) => (id, [Some(Doing::Live), None, None, None]),
            Event::CreateFailed(id, _) => (id, [None; 4]),
            Event::Leaving(id, _) => (id, [None, Some(Doing::Destroying), None, None]),
            Event::Exited(id) => {
                self.known.remove(id);
                return;
            }
            Event::FirstTaskDone(_)
            | Event::Stuck(_)
            | Event::Back(_)
            | Event::Idle(_)
            | Event::Busy
            | Event::Blocked
            | Event::Drained
            | Event::Stop { .. }
            | Event::Kill
            | Event::Resize { .. }
            | Event::WarmUp(_) => return,
        };
        let Some(doing) = self.known.get(id).copied() else { return };
        if matches!(event, Event::CreateFailed(..)) && matches!(doing, Doing::Creating | Doing::Abandoned) {
            self.known.remove(id);
        } else if let Some(next) = next[doing as usize] {
            self.known.insert(*id, next);
        }
    }

    /// Lets due timers fire and demands that each gets something done.
    fn fire_timers(&mut self) {
        for _ in 0..100 {
            if self.supervisor.poll_timeout().is_none_or(|at| at > self.now) {
                return;
            }
            let (sample, before) = (self.sample(), self.log.len());
            self.supervisor.handle_timeout(self.now, &sample);
            self.check();
            let later = self.supervisor.poll_timeout().is_none_or(|at| at > self.now);
            assert!(later || self.log.len() > before, "seed {}: woken for nothing", self.seed);
        }
        panic!("seed {}: timers keep firing", self.seed);
    }

    fn check(&mut self) {
        let mut spawned = false;
        while let Some(command) = self.supervisor.poll_command() {
            self.check_command(&command);
            spawned |= matches!(command, Command::Spawn { .. });
            self.log.push(command);
        }
        let levels = self.supervisor.levels();
        let max_workers = self.supervisor.config().max_workers;
        let occupied = levels.creating + levels.live + levels.destroying;
        assert!(!spawned || occupied <= max_workers, "seed {}: {levels:?} above {max_workers}", self.seed);
        self.check_books(levels);
        self.check_target(levels);
        self.check_end(levels);
    }

    fn check_command(&mut self, command: &Command) {
        let seed = self.seed;
        assert!(!self.terminated, "seed {seed}: {command:?} after the end");
        match command {
            Command::Spawn { worker, attempt, .. } => {
                assert!(worker.get() > self.last_id && *attempt > 0, "seed {seed}: {command:?}");
                self.last_id = worker.get();
                self.known.insert(*worker, Doing::Creating);
            }
            Command::Abandon(worker) => {
                let before = self.known.insert(*worker, Doing::Abandoned);
                assert!(before.is_some_and(|doing| doing != Doing::Abandoned), "seed {seed}: {command:?}");
            }
            Command::Started(_) => {
                self.started += 1;
                assert_eq!(self.started, 1, "seed {seed}");
            }
            Command::CloseQueue => {
                assert!(!self.queue_closed, "seed {seed}: closed twice");
                self.queue_closed = true;
            }
            Command::Retire(count) | Command::Recall(count) => assert!(*count > 0, "seed {seed}"),
            Command::Terminate => self.terminated = true,
            Command::DiscardQueue | Command::CancelRunning | Command::Fail(_) | Command::Emit(_) => {}
        }
    }

    fn check_books(&self, levels: Levels) {
        let count = |doing| self.known.values().filter(|known| **known == doing).count();
        let books = [Doing::Creating, Doing::Live, Doing::Destroying, Doing::Abandoned].map(count);
        let told = [levels.creating, levels.live, levels.destroying, levels.abandoned];
        assert_eq!(books, told, "seed {}", self.seed);
        assert_eq!(levels.base + levels.burst, levels.live);
    }

    fn check_target(&self, levels: Levels) {
        let (seed, config, phase) = (self.seed, self.supervisor.config(), self.supervisor.phase());
        if phase == Phase::Running {
            let bounds = config.workers..=config.max_workers;
            assert!(bounds.contains(&levels.target), "seed {seed}: {levels:?} outside {bounds:?}");
            assert!(levels.abandoned <= config.max_abandoned, "seed {seed}: {levels:?}");
            let staying = (levels.creating + levels.live).saturating_sub(levels.retiring);
            let all = staying + levels.backing_off + levels.given_up;
            assert_eq!(all.min(levels.target), levels.target, "seed {seed}: too few: {levels:?}");
            assert!(all == levels.target || all == staying, "seed {seed}: too many: {levels:?}");
            let surplus = staying - staying.min(levels.target);
            assert!(surplus <= levels.creating, "seed {seed}: not retired: {levels:?}");
        }
        if matches!(phase, Phase::Killing | Phase::Ended) {
            assert_eq!((levels.target, levels.backing_off, levels.retiring), (0, 0, 0), "seed {seed}");
        }
    }

    fn check_end(&self, levels: Levels) {
        let ended = self.supervisor.phase() == Phase::Ended;
        assert_eq!(ended, self.terminated, "seed {}", self.seed);
        if ended {
            assert_eq!((levels.creating, levels.live, levels.destroying), (0, 0, 0), "seed {}", self.seed);
            assert_eq!(self.started, 1, "seed {}: nobody was told of the start", self.seed);
            assert_eq!(self.supervisor.poll_timeout(), None);
        }
    }

    /// Every worker does its next sensible thing; when none has anything left to do, the next timer fires.
    fn behave(&mut self, leave: Option<ExitReason>) {
        let known: Vec<_> = self.known.iter().map(|(id, doing)| (*id, *doing)).collect();
        for (id, doing) in known {
            match doing {
                Doing::Creating => self.tell(Event::Ready(id)),
                Doing::Live => {
                    self.tell(Event::FirstTaskDone(id));
                    self.leave(id, leave);
                }
                Doing::Destroying | Doing::Abandoned => self.tell(Event::Exited(id)),
            }
        }
        let levels = self.supervisor.levels();
        if levels.creating + levels.destroying == 0 {
            self.jump();
        }
    }

    /// To the next timer.
    fn jump(&mut self) {
        if let Some(at) = self.supervisor.poll_timeout() {
            self.now = self.now.max(at);
        }
        self.fire_timers();
    }

    fn leave(&mut self, id: WorkerId, why: Option<ExitReason>) {
        if let Some(why) = why {
            self.tell(Event::Leaving(id, why));
        } else if self.supervisor.levels().retiring > 0 {
            self.tell(Event::Leaving(id, ExitReason::Retired));
        }
    }

    /// Says whether the pool was still running.
    fn recovers(mut self) -> bool {
        if self.supervisor.phase() != Phase::Running {
            return false;
        }
        // What the faults left behind clears up first: those stuck come back, and may be given up only then.
        (0..3).for_each(|_| self.behave(None));
        self.tell(Event::WarmUp(0));
        // A place that backs off for 30 s is 300 ticks away.
        for _ in 0..500 {
            let levels = self.supervisor.levels();
            if levels.live == levels.target && levels.retiring == 0 {
                return true;
            }
            self.behave(None);
        }
        panic!("seed {}: no recovery: {:?}", self.seed, self.supervisor.levels());
    }

    fn drains(mut self) {
        self.tell(STOP);
        for _ in 0..3 {
            self.behave(None);
        }
        self.tell(Event::Drained);
        for _ in 0..10 {
            self.behave(Some(ExitReason::Drained));
        }
        assert!(self.terminated, "seed {}: {:?}", self.seed, self.supervisor.levels());
    }

    fn dies_in_silence(mut self) {
        self.tell(Event::Kill);
        for _ in 0..20 {
            self.jump();
        }
        assert!(self.terminated, "seed {}: {:?}", self.seed, self.supervisor.levels());
    }
}
