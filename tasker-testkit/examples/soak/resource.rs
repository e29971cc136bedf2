//! A resource that holds memory and a descriptor, and whose callbacks go wrong by chance.

use std::fmt;
use std::fs::File;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tasker_core::{CreateContext, Health, Resource};

use crate::panics;
use crate::world::{Trouble, World};

#[derive(Debug)]
pub(crate) struct Faulty {
    world: Arc<World>,
    _descriptor: Option<File>,
    _memory: Vec<u8>,
}

/// What callbacks and tasks fail with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Failed,
    /// The resource has to be replaced.
    Sick,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "it failed",
            Self::Sick => "the resource is sick",
        })
    }
}

impl Resource for Faulty {
    type Config = Arc<World>;
    type Error = Fault;

    async fn create(world: &Arc<World>, _cx: &CreateContext) -> Result<Self, Fault> {
        if world.outage.load(Ordering::SeqCst) {
            return Err(Fault::Failed);
        }
        go_wrong(world, "create").await?;
        world.created.fetch_add(1, Ordering::SeqCst);
        let live = world.live.fetch_add(1, Ordering::SeqCst) + 1;
        world.peak.fetch_max(live, Ordering::SeqCst);
        let world = Arc::clone(world);
        Ok(Self { world, _descriptor: File::open("/dev/null").ok(), _memory: vec![1; 4096] })
    }

    fn destroy(self) -> impl Future<Output = Result<(), Fault>> + Send {
        self.world.destroyed.fetch_add(1, Ordering::SeqCst);
        async move { go_wrong(&self.world, "destroy").await }
    }

    async fn probe(&mut self) -> Result<(), Fault> {
        go_wrong(&self.world, "probe").await
    }

    fn check_health(&self, error: &Fault) -> Health {
        match self.world.trouble() {
            Trouble::Panic => panics::planned("check_health"),
            Trouble::Slow(time) => std::thread::sleep(time / 20),
            Trouble::None | Trouble::Error => {}
        }
        match error {
            Fault::Failed => Health::Healthy,
            Fault::Sick => Health::Unhealthy,
        }
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.world.live.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Does what chance wants of a callback.
async fn go_wrong(world: &World, what: &str) -> Result<(), Fault> {
    match world.trouble() {
        Trouble::None => Ok(()),
        Trouble::Error => Err(Fault::Failed),
        Trouble::Panic => panics::planned(what),
        Trouble::Slow(time) => {
            world.nap(time).await;
            Ok(())
        }
    }
}
