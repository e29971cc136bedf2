//! Events for whoever listens: bounded, and honest about what was lost.

use std::collections::VecDeque;
use std::fmt;
use std::task::{Poll, Waker};

use crate::event::PoolEvent;
use crate::parker::Parker;
use crate::sync::{Arc, Lock, Weak};

/// Hands events to all subscriptions, and to `tracing`.
#[derive(Debug, Default)]
pub struct EventBus {
    subscribers: Lock<Subscribers>,
}

#[derive(Debug, Default)]
struct Subscribers {
    list: Vec<Weak<Subscription>>,
    closed: bool,
}

struct Subscription {
    state: Lock<State>,
    capacity: usize,
}

struct State {
    events: VecDeque<PoolEvent>,
    missed: u64,
    closed: bool,
    waker: Option<Waker>,
}

impl EventBus {
    /// A subscription that holds up to `capacity` events that were not received yet. One of a closed bus is at its end.
    pub fn subscribe(&self, capacity: usize) -> Events {
        let mut subscribers = self.subscribers.lock();
        let state = State { events: VecDeque::new(), missed: 0, closed: subscribers.closed, waker: None };
        let subscription = Arc::new(Subscription { state: Lock::new(state), capacity: capacity.max(1) });
        subscribers.list.retain(|subscriber| subscriber.strong_count() > 0);
        subscribers.list.push(Arc::downgrade(&subscription));
        Events { subscription }
    }

    /// Hands `event` out. Never blocks: a subscription that is full loses its oldest event and says so.
    pub fn publish(&self, pool: &str, event: &PoolEvent) {
        trace(pool, event);
        let subscribers = self.subscribers.lock().list.clone();
        for subscriber in subscribers.iter().filter_map(Weak::upgrade) {
            subscriber.push(event.clone());
        }
    }

    /// No more events will come.
    pub fn close(&self) {
        let closed = Subscribers { list: Vec::new(), closed: true };
        let subscribers = std::mem::replace(&mut *self.subscribers.lock(), closed).list;
        for subscriber in subscribers.iter().filter_map(Weak::upgrade) {
            subscriber.close();
        }
    }
}

fn trace(pool: &str, event: &PoolEvent) {
    let worries = matches!(
        event,
        PoolEvent::CreationFailed { .. }
            | PoolEvent::WorkerReplaced { .. }
            | PoolEvent::WorkerAbandoned { .. }
            | PoolEvent::AbandonedLimitReached { .. }
            | PoolEvent::DestroyFailed { .. }
            | PoolEvent::CallbackPanicked { .. }
    );
    if let PoolEvent::Diagnosis(diagnosis) = event {
        tracing::warn!(pool, cause = diagnosis.cause(), fix = diagnosis.fix(), "{event}");
    } else if worries {
        tracing::warn!(pool, "{event}");
    } else {
        tracing::debug!(pool, "{event}");
    }
}

impl Subscription {
    fn push(&self, event: PoolEvent) {
        let mut state = self.state.lock();
        if state.events.len() == self.capacity {
            state.events.pop_front();
            state.missed += 1;
        }
        state.events.push_back(event);
        wake(state);
    }

    fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        wake(state);
    }
}

fn wake(mut state: crate::sync::MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        super::quietly(|| waker.wake());
    }
}

/// What a subscription yields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// Something happened.
    Event(PoolEvent),
    /// So many events, older than the next one, were lost because they were not received in time.
    Missed(u64),
}

/// A subscription to a pool's events. Ends once the pool has ended and all events are received.
///
/// A slow receiver never slows the pool: beyond the subscription's capacity the oldest events are dropped, and the
/// next thing received is [`Received::Missed`] with their number.
pub struct Events {
    subscription: Arc<Subscription>,
}

impl Events {
    /// The next event, waiting for it; `None` once the pool has ended.
    ///
    /// # Cancel safety
    ///
    /// No event is lost when the future is dropped.
    pub async fn recv(&mut self) -> Option<Received> {
        std::future::poll_fn(|cx| self.poll_recv(cx.waker())).await
    }

    /// The next event, blocking the thread until it comes; `None` once the pool has ended. Not for use inside async
    /// code.
    pub fn wait(&mut self) -> Option<Received> {
        Parker::with_current(|parker| {
            let waker = parker.waker();
            loop {
                if let Poll::Ready(received) = self.poll_recv(&waker) {
                    return received;
                }
                parker.park();
            }
        })
    }

    /// The next event if one is there; `None` says nothing about the pool's end.
    pub fn try_recv(&mut self) -> Option<Received> {
        self.subscription.state.lock().take()
    }

    fn poll_recv(&mut self, waker: &Waker) -> Poll<Option<Received>> {
        let mut state = self.subscription.state.lock();
        if let Some(received) = state.take() {
            return Poll::Ready(Some(received));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.waker = Some(waker.clone());
        Poll::Pending
    }
}

impl State {
    fn take(&mut self) -> Option<Received> {
        if self.missed > 0 {
            return Some(Received::Missed(std::mem::take(&mut self.missed)));
        }
        self.events.pop_front().map(Received::Event)
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("capacity", &self.subscription.capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Context;

    use super::*;
    use crate::testing::Bell;

    #[test]
    fn a_subscription_that_comes_too_late_is_at_its_end() {
        let bus = EventBus::default();
        let mut early = bus.subscribe(4);
        bus.publish("pool", &PoolEvent::Ended);
        bus.close();
        let mut late = bus.subscribe(4);
        assert!(matches!(early.wait(), Some(Received::Event(PoolEvent::Ended))));
        assert!(early.wait().is_none());
        assert!(late.wait().is_none());
    }

    #[test]
    fn every_subscription_gets_every_event_and_those_that_were_dropped_are_forgotten() {
        let bus = EventBus::default();
        let mut first = bus.subscribe(4);
        drop(bus.subscribe(4));
        let mut last = bus.subscribe(4);
        assert_eq!(bus.subscribers.lock().list.len(), 2);
        bus.publish("pool", &PoolEvent::Ended);
        for events in [&mut first, &mut last] {
            assert!(matches!(events.try_recv(), Some(Received::Event(PoolEvent::Ended))));
            assert!(events.try_recv().is_none());
        }
    }

    #[test]
    fn a_full_subscription_says_how_many_events_it_lost() {
        let bus = EventBus::default();
        let mut events = bus.subscribe(1);
        (0..4).for_each(|_| bus.publish("pool", &PoolEvent::Ended));
        assert!(matches!(events.try_recv(), Some(Received::Missed(3))));
        assert!(matches!(events.try_recv(), Some(Received::Event(PoolEvent::Ended))));
        assert!(events.try_recv().is_none());
    }

    #[test]
    fn whoever_awaits_an_event_is_woken_for_it() {
        let (bus, bell) = (EventBus::default(), Arc::<Bell>::default());
        let mut events = bus.subscribe(4);
        let waker = bell.waker();
        let mut cx = Context::from_waker(&waker);
        let mut received = Box::pin(events.recv());
        assert!(received.as_mut().poll(&mut cx).is_pending());
        bus.publish("pool", &PoolEvent::Ended);
        assert_eq!(bell.rung(), 1);
        assert!(matches!(
            received.as_mut().poll(&mut cx),
            Poll::Ready(Some(Received::Event(PoolEvent::Ended)))
        ));
    }
}
