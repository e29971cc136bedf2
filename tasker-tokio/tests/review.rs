//! Races and corners of the async pool.

use std::future::Future;
use std::time::Duration;

use tasker_tokio::*;

#[derive(Debug)]
struct Plain;

impl Resource for Plain {
    type Config = ();
    type Error = String;

    async fn create(_: &(), _: &CreateContext) -> Result<Self, String> {
        Ok(Self)
    }

    fn check_health(&self, error: &String) -> Health {
        if error.contains("sick") { Health::Unhealthy } else { Health::Healthy }
    }
}

const LONG: Duration = Duration::from_secs(600);

async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(LONG, future).await.unwrap_or_else(|_| panic!("{what} hangs"))
}

#[tokio::test(start_paused = true)]
async fn a_stop_right_after_a_pause_resumes_and_drains() {
    let pool = Pool::<Plain>::builder(()).workers(1).build().await.unwrap();
    pool.pause();
    let handle = pool.submit(async |_, _| Ok(7));
    let report = soon("stop", pool.stop()).await.unwrap();
    assert_eq!(report.done, 1);
    assert_eq!(handle.await.unwrap(), 7);
}
