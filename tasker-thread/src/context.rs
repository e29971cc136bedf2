//! What only tasks on threads can ask of their context.

use tasker_core::TaskContext;
use tasker_core::task::OnCancel;

use crate::sealed::Sealed;

/// What only tasks on threads can ask of their context. No other type can have it, so it may grow.
pub trait ThreadContext: Sealed {
    /// Has `callback` called, once, when [`is_cancelled`](TaskContext::is_cancelled) comes true: when the task is
    /// cancelled or times out, its deadline passes, or the pool is killed. For tasks that are inside a call and cannot
    /// ask, but can be interrupted from another thread.
    ///
    /// The callback is called right here if the task is cancelled already, else by whatever brings that about (whoever
    /// cancels, or the control loop), so it should be short, and must not wait for its task. A panic in it is reported as
    /// an event. Several may be armed at once; they are called in their order. Dropping what is returned disarms the
    /// callback, and waits for it if it runs just then.
    ///
    /// ```
    /// # use tasker_thread::{CreateContext, Pool, Resource};
    /// use std::sync::mpsc;
    ///
    /// use tasker_thread::ThreadContext;
    ///
    /// # struct Db;
    /// # impl Resource for Db {
    /// #     type Config = ();
    /// #     type Error = std::io::Error;
    /// #     async fn create(_: &(), _: &CreateContext) -> Result<Self, Self::Error> { Ok(Self) }
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let pool = Pool::<Db>::builder(()).workers(1).build()?;
    /// let (begun, has_begun) = mpsc::channel();
    /// let (interrupt, interrupted) = mpsc::channel();
    /// let handle = pool.submit_once(move |_db, cx| {
    ///     let _armed = cx.on_cancel(move || interrupt.send(()).unwrap_or_default());
    ///     begun.send(()).unwrap_or_default();
    ///     interrupted.recv().unwrap_or_default(); // stands for a long query
    ///     Ok(())
    /// });
    /// has_begun.recv()?;
    /// handle.cancel();
    /// # assert!(handle.wait().is_err());
    /// // It came back by itself: no worker had to be given up.
    /// assert!(pool.stop()?.workers_left.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    fn on_cancel(&self, callback: impl FnOnce() + Send + 'static) -> OnCancel<'_>;
}

impl Sealed for TaskContext {}

impl ThreadContext for TaskContext {
    fn on_cancel(&self, callback: impl FnOnce() + Send + 'static) -> OnCancel<'_> {
        self.arm_on_cancel(Box::new(callback))
    }
}
