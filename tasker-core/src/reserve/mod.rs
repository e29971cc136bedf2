//! Which resource a `run` gets: one of the reserve, a new one for the reserve, a temporary one, or a place in line.
//!
//! Written once for both colours: this counts and keeps, the backends create, use and destroy. Total resources never
//! exceed the reserve plus the cap on temporaries, and a slot is given back only after its resource is gone.

mod line;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::engine::{Hub, Msg};
use crate::ids::SpawnReason;
use crate::metrics::Owned;
use crate::sync::{Arc, Lock, MutexGuard};
use crate::task::TaskContext;
use crate::task::current::{self, Inside};
use crate::time::Timestamp;

/// The resources that serve `run`.
pub struct Reserve<R> {
    state: Lock<State<R>>,
    limits: ReserveLimits,
    hub: Arc<Hub>,
}

/// How many resources there may be, and how long they live.
#[derive(Clone, Debug)]
pub struct ReserveLimits {
    /// Resources kept.
    pub kept: usize,
    /// Temporary ones at once.
    pub temporary: usize,
    /// How old a kept resource may become.
    pub max_lifetime: Option<Duration>,
    /// How many times a kept resource may be used.
    pub max_uses: Option<u64>,
}

struct State<R> {
    /// Their slots hold the reserve that holds them, until it is closed: with that every control loop ends.
    idle: Vec<Box<Kept<R>>>,
    /// Slots taken for resources of the reserve, idle ones too.
    kept: usize,
    /// Slots taken for temporary resources.
    temporary: usize,
    closed: bool,
    line: line::Queue,
    /// Those who run a task, to be woken by a kill.
    watching: BTreeMap<u64, Waker>,
    next: u64,
    /// When the control loop looks for idle resources that are too old.
    next_look: Option<Timestamp>,
    /// Resources that are being destroyed, and when nobody waits for that any more.
    condemned: BTreeMap<u64, Timestamp>,
}

impl<R> State<R> {
    fn draw_number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// A resource of the reserve, or a temporary one, with its age and the right to it. In a box, for it goes from hand to
/// hand.
#[derive(Debug)]
pub struct Kept<R> {
    /// The resource.
    pub owned: Owned<R>,
    /// Of one `run` after the other.
    context: TaskContext,
    born: Timestamp,
    uses: u64,
    /// Serves a `run` that was counted, and whose end was not.
    runs: bool,
    /// The last to be dropped.
    slot: Slot<R>,
}

/// The right to one resource. Dropping it gives the room back, so it is dropped after its resource is gone.
pub struct Slot<R> {
    reserve: Arc<Reserve<R>>,
    temporary: bool,
    /// The number of its resource among the condemned.
    condemned: Option<u64>,
}

/// What a `run` gets.
#[derive(Debug)]
pub enum Lease<R> {
    /// A resource that is there, for a `run` that begins now.
    Ready(Box<Kept<R>>),
    /// A resource of the reserve that is too old or too much used: to be destroyed, and the slot used anew.
    Stale(Box<Kept<R>>),
    /// The right to make one. The `run` [begins](Kept::begin) when it is there.
    Make(Slot<R>),
}

impl<R> Reserve<R> {
    /// An empty reserve.
    pub fn new(limits: ReserveLimits, hub: Arc<Hub>) -> Self {
        let state = State {
            idle: Vec::new(),
            kept: 0,
            temporary: 0,
            closed: false,
            line: line::Queue::default(),
            watching: BTreeMap::new(),
            next: 0,
            next_look: None,
            condemned: BTreeMap::new(),
        };
        Self { state: Lock::new(state), limits, hub }
    }

    /// The pool it belongs to.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// What the user's code that serves a `run` is inside of: in a `run` inside a task, of that task's worker.
    pub fn inside(&self) -> Inside {
        let pool = self.hub.pool();
        Inside { pool, worker: current::inside_of(pool).and_then(|inside| inside.worker) }
    }

    /// A lease, if one can be had at once.
    pub fn try_lease(self: &Arc<Self>) -> Option<Lease<R>> {
        let mut state = self.state.lock();
        if state.closed || !state.line.admits(self.free(&state)) {
            return None;
        }
        self.lease(&mut state)
    }

    /// A lease; `None` once the reserve is closed. `line` is the caller's place in line.
    pub fn poll_lease(self: &Arc<Self>, line: &mut Line<R>, waker: &Waker) -> Poll<Option<Lease<R>>> {
        let waker = waker.clone();
        let mut state = self.state.lock();
        if state.closed {
            return Poll::Ready(None);
        }
        let promised = line.id.is_some_and(|id| state.line.redeem(id));
        if promised || state.line.admits(self.free(&state)) {
            return Poll::Ready(self.lease(&mut state));
        }
        let id = *line.id.get_or_insert_with(|| state.draw_number());
        let replaced = state.line.wait(id, waker);
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// How many could be leased now.
    fn free(&self, state: &State<R>) -> usize {
        let ReserveLimits { kept, temporary, .. } = self.limits;
        let free = state.idle.len().saturating_add(kept - state.kept);
        free.saturating_add(temporary - state.temporary)
    }

    #[inline]
    fn lease(self: &Arc<Self>, state: &mut State<R>) -> Option<Lease<R>> {
        let Some(mut kept) = state.idle.pop() else { return self.lease_room(state).map(Lease::Make) };
        if self.is_stale(&kept) {
            return Some(Lease::Stale(kept));
        }
        kept.runs = true;
        self.hub.runs().begin();
        Some(Lease::Ready(kept))
    }

    #[cold]
    #[inline(never)]
    fn lease_room(self: &Arc<Self>, state: &mut State<R>) -> Option<Slot<R>> {
        if state.kept < self.limits.kept {
            state.kept += 1;
            return Some(self.slot(false));
        }
        if state.temporary < self.limits.temporary {
            state.temporary += 1;
            return Some(self.slot(true));
        }
        None
    }

    /// Looks at the clock only where time matters.
    fn is_stale(&self, kept: &Kept<R>) -> bool {
        self.expiry(kept).is_some_and(|at| at <= self.hub.now()) || self.is_used_up(kept)
    }

    fn is_used_up(&self, kept: &Kept<R>) -> bool {
        self.limits.max_uses.is_some_and(|limit| kept.uses >= limit)
    }

    fn expiry(&self, kept: &Kept<R>) -> Option<Timestamp> {
        self.limits.max_lifetime.map(|age| kept.born.saturating_add(age))
    }

    /// Takes out the idle resources that are too old, to be destroyed, and when to look again. Those
    /// that are promised stay: whoever takes them replaces them.
    pub fn age(&self, now: Timestamp) -> (Vec<Box<Kept<R>>>, Option<Timestamp>) {
        let mut state = self.state.lock();
        let spare = self.free(&state).saturating_sub(state.line.promised());
        let is_old = |kept: &Kept<R>| self.expiry(kept).is_some_and(|at| at <= now) || self.is_used_up(kept);
        let (mut old, young): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.idle).into_iter().partition(|kept| is_old(kept));
        state.next_look = young.iter().filter_map(|kept| self.expiry(kept)).min();
        let promised = old.split_off(spare.min(old.len()));
        state.idle = young;
        // Taken first.
        state.idle.extend(promised);
        let next_look = state.next_look;
        drop(state);
        (old, next_look)
    }

    fn slot(self: &Arc<Self>, temporary: bool) -> Slot<R> {
        Slot { reserve: Arc::clone(self), temporary, condemned: None }
    }

    /// Takes no more `run`s. Returns the idle resources, to be destroyed.
    pub fn close(&self) -> Vec<Box<Kept<R>>> {
        let mut state = self.state.lock();
        state.closed = true;
        let idle = std::mem::take(&mut state.idle);
        let waiting = state.line.close();
        // A graceful end lets them go on.
        let watching =
            if self.hub.is_killed() { std::mem::take(&mut state.watching) } else { BTreeMap::new() };
        drop(state);
        wake_all(waiting.chain(watching.into_values()));
        idle
    }

    /// Whether it takes no more `run`s.
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Whether no resource is left, in a closed reserve.
    pub fn is_gone(&self) -> bool {
        let state = self.state.lock();
        state.closed && state.kept + state.temporary == 0
    }

    /// When nobody waits any more for what is left in here; `None` while a `run` may still have some of it.
    pub fn given_up_at(&self) -> Option<Timestamp> {
        let state = self.state.lock();
        let all = state.condemned.len() == state.kept + state.temporary;
        let last = state.condemned.values().max().copied().filter(|_| all);
        last.filter(|&due| due < Timestamp::MAX)
    }

    /// Resources that are free, and resources in use.
    pub fn levels(&self) -> (usize, usize) {
        let state = self.state.lock();
        let free = state.idle.len();
        (free, state.kept + state.temporary - free)
    }

    /// Whoever runs a task leaves a waker here for the case of a kill.
    pub fn watch(&self, line: &mut Line<R>, waker: &Waker) {
        let waker = waker.clone();
        let mut state = self.state.lock();
        let id = *line.id.get_or_insert_with(|| state.draw_number());
        let replaced = state.watching.insert(id, waker);
        drop(state);
        drop(replaced);
    }

    /// Puts a healthy resource back, and counts its `run` as completed unless that [failed](Kept::fail). Hands back what
    /// is not to be kept: a temporary one, one that is too old or too much used, or one of a closed reserve.
    ///
    /// # Errors
    ///
    /// The resource, to be destroyed.
    pub fn put_back(&self, mut kept: Box<Kept<R>>) -> Result<(), Box<Kept<R>>> {
        debug_assert!(std::ptr::eq(self, &*kept.slot.reserve), "each to its own");
        kept.uses += 1;
        crate::engine::quietly(|| drop(kept.context.leave()));
        let mut state = self.state.lock();
        if std::mem::take(&mut kept.runs) {
            self.hub.runs().complete();
        }
        if kept.slot.temporary || state.closed || self.is_stale(&kept) {
            drop(state);
            return Err(kept);
        }
        let expiry = self.expiry(&kept);
        let sooner = expiry.filter(|&at| state.next_look.is_none_or(|look| at < look));
        if sooner.is_some() {
            state.next_look = sooner;
        }
        state.idle.push(kept);
        self.serve(state);
        if sooner.is_some() {
            self.hub.post(Msg::Nudge);
        }
        Ok(())
    }

    /// Promises what is free to those who wait, and wakes them, under no lock.
    #[inline]
    fn serve(&self, state: MutexGuard<'_, State<R>>) {
        if !state.closed && state.line.has_waiters() {
            self.serve_line(state);
        }
    }

    #[cold]
    #[inline(never)]
    fn serve_line(&self, mut state: MutexGuard<'_, State<R>>) {
        let free = self.free(&state);
        let served = state.line.promise(free);
        drop(state);
        wake_all(served);
    }
}

fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        crate::engine::quietly(|| waker.wake());
    }
}

impl<R> Kept<R> {
    /// A resource that was just made for `slot`.
    pub fn new(owned: Owned<R>, slot: Slot<R>, now: Timestamp) -> Box<Self> {
        let context = TaskContext::of_runs(Arc::clone(slot.reserve.hub()));
        Box::new(Self { owned, context, born: now, uses: 0, runs: false, slot })
    }

    /// What a `run` gives to its task.
    #[inline]
    pub fn lend(&mut self) -> (&mut R, &TaskContext) {
        (self.owned.get_mut(), &self.context)
    }

    /// Counts a `run` on a resource that was made for it.
    pub fn begin(&mut self) {
        let _counting = self.slot.reserve.state.lock();
        self.runs = true;
        self.slot.reserve.hub.runs().begin();
    }

    /// Counts the `run` as one that has failed.
    pub fn fail(&mut self) {
        let _counting = self.slot.reserve.state.lock();
        if std::mem::take(&mut self.runs) {
            self.slot.reserve.hub.runs().fail();
        }
    }

    /// It is destroyed from now on, away from any `run`: from `due` on nobody waits for that.
    pub fn condemn(&mut self, due: Timestamp) {
        let mut state = self.slot.reserve.state.lock();
        let number = state.draw_number();
        state.condemned.insert(number, due);
        let closed = state.closed;
        drop(state);
        self.slot.condemned = Some(number);
        if closed {
            // It may be the last that was waited for without end.
            self.slot.reserve.hub.post(Msg::Nudge);
        }
    }

    /// The reserve that it belongs to.
    pub fn reserve(&self) -> &Arc<Reserve<R>> {
        &self.slot.reserve
    }

    /// Its slot can be used anew. A resource that was not taken out is dropped.
    pub fn into_slot(self) -> Slot<R> {
        self.slot
    }
}

impl<R> Slot<R> {
    /// What a resource made for this slot is for.
    pub const fn reason(&self) -> SpawnReason {
        if self.temporary { SpawnReason::Temporary } else { SpawnReason::Reserve }
    }
}

impl<R> Drop for Slot<R> {
    fn drop(&mut self) {
        let mut state = self.reserve.state.lock();
        if self.temporary {
            state.temporary -= 1;
        } else {
            state.kept -= 1;
        }
        if let Some(number) = self.condemned {
            state.condemned.remove(&number);
        }
        let (closed, left) = (state.closed, state.kept + state.temporary);
        self.reserve.serve(state);
        if closed {
            // What is left may be what nobody waits for.
            self.reserve.hub.post(if left == 0 { Msg::ReserveClosed } else { Msg::Nudge });
        }
    }
}

/// A place in line, given up when dropped. Whoever came first is served first.
pub struct Line<R> {
    reserve: Arc<Reserve<R>>,
    id: Option<u64>,
}

impl<R> Line<R> {
    /// A place yet to be taken.
    pub const fn new(reserve: Arc<Reserve<R>>) -> Self {
        Self { reserve, id: None }
    }
}

impl<R> Drop for Line<R> {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let mut state = self.reserve.state.lock();
        let watching = state.watching.remove(&id);
        let (gave_up, waiting) = state.line.leave(id);
        self.reserve.serve(state);
        crate::engine::quietly(|| drop((watching, waiting)));
        if gave_up {
            // What it was promised may be too old by now, and nobody takes it.
            self.reserve.hub.post(Msg::Nudge);
        }
    }
}

impl<R> fmt::Debug for Reserve<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserve")
            .field("limits", &self.limits)
            .field("levels", &self.levels())
            .finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for Slot<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("temporary", &self.temporary).finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for Line<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("id", &self.id).finish_non_exhaustive()
    }
}
