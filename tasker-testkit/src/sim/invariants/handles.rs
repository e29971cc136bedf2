//! A handle has its result as soon as its task has ended, and not before; a callback is called once.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tasker_core::TaskError;
use tasker_core::metrics::EndKind;

use super::{Fact, Invariant, World, ensure};
use crate::sim::parts::SimError;

#[derive(Default)]
pub(super) struct Handles {
    ends: BTreeMap<usize, EndKind>,
}

impl Handles {
    fn look(world: &World) -> Result<(), String> {
        for (index, task) in world.tasks.iter().enumerate() {
            let ended = task.core.has_ended();
            let resolved = task.handle.as_ref().map(|handle| handle.is_finished());
            let fits = resolved.is_none_or(|resolved| resolved == ended);
            ensure(fits, || format!("task {index}: ended {ended}, handle resolved {resolved:?}"))?;
            let called = task.called.as_ref().map(|called| *called.lock());
            let fits = called.is_none_or(|called| called == usize::from(ended));
            ensure(fits, || format!("task {index}: ended {ended}, callback called {called:?} times"))?;
        }
        Ok(())
    }
}

/// Whether a result tells of such an end; `None` for a task that was refused.
fn tells_of(result: &Result<u64, TaskError<SimError>>, how: Option<EndKind>) -> bool {
    match result {
        Ok(_) => how == Some(EndKind::Completed),
        Err(TaskError::Failed(_) | TaskError::Exhausted { .. }) => how == Some(EndKind::Failed),
        Err(TaskError::Panicked { .. }) => how == Some(EndKind::Panicked),
        Err(TaskError::Cancelled) => how == Some(EndKind::Cancelled),
        Err(TaskError::TimedOut { .. }) => how == Some(EndKind::TimedOut),
        Err(TaskError::Expired { .. }) => how == Some(EndKind::Expired),
        Err(TaskError::Displaced) => how == Some(EndKind::Displaced),
        Err(TaskError::Refused(_)) => how.is_none(),
        Err(TaskError::Killed | TaskError::NoWorkers { .. }) => how == Some(EndKind::Killed),
        Err(_) => false,
    }
}

impl Handles {
    /// Takes every result, once all is over.
    fn take_all(&self, world: &mut World) -> Result<(), String> {
        let mut context = Context::from_waker(Waker::noop());
        for (index, task) in world.tasks.iter_mut().enumerate() {
            let Some(mut handle) = task.handle.take() else { continue };
            let Poll::Ready(result) = Pin::new(&mut handle).poll(&mut context) else {
                return Err(format!("the handle of task {index} is not resolved"));
            };
            let how = self.ends.get(&index).copied();
            ensure(tells_of(&result, how), || {
                format!("task {index} ended as {how:?}, its handle: {result:?}")
            })?;
        }
        Ok(())
    }
}

impl Invariant for Handles {
    fn name(&self) -> &'static str {
        "a handle is resolved when its task has ended"
    }

    fn observe(&mut self, world: &World, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Ended { task, how } => drop(self.ends.insert(*task, *how)),
            Fact::Quiet | Fact::Over | Fact::Finished => Self::look(world)?,
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, world: &mut World) -> Result<(), String> {
        self.take_all(world)
    }
}
