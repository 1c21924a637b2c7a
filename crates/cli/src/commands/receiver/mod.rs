//! `levee receiver`: contracts that a rescue can pay, and that pay on to where the money is needed.

pub(crate) mod new;
mod push;
pub(crate) mod status;

use alloy::primitives::Address;
use clap::{Args, Subcommand};
use eyre::Result;
use levee::{Receiver, ReceiverCall, ReceiverState, display, receiver::HeldToken};
use levee_model::Wei;

use crate::{
    address,
    amount::{self, Amount},
    connection::Connection,
    error::UserError,
    output::Output,
    plan::saturating_sum,
};

/// Subcommands of `levee receiver`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A rescue pays one address, which never changes. A receiver is a contract for that address: it has no owner, and pays on by rules \
that are fixed when it is created. Create it before the rescue, and name it as `beneficiary` in the terms.")]
pub(crate) enum ReceiverCommand {
    /// Create a receiver, after checking that it does what it should
    #[command(subcommand)]
    New(new::NewCommand),
    /// Show what a receiver is, what it holds, and what can be done for it now
    Status(status::StatusArgs),
    /// Move on all that a receiver holds and can move now (anyone)
    Push(Box<push::PushArgs>),
}

impl ReceiverCommand {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        match self {
            Self::New(command) => command.run(output).await,
            Self::Status(args) => args.run(output).await,
            Self::Push(args) => args.run(output).await,
        }
    }
}

/// The receiver that a command is about.
#[derive(Debug, Args)]
struct WhichArgs {
    /// Address of the receiver.
    #[arg(value_name = "RECEIVER", value_parser = address::parse)]
    receiver: Address,

    /// Token that a debt repayer should also forward; may be repeated; default: Lido's, where these are known.
    #[arg(long = "token", value_name = "ADDRESS", value_parser = address::parse)]
    tokens: Vec<Address>,
}

/// A receiver on the chain.
#[derive(Debug)]
struct Found {
    address: Address,
    receiver: Receiver,
    state: ReceiverState,
}

impl WhichArgs {
    /// Finds the receiver, and proves that it is one.
    async fn find(&self, connection: &Connection) -> Result<Receiver> {
        let address = self.receiver;
        Receiver::at(&connection.provider, address).await?.ok_or_else(|| {
            UserError::new(format!("there is no receiver at `{address}`"))
                .hint("check the address and the chain, or create it with `levee receiver new`")
                .into()
        })
    }

    /// Reads it at the latest block.
    async fn read(&self, connection: &Connection, receiver: Receiver) -> Result<Found> {
        let (number, _) = connection.latest_block().await?;
        let (address, chain) = (self.receiver, connection.chain);
        if matches!(receiver, Receiver::StakedEtherUnwinder { .. }) && !self.tokens.is_empty() {
            return Err(UserError::new("an unwinder of staked ether forwards no token")
                .hint("leave `--token` out")
                .into());
        }
        let state = receiver.state(&connection.provider, chain, address, &self.tokens, number).await?;
        Ok(Found { address, receiver, state })
    }
}

/// What fixes a receiver.
fn arguments(receiver: &Receiver) -> Vec<(&'static str, String)> {
    match receiver {
        Receiver::DebtRepayer { pool, weth, debtor, rest } => {
            let all = [("pool", pool), ("WETH", weth), ("debtor", debtor), ("rest", rest)];
            all.map(|(name, account)| (name, account.to_string())).into()
        }
        Receiver::StakedEtherUnwinder { withdrawal_queue, recipient } => {
            let all = [("queue", withdrawal_queue), ("recipient", recipient)];
            all.map(|(name, account)| (name, account.to_string())).into()
        }
    }
}

/// Where the money goes that a receiver pays out, other than to a debt.
const fn payee(receiver: &Receiver) -> Address {
    match *receiver {
        Receiver::DebtRepayer { rest, .. } => rest,
        Receiver::StakedEtherUnwinder { recipient, .. } => recipient,
    }
}

/// How much there is of a token: in its common unit if it has a known name, else in its smallest.
fn holding(held: &HeldToken) -> String {
    match held.name {
        Some(name) => format!("{} {name}", display::decimal(held.balance.saturating_to())),
        None => format!("{} of {}", held.balance, held.token),
    }
}

/// `1 request`, `2 requests`.
fn requests(count: usize) -> String {
    format!("{count} request{}", if count == 1 { "" } else { "s" })
}

/// What requests pay, as a sum by the word of a queue, which may be absurd.
fn sum(amounts: impl Iterator<Item = Wei>) -> Wei {
    amounts.fold(Wei::ZERO, saturating_sum)
}

impl Found {
    /// What a call does, as a sentence without a full stop.
    fn headline(&self, call: &ReceiverCall) -> String {
        let payee = payee(&self.receiver);
        match call {
            ReceiverCall::Repay => "Repay as much of the debt as the pool takes".into(),
            ReceiverCall::ForwardToken { token } => format!("Send all of the token {token} to {payee}"),
            ReceiverCall::Claim { request_ids, .. } => {
                format!("Claim {} and send all ETH to {payee}", requests(request_ids.len()))
            }
            ReceiverCall::Forward => format!("Send all ETH to {payee}"),
            ReceiverCall::Request => "Request the withdrawal of stETH, in up to 32 requests".into(),
        }
    }

    /// With which amounts.
    fn facts(&self, call: &ReceiverCall) -> Vec<(&'static str, String)> {
        let ether = ("ETH", amount::eth_and_wei(self.state.balance));
        let unwinding = self.state.queue.as_ref();
        match call {
            ReceiverCall::Repay => {
                let owed = self.state.debtor.map(|debtor| ("owed", amount::eth_and_wei(debtor.debt)));
                let weth = self.held(|held| held.name == Some("WETH")).map(|held| ("WETH", held));
                [Some(ether), weth, owed].into_iter().flatten().collect()
            }
            ReceiverCall::ForwardToken { token } => {
                self.held(|held| held.token == *token).map(|held| ("amount", held)).into_iter().collect()
            }
            ReceiverCall::Claim { request_ids, .. } => {
                let finalized = unwinding.into_iter().flat_map(|unwinding| unwinding.queue.finalized());
                let claimed = finalized.filter(|(id, _)| request_ids.contains(id));
                let pays = sum(claimed.map(|(_, finalized)| finalized.claimable));
                vec![("pays", amount::eth_and_wei(pays))]
            }
            ReceiverCall::Forward => vec![ether],
            ReceiverCall::Request => {
                let waiting = unwinding.map(|unwinding| Amount::StEth(unwinding.requestable));
                waiting.map(|waiting| ("of", waiting.to_string())).into_iter().collect()
            }
        }
    }

    fn held(&self, is_meant: impl Fn(&HeldToken) -> bool) -> Option<String> {
        self.state.tokens.iter().find(|held| is_meant(held)).map(holding)
    }
}
