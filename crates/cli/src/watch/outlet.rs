//! Delivers notices through one channel, whatever becomes of the others.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use eyre::Result;
use tokio::{
    sync::{Mutex as Turn, MutexGuard, Notify},
    time,
};

use super::{
    channel::{Channel, Failure},
    memory::{Memory, Pending},
    metrics::Metrics,
};
use crate::service::growing;

/// The first pause after a failure is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// When what was refused is tried again.
const REFUSED_PAUSE: Duration = Duration::from_secs(3_600);

/// One channel, and what it is to deliver.
#[derive(Debug)]
pub(crate) struct Outlet {
    channel: Channel,
    /// Its name in what is kept.
    name: String,
    memory: Memory,
    metrics: Metrics,
    news: Notify,
    /// Who delivers.
    turn: Turn<()>,
    /// When each notice was refused.
    refused: Mutex<BTreeMap<i64, Instant>>,
}

impl Outlet {
    pub(crate) fn new(channel: Channel, memory: Memory, metrics: Metrics) -> Self {
        let name = channel.name();
        Self {
            channel,
            name,
            memory,
            metrics,
            news: Notify::new(),
            turn: Turn::default(),
            refused: Mutex::default(),
        }
    }

    /// Its name in what is kept.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it takes the place of a channel that is gone.
    pub(crate) fn replaces(&self, gone: &str) -> bool {
        gone.starts_with(&self.channel.family())
    }

    /// Says that there may be more to deliver.
    pub(crate) fn wake(&self) {
        self.news.notify_one();
    }

    /// Delivers what there is, and goes on with what comes.
    pub(crate) async fn run(&self) {
        let mut failures = 0;
        loop {
            match self.pass().await {
                Ok(None | Some(Failure::Refused(_))) => {
                    failures = 0;
                    tokio::select! {
                        () = self.news.notified() => {}
                        () = time::sleep(REFUSED_PAUSE) => {}
                    }
                }
                Ok(Some(Failure::MayPass(_))) => {
                    failures += 1;
                    time::sleep(growing(FIRST_PAUSE, failures, LONGEST_PAUSE)).await;
                }
                Err(error) => {
                    failures += 1;
                    tracing::error!(target: "watch", channel = %self.channel, %error, "what is to be told cannot be read");
                    time::sleep(growing(FIRST_PAUSE, failures, LONGEST_PAUSE)).await;
                }
            }
        }
    }

    /// Delivers what there is, in order, up to a failure that may pass. What is refused does not hold up the rest. Returns the last
    /// failure.
    pub(crate) async fn pass(&self) -> Result<Option<Failure>> {
        let (mut after, mut failure) = (0, None);
        loop {
            let pending = self.memory.pending(&self.name, after).await?;
            let Some(last) = pending.last() else { return Ok(failure) };
            after = last.seq;
            for one in pending {
                if self.was_refused(one.seq) {
                    continue;
                }
                match self.deliver(one).await? {
                    failed @ Some(Failure::MayPass(_)) => return Ok(failed),
                    refused @ Some(_) => failure = refused,
                    None => {}
                }
            }
        }
    }

    /// Waits until nothing is being delivered. Nothing is, as long as the result is kept.
    pub(crate) async fn rest(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    async fn deliver(&self, Pending { seq, notice }: Pending) -> Result<Option<Failure>> {
        let _turn = self.turn.lock().await;
        // What cannot be recorded as delivered is not delivered.
        if self.memory.is_closed() {
            return Ok(Some(Failure::MayPass("the watch ends".into())));
        }
        let channel = &self.channel;
        let Err(failure) = channel.deliver(&notice).await else {
            self.memory.accepted(&self.name, seq).await?;
            self.metrics.delivered(&channel.to_string());
            return Ok(None);
        };
        self.metrics.failed(&channel.to_string());
        let (id, reason) = (&notice.id, failure.to_string());
        match failure {
            Failure::MayPass(_) => {
                tracing::warn!(target: "watch", %channel, id, reason, "a notice was not delivered; it is tried again");
            }
            Failure::Refused(_) => {
                tracing::error!(target: "watch", %channel, id, reason, "a notice was refused: check the channel; it is tried again in an hour");
                self.refusals().insert(seq, Instant::now());
            }
        }
        Ok(Some(failure))
    }

    fn was_refused(&self, seq: i64) -> bool {
        let mut refused = self.refusals();
        refused.retain(|_, at| at.elapsed() < REFUSED_PAUSE);
        refused.contains_key(&seq)
    }

    fn refusals(&self) -> std::sync::MutexGuard<'_, BTreeMap<i64, Instant>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
