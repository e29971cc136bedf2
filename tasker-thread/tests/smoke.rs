//! The thin slice, end to end.

use tasker_thread::*;

#[derive(Debug)]
struct Db(u64);

impl Resource for Db {
    type Config = u64;
    type Error = String;

    async fn create(start: &u64, _cx: &CreateContext) -> Result<Self, String> {
        Ok(Self(*start))
    }

    fn check_health(&self, error: &String) -> Health {
        if error.contains("sick") { Health::Unhealthy } else { Health::Healthy }
    }
}

#[test]
fn submit_run_replace_stop() {
    let pool = Pool::<Db>::builder(7).workers(2).build().unwrap();
    let name = String::from("x");
    let value = pool
        .submit(move |db, _| {
            db.0 += name.len() as u64;
            Ok(db.0)
        })
        .wait()
        .unwrap();
    assert_eq!(value, 8);
    assert_eq!(pool.run(|db, _| Ok(db.0)).unwrap(), 7);
    let error = pool.submit(|_, _| Err::<(), _>("sick".to_string())).wait().unwrap_err();
    assert!(matches!(error, TaskError::Exhausted { attempts: 4, .. }), "{error:?}");
    let panicked = pool.submit(|_, _| -> Result<(), String> { panic!("boom") }).wait().unwrap_err();
    assert!(matches!(panicked, TaskError::Panicked { .. }), "{panicked:?}");
    let handles = pool.submit_all((0..100).map(|n| move |_: &mut Db, _: &TaskContext| Ok::<_, String>(n)));
    for (n, handle) in handles.into_iter().enumerate() {
        assert_eq!(handle.wait().unwrap(), n);
    }
    println!("{:?}", pool.stats());
    println!("{:?}", pool.metrics());
    let report = pool.stop().unwrap();
    println!("{report}");
    assert!(report.is_clean());
    assert_eq!(pool.stats().active, 0);
}
