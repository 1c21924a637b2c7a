//! A keeper does what is due for rescues, and what anyone may do: whoever comes first.

pub(crate) mod agenda;
pub(crate) mod metrics;
pub(crate) mod payouts;
pub(crate) mod report;
pub(crate) mod sender;

use std::{
    future::Future,
    pin::pin,
    time::{Duration, Instant},
};

use alloy::primitives::Address;
use eyre::{Result, eyre};
use levee_model::Timestamp;
use tokio::time;

use self::{
    agenda::{Agenda, Due},
    metrics::Metrics,
    payouts::Payouts,
    report::{Handled, Outcome, Round},
    sender::{OpenContracts, Sender, Sent, affordable},
};
use crate::{
    connection::Connection,
    output::Output,
    service::{
        Now, Service,
        lookout::{Lookout, Sight},
        vitals::Vitals,
    },
};

/// How often the balance is read while nothing is sent.
const BALANCE_PAUSE: Duration = Duration::from_secs(60);

/// A keeper that goes on until it is asked to end.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) lookout: Lookout,
    pub(crate) payouts: Payouts,
    pub(crate) metrics: Metrics,
    pub(crate) agenda: Agenda,
    pub(crate) sender: Sender,
    pub(crate) output: Output,
    /// How often to look for new blocks.
    pub(crate) every: Duration,
    /// How long a transaction is waited for after the keeper was asked to end.
    pub(crate) grace: Duration,
    /// For how many duties the balance should be enough.
    pub(crate) reserve: u64,
    /// Whether each duty that was tried is a line of its own, with `--json`.
    pub(crate) tells_each: bool,
    /// Whether a transaction of the keeper is in no block yet, or was not looked at.
    pub(crate) has_pending: bool,
    /// When the balance was read, and whether it was low.
    pub(crate) balance: Option<(Instant, bool)>,
}

impl Service for Keeper {
    /// What was begun when it is asked to end is waited for, and what is not in a block after that stays in the journal.
    async fn turn(&mut self, stop: &mut (impl Future<Output = ()> + Unpin)) -> Option<Result<Duration>> {
        // What was begun before comes before anything else; while it waits, the chain is only looked at.
        let is_clear = if self.has_pending { self.round(&[], 0, stop).await? } else { true };
        let (connection, lookout) = (&self.sender.connection, &mut self.lookout);
        let sight = tokio::select! {
            biased;
            () = &mut *stop => return None,
            // On a node that stands still, nothing would ever fall due.
            sight = async { connection.prefer_latest().await?; lookout.look().await } => sight,
        };
        let now = match sight {
            Ok(Sight::At(now)) => now,
            Ok(Sight::Behind) => return Some(Ok(Duration::ZERO)),
            Ok(Sight::Nothing) => return Some(Ok(self.every)),
            Err(report) => return Some(Err(report)),
        };
        if self.balance.is_none_or(|(read, _)| read.elapsed() > BALANCE_PAUSE) {
            tokio::select! {
                biased;
                () = &mut *stop => return None,
                read = self.check_balance() => if let Err(report) = read {
                    return Some(Err(report));
                },
            }
        }
        let ready = self.ready(now);
        if is_clear && !ready.is_empty() {
            self.round(&ready, now.time, stop).await?;
        }
        Some(Ok(self.every))
    }

    fn vitals(&self) -> &Vitals {
        &self.lookout.vitals
    }
}

impl Keeper {
    /// What is to be done at a block.
    fn ready(&mut self, now: Now) -> Vec<Due> {
        let tasks = self.payouts.tasks(&self.lookout.watched, now.time);
        let ready = self.agenda.at(now, tasks);
        self.metrics.due.set(i64::try_from(self.agenda.len()).unwrap_or(i64::MAX));
        ready
    }

    /// Sends what is due, and tells what became of it. Whether nothing is left that waits for a block; none if it was asked to end.
    async fn round(
        &mut self,
        due: &[Due],
        now: Timestamp,
        stop: &mut (impl Future<Output = ()> + Unpin),
    ) -> Option<bool> {
        let (done, is_asked_to_end) = {
            let mut round = pin!(self.sender.round(due, now));
            tokio::select! {
                biased;
                done = &mut round => (done, false),
                () = stop => {
                    self.sender.stop.set();
                    (time::timeout(self.grace, round).await.unwrap_or_else(|_| Ok(Sent::default())), true)
                }
            }
        };
        let told = match done {
            Ok(sent) => self.tell(sent).await,
            Err(report) => Err(report),
        };
        if let Err(report) = told {
            self.has_pending = true;
            self.lookout.vitals.note_failure(&report);
        }
        (!is_asked_to_end).then_some(!self.has_pending)
    }

    async fn tell(&mut self, sent: Sent) -> Result<()> {
        self.has_pending = sent.has_pending;
        let tells_each = self.tells_each && self.output.is_json();
        sent.finished.iter().for_each(|outcome| self.metrics.count(outcome.name()));
        let block = self.lookout.vitals.block.get().cast_unsigned();
        for (due, outcome) in sent.handled {
            let block = if let Outcome::Done(executed) = &outcome { executed.block } else { block };
            self.agenda.tried(&due.task, block, &outcome);
            self.metrics.count(outcome.name());
            let (contract, purpose, name) = (due.task.contract(), &due.purpose, outcome.name());
            tracing::info!(target: "keeper", rescue = %contract, %purpose, outcome = name, "{}", outcome.text());
            let handled = due.handled(outcome);
            if tells_each {
                self.output.event(&handled.text(), &handled)?;
            }
        }
        self.check_balance().await?;
        sent.error.map_or(Ok(()), Err)
    }

    /// Warns when the account can soon pay no more.
    async fn check_balance(&mut self) -> Result<()> {
        let balance = self.sender.balance().await?;
        let enough = affordable(balance, self.sender.cap.late);
        let metrics = &self.metrics;
        metrics.balance.set(i64::try_from(balance.get() / 1_000_000_000).unwrap_or(i64::MAX));
        metrics.affordable.set(i64::try_from(enough).unwrap_or(i64::MAX));
        let (is_low, was_low) = (enough < self.reserve, self.balance.is_some_and(|(_, was_low)| was_low));
        self.balance = Some((Instant::now(), is_low));
        if is_low && !was_low {
            let account = self.sender.account();
            tracing::warn!(target: "keeper", %account, balance_wei = %balance, transactions = enough, "the balance is low");
        }
        Ok(())
    }

    /// Does what is due now, each once, whoever's turn it is.
    ///
    /// # Errors
    /// Also if the nodes do not answer.
    pub(crate) async fn once(mut self) -> Result<Round> {
        if self.sender.round(&[], 0).await?.has_pending {
            let account = self.sender.account();
            return Err(eyre!("a transaction of `{account}` is in no block yet: run it again later"));
        }
        let now = self.lookout.caught_up(self.every).await?;
        let mut duties = Vec::new();
        let mut ready = self.ready(now);
        let mut has_pending = false;
        while !ready.is_empty() && !has_pending {
            let sent = self.sender.round(&ready, now.time).await?;
            ready.drain(..sent.handled.len().min(ready.len()));
            has_pending = sent.has_pending;
            duties.extend(sent.handled.iter().map(|(due, outcome)| due.handled(outcome.clone())));
            self.tell(sent).await?;
        }
        let watched = &self.lookout.watched;
        Ok(Round { block: now.block, rescues: watched.len(), compacts: watched.compacts().count(), duties })
    }
}

/// What `from` would do now.
pub(crate) async fn plan(
    mut lookout: Lookout,
    payouts: &Payouts,
    connection: &Connection,
    from: Address,
    every: Duration,
) -> Result<Round> {
    let now = lookout.caught_up(every).await?;
    let (mut duties, mut opened): (Vec<Handled>, _) = (Vec::new(), OpenContracts::default());
    for due in Agenda::new(from, 1).at(now, payouts.tasks(&lookout.watched, now.time)) {
        let outcome = Sender::plan(connection, from, &due, &mut opened).await?;
        duties.push(due.handled(outcome));
    }
    let watched = &lookout.watched;
    Ok(Round { block: now.block, rescues: watched.len(), compacts: watched.compacts().count(), duties })
}
