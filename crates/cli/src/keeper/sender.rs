//! How a keeper sends: through the journal, like every other command, and never the same twice.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy::{
    primitives::{Address, B256},
    providers::{DynProvider, Provider},
};
use eyre::Result;
use levee::{
    Call, Confirmations, Error, Escrow, Executed, FeeOptions, Intent, Journal, Outbox, Prepared,
    compact::CompactClient,
    outbox::{Draft, IntentState, Signed, SignedState},
};
use levee_model::{
    Timestamp, Wei,
    compact::{CompactDuty, CompactTask},
};

use super::{
    agenda::{Cap, Due, KEEPER, Task},
    report::{Handled, Outcome},
};
use crate::{account::Hand, connection::Connection, journal::SqliteJournal, output::Output};

/// How many transactions are sent before the first of them is waited for.
const AT_ONCE: usize = 16;

/// The most gas that is paid for a duty: four times what the dearest one needs. Whoever is paid may be a contract that wastes it.
const MOST_GAS: u64 = 1_200_000;

/// The most gas that is paid for a payment to a pledger, three times what the dearest one needs: it is paid for again with each tranche,
/// so a pledger that wastes gas must not make it dear.
const MOST_PAYOUT_GAS: u64 = 300_000;

/// The most gas that is paid for a fulfillment, beside what it needs anyway: a third more than a new position takes.
const MOST_GAS_OF_GIFT: u64 = 250_000;

/// What the dearest duty of a keeper is taken to need, with a quarter on top: the settlement of 24 pots.
pub(crate) const DUTY_GAS: u64 = 400_000;

/// Whether the keeper was asked to end. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

type Post = Outbox<DynProvider, SqliteJournal>;

/// Sends for one account.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) connection: Connection,
    pub(crate) hand: Hand,
    pub(crate) journal: SqliteJournal,
    pub(crate) cap: Cap,
    pub(crate) confirmations: Confirmations,
    /// How long a transaction is waited for, each time.
    pub(crate) patience: Duration,
    pub(crate) stop: Stop,
    /// For what is said while another command of the account has its turn.
    pub(crate) output: Output,
}

/// What came of a round.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// What became of what was begun earlier.
    pub(crate) finished: Vec<Outcome>,
    pub(crate) handled: Vec<(Due, Outcome)>,
    /// Whether a transaction is in no block yet.
    pub(crate) has_pending: bool,
    /// What cut it short.
    pub(crate) error: Option<eyre::Report>,
}

impl Sent {
    fn add(&mut self, due: &Due, outcome: Outcome) {
        self.has_pending |= matches!(outcome, Outcome::Pending { .. });
        self.handled.push((due.clone(), outcome));
    }
}

/// What the duties of a round share.
#[derive(Debug)]
struct Basis {
    /// What the account has, less what was spent in this round at most.
    balance: Wei,
    /// What the journal has.
    known: Vec<Intent>,
    opened: OpenContracts,
}

/// The contracts of a round, each opened once: whether it is genuine does not change meanwhile.
#[derive(Debug, Default)]
pub(crate) struct OpenContracts {
    escrows: BTreeMap<Address, Escrow<DynProvider>>,
    compacts: BTreeMap<Address, CompactClient<DynProvider>>,
}

impl OpenContracts {
    async fn compact<J: Journal>(
        &mut self,
        outbox: &Outbox<DynProvider, J>,
        compact: Address,
    ) -> Result<&CompactClient<DynProvider>, Error> {
        Ok(match self.compacts.entry(compact) {
            Entry::Occupied(opened) => opened.into_mut(),
            Entry::Vacant(place) => {
                let client = CompactClient::open(outbox.provider().clone(), outbox.chain(), compact).await?;
                client.check_token()?;
                // Its members' money must not go where it could be kept.
                client.check_escrows()?;
                place.insert(client)
            }
        })
    }

    async fn escrow<J: Journal>(
        &mut self,
        outbox: &Outbox<DynProvider, J>,
        rescue: Address,
    ) -> Result<&Escrow<DynProvider>, Error> {
        Ok(match self.escrows.entry(rescue) {
            Entry::Occupied(opened) => opened.into_mut(),
            Entry::Vacant(place) => {
                place.insert(Escrow::open(outbox.provider().clone(), outbox.chain(), rescue).await?)
            }
        })
    }
}

/// What became of a duty at first.
enum Begun {
    Sent(Box<(Intent, Signed)>),
    Over(Outcome),
}

impl Sender {
    /// Finishes what was begun earlier, and then does what is due, each if it is still to be done. While a transaction of the account is
    /// in no block, nothing else is sent.
    pub(crate) async fn round(&self, due: &[Due], now: Timestamp) -> Result<Sent> {
        let _turn = self.journal.turn(self.connection.chain, self.account(), self.output).await?;
        self.connection.prefer_latest().await?;
        let outbox = self.outbox();
        let mut sent = Sent::default();
        sent.has_pending = !self.finish_begun(&outbox, &mut sent.finished).await?;
        if sent.has_pending || due.is_empty() {
            return Ok(sent);
        }
        self.connection.current_block().await?;
        let mut waits = false;
        for (due, intent, signed) in self.begin_all(&outbox, due, now, &mut sent).await? {
            // What comes after one that waits waits too.
            let outcome = match waits {
                true => Outcome::Pending { transaction: signed.hash },
                false => self.conclude(&outbox, &intent, signed.hash, outbox.confirm(&signed).await).await?,
            };
            waits |= matches!(outcome, Outcome::Pending { .. });
            sent.add(due, outcome);
        }
        Ok(sent)
    }

    /// Sends what is still to be done, until something goes wrong.
    async fn begin_all<'a>(
        &self,
        outbox: &Post,
        due: &'a [Due],
        now: Timestamp,
        sent: &mut Sent,
    ) -> Result<Vec<(&'a Due, Intent, Signed)>> {
        let (balance, known) = (self.balance().await?, self.journal.intents().await?);
        let mut basis = Basis { balance, known, opened: OpenContracts::default() };
        let mut begun = Vec::new();
        for one in due.iter().take(AT_ONCE) {
            if self.stop.is_set() {
                break;
            }
            match self.begin(outbox, one, now, &mut basis).await {
                Ok(Begun::Sent(pair)) => {
                    let (intent, signed) = *pair;
                    begun.push((one, intent, signed));
                }
                Ok(Begun::Over(outcome)) => sent.add(one, outcome),
                Err(error) => {
                    // It may have been signed.
                    (sent.error, sent.has_pending) = (Some(error.into()), true);
                    break;
                }
            }
        }
        Ok(begun)
    }

    /// What an account would send, without an account that can sign.
    pub(crate) async fn plan(
        connection: &Connection,
        from: Address,
        due: &Due,
        opened: &mut OpenContracts,
    ) -> Result<Outcome> {
        let outbox = Outbox::watching(connection.provider.clone(), connection.chain, from);
        match prepare(&outbox, due, opened).await {
            Ok((_, prepared)) => {
                Ok(Outcome::Planned { gas: prepared.gas(), fee_limit: prepared.cost_limit() })
            }
            Err(error) => Ok(outcome_of(error)?),
        }
    }

    /// The account.
    pub(crate) fn account(&self) -> Address {
        self.hand.address()
    }

    /// What the account has.
    pub(crate) async fn balance(&self) -> Result<Wei, Error> {
        let balance = self.connection.provider.get_balance(self.account()).await?;
        Ok(Wei::new(balance.saturating_to()))
    }

    /// A new one for each round: the nonce that it counts on is no longer certain when another command had its turn.
    fn outbox(&self) -> Post {
        let Connection { provider, chain, .. } = &self.connection;
        let outbox = Outbox::new(provider.clone(), *chain, self.hand.clone());
        let outbox = outbox.with_journal(self.journal.clone()).with_fees(FeeOptions::default());
        outbox.waiting(self.confirmations, self.patience)
    }

    /// Brings what keepers of this account have begun to its end. Whether nothing is left that waits for a block.
    async fn finish_begun(&self, outbox: &Post, finished: &mut Vec<Outcome>) -> Result<bool> {
        for intent in self.journal.unfinished(outbox.chain(), outbox.account()).await? {
            let is_own = intent.draft.purpose.to_string().starts_with(KEEPER);
            let outcome = if is_own {
                self.finish(outbox, &intent).await?
            } else {
                outbox.settle_pending(&intent).await?.map(|transaction| Outcome::Pending { transaction })
            };
            let Some(outcome) = outcome else { continue };
            let (purpose, name) = (&intent.draft.purpose, outcome.name());
            tracing::info!(target: "keeper", intent = intent.id, %purpose, outcome = name, "{}", outcome.text());
            let is_pending = matches!(outcome, Outcome::Pending { .. });
            finished.push(outcome);
            if is_pending {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What became of an intent; none if it was cut off before anything was signed.
    async fn finish(&self, outbox: &Post, intent: &Intent) -> Result<Option<Outcome>> {
        let Some(last) = self.journal.transactions(intent.id).await?.pop() else {
            self.journal.close(intent.id, IntentState::Forgotten).await?;
            return Ok(None);
        };
        let resumed = outbox.resume(intent).await;
        let has_waited = matches!(resumed, Err(Error::NotMined { .. }));
        let outcome = match resumed.map(|mut done| done.pop()) {
            // None of it had an effect.
            Ok(None) => {
                self.journal.close(intent.id, IntentState::Failed).await?;
                Outcome::Reverted { transaction: last.hash }
            }
            Ok(Some((_, executed))) => self.conclude(outbox, intent, last.hash, Ok(executed)).await?,
            Err(error) => self.conclude(outbox, intent, last.hash, Err(error)).await?,
        };
        if has_waited && matches!(outcome, Outcome::Pending { .. }) {
            self.raise(outbox, intent, &last).await?;
        }
        Ok(Some(outcome))
    }

    /// Replaces a transaction that waits, if a higher price is needed and may be paid: it holds up all others.
    async fn raise(&self, outbox: &Post, intent: &Intent, signed: &Signed) -> Result<()> {
        if signed.state != SignedState::Pending {
            return Ok(());
        }
        let late = self.cap.late.get();
        let prepared = match outbox.prepare_replacement(signed).await {
            // What leaves room for prices to rise may be too much where less is enough for now.
            Ok(roomy) if roomy.fees().max_fee_per_gas > late => {
                let fees = FeeOptions { max_fee_per_gas: Some(late), ..FeeOptions::default() };
                self.outbox().with_fees(fees).prepare_replacement(signed).await
            }
            other => other,
        };
        match prepared {
            Ok(prepared) if self.balance().await? < prepared.cost_limit() => {
                tracing::warn!(target: "keeper", transaction = %signed.hash, "waits: the balance is not enough for a higher price");
            }
            Ok(prepared) if prepared.fees().max_fee_per_gas <= late => {
                let raised = outbox.replace(intent, signed, &prepared).await?;
                tracing::info!(target: "keeper", transaction = %raised.hash, "sent at a higher price");
            }
            Ok(_) | Err(Error::GasPriceAboveLimit { .. } | Error::FeeAboveLimit { .. }) => {
                tracing::warn!(target: "keeper", transaction = %signed.hash, "waits: a higher price may not be paid");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Looks at a duty again, in the state that the next block will have, and sends it if it is still to be done.
    async fn begin(
        &self,
        outbox: &Post,
        due: &Due,
        now: Timestamp,
        basis: &mut Basis,
    ) -> Result<Begun, Error> {
        let (chain, account) = (outbox.chain(), outbox.account());
        let rescue = Some(due.task.contract());
        let draft = Draft { chain, account, rescue, purpose: due.purpose.clone(), key: None };
        if let Some(begun) = self.begun_before(outbox, &draft, &basis.known).await? {
            return Ok(begun);
        }
        let cap = self.cap.at(due.since, now);
        let prepared = prepare(outbox, due, &mut basis.opened).await;
        let prepared = prepared.and_then(|(call, prepared)| Ok((call, prepared.at_price(cap)?)));
        let (call, prepared) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return blamed(outbox, error).await.map(Begun::Over),
        };
        let fee_limit = prepared.cost_limit();
        let Some(left) = basis.balance.checked_sub(fee_limit) else {
            return Ok(Begun::Over(Outcome::Unfunded { balance: basis.balance, fee_limit }));
        };
        basis.balance = left;
        let step = "call".to_owned();
        // Others may have been faster while prices were read, and a contract can read what is paid for gas.
        if let Err(error) = outbox.try_out(&call, &prepared).await {
            return blamed(outbox, error).await.map(Begun::Over);
        }
        let intent = self.journal.begin(&draft, std::slice::from_ref(&step)).await?;
        let signed = outbox.send(&intent, &step, &prepared).await?;
        tracing::info!(target: "keeper", purpose = %due.purpose, rescue = %due.task.contract(), transaction = %signed.hash, "sent");
        Ok(Begun::Sent(Box::new((intent, signed))))
    }

    /// What became of the same duty earlier, if it was done: what a node does not know yet, or a reorganization has taken back, is not
    /// signed anew.
    async fn begun_before(
        &self,
        outbox: &Post,
        draft: &Draft,
        known: &[Intent],
    ) -> Result<Option<Begun>, Error> {
        let Some(intent) = known.iter().find(|intent| intent.draft.is_same(draft)) else {
            return Ok(None);
        };
        let is_done = match intent.state {
            IntentState::Done => !outbox.is_undone(intent).await?,
            IntentState::Failed => outbox.revise(intent).await?,
            IntentState::Unfinished | IntentState::Forgotten => false,
        };
        if is_done {
            self.journal.close(intent.id, IntentState::Done).await?;
            return Ok(Some(Begun::Over(Outcome::DoneBefore)));
        }
        let last = self.journal.transactions(intent.id).await?.pop();
        let Some(signed) = last.filter(|_| intent.state == IntentState::Done) else { return Ok(None) };
        // The next round begins with what is not finished.
        self.journal.close(intent.id, IntentState::Unfinished).await?;
        tracing::warn!(target: "keeper", transaction = %signed.hash, "a reorganization has taken it back");
        Ok(Some(Begun::Over(Outcome::Pending { transaction: signed.hash })))
    }

    /// Records what became of an intent.
    async fn conclude(
        &self,
        outbox: &Post,
        intent: &Intent,
        transaction: B256,
        confirmed: Result<Executed, Error>,
    ) -> Result<Outcome, Error> {
        let error = match confirmed {
            Ok(executed) => {
                self.journal.close(intent.id, IntentState::Done).await?;
                return Ok(Outcome::Done(executed));
            }
            Err(error) => outbox.failed(intent, error).await?,
        };
        match error {
            Error::FailedInBlock { .. } | Error::NonceUsed { .. } => Ok(Outcome::Reverted { transaction }),
            Error::NotMined { .. } | Error::NotAccepted { .. } => Ok(Outcome::Pending { transaction }),
            other => Err(other),
        }
    }
}

/// Simulates a duty in the next block.
async fn prepare<J: Journal>(
    outbox: &Outbox<DynProvider, J>,
    due: &Due,
    opened: &mut OpenContracts,
) -> Result<(Call<DynProvider>, Prepared), Error> {
    let call = match &due.task {
        Task::Rescue { rescue, duty } => opened.escrow(outbox, *rescue).await?.call(duty.operation)?,
        Task::Compact { compact, duty } => {
            opened.compact(outbox, *compact).await?.call(&duty.task.operation(), None)?
        }
    };
    let prepared = outbox.prepare(&call).await?;
    let limit = most_gas(due);
    match prepared.gas() {
        gas if gas > limit => Err(Error::GasAboveLimit { gas, limit }),
        _ => Ok((call, prepared)),
    }
}

/// The most gas that is paid for a duty.
fn most_gas(due: &Due) -> u64 {
    match &due.task {
        Task::Compact { duty: CompactDuty { task: CompactTask::Fulfill { members, .. }, .. }, .. } => {
            MOST_PAYOUT_GAS.saturating_add(MOST_GAS_OF_GIFT.saturating_mul(members.len() as u64))
        }
        _ if due.is_payout() => MOST_PAYOUT_GAS,
        _ => MOST_GAS,
    }
}

/// Why a duty is not done now: also if the node has an error for it that nobody knows, but answers otherwise. Nothing is signed yet.
async fn blamed(outbox: &Post, error: Error) -> Result<Outcome, Error> {
    let reason = error.to_string();
    match outcome_of(error) {
        Err(error) if error.is_unanswered() && outbox.provider().get_block_number().await.is_ok() => {
            Ok(Outcome::Refused { reason })
        }
        outcome => outcome,
    }
}

/// Why a duty is not done now, unless the node is to blame.
fn outcome_of(error: Error) -> Result<Outcome, Error> {
    match error {
        Error::GasPriceAboveLimit { price, limit } => Ok(Outcome::TooDear { price, cap: limit }),
        // Another transaction of the account waits, which only its owner can look after.
        error @ Error::ForeignPending { .. } => Err(error),
        error if error.is_users() || matches!(error, Error::UnknownRevert { .. }) => {
            Ok(Outcome::Refused { reason: error.to_string() })
        }
        error => Err(error),
    }
}

/// For how many of the dearest duties a balance is enough, at a price.
pub(crate) fn affordable(balance: Wei, price: Wei) -> u64 {
    let cost = price.get().saturating_mul(DUTY_GAS.into()).max(1);
    u64::try_from(balance.get() / cost).unwrap_or(u64::MAX)
}

impl Due {
    /// What became of it.
    pub(crate) fn handled(&self, outcome: Outcome) -> Handled {
        Handled { task: self.task.clone(), outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_is_enough_for_so_many() {
        let gwei = 10u128.pow(9);
        let ether = Wei::new(gwei * gwei);
        // 400,000 gas at 300 gwei are 0.12 ETH.
        assert_eq!(affordable(ether, Wei::new(300 * gwei)), 8);
        assert_eq!(affordable(Wei::ZERO, Wei::new(300 * gwei)), 0);
        assert_eq!(affordable(Wei::new(7), Wei::ZERO), 7);
    }

    #[test]
    fn only_a_node_that_fails_is_an_error() {
        let (price, limit) = (Wei::new(9), Wei::new(5));
        let dear = outcome_of(Error::GasPriceAboveLimit { price, limit }).unwrap();
        assert_eq!(dear.text(), "waits: a gas costs 9 wei, and at most 5 wei may be paid");
        let refused = outcome_of(levee::Refusal::NoVeto.into()).unwrap();
        assert!(
            matches!(&refused, Outcome::Refused { reason } if reason == &levee::Refusal::NoVeto.to_string())
        );
        assert!(outcome_of(Error::Malformed { what: "a block" }).is_err());
    }
}
