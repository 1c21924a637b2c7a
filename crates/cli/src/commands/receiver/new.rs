//! `levee receiver new`: create a receiver, unless it exists.

use std::path::PathBuf;

use alloy::primitives::Address;
use clap::{Args, Subcommand};
use eyre::Result;
use levee::{Executed, Network, Purpose, Receiver};
use levee_model::json::Account;
use schemars::JsonSchema;
use serde::Serialize;

use super::arguments;
use crate::{
    address,
    connection::Connection,
    error::UserError,
    output::Output,
    plan::Step,
    receiver,
    signing::{Opened, SigningArgs},
    table,
    terms::TermsFile,
    transaction::{self, Transactions},
};

/// The receivers.
#[derive(Debug, Subcommand)]
pub(crate) enum NewCommand {
    /// Repays a debt in a lending pool with Aave v3's interface
    Repayer(Box<RepayerArgs>),
    /// Turns stETH and wstETH into ETH through Lido's withdrawal queue
    Unwinder(Box<UnwinderArgs>),
}

/// Arguments of `levee receiver new repayer`.
#[derive(Debug, Args)]
#[command(after_help = "\
ETH that is released repays the debt; what is above it goes to the rest as WETH, and so do other tokens. A debtor with collateral is \
refused: a repayment would only free that, for the debtor to take out. Running the command again changes nothing.

Example:
  levee receiver new repayer --pool 0x… --debtor 0x… --rest 0x… --account treasury")]
pub(crate) struct RepayerArgs {
    /// The lending pool.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    pool: Address,

    /// Account whose debt at the variable rate is repaid.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    debtor: Address,

    /// Account that gets what the debt does not take, such as the protocol's treasury.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    rest: Address,

    /// WETH that the pool lends; default: the network's.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    weth: Option<Address>,

    /// Create it although the debtor has collateral: you know that it is worthless, or locked for good.
    #[arg(long)]
    collateral_is_locked: bool,

    #[command(flatten)]
    creation: CreationArgs,
}

/// Arguments of `levee receiver new unwinder`.
#[derive(Debug, Args)]
#[command(after_help = "\
stETH and wstETH that are released go through Lido's withdrawal queue, and reach the recipient as ETH; so does ETH that is released. \
Running the command again changes nothing.

Example:
  levee receiver new unwinder --recipient 0x… --account treasury")]
pub(crate) struct UnwinderArgs {
    /// Account that gets the ETH.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    recipient: Address,

    /// Lido's withdrawal queue; default: the network's.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    withdrawal_queue: Option<Address>,

    /// Terms file of the rescue, whose tokens must be those of the queue.
    #[arg(long, value_name = "FILE")]
    terms: Option<PathBuf>,

    #[command(flatten)]
    creation: CreationArgs,
}

/// How a receiver is created.
#[derive(Debug, Args)]
struct CreationArgs {
    /// Print only the address, which follows from the arguments: nothing is checked, and no node is asked.
    #[arg(long, conflicts_with = "form")]
    address_only: bool,

    #[command(flatten)]
    signing: SigningArgs,
}

/// The result of `levee receiver new`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NewReceiver<'a> {
    /// Address of the receiver, which the terms name as `beneficiary`.
    #[serde(with = "Account")]
    address: Address,
    /// Whether this command created it; otherwise it already existed, or only its address was asked for.
    created: bool,
    #[serde(flatten)]
    receiver: &'a Receiver,
    /// What speaks against it, without being fatal.
    warnings: &'a [String],
    #[serde(flatten)]
    sent: Transactions,
}

impl NewCommand {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        match self {
            Self::Repayer(args) => args.run(output).await,
            Self::Unwinder(args) => args.run(output).await,
        }
    }
}

impl RepayerArgs {
    async fn run(&self, output: Output) -> Result<()> {
        if self.creation.address_only {
            let receiver = self.receiver(self.creation.known_network(None)?)?;
            return print_address(&receiver, output);
        }
        let connection = self.creation.signing.network().connect(None).await?;
        let receiver = self.receiver(Network::of(connection.chain))?;
        let new = New { connection, receiver, terms: None, is_locked: self.collateral_is_locked };
        new.create(&self.creation.signing, output).await
    }

    fn receiver(&self, network: Option<&Network>) -> Result<Receiver, UserError> {
        let Self { pool, debtor, rest, .. } = *self;
        let known = network.map(|network| network.tokens.weth);
        let weth = given_or_known(self.weth, known, "WETH", "--weth")?;
        Ok(Receiver::DebtRepayer { pool, weth, debtor, rest })
    }
}

impl UnwinderArgs {
    async fn run(&self, output: Output) -> Result<()> {
        let terms = self.terms.as_deref().map(TermsFile::read).transpose()?;
        if self.creation.address_only {
            let receiver = self.receiver(self.creation.known_network(terms.as_ref())?)?;
            return print_address(&receiver, output);
        }
        let connection = self.creation.signing.network().connect(terms.as_ref()).await?;
        let receiver = self.receiver(Network::of(connection.chain))?;
        let new = New { connection, receiver, terms, is_locked: false };
        new.create(&self.creation.signing, output).await
    }

    fn receiver(&self, network: Option<&Network>) -> Result<Receiver, UserError> {
        let known = network.map(|network| network.withdrawal_queue);
        let queue =
            given_or_known(self.withdrawal_queue, known, "withdrawal queue of Lido's", "--withdrawal-queue")?;
        Ok(Receiver::StakedEtherUnwinder { withdrawal_queue: queue, recipient: self.recipient })
    }
}

impl CreationArgs {
    /// The network that the terms or the arguments name.
    fn known_network(&self, terms: Option<&TermsFile>) -> Result<Option<&'static Network>> {
        Ok(self.signing.network().expected(terms)?.and_then(Network::of))
    }
}

/// What was given, or what is known of the network.
fn given_or_known(
    given: Option<Address>,
    known: Option<Address>,
    what: &str,
    option: &str,
) -> Result<Address, UserError> {
    given.or(known.filter(|known| !known.is_zero())).ok_or_else(|| {
        UserError::new(format!("no {what} is known on this network"))
            .hint(format!("name it with `{option} ADDRESS`, or a known network with `--chain`"))
    })
}

fn print_address(receiver: &Receiver, output: Output) -> Result<()> {
    let address = receiver.blueprint().address();
    let (_, sent) = transaction::summary(&[], None);
    output.result(
        &format!("{address}\n"),
        &NewReceiver { address, created: false, receiver, warnings: &[], sent },
    )
}

/// A receiver to be created.
struct New {
    connection: Connection,
    receiver: Receiver,
    /// Those of its rescue, if they are given.
    terms: Option<TermsFile>,
    /// Whether the user says that the debtor's collateral is locked.
    is_locked: bool,
}

impl New {
    /// Checks the receiver, existing or not, and creates it if it does not exist.
    async fn create(&self, signing: &SigningArgs, output: Output) -> Result<()> {
        let Self { connection, receiver, .. } = self;
        let (blueprint, provider) = (receiver.blueprint(), &connection.provider);
        let warnings = self.check().await?;
        output.warn(&warnings);
        if blueprint.exists(provider).await? {
            return self.report(output, &warnings, &[]);
        }
        connection.current_block().await?;
        let report = async |executed: &[Executed]| {
            blueprint.verify(provider).await?;
            self.report(output, &warnings, executed)
        };
        let purpose = Purpose::new("receiver new").with("address", blueprint.address());
        let signer = match signing.signer(connection, None, purpose, output).await? {
            Opened::Ready(signer) => signer,
            Opened::Done(signer, executed) => {
                report(&executed).await?;
                return signer.close().await;
            }
        };
        let creation = signer.creation(&blueprint).await?;
        let steps: Vec<Step> = creation.map(|step| step.facts(arguments(receiver))).into_iter().collect();
        signer.execute(&steps, report).await
    }

    async fn check(&self) -> Result<Vec<String>> {
        let Self { connection: Connection { provider, chain, .. }, receiver, .. } = self;
        let terms = self.terms.as_ref().map(|file| &file.terms);
        let findings = receiver::findings(provider, *chain, receiver, terms).await?;
        Ok(receiver::require_none(findings, self.is_locked)?)
    }

    fn report(&self, output: Output, warnings: &[String], executed: &[Executed]) -> Result<()> {
        let blueprint = self.receiver.blueprint();
        let (contract, address) = (blueprint.contract(), blueprint.address());
        let created = !executed.is_empty();
        let (_, sent) = transaction::summary(executed, None);
        let headline = if created {
            format!("created the {contract} at {address}")
        } else {
            format!("the {contract} already exists at {address}; nothing was created")
        };
        let facts = table::facts_below(&arguments(&self.receiver));
        // In one line, to be copied.
        let text = format!("{headline}\n{facts}\nwrite into the terms\n  beneficiary = \"{address}\"\n");
        let receiver = &self.receiver;
        output.result(&text, &NewReceiver { address, created, receiver, warnings, sent })
    }
}
