//! Panics that were asked for, and those that were not.

use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};

static UNPLANNED: AtomicU64 = AtomicU64::new(0);
const PLANNED: &str = "planned: ";

/// Keeps planned panics from being printed, and counts the others.
pub(crate) fn watch() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let planned = info.payload().downcast_ref::<String>().is_some_and(|text| text.starts_with(PLANNED));
        if !planned {
            UNPLANNED.fetch_add(1, Ordering::SeqCst);
            print(info);
        }
    }));
}

/// Panics, as somebody's callback does.
pub(crate) fn planned(what: &str) -> ! {
    panic::panic_any(format!("{PLANNED}{what}"))
}

/// How many nobody had asked for.
pub(crate) fn unplanned() -> u64 {
    UNPLANNED.load(Ordering::SeqCst)
}
