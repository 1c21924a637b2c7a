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

/// How many passes in a row fail, over 17 minutes, before it is tried whether the channel accepts the notice after the one that it does not.
const HELD_UP: u32 = 10;

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
            match self.pass(failures).await {
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

    /// Delivers what there is, in order, up to a failure that may pass, after so many such passes. What is refused does not hold up the
    /// rest, nor does a notice that has failed long if the next one is accepted. Returns the last failure.
    pub(crate) async fn pass(&self, failures: u32) -> Result<Option<Failure>> {
        let (mut after, mut failure, mut stuck) = (0, None, None);
        loop {
            let pending = self.memory.pending(&self.name, after).await?;
            let Some(last) = pending.last() else { return Ok(failure) };
            after = last.seq;
            for one in pending {
                if self.was_refused(one.seq) {
                    continue;
                }
                let seq = one.seq;
                match (self.deliver(one).await?, stuck) {
                    (failed @ Some(Failure::MayPass(_)), None) if failures >= HELD_UP => {
                        (failure, stuck) = (failed, Some(seq));
                    }
                    (failed @ Some(Failure::MayPass(_)), _) => return Ok(failed),
                    (refused @ Some(_), None) => failure = refused,
                    (None, Some(held)) => {
                        (failure, stuck) = (Some(self.set_aside(held)), None);
                    }
                    (Some(_), Some(_)) | (None, None) => {}
                }
            }
        }
    }

    /// Takes a notice that fails while others do not for refused.
    fn set_aside(&self, seq: i64) -> Failure {
        tracing::error!(target: "watch", channel = %self.channel, "a notice fails while others are accepted: it is tried again in an hour");
        self.refusals().insert(seq, Instant::now());
        Failure::Refused("it fails while others are accepted".into())
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

#[cfg(test)]
mod tests {
    use std::{path::Path, process::Command};

    use alloy::primitives::Address;
    use levee::notice::{Content, News, Notice, NoticeKind};

    use super::*;
    use crate::watch::memory::Scope;

    const RESCUE: Address = Address::repeat_byte(7);

    fn notice(id: &str) -> Notice {
        let (title, text) = ("a title".into(), "a text".into());
        let (account, until, transaction, corrects) = (None, None, None, None);
        let (kind, chain, rescue, at) = (NoticeKind::Settled, 1, RESCUE, 5);
        let content = Content { kind, chain, rescue, account, at, until, transaction, title, text };
        Notice { id: id.into(), content, corrects }
    }

    /// A program and two notices, `x` and `y`, that it is to be run for.
    async fn outlet(directory: &Path, program: &str) -> Outlet {
        let memory = Memory::open(Some(&directory.join("watch.db")), 1).await.unwrap();
        let outlet = Outlet::new(Channel::Program(program.into()), memory, Metrics::default());
        let notices = ["x", "y"].map(notice).into();
        let news = News { notices, told: Vec::new(), forgotten: Vec::new(), through: 9 };
        let scope = Scope { rescue: RESCUE, account: None };
        outlet.memory.keep(scope, &news, &[outlet.name().to_owned()]).await.unwrap();
        outlet
    }

    async fn pending(outlet: &Outlet) -> Vec<String> {
        let pending = outlet.memory.pending(outlet.name(), 0).await.unwrap();
        pending.into_iter().map(|one| one.notice.id).collect()
    }

    #[tokio::test]
    async fn a_notice_that_alone_is_not_accepted_does_not_hold_up_the_others_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("all-but-x");
        // Written by another process, because no program runs that one has open for writing, as a child of another test might.
        let write = r#"printf '#!/bin/sh\n[ "$LEVEE_NOTICE_ID" != x ]\n' > "$0" && chmod 700 "$0""#;
        assert!(Command::new("sh").args(["-c", write]).arg(&program).status().unwrap().success());
        let outlet = outlet(directory.path(), program.to_str().unwrap()).await;
        let failed = outlet.pass(HELD_UP - 1).await.unwrap();
        assert!(matches!(failed, Some(Failure::MayPass(_))), "{failed:?}");
        assert_eq!(pending(&outlet).await, ["x", "y"]);
        let failed = outlet.pass(HELD_UP).await.unwrap();
        assert_eq!(failed, Some(Failure::Refused("it fails while others are accepted".into())));
        assert_eq!(pending(&outlet).await, ["x"]);
        // Until an hour is over.
        assert_eq!(outlet.pass(0).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_channel_that_accepts_nothing_keeps_its_order() {
        let directory = tempfile::tempdir().unwrap();
        let outlet = outlet(directory.path(), "false").await;
        let failed = outlet.pass(HELD_UP).await.unwrap();
        assert!(matches!(failed, Some(Failure::MayPass(_))), "{failed:?}");
        assert_eq!(pending(&outlet).await, ["x", "y"]);
        assert!(outlet.refusals().is_empty());
    }
}
