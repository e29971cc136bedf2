//! What is noted of a task, and for how long.

use super::*;

#[test]
fn timeouts_of_attempts_that_are_over_do_not_pile_up() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    for timeout in [Duration::from_secs(3600), Duration::MAX] {
        for _ in 0..5_000 {
            let options = TaskOptions { timeout: Some(timeout), ..TaskOptions::default() };
            let handle = bench.submit(options, None);
            let job = expect_run(bench.step(&mut worker));
            bench.run(&mut worker, job, Attempt::Value);
            take(handle).expect("done");
        }
        assert!(bench.engine.hub.alarms().len() <= 1024, "{}", bench.engine.hub.alarms().len());
    }
}

#[test]
fn a_task_that_ends_as_it_is_taken_has_begun_by_then() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    bench.advance(Duration::from_secs(3));
    let handle = bench.submit(TaskOptions::default(), None);
    let job = expect_run(bench.step(&mut worker));
    // What a collector would be told now.
    assert_eq!(job.core().started_at(), Some(bench.clock.now()));
    drop((job, handle));
}

#[test]
fn a_queue_says_whether_it_is_paused() {
    let bench = Bench::new(|builder| builder);
    let says = |paused| {
        life::pause(&bench.engine, paused);
        bench.engine.inbox.is_paused()
    };
    assert!(!bench.engine.inbox.is_paused());
    assert_eq!([says(true), says(false)], [true, false]);
}

#[test]
fn cancelled_tasks_are_thrown_away_once_they_are_many_and_most_of_what_waits() {
    let bench = Bench::new(|builder| builder);
    let name = Arc::<str>::from("import");
    let named = || TaskOptions { name: Some(Arc::clone(&name)), ..TaskOptions::default() };
    let handles: Vec<_> = (0..200).map(|_| bench.submit(named(), None)).collect();
    let mut kept = Vec::new();
    for handle in handles {
        handle.cancel();
        drop(handle);
        kept.push(Arc::strong_count(&name) - 1);
    }
    // Those that wait or wait to be thrown away: 101 of 200 are more than half, then 64 are enough.
    assert_eq!([kept[99], kept[100], kept[163], kept[164], kept[199]], [200, 99, 99, 35, 35]);
}

#[test]
fn a_context_knows_its_task_as_long_as_the_attempt_lasts() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let handle = bench.submit(TaskOptions::default(), None);
    let inside = bench.begin(&mut worker);
    assert_eq!(worker.context().id(), Some(handle.id()));
    bench.end(&mut worker, inside, Attempt::Value);
    assert_eq!(worker.context().id(), None);
}

#[test]
fn a_context_knows_how_much_time_remains() {
    let mut bench = Bench::new(|builder| builder);
    let mut worker = bench.worker();
    let deadline = Duration::from_secs(5);
    let _urgent = bench.submit(TaskOptions { deadline: Some(deadline), ..TaskOptions::default() }, None);
    let _patient = bench.submit(TaskOptions::default(), None);
    let inside = bench.begin(&mut worker);
    assert_eq!(worker.context().remaining(), Some(deadline));
    bench.advance(Duration::from_secs(2));
    assert_eq!(worker.context().remaining(), Some(Duration::from_secs(3)));
    bench.advance(Duration::from_secs(9));
    assert_eq!(worker.context().remaining(), Some(Duration::ZERO));
    bench.end(&mut worker, inside, Attempt::Interrupted);
    let _inside = bench.begin(&mut worker);
    assert_eq!(worker.context().remaining(), None);
}
