//! What happens in one simulation, as data: the pool's settings, what its users do, and how often things go wrong.

use std::time::Duration;

use tasker_core::Priority;
use tasker_core::queue::Overflow;
use tasker_core::supervisor::Startup;

use super::rng::Rng;

/// One simulation. Made from a seed; what is shrunk is the list of moves.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) origin: Origin,
    pub(super) setup: Setup,
    pub(super) moves: Vec<Move>,
    pub(super) ending: Ending,
}

/// Where a script comes from, and so who decides who moves next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Seed(u64),
    /// Bytes, of which these were not needed for the script. They decide for as long as they last.
    Bytes(Vec<u8>),
}

/// An operation and how long its user waits before it.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) after: Duration,
    pub(super) op: Op,
}

/// What a user may do, and what may befall the whole pool.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// Submit, never waiting.
    Submit(Spec),
    /// Submit so many alike at once.
    Batch(Spec, usize),
    /// Ask for room; whoever got it submits later, or gives it back.
    Try(Spec),
    /// Wait for room, and submit then.
    Wait(Spec),
    /// One of those who wait for room gives up.
    GiveUp(usize),
    /// Cancel the task with this number, counted from the end.
    Cancel(usize),
    /// Drop its handle.
    DropHandle(usize),
    Pause,
    Resume,
    Resize {
        workers: usize,
        max_workers: usize,
    },
    WarmUp(usize),
    Stop,
    StopWithin(Duration),
    Kill,
    /// A `run` past the queue.
    Run(Act),
    /// A `run` is dropped at its await point.
    CancelRun(usize),
    /// The clock jumps, and everything in between is due at once.
    Jump(Duration),
    /// The worker with this number ends without a word, as when its runtime drops it.
    Lose(usize),
}

/// How a simulation ends once its moves are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Faults end, what is stuck comes back, and the pool is stopped.
    Stop,
    /// Faults end, but what is stuck stays so, and the pool is stopped by a deadline.
    StopWithin,
    /// The pool is killed, and what is stuck stays so.
    Kill,
    /// The runtime is gone: nothing runs any more.
    RuntimeGone,
}

/// A task.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) priority: Priority,
    pub(super) retries: Option<u32>,
    pub(super) timeout: Option<Duration>,
    pub(super) deadline: Option<Duration>,
    pub(super) delay: Option<Duration>,
    pub(super) cancel_safe: bool,
    pub(super) retry_on_timeout: bool,
    /// Started at most once.
    pub(super) once: bool,
    pub(super) handle: Keep,
    /// What each attempt does; the last stands for all that follow.
    pub(super) acts: Vec<Act>,
    /// Each attempt submits this task first, and waits for it on its worker.
    pub(super) nests: Option<Box<Self>>,
}

/// What the submitter does with the handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Handle,
    CancelOnDrop,
    Callback,
    Detached,
}

/// One attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Act {
    /// `None`: it never returns by itself.
    pub(super) takes: Option<Duration>,
    pub(super) result: Brings,
    /// Whether it can be interrupted: reaches await points, or asks its context.
    pub(super) yields: bool,
}

/// What an attempt brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brings {
    Value,
    HealthyError,
    SickError,
    /// An error, and `check_health` panics.
    PuzzlingError,
    Panic,
}

/// How workers are interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    /// Futures: dropped at their await points.
    Async,
    /// Threads: told, and waited for.
    Thread,
}

/// The scaling policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scaling {
    Default,
    Fixed,
    Threshold,
    RateBased,
    Utilization,
    Zero,
    Max,
    Oscillating,
    Panicking,
    Erratic,
}

/// The delay before a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retrying {
    Immediate,
    Constant(Duration),
    Backoff,
    Panicking,
}

/// How often things go wrong, in percent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faults {
    pub(super) launch: u64,
    pub(super) create: u64,
    pub(super) hang: u64,
    pub(super) destroy: u64,
    pub(super) probe: u64,
    pub(super) spurious: u64,
}

/// The pool's settings and the world around it.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) colour: Colour,
    pub(super) workers: usize,
    pub(super) max_workers: usize,
    pub(super) scaling: Scaling,
    pub(super) capacity: Option<usize>,
    pub(super) overflow: Overflow,
    pub(super) ageing: Option<Duration>,
    pub(super) ranked: bool,
    pub(super) max_retries: u32,
    pub(super) retrying: Retrying,
    pub(super) startup: Startup,
    pub(super) create_timeout: Duration,
    pub(super) create_retries: Option<u32>,
    pub(super) breaker: u32,
    pub(super) destroy_timeout: Duration,
    pub(super) grace: Duration,
    pub(super) max_abandoned: usize,
    pub(super) burst_interval: Duration,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) max_uses: Option<u64>,
    pub(super) probe_interval: Option<Duration>,
    pub(super) reserve: usize,
    pub(super) max_temporary: usize,
    pub(super) faults: Faults,
    /// How eagerly the scheduler moves the control loop, the workers, and the users.
    pub(super) eagerness: [u64; 3],
}

impl Origin {
    pub(super) const fn seed(&self) -> Option<u64> {
        match self {
            Self::Seed(seed) => Some(*seed),
            Self::Bytes(_) => None,
        }
    }

    /// What decides who moves next.
    pub(super) fn schedule(&self) -> Rng {
        const SALT: u64 = 0x0b57_acc1_de47_b0a7;
        match self {
            Self::Seed(seed) => Rng::new(seed ^ SALT),
            Self::Bytes(bytes) => Rng::fed(SALT, bytes),
        }
    }
}

impl Script {
    /// The script of a seed.
    pub(super) fn of(seed: u64) -> Self {
        Self::drawn(&mut Rng::new(seed ^ 0x5c81_9731_44d3_07aa), Origin::Seed(seed))
    }

    /// The script that bytes spell, one decision each: from their front its settings and moves, from their back who moves
    /// when.
    pub(super) fn spelled(bytes: &[u8]) -> Self {
        let mut rng = Rng::fed(0, bytes);
        let script = Self::drawn(&mut rng, Origin::Seed(0));
        Self { origin: Origin::Bytes(rng.left()), ..script }
    }

    fn drawn(rng: &mut Rng, origin: Origin) -> Self {
        let setup = Setup::random(rng);
        let moves = (0..rng.between(3, 36)).map(|_| Move::random(rng, &setup)).collect();
        let ending = rng.pick(&[
            Ending::Stop,
            Ending::Stop,
            Ending::Stop,
            Ending::StopWithin,
            Ending::Kill,
            Ending::RuntimeGone,
        ]);
        Self { origin, setup, moves, ending }
    }
}

impl Setup {
    pub(super) fn random(rng: &mut Rng) -> Self {
        let workers = rng.between(1, 4);
        let max_workers = workers + rng.between(0, 3);
        Self {
            colour: rng.pick(&[Colour::Async, Colour::Thread]),
            workers,
            max_workers,
            scaling: scaling(rng),
            capacity: rng.sometimes(60, |rng| rng.between(1, 6)),
            overflow: rng.pick(&[Overflow::Reject, Overflow::DropOldest]),
            ageing: rng.sometimes(15, |rng| rng.millis(1, 40)),
            ranked: false,
            max_retries: rng.pick(&[0, 1, 2, 3]),
            retrying: retrying(rng),
            startup: rng.pick(&[Startup::Wait, Startup::Fail, Startup::Lazy]),
            create_timeout: rng.millis(5, 60),
            create_retries: rng.sometimes(20, |rng| rng.pick(&[0, 1, 3])),
            breaker: rng.pick(&[0, 1, 2, 5]),
            destroy_timeout: rng.millis(5, 60),
            grace: rng.millis(1, 40),
            max_abandoned: rng.between(0, 3),
            burst_interval: rng.millis(5, 20),
            idle_timeout: rng.sometimes(30, |rng| rng.millis(5, 50)),
            max_lifetime: rng.sometimes(15, |rng| rng.millis(20, 100)),
            max_uses: rng.sometimes(15, |rng| rng.below(4) + 1),
            probe_interval: rng.sometimes(20, |rng| rng.millis(5, 30)),
            reserve: rng.between(0, 2),
            max_temporary: rng.between(1, 2),
            faults: Faults::random(rng),
            eagerness: [rng.pick(&[1, 4, 16]), rng.pick(&[1, 4, 16]), rng.pick(&[1, 4, 16])],
        }
        .with_rank(rng)
    }

    /// Ranks and ageing do not go together.
    fn with_rank(mut self, rng: &mut Rng) -> Self {
        self.ranked = self.ageing.is_none() && rng.chance(20);
        self
    }
}

fn scaling(rng: &mut Rng) -> Scaling {
    rng.pick(&[
        Scaling::Default,
        Scaling::Fixed,
        Scaling::Threshold,
        Scaling::Threshold,
        Scaling::RateBased,
        Scaling::Utilization,
        Scaling::Zero,
        Scaling::Max,
        Scaling::Oscillating,
        Scaling::Panicking,
        Scaling::Erratic,
    ])
}

fn retrying(rng: &mut Rng) -> Retrying {
    let constant = Retrying::Constant(rng.millis(0, 30));
    rng.pick(&[Retrying::Immediate, Retrying::Immediate, constant, Retrying::Backoff, Retrying::Panicking])
}

impl Faults {
    /// No faults at all in a third of all worlds.
    fn random(rng: &mut Rng) -> Self {
        if rng.chance(33) {
            return Self { launch: 0, create: 0, hang: 0, destroy: 0, probe: 0, spurious: 0 };
        }
        Self {
            launch: rng.pick(&[0, 0, 5, 30]),
            create: rng.pick(&[0, 10, 40, 90]),
            hang: rng.pick(&[0, 0, 10, 30]),
            destroy: rng.pick(&[0, 10, 40]),
            probe: rng.pick(&[0, 10, 50]),
            spurious: rng.pick(&[0, 0, 5]),
        }
    }
}

impl Move {
    fn random(rng: &mut Rng, setup: &Setup) -> Self {
        let after = match rng.below(10) {
            0..=5 => Duration::ZERO,
            6..=8 => rng.millis(1, 25),
            _ => rng.millis(50, 400),
        };
        Self { after, op: Op::random(rng, setup) }
    }
}

impl Op {
    fn random(rng: &mut Rng, setup: &Setup) -> Self {
        match rng.below(100) {
            0..=40 => Self::Submit(Spec::random(rng, setup)),
            41..=44 => Self::batch(rng, setup),
            45..=51 => Self::Try(Spec::random(rng, setup)),
            52..=59 => Self::Wait(Spec::random(rng, setup)),
            60..=61 => Self::GiveUp(rng.index(4)),
            62..=69 => Self::Cancel(rng.index(8)),
            70..=73 => Self::DropHandle(rng.index(8)),
            74..=76 => Self::Pause,
            77..=79 => Self::Resume,
            80..=83 => Self::resize(rng),
            84..=85 => Self::WarmUp(rng.between(1, 8)),
            86 => Self::Stop,
            87 => Self::StopWithin(rng.millis(0, 200)),
            88 => Self::Kill,
            89..=94 => Self::Run(Act::random(rng)),
            95 => Self::CancelRun(rng.index(3)),
            96..=97 => Self::Jump(rng.pick(&[Duration::from_secs(86_400), Duration::from_millis(300)])),
            _ if setup.colour == Colour::Async => Self::Lose(rng.index(4)),
            _ => Self::Resume,
        }
    }

    /// Where tasks are displaced, those of one batch displace each other, which no fact tells of in order.
    fn batch(rng: &mut Rng, setup: &Setup) -> Self {
        let spec = Spec::random(rng, setup);
        let displaces = setup.capacity.is_some() && setup.overflow == Overflow::DropOldest;
        if displaces { Self::Submit(spec) } else { Self::Batch(spec, rng.between(0, 5)) }
    }

    fn resize(rng: &mut Rng) -> Self {
        let workers = rng.between(1, 4);
        Self::Resize { workers, max_workers: workers + rng.between(0, 3) }
    }
}

impl Spec {
    fn random(rng: &mut Rng, setup: &Setup) -> Self {
        let inner = rng.sometimes(12, |rng| Box::new(Self::plain(rng, setup)));
        Self { nests: inner, ..Self::plain(rng, setup) }
    }

    fn plain(rng: &mut Rng, setup: &Setup) -> Self {
        let once = rng.chance(15);
        Self {
            priority: rng.pick(&Priority::ALL),
            retries: if once { Some(0) } else { rng.sometimes(30, |rng| rng.pick(&[0, 1, 2, 5])) },
            timeout: rng.sometimes(25, |rng| rng.millis(0, 40)),
            deadline: rng.sometimes(20, |rng| rng.millis(0, 200)),
            delay: rng.sometimes(20, |rng| rng.millis(0, 60)),
            cancel_safe: rng.chance(30),
            retry_on_timeout: rng.chance(30) && !once,
            once,
            handle: rng.pick(&[
                Keep::Handle,
                Keep::Handle,
                Keep::CancelOnDrop,
                Keep::Callback,
                Keep::Detached,
            ]),
            acts: (0..rng.between(1, setup.max_retries as usize + 1)).map(|_| Act::random(rng)).collect(),
            nests: None,
        }
    }

    /// What the attempt with this number does.
    pub(super) fn act(&self, attempt: u32) -> Act {
        let index = (attempt as usize).saturating_sub(1).min(self.acts.len() - 1);
        self.acts[index]
    }

    /// How often it may be started.
    pub(super) fn permitted(&self, setup: &Setup) -> u32 {
        self.retries.unwrap_or(setup.max_retries) + 1
    }
}

impl Act {
    fn random(rng: &mut Rng) -> Self {
        let takes = match rng.below(20) {
            0 => None,
            1..=8 => Some(Duration::ZERO),
            _ => Some(rng.millis(1, 30)),
        };
        let result = match rng.below(20) {
            0..=11 => Brings::Value,
            12..=13 => Brings::HealthyError,
            14..=17 => Brings::SickError,
            18 => Brings::PuzzlingError,
            _ => Brings::Panic,
        };
        Self { takes, result, yields: rng.chance(75) }
    }
}
