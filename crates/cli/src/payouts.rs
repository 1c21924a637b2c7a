//! What anyone may pay out, for everyone at once: refunds, collections and claims, several in a transaction.
//!
//! Each payment is simulated by itself, so that one that fails is left out and told, and does not stop the others. Those of a
//! transaction are made by Multicall3, which passes over one that fails all the same; without it, each is a transaction.

use std::num::NonZeroUsize;

use alloy::{
    primitives::Address,
    providers::{DynProvider, Provider as _},
};
use clap::Args;
use eyre::Result;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use levee::{
    BonusEvent, Call, Event, Executed, History, Query, RecoveryEvent, RescueEvent, multicall, outbox::MAX_GAS,
};
use levee_index::Store;
use levee_model::{Amount, Asset, Lido, Moment, Operation, PledgerView};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    amount, history,
    output::Output,
    plan::{Meanwhile, Step, says_nothing_left},
    transaction::{Session, Transactions, summary},
};

/// The gas of the payments in one transaction: a quarter of what one can have, so that their fee stays below the limit for a
/// transaction at usual prices, and what others do meanwhile has room.
const BATCH_GAS: u64 = MAX_GAS / 4;
/// The most gas that a payment may need to be made together with others. Those to accounts with a key need a tenth.
const PAYMENT_GAS: u64 = BATCH_GAS / 4;
/// How many payments are simulated at the same time.
const AT_ONCE: usize = 8;

/// For everyone at once.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everyone")]
pub(crate) struct AllArgs {
    /// Pay everyone who has something to get, several in a transaction. One who cannot be paid does not stop the others.
    #[arg(long, conflicts_with_all = ["pledger", "to"])]
    pub(crate) all: bool,

    /// Most payments in one transaction; with 1, each is sent by itself.
    #[arg(long, value_name = "N", requires = "all", default_value = "50")]
    batch: NonZeroUsize,

    /// Find the pledgers in this index instead of the node's logs: a file of SQLite, or the URL of a PostgreSQL database.
    #[arg(long, value_name = "PATH_OR_URL", requires = "all")]
    store: Option<String>,
}

/// A payment that can be made.
#[derive(Debug)]
struct Payout {
    payment: Payment,
    call: Call<DynProvider>,
    /// The gas that it needs by itself.
    gas: u64,
    /// Whether it runs code of its recipient's, which can do something else than in a simulation, and waste all gas.
    runs_code: bool,
}

/// A call that pays a pledger.
#[derive(Debug, Clone, Copy)]
struct Payment {
    operation: Operation,
    pledger: Address,
    amount: Amount,
}

/// A payment that was not made.
#[derive(Debug, Serialize, JsonSchema)]
struct NotPaid {
    #[serde(flatten)]
    operation: Operation,
    reason: String,
}

/// The result of a command that pays everyone: the transactions sent, and who was not paid.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payouts {
    #[serde(flatten)]
    transactions: Transactions,
    /// Payments that were left out because they would fail, or failed in their transaction; missing if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_paid: Vec<NotPaid>,
}

impl AllArgs {
    /// Makes all payments of a kind. `verb` names them, as in `refund`, and `is_meant` tells them from others.
    pub(crate) async fn pay(
        &self,
        session: &Session,
        verb: &'static str,
        is_meant: impl Fn(&Operation) -> bool,
        output: Output,
    ) -> Result<()> {
        let pledgers = self.pledgers(session).await?;
        let payments = pledgers.iter().flat_map(payments).filter(|payment| is_meant(&payment.operation));
        let (payouts, not_paid) = tried(session, payments.collect()).await?;
        output.warn(&not_paid.iter().map(NotPaid::text).collect::<Vec<_>>());
        if payouts.is_empty() && session.signer.done.is_empty() {
            let text = format!("`levee {verb}` has nothing to pay to anyone now; nothing was sent\n");
            output.result(&text, &Payouts { transactions: summary(&[], None).1, not_paid })?;
            return session.signer.close().await;
        }
        let steps = self.steps(session, verb, &payouts).await?;
        let planned: Vec<_> = payouts.iter().map(|payout| payout.payment).collect();
        let rate = session.page.rate();
        let report = async |executed: &[Executed]| {
            let late = planned.iter().filter(|payment| !payment.is_made_in(executed)).map(NotPaid::of_batch);
            let late: Vec<_> = late.collect();
            output.warn(&late.iter().map(NotPaid::text).collect::<Vec<_>>());
            let (text, transactions) = summary(executed, rate);
            output.result(
                &text,
                &Payouts { transactions, not_paid: not_paid.into_iter().chain(late).collect() },
            )
        };
        session.signer.execute(&steps, report).await
    }

    /// Everyone who has something, now. An index need not have come to the latest block: whoever was paid since is left out later.
    async fn pledgers(&self, session: &Session) -> Result<Vec<PledgerView>> {
        let (chain, rescue) = (session.page.chain, session.page.address);
        let history = match &self.store {
            Some(location) => history::in_store(&Store::open_to_read(location).await?, chain, rescue).await?,
            None => {
                let provider = &session.signer.provider;
                let snapshot = Query::of(rescue).read(provider, Some(chain)).await?;
                History::read(provider, &snapshot).await?
            }
        };
        let lido = session.page.rate().map_or(Lido::Broken, Lido::Working);
        let at = Moment { time: session.page.now.max(history.block.time), lido };
        Ok(history.models()?.pledgers(at))
    }

    /// The transactions, numbered on from those of an earlier run, so that no two have the same name.
    async fn steps(&self, session: &Session, verb: &str, payouts: &[Payout]) -> Result<Vec<Step>> {
        let most = self.batch.get();
        let together = most > 1 && payouts.len() > 1 && multicall::exists(&session.signer.provider).await?;
        let (plain, running) = payouts.split_at(payouts.partition_point(|payout| !payout.runs_code));
        let plain = if together { packed(plain, most) } else { plain.chunks(1).collect() };
        let batches = plain.into_iter().chain(running.chunks(1));
        let done = session.signer.done.iter().filter_map(|(name, _)| name.rsplit(' ').next()?.parse().ok());
        let numbered = (done.max().unwrap_or(0) + 1..).zip(batches);
        Ok(numbered.filter_map(|(number, batch)| step(session, verb, number, batch)).collect())
    }
}

/// The payments that a pledger can get, each with its amount.
fn payments(one: &PledgerView) -> impl Iterator<Item = Payment> {
    let pledger = one.pledger;
    let payment = move |&operation: &Operation| {
        let of = |tier, asset| {
            one.positions
                .iter()
                .find(move |position| (position.view.tier, position.view.asset) == (tier, asset))
        };
        let amount = match operation {
            Operation::Refund(id) => of(id.tier, id.asset)?.view.refundable.of(id.asset),
            Operation::Claim(id) => Amount::Eth(of(id.tier, id.asset)?.recovered_due),
            Operation::ClaimBonus(id) => Amount::Eth(of(id.tier, id.asset)?.bonus_due),
            Operation::Collect { asset, .. } => one.owed[asset].of(asset),
            _ => return None,
        };
        Some(Payment { operation, pledger, amount })
    };
    one.calls.iter().filter_map(payment)
}

/// Simulates each payment by itself: those that succeed, and those that do not. What somebody has paid meanwhile is neither.
async fn tried(session: &Session, payments: Vec<Payment>) -> Result<(Vec<Payout>, Vec<NotPaid>)> {
    let tries = payments.into_iter().map(|payment| async move {
        let call = session.escrow.call(payment.operation)?;
        let runs_code = payment.amount.asset() == Asset::Eth
            && !session.signer.provider.get_code_at(payment.pledger).await?.is_empty();
        match call.simulate(session.signer.from).await {
            Err(error) if error.is_unanswered() => Err(error),
            result => Ok((payment, call, runs_code, result)),
        }
    });
    let tries: Vec<_> = stream::iter(tries).buffered(AT_ONCE).try_collect().await?;
    let (mut payouts, mut not_paid) = (Vec::<Payout>::new(), Vec::new());
    for (payment, call, runs_code, result) in tries {
        match result {
            Ok(gas) if gas <= PAYMENT_GAS => payouts.push(Payout { payment, call, gas, runs_code }),
            Ok(gas) => not_paid.push(NotPaid::costly(&payment, gas)),
            Err(error) if says_nothing_left(&error) => {}
            Err(error) => not_paid.push(NotPaid { operation: payment.operation, reason: error.to_string() }),
        }
    }
    // Those that may fail in their blocks come last.
    payouts.sort_by_key(|payout| payout.runs_code);
    Ok((payouts, not_paid))
}

/// As many in a transaction as `most` and the gas allow.
fn packed(payouts: &[Payout], most: usize) -> Vec<&[Payout]> {
    let mut batches = Vec::new();
    let mut rest = payouts;
    while !rest.is_empty() {
        let mut gas = 0;
        let fitting = rest.iter().take(most).take_while(|payout| {
            gas += payout.gas;
            gas <= BATCH_GAS
        });
        let (batch, others) = rest.split_at(fitting.count().max(1));
        batches.push(batch);
        rest = others;
    }
    batches
}

/// The step that makes some payments; none without any.
fn step(session: &Session, verb: &str, number: usize, batch: &[Payout]) -> Option<Step> {
    let rescue = session.page.address;
    let name = format!("{verb} {number}");
    let facts = batch.iter().map(|payout| ("pays", payout.payment.text(session))).collect();
    let step = match batch {
        [one] => {
            let headline = format!("Make a payment of the rescue {rescue}, as `levee {verb}` does");
            Step::new(name, headline, one.call.clone()).unless(Meanwhile::Paid)
        }
        several => {
            let calls: Vec<_> = several.iter().map(|payout| (payout.call.clone(), payout.gas)).collect();
            let headline = format!(
                "Make {} payments of the rescue {rescue} through Multicall3, as `levee {verb}` does",
                several.len()
            );
            Step::new(name, headline, multicall::batch(&calls)?)
        }
    };
    Some(step.facts(facts))
}

impl Payment {
    /// `1.5 ETH to 0x…`.
    fn text(&self, session: &Session) -> String {
        let (asset, units) = (self.amount.asset(), self.amount.units());
        format!("{} to {}", amount::units(units, asset, session.page.rate()), self.pledger)
    }

    /// Whether an event of these transactions says that it was made.
    fn is_made_in(&self, executed: &[Executed]) -> bool {
        let mut events = executed.iter().flat_map(|executed| &executed.events);
        events.any(|event| made(event) == Some(self.operation))
    }
}

/// The payment that an event says was made.
const fn made(event: &Event) -> Option<Operation> {
    match event {
        Event::Rescue(RescueEvent::Refunded { position, .. }) => Some(Operation::Refund(*position)),
        Event::Rescue(RescueEvent::Collected { pledger, asset, .. }) => {
            Some(Operation::Collect { pledger: *pledger, asset: *asset })
        }
        Event::Recovery(RecoveryEvent::Claimed { position, .. }) => Some(Operation::Claim(*position)),
        Event::Bonus(BonusEvent::Claimed { position, .. }) => Some(Operation::ClaimBonus(*position)),
        _ => None,
    }
}

impl NotPaid {
    fn costly(payment: &Payment, gas: u64) -> Self {
        let reason = format!(
            "its recipient makes the payment cost {gas} gas, above {PAYMENT_GAS}; it can be made by itself, with `--pledger`"
        );
        Self { operation: payment.operation, reason }
    }

    fn of_batch(payment: &Payment) -> Self {
        let reason = "it failed in its transaction".into();
        Self { operation: payment.operation, reason }
    }

    fn text(&self) -> String {
        let of = match self.operation {
            Operation::Refund(id) | Operation::Claim(id) | Operation::ClaimBonus(id) => {
                format!("the {} of {} in tier {}", id.asset, id.pledger, id.tier)
            }
            Operation::Collect { pledger, asset } => format!("the {asset} of {pledger}"),
            other => format!("{other:?}"),
        };
        format!("{of} is not paid: {}", self.reason)
    }
}
