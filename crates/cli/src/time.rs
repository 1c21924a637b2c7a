//! Times and durations as the command reads and shows them.

pub(crate) use levee::{clock::now as clock, display::utc as time, text::time::*};
