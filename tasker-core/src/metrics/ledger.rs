//! The account of resources: each one that is created is destroyed exactly once, or counted as skipped.

use crate::engine::{Msg, StopReport};
use crate::event::PoolEvent;
use crate::ids::WorkerId;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Lock};

/// The account of resources.
#[derive(Debug, Default)]
pub struct Ledger {
    created: AtomicU64,
    destroyed: AtomicU64,
    skipped: AtomicU64,
    errors: AtomicU64,
    replaced: AtomicU64,
    texts: Lock<Vec<Arc<str>>>,
}

impl Ledger {
    /// Resources created.
    pub fn created(&self) -> u64 {
        self.created.load(Ordering::Acquire)
    }

    /// Resources whose destruction was begun.
    pub fn destroyed(&self) -> u64 {
        self.destroyed.load(Ordering::Acquire)
    }

    /// Resources dropped without a destruction, since their runtime was gone.
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Acquire)
    }

    /// Destructions that failed.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Acquire)
    }

    /// Workers replaced because their resource could no longer be trusted.
    pub fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Acquire)
    }

    pub(crate) fn note_replaced(&self) {
        self.replaced.fetch_add(1, Ordering::AcqRel);
    }

    /// What the first of them said.
    pub(crate) fn texts(&self) -> Vec<Arc<str>> {
        self.texts.lock().clone()
    }

    fn note_error(&self, error: Arc<str>) {
        self.errors.fetch_add(1, Ordering::AcqRel);
        let mut texts = self.texts.lock();
        if texts.len() < StopReport::LISTED {
            texts.push(error);
        }
    }
}

/// A resource and the account it is kept in.
///
/// Taking it out begins its destruction; dropping it, as a runtime does with the futures it never polls again, is
/// counted as skipped.
#[derive(Debug)]
pub struct Owned<R> {
    resource: Option<R>,
    hub: Arc<crate::engine::Hub>,
}

impl<R> Owned<R> {
    /// Enters a new resource.
    pub fn new(resource: R, hub: Arc<crate::engine::Hub>) -> Self {
        hub.ledger().created.fetch_add(1, Ordering::AcqRel);
        Self { resource: Some(resource), hub }
    }

    /// The resource.
    ///
    /// # Panics
    ///
    /// If it was taken; callers take it last.
    #[inline]
    pub fn get_mut(&mut self) -> &mut R {
        self.resource.as_mut().expect("a resource is taken only to destroy it")
    }

    /// Takes the resource out, to be destroyed now.
    ///
    /// # Panics
    ///
    /// If it was taken before.
    pub fn take(&mut self) -> R {
        let resource = self.resource.take().expect("a resource is destroyed once");
        self.hub.ledger().destroyed.fetch_add(1, Ordering::AcqRel);
        resource
    }
}

impl<R> Drop for Owned<R> {
    fn drop(&mut self) {
        if let Some(resource) = self.resource.take() {
            self.hub.ledger().skipped.fetch_add(1, Ordering::AcqRel);
            crate::engine::quietly(|| drop(resource));
        }
    }
}

impl crate::engine::Hub {
    /// Reports how the destruction of a resource ended.
    pub fn destroyed(&self, worker: Option<WorkerId>, result: Result<(), Arc<str>>) {
        if let Err(error) = result {
            self.ledger().note_error(Arc::clone(&error));
            self.post(Msg::Tell(PoolEvent::DestroyFailed { worker, error }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Desk;

    #[test]
    fn a_resource_is_destroyed_or_skipped() {
        let desk = Desk::new();
        let ledger = || {
            let ledger = desk.hub.ledger();
            (ledger.created(), ledger.destroyed(), ledger.skipped())
        };
        let mut destroyed = Owned::new(1, Arc::clone(&desk.hub));
        let dropped = Owned::new(2, Arc::clone(&desk.hub));
        assert_eq!(ledger(), (2, 0, 0));
        *destroyed.get_mut() += 10;
        assert_eq!((destroyed.take(), ledger()), (11, (2, 1, 0)));
        drop(destroyed);
        assert_eq!(ledger(), (2, 1, 0), "it was counted as it was taken");
        drop(dropped);
        assert_eq!(ledger(), (2, 1, 1));
    }

    #[test]
    fn destructions_that_fail_are_told_and_counted_and_the_first_are_quoted() {
        let desk = Desk::new();
        let ledger = desk.hub.ledger();
        let worker = Some(WorkerId::new(1));
        desk.hub.destroyed(worker, Ok(()));
        assert_eq!((ledger.errors(), ledger.texts().len(), desk.mail.take().len()), (0, 0, 0));
        let count = StopReport::LISTED + 1;
        for error in 0..count {
            desk.hub.destroyed(worker, Err(error.to_string().into()));
        }
        assert_eq!(ledger.errors(), count as u64);
        let quoted: Vec<_> = (0..StopReport::LISTED).map(|error| error.to_string()).collect();
        assert_eq!(ledger.texts().iter().map(ToString::to_string).collect::<Vec<_>>(), quoted);
        let told = desk.mail.take();
        let are_right = |msg: &Msg| matches!(msg, Msg::Tell(PoolEvent::DestroyFailed { worker, .. }) if *worker == Some(WorkerId::new(1)));
        assert!(told.len() == count && told.iter().all(are_right), "{told:?}");
    }

    #[test]
    fn replacements_are_counted() {
        let ledger = Ledger::default();
        assert_eq!(ledger.replaced(), 0);
        (0..3).for_each(|_| ledger.note_replaced());
        assert_eq!(ledger.replaced(), 3);
    }
}
