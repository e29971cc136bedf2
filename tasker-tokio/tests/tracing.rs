//! What pools say through `tracing`. In a process of its own: which call sites are heard is cached for all threads.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tasker_tokio::{CreateContext, Pool, Resource};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

#[derive(Debug)]
struct Db;

impl Resource for Db {
    type Config = ();
    type Error = String;

    async fn create(_: &(), _cx: &CreateContext) -> Result<Self, String> {
        Ok(Self)
    }
}

/// What a subscriber was told: the names of spans, and the texts of events.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Visit for Heard {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.lock().expect("nothing panics under the lock").push(format!("{}={value:?}", field.name()));
    }
}

impl Subscriber for Heard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tasker_core")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.0
            .lock()
            .expect("nothing panics under the lock")
            .push(format!("span {}", span.metadata().name()));
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn attempts_are_spans_and_what_happens_to_workers_are_events() {
    let heard = Heard::default();
    tracing::subscriber::with_default(heard.clone(), || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pool = Pool::<Db>::builder(()).workers(1).build().await.unwrap();
            pool.task().name("import").submit(async |_, _| Ok(())).await.unwrap();
            pool.stop().await.unwrap();
        });
    });
    let heard = heard.0.lock().unwrap();
    let has = |text: &str| heard.iter().any(|line| line.contains(text));
    assert!(has("span task") && has("name=\"import\"") && has("attempt=1"), "{heard:#?}");
    assert!(has("worker-1 became ready"), "{heard:#?}");
}
