//! One pool, from its building to its end, with everything that can befall it in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tasker_core::{BuildError, StopError, StopReport};

use crate::audit::{Audit, comes_true, read};
use crate::chance::Chance;
use crate::ground::Ground;
use crate::producer::Producer;
use crate::shape::Shape;
use crate::watch::{Actor, Watch};
use crate::world::World;

/// What a round came to.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    pub(crate) tasks: u64,
    pub(crate) resources: u64,
    pub(crate) not_built: u64,
}

/// How a pool is brought to its end.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Stop,
    StopWithin(Duration),
    Kill,
    /// Both at once.
    StopAndKill,
    Parent,
    /// The last handle is dropped.
    Drop,
}

/// Lives one round through; what does not add up is the error.
pub(crate) fn round<G: Ground>(chance: &mut Chance, watch: &Watch) -> Result<Passed, Vec<String>> {
    let ground = G::start().map_err(|error| vec![error])?;
    let shape = Shape::any(chance);
    let rate = chance.pick(&[0, 2, 10, 40]);
    let world = World::new(rate, ground.clock(), chance.fork());
    let actor = watch.actor("round");
    actor.does(format!("builds {shape:?}"));
    let mut audit = Audit::default();
    let mut passed = Passed::default();
    let builder = shape.apply(G::builder(Arc::clone(&world)), &world, chance);
    match ground.build(builder) {
        Ok(pool) => live::<G>(pool, &shape, &world, chance, watch, &actor, &mut audit),
        Err(error) => {
            passed.not_built = 1;
            // On a busy machine even a creation without faults can take longer than its limit.
            let excused = rate > 0 || matches!(error, BuildError::Start(_));
            audit.holds(excused, || format!("not built, though nothing went wrong: {error}"));
        }
    }
    actor.does("waits for what is left");
    audit.world(&world, &shape);
    (passed.tasks, passed.resources) = (read(&world.ends.arrived), read(&world.created));
    if audit.0.is_empty() { Ok(passed) } else { Err(audit.0) }
}

fn live<G: Ground>(
    pool: G::Pool,
    shape: &Shape,
    world: &Arc<World>,
    chance: &mut Chance,
    watch: &Watch,
    actor: &Actor,
    audit: &mut Audit,
) {
    let (over, ending, mut events) = (Arc::new(AtomicBool::new(false)), ending(chance), G::events(&pool));
    let (listener, ears) = (watch.actor("listener"), watch.clone());
    let mut threads = vec![thread::spawn(move || {
        listener.does("hears events");
        while let Some(event) = events.wait() {
            listener.does("hears events");
            ears.hears(format!("{event:?}"));
        }
    })];
    for number in 0..3 {
        let producer = Producer::<G> {
            pool: pool.clone(),
            world: Arc::clone(world),
            chance: chance.fork(),
            actor: watch.actor(format!("producer {number}")),
            over: Arc::clone(&over),
            handles: Vec::new(),
            late: 0,
        };
        threads.push(thread::spawn(move || producer.produce()));
    }
    if !matches!(ending, Ending::Drop) {
        let shown = pool.clone();
        watch.pool(Some(Box::new(move || format!("{:?}\n{:?}", G::stats(&shown), G::metrics(&shown)))));
    }
    upset::<G>(&pool, world, chance, actor, audit);
    actor.does(format!("ends the pool: {ending:?}"));
    let report = end::<G>(&pool, ending, shape, &over);
    let pool = report.as_ref().map(|_| pool);
    over.store(true, Ordering::SeqCst);
    actor.does("waits for producers");
    for thread in threads {
        audit.holds(thread.join().is_ok(), || "a thread panicked".into());
    }
    if let (Some(report), Some(pool)) = (report, pool) {
        actor.does("audits");
        // Workers that were given up and come back now still count what they do.
        comes_true(|| read(&world.live) == 0);
        audit.resources(|| G::metrics(&pool), world);
        let metrics = G::metrics(&pool);
        audit.metrics(&metrics, world);
        audit.report(&report, &metrics);
        audit.ended(&G::stats(&pool));
    }
    watch.pool(None);
}

fn ending(chance: &mut Chance) -> Ending {
    match chance.between(0, 9) {
        0..3 => Ending::Stop,
        3..5 => Ending::StopWithin(chance.micros(0, 10_000)),
        5..7 => Ending::Kill,
        7 => Ending::StopAndKill,
        8 => Ending::Parent,
        _ => Ending::Drop,
    }
}

/// Pauses, resizes, warms up, takes resources away and looks, for a while.
fn upset<G: Ground>(pool: &G::Pool, world: &World, chance: &mut Chance, actor: &Actor, audit: &mut Audit) {
    let (begun, length) = (Instant::now(), chance.micros(10_000, 400_000));
    while begun.elapsed() < length {
        let time = chance.micros(100, 10_000);
        match chance.between(0, 9) {
            0 => {
                G::pause(pool);
                thread::sleep(time);
                G::resume(pool);
            }
            1 => {
                world.outage.store(true, Ordering::SeqCst);
                thread::sleep(time);
                world.outage.store(false, Ordering::SeqCst);
            }
            2 => {
                let workers = chance.count(1, 4);
                let most = chance.count(workers, Shape::MOST_WORKERS);
                let resized = G::resize(pool, workers, most);
                audit.holds(resized.is_ok(), || format!("not resized: {resized:?}"));
            }
            3 => {
                actor.does("warms up");
                G::warm_up(pool, chance.count(0, 9));
            }
            _ => thread::sleep(time),
        }
        actor.does("upsets the pool");
        audit.moment(&G::stats(pool));
    }
}

/// Brings the end about, and waits for it where that can be done.
fn end<G: Ground>(
    pool: &G::Pool,
    ending: Ending,
    shape: &Shape,
    over: &AtomicBool,
) -> Option<Arc<StopReport>> {
    let reported = |report: Result<Arc<StopReport>, StopError>| report.ok();
    match ending {
        Ending::Stop => reported(G::stop(pool)),
        Ending::StopWithin(time) => reported(G::stop_within(pool, time)),
        Ending::Kill => reported(G::kill(pool)),
        Ending::StopAndKill => {
            let other = pool.clone();
            let stopping = thread::spawn(move || G::stop(&other).is_ok());
            let report = reported(G::kill(pool));
            stopping.join().is_ok_and(|stopped| stopped).then_some(report).flatten()
        }
        Ending::Parent => {
            shape.parent.cancel();
            Some(G::ended(pool))
        }
        Ending::Drop => {
            over.store(true, Ordering::SeqCst);
            None
        }
    }
}
