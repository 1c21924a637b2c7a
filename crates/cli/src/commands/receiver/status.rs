//! `levee receiver status`: what a receiver is, holds, and can do.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{
    Receiver, ReceiverPlan, ReceiverState,
    receiver::{Debtor, QueueState, Unwinding},
};
use levee_model::json::Account;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Found, WhichArgs, arguments, holding, requests, sum};
use crate::{
    amount::{self, Amount},
    connection::NetworkArgs,
    output::Output,
    percent, table,
};

/// Arguments of `levee receiver status`.
#[derive(Debug, Args)]
#[command(after_help = "\
The address proves what the receiver does: it follows from its code and from what fixes it. Needs no account.

Example:
  levee receiver status 0x… --rpc-url https://node.example")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    which: WhichArgs,

    #[command(flatten)]
    network: NetworkArgs,
}

/// The result of `levee receiver status`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReceiverShown {
    #[serde(with = "Account")]
    address: Address,
    chain: u64,
    #[serde(flatten)]
    receiver: Receiver,
    #[serde(flatten)]
    state: ReceiverState,
    /// What `levee receiver push` does now.
    #[serde(flatten)]
    plan: ReceiverPlan,
}

impl StatusArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let connection = self.network.connect(None).await?;
        let receiver = self.which.find(&connection).await?;
        let found = self.which.read(&connection, receiver).await?;
        let nobody = Address::ZERO;
        let plan = receiver.plan(&connection.provider, found.address, &found.state, nobody).await?;
        let text = to_text(&found, &plan);
        let Found { address, receiver, state } = found;
        output.result(&text, &ReceiverShown { address, chain: connection.chain, receiver, state, plan })
    }
}

fn to_text(found: &Found, plan: &ReceiverPlan) -> String {
    let Found { address, receiver, state } = found;
    let mut facts = vec![(kind(receiver), address.to_string())];
    facts.extend(arguments(receiver));
    facts.push(("holds", amount::eth_and_wei(state.balance)));
    facts.extend(state.tokens.iter().filter(|held| !held.balance.is_zero()).map(|held| ("", holding(held))));
    facts.extend(match receiver {
        Receiver::DebtRepayer { .. } => debt(state.debtor),
        Receiver::StakedEtherUnwinder { .. } => state.queue.as_ref().map(queue).unwrap_or_default(),
    });
    format!("{}{}", table::facts(&facts), next(found, plan))
}

const fn kind(receiver: &Receiver) -> &'static str {
    match receiver {
        Receiver::DebtRepayer { .. } => "debt repayer",
        Receiver::StakedEtherUnwinder { .. } => "unwinder",
    }
}

fn debt(debtor: Option<Debtor>) -> Vec<(&'static str, String)> {
    let Some(Debtor { debt, valued }) = debtor else {
        return vec![("debt", "the pool does not tell it now".into())];
    };
    let collateral = match valued.map(|valued| (valued.collateral.is_zero(), valued.collateral_bps_down())) {
        None => "unknown: the pool does not tell it".into(),
        Some((true, _)) => "none".into(),
        Some((_, None)) => "some, and no debts".into(),
        Some((_, Some(bps))) => {
            format!("{} of its debts, by the pool's prices", percent::of_bps(bps))
        }
    };
    vec![("debt", amount::eth_and_wei(debt)), ("collateral", collateral)]
}

fn queue(unwinding: &Unwinding) -> Vec<(&'static str, String)> {
    let QueueState { paused, bunker_mode, requests: all, .. } = &unwinding.queue;
    let waiting: Vec<_> = all.iter().filter(|request| request.finalized.is_none()).collect();
    let asked = Amount::StEth(sum(waiting.iter().map(|request| request.amount)));
    let finalized: Vec<_> = unwinding.queue.finalized().map(|(_, finalized)| finalized.claimable).collect();
    let pays = amount::eth_and_wei(sum(finalized.iter().copied()));
    let mut facts = vec![
        ("waiting", counted(waiting.len(), &format!("of {asked}"))),
        ("finalized", counted(finalized.len(), &format!("for {pays}"))),
    ];
    if *paused {
        facts.push(("paused", "the queue takes no requests now; what is finalized can be claimed".into()));
    }
    if *bunker_mode {
        facts.push(("bunker mode", "Lido finalizes later than usual, after great losses".into()));
    }
    facts
}

fn counted(count: usize, what: &str) -> String {
    if count == 0 { "nothing".into() } else { format!("{} {what}", requests(count)) }
}

/// What can be done now, with the command for it.
fn next(found: &Found, plan: &ReceiverPlan) -> String {
    let line = |text: String| table::hanging(&format!("  {text}"), 4);
    let mut text = String::new();
    if plan.calls.is_empty() {
        text.push_str("\nnothing can be pushed now\n");
    } else {
        text.push_str(&format!("\nnext: levee receiver push {}\n", found.address));
        text.extend(plan.calls.iter().map(|call| line(found.headline(call))));
    }
    if !plan.held_up.is_empty() {
        text.push_str("\nheld up\n");
        let why = plan
            .held_up
            .iter()
            .map(|held_up| format!("{}: {}", found.headline(&held_up.call), held_up.reason));
        text.extend(why.map(line));
    }
    text
}
