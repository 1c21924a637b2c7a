//! Signals that ask the process to end.

use std::future::Future;

use eyre::{Result, WrapErr as _};
use tokio::signal::{self, unix::SignalKind};

/// Completes when the user or the system wants the process to end, or the terminal is closed. Signals it
/// listens for no longer end the process by themselves, so that what was begun can be ended first.
pub(crate) fn interruption() -> Result<impl Future<Output = ()>> {
    let listen = |kind| signal::unix::signal(kind).wrap_err("signal handlers could not be installed");
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    let mut quit = listen(SignalKind::quit())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
            _ = hang_up.recv() => (),
            _ = quit.recv() => (),
        }
    })
}
