//! Calling user code that may panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Runs `f`, which may drop or wake what belongs to users; a panic is swallowed, there being nobody to tell.
pub(crate) fn quietly(f: impl FnOnce()) {
    if let Err(message) = catch(f) {
        tracing::warn!(%message, "a waker or the drop of a task panicked");
    }
}

/// Runs user code; its panic comes back as its message.
///
/// # Errors
///
/// What the panic said.
pub fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Arc<str>> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let message = panic_message(&*payload);
        // What a panic carries is user code too, and may panic when it is dropped.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        message
    })
}

/// What a panic said.
pub fn panic_message(payload: &(dyn Any + Send)) -> Arc<str> {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_as_its_message() {
        assert_eq!(catch(|| 7), Ok(7));
        assert_eq!(catch(|| panic!("plain")).unwrap_err().as_ref(), "plain");
        assert_eq!(catch(|| panic!("number {}", 7)).unwrap_err().as_ref(), "number 7");
        let mute = catch(|| std::panic::panic_any(7));
        assert_eq!(mute.unwrap_err().as_ref(), "a panic without a message");
    }
}
