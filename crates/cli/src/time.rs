//! Times and durations as the command reads and shows them.

pub(crate) use levee::{display::utc as time, text::time::*};
