//! This machine's clock, which only decides what is compared with a node's.

use std::time::SystemTime;

use levee_model::Timestamp;

/// The time of this machine, in Unix seconds.
pub fn now() -> Timestamp {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs()
}
