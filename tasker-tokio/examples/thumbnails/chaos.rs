//! Kills children at random while they work.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::rng::Rng;
use crate::seat::{Fired, Registry, Rules};

/// Milliseconds between two shots.
const PAUSE: std::ops::RangeInclusive<u64> = 5..=50;

/// Somebody who shoots at children until told to stop.
#[derive(Debug)]
pub(crate) struct Chaos {
    stop: oneshot::Sender<()>,
    shooter: JoinHandle<Fired>,
}

impl Chaos {
    /// Begins. The rules keep it from costing any file more than `retries` attempts.
    pub(crate) fn begin(registry: Arc<Registry>, seed: u64, retries: u32) -> Self {
        let (stop, stopped) = oneshot::channel();
        let shooter = tokio::spawn(shoot(registry, Rng::new(seed), Rules::new(retries), stopped));
        Self { stop, shooter }
    }

    /// Ends it; how many were killed.
    pub(crate) async fn end(self) -> Fired {
        drop(self.stop);
        self.shooter.await.unwrap_or_default()
    }
}

async fn shoot(
    registry: Arc<Registry>,
    mut rng: Rng,
    mut rules: Rules,
    stopped: oneshot::Receiver<()>,
) -> Fired {
    tokio::pin!(stopped);
    loop {
        let pause = Duration::from_millis(rng.within(PAUSE));
        tokio::select! {
            _ = &mut stopped => return rules.fired(),
            () = tokio::time::sleep(pause) => {}
        }
        if let Some(seat) = rng.pick(&registry.seats()) {
            rules.shoot(seat);
        }
    }
}
