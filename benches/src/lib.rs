//! What the measurements of tasker share: a resource that costs nothing, so that only the pool is measured; what kind of
//! moment it is on this machine; figures and how they are written down.

#[cfg(feature = "peers")]
pub mod chart;
pub mod counting;
pub mod figures;
pub mod json;
pub mod machine;
pub mod process;
pub mod regime;
mod resource;
mod runtime;
mod together;
pub mod work;

pub use resource::Nothing;
pub use runtime::two_threads;
pub use together::together;
