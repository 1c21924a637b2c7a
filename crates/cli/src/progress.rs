//! What a person at a terminal sees while the command waits for a transaction.

use std::{convert::Infallible, future::Future, time::Duration};

use alloy::providers::{DynProvider, Provider};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;

/// How long to wait in silence: a local chain includes a transaction at once.
const SILENCE: Duration = Duration::from_millis(500);
/// How often the bar turns, and how often the latest block is asked for: three times an Ethereum block.
const TURN: Duration = Duration::from_millis(120);
const LOOK: Duration = Duration::from_secs(4);

/// Waits for `wait`, and shows meanwhile what it waits for, for how long, and the latest block.
pub(crate) async fn during<T>(
    wait: impl Future<Output = T>,
    what: &str,
    provider: &DynProvider,
    output: Output,
) -> T {
    if !output.shows_progress() {
        return wait.await;
    }
    // Whichever comes first ends the other, and with it the bar.
    tokio::select! {
        done = wait => done,
        never = show(what, provider) => match never {},
    }
}

async fn show(what: &str, provider: &DynProvider) -> Infallible {
    tokio::time::sleep(SILENCE).await;
    let bar = Bar::new(what);
    loop {
        if let Ok(block) = provider.get_block_number().await {
            bar.0.set_message(format!(", block {block}"));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// A line that is gone when the waiting is over.
struct Bar(ProgressBar);

impl Bar {
    fn new(what: &str) -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} waiting for {prefix} ({elapsed}{msg})") {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(TURN);
        Self(bar)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
