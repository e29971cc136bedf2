//! The resource of all pools that are measured.

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
