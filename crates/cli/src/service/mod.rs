//! What commands have in common that follow the chain until they are asked to end: they look, act, wait, and say how they are.

pub(crate) mod lookout;
pub(crate) mod vitals;
pub(crate) mod watched;

use std::{
    future::Future,
    pin::pin,
    time::{Duration, Instant},
};

use eyre::{Report, Result};
use levee_model::Timestamp;
use tokio::time;

use self::vitals::Vitals;
use crate::error::{EXIT_USER, exit_code};

/// The longest pause while the nodes do not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a round takes at most while all is well.
const LONG: Duration = Duration::from_secs(30);

/// Seconds between two looks at the chain, unless it is said otherwise.
pub(crate) const EVERY: u64 = 4;

/// A block, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    pub(crate) block: u64,
    pub(crate) time: Timestamp,
}

/// What goes on until it is asked to end.
pub(crate) trait Service {
    /// One look, and what follows from it; the pause until the next. None if it was asked to end by `stop`.
    async fn turn(&mut self, stop: &mut (impl Future<Output = ()> + Unpin)) -> Option<Result<Duration>>;

    /// How it is.
    fn vitals(&self) -> &Vitals;
}

/// Looks and acts until `stop`.
///
/// # Errors
/// What only the user can correct. Whatever else fails is tried again, after pauses that begin with twice `every`.
pub(crate) async fn run(
    service: &mut impl Service,
    every: Duration,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let mut stop = pin!(stop);
    let mut failures = 0;
    loop {
        let vitals = service.vitals().clone();
        let pause = match patiently(service.turn(&mut stop), &vitals).await {
            None => return Ok(()),
            Some(Ok(pause)) => {
                failures = 0;
                pause
            }
            Some(Err(report)) => {
                failures += 1;
                failed(service.vitals(), report)?;
                growing(every, failures, LONGEST_PAUSE)
            }
        };
        tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            () = time::sleep(pause) => {}
        }
    }
}

/// Waits for a round, and says so each time that it has taken long: nodes that do not answer are asked again for minutes.
async fn patiently<T>(round: impl Future<Output = T>, vitals: &Vitals) -> T {
    let (mut round, begun) = (pin!(round), Instant::now());
    loop {
        match time::timeout(LONG, &mut round).await {
            Ok(done) => return done,
            Err(_) => vitals.note_slow(begun.elapsed()),
        }
    }
}

/// Notes a failure, if it may pass.
fn failed(vitals: &Vitals, report: Report) -> Result<()> {
    if exit_code(&report) == EXIT_USER {
        return Err(report);
    }
    vitals.note_failure(&report);
    Ok(())
}

/// A pause that doubles with each failure, up to the longest.
pub(crate) fn growing(first: Duration, failures: u32, longest: Duration) -> Duration {
    first.saturating_mul(1u32.checked_shl(failures).unwrap_or(u32::MAX)).min(longest)
}
