//! The thin slice, end to end.

use tasker_async_std::*;

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

#[async_std::test]
async fn submit_run_replace_stop() {
    let pool = Pool::<Db>::builder(7).workers(2).build().await.unwrap();
    let name = String::from("x");
    let value = pool
        .submit(async move |db, _| {
            db.0 += name.len() as u64;
            Ok(db.0)
        })
        .await
        .unwrap();
    assert_eq!(value, 8);
    assert_eq!(pool.run(async |db, _| Ok(db.0)).await.unwrap(), 7);
    let error = pool.submit(async |_, _| Err::<(), _>("sick".to_string())).await.unwrap_err();
    assert!(matches!(error, TaskError::Exhausted { attempts: 4, .. }), "{error:?}");
    let panicked = pool.submit(async |_, _| -> Result<(), String> { panic!("boom") }).await.unwrap_err();
    assert!(matches!(panicked, TaskError::Panicked { .. }), "{panicked:?}");
    let handles =
        pool.submit_all((0..100).map(|n| async move |_: &mut Db, _: &TaskContext| Ok::<_, String>(n)));
    for (n, handle) in handles.into_iter().enumerate() {
        assert_eq!(handle.await.unwrap(), n);
    }
    println!("{:?}", pool.stats());
    println!("{:?}", pool.metrics());
    let report = pool.stop().await.unwrap();
    println!("{report}");
    assert!(report.is_clean());
    assert_eq!(pool.stats().active, 0);
}
