//! The status of a rescue, as people are told it.

use levee_model::{RescueView, Timestamp};

/// The status in a word, or for an open rescue past its deadline that it is so: what comes of it is decided by the value of its shares then,
/// and while that is not known, it is not `Open` any more to anybody who could pledge or wait.
pub fn text(view: &RescueView, now: Timestamp) -> String {
    if view.is_stuck(now) { "Past its deadline".into() } else { view.status.to_string() }
}
