//! What the benches of tasker share: a resource that costs nothing, so that only the pool is measured.

use std::convert::Infallible;

use tasker_thread::{CreateContext, Resource};

/// A resource that costs nothing.
#[derive(Debug)]
pub struct Nothing;

impl Resource for Nothing {
    type Config = ();
    type Error = Infallible;

    async fn create(_: &(), _: &CreateContext) -> Result<Self, Infallible> {
        Ok(Self)
    }
}
