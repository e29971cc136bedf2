//! What pools say to `tracing`. Alone in its process, since one subscriber has to hear every thread.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tasker_thread::{CreateContext, Pool, Resource, TaskError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

struct Db;

impl Resource for Db {
    type Config = ();
    type Error = String;

    async fn create(_: &(), _: &CreateContext) -> Result<Self, String> {
        Ok(Self)
    }
}

/// Keeps what is said to `tracing`: each span with its fields, each event with its level and fields.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn note(&self, text: String) {
        self.0.lock().expect("nothing panics under it").push(text);
    }
}

/// Fields as text.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("strings take all that is written");
    }
}

impl Subscriber for Heard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tasker")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(format!("span {}", span.metadata().name()));
        span.record(&mut fields);
        self.note(fields.0);
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(event.metadata().level().to_string());
        event.record(&mut fields);
        self.note(fields.0);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Workers are threads of their own, so only the subscriber of the whole process hears them.
#[test]
fn attempts_are_spans_and_what_happens_to_workers_are_events() {
    let heard = Heard::default();
    tracing::subscriber::set_global_default(heard.clone()).expect("this is the only test");
    let pool = Pool::<Db>::builder(()).workers(1).name("traced").build().unwrap();
    pool.task().name("import").submit(|_, _| Ok(())).wait().unwrap();
    let panicked = pool.submit(|_, _| -> Result<(), String> { panic!("boom") }).wait();
    assert!(matches!(panicked, Err(TaskError::Panicked { .. })));
    pool.stop().unwrap();
    let notes = heard.0.lock().unwrap();
    for wanted in [
        "span task pool=traced id=1 name=\"import\" attempt=1 worker=1",
        "DEBUG message=worker-1 became ready",
        "WARN message=worker-1 left and is replaced: a task panicked pool=\"traced\"",
        "DEBUG message=pool ended pool=traced",
    ] {
        assert!(notes.iter().any(|note| note.contains(wanted)), "{wanted} is not in {notes:#?}");
    }
}
