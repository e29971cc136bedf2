//! What came out: for people, for programs, as a picture.

mod json;
mod markdown;
mod svg;
mod table;

pub(crate) use self::json::json;
pub(crate) use self::markdown::markdown;
pub(crate) use self::svg::draw;
pub(crate) use self::table::{print_bars, print_heading, print_work};
