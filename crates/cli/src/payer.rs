//! Who sends a plan elsewhere: a Safe, a governor's timelock, Aragon's Agent, a cold account. The command plans and simulates as that
//! sender, and signs nothing.

use std::path::PathBuf;

use alloy::{
    eips::BlockId,
    primitives::Address,
    providers::{DynProvider, Provider},
};
use clap::Args;
use eyre::Result;
use levee::{Error, Governor};

use crate::{account, address, connection::Connection, error::UserError, time};

/// The options for a plan that the command does not send itself.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sending elsewhere")]
pub(crate) struct PayerArgs {
    /// Show what would be sent, and what it would cost, and stop.
    #[arg(long, group = "form", help_heading = "Sending")]
    dry_run: bool,

    /// Account that would send, and signs nothing here: for a dry run, a cold account, or a contract such as a Safe; default
    /// for a dry run: the variable ETH_FROM, unless an account is named.
    #[arg(
        long = "as",
        visible_alias = "from",
        value_name = "ADDRESS",
        value_parser = address::parse,
        requires = "form",
        conflicts_with = "hand"
    )]
    sender: Option<Address>,

    /// Print the calls: contract, wei and data.
    #[arg(long, group = "form", requires = "sender")]
    calldata: bool,

    /// Write the calls as a batch for the Safe, which its Transaction Builder and `levee safe propose` read.
    #[arg(long, value_name = "FILE", group = "form", requires = "sender")]
    safe_batch: Option<PathBuf>,

    /// Add the calls to the batch in the file, which must be for the same Safe and chain. They are simulated after those in it.
    #[arg(long, requires = "safe_batch")]
    append: bool,

    /// Print a proposal for this governor (OpenZeppelin's or Bravo), whose timelock, or else the governor itself, sends.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse, group = "form", conflicts_with = "hand")]
    governor: Option<Address>,

    /// Description of the proposal; default: what its calls do.
    #[arg(long, value_name = "TEXT", requires = "governor")]
    description: Option<String>,

    /// The only account that can make the proposal.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse, requires = "governor")]
    proposer: Option<Address>,

    /// Print the script for a vote of an Aragon organization, whose Agent at this address sends.
    #[arg(long, value_name = "AGENT", value_parser = address::parse, group = "form", conflicts_with_all = ["hand", "sender"])]
    aragon: Option<Address>,

    /// Write the transactions unsigned, for a signer that is offline; `levee send` sends what it returns.
    #[arg(long, value_name = "FILE", group = "form", requires = "sender", conflicts_with = "at")]
    unsigned: Option<PathBuf>,

    /// Earliest time at which the calls will be made, such as `2026-08-01T00:00:00Z`: they are simulated as at that time; default:
    /// now, or the earliest that a governor can execute.
    #[arg(long, value_name = "TIME", value_parser = time::parse_time, requires = "form", conflicts_with = "dry_run")]
    at: Option<u64>,
}

/// What becomes of a plan that the command does not send.
#[derive(Debug)]
pub(crate) struct Payer {
    /// Who would send; none if the account that is named is opened for a dry run.
    pub(crate) sender: Option<Address>,
    /// What is made of it.
    pub(crate) form: Form,
    /// When the calls will be made at the earliest; none for now.
    pub(crate) at: Option<u64>,
}

/// What is made of a plan.
#[derive(Debug)]
pub(crate) enum Form {
    /// The plan alone.
    DryRun,
    /// Unsigned transactions in a file.
    Unsigned(PathBuf),
    /// The calls.
    Calldata,
    /// A batch for a Safe in a file.
    SafeBatch { file: PathBuf, append: bool },
    /// A proposal.
    Proposal { governor: Governor, description: Option<String>, proposer: Option<Address> },
    /// The script of a vote.
    AragonScript,
}

impl PayerArgs {
    /// Whether the command is not to send.
    pub(crate) const fn is_given(&self) -> bool {
        self.dry_run
            || self.calldata
            || self.safe_batch.is_some()
            || self.governor.is_some()
            || self.aragon.is_some()
            || self.unsigned.is_some()
    }

    /// Who would send, as far as that is known without a node. `is_named` says whether an account is named, which a dry run opens.
    pub(crate) fn sender(&self, is_named: bool) -> Result<Option<Address>, UserError> {
        match self.sender.or(self.aragon) {
            None if self.dry_run && !is_named => account::expected(),
            known => Ok(known),
        }
    }

    /// What is to become of the plan; none if the command sends it itself.
    ///
    /// # Errors
    /// If the sender cannot send in this form.
    pub(crate) async fn open(&self, connection: &Connection, is_named: bool) -> Result<Option<Payer>> {
        let known = self.sender(is_named)?;
        let provider = &connection.provider;
        if let Some(address) = self.governor {
            return Ok(Some(self.of_governor(connection, address, known).await?));
        }
        let form = match (&self.safe_batch, &self.unsigned) {
            (Some(file), _) => Form::SafeBatch { file: file.clone(), append: self.append },
            (_, Some(file)) => Form::Unsigned(file.clone()),
            _ if self.calldata => Form::Calldata,
            _ if self.aragon.is_some() => Form::AragonScript,
            _ if self.dry_run => Form::DryRun,
            _ => return Ok(None),
        };
        if let Some(sender) = known {
            form.require_fit(provider, sender).await?;
        }
        Ok(Some(Payer { sender: known, form, at: self.at }))
    }

    async fn of_governor(
        &self,
        connection: &Connection,
        address: Address,
        known: Option<Address>,
    ) -> Result<Payer> {
        let governor = Governor::read(&connection.provider, address).await?;
        let payer = governor.payer();
        if let Some(other) = known.filter(|other| *other != payer) {
            return Err(UserError::new(format!(
                "the governor `{address}` sends from `{payer}`, not from `{other}`"
            ))
            .hint("leave `--as` out")
            .into());
        }
        let (_, now) = connection.latest_block().await?;
        let earliest = now.saturating_add(governor.duration);
        let at = Some(self.at.map_or(earliest, |at| at.max(earliest)));
        let (description, proposer) = (self.description.clone(), self.proposer);
        Ok(Payer { sender: Some(payer), form: Form::Proposal { governor, description, proposer }, at })
    }
}

impl Form {
    /// Whether the plan becomes calls, whose gas somebody else pays.
    pub(crate) const fn makes_calls(&self) -> bool {
        !matches!(self, Self::DryRun | Self::Unsigned(_))
    }

    /// Whether weeks pass before the calls are made.
    pub(crate) const fn is_vote(&self) -> bool {
        matches!(self, Self::Proposal { .. } | Self::AragonScript)
    }

    /// Checks that the sender can send in this form: a contract signs no transaction, and only a contract makes calls.
    async fn require_fit(&self, provider: &DynProvider, sender: Address) -> Result<()> {
        let needs_contract = match self {
            Self::DryRun | Self::Calldata | Self::Proposal { .. } => return Ok(()),
            Self::Unsigned(_) => false,
            Self::SafeBatch { .. } | Self::AragonScript => true,
        };
        let code = provider.get_code_at(sender).block_id(BlockId::latest()).await.map_err(Error::from)?;
        match (needs_contract, is_contract(&code)) {
            (true, false) => {
                Err(UserError::new(format!("there is no contract at `{sender}`, so it makes no calls"))
                    .hint(
                        "check the address and the chain, or use `--unsigned FILE` for an account with a key",
                    )
                    .into())
            }
            (false, true) => {
                Err(UserError::new(format!("`{sender}` is a contract, which signs no transaction"))
                    .hint(
                        "use `--safe-batch FILE` for a Safe, `--governor ADDRESS` for a DAO, or `--calldata`",
                    )
                    .into())
            }
            _ => Ok(()),
        }
    }
}

/// Whether an account with this code has no key. One that delegates to a contract (EIP-7702) has.
fn is_contract(code: &[u8]) -> bool {
    const DELEGATION: [u8; 3] = [0xef, 0x01, 0x00];
    !code.is_empty() && !code.starts_with(&DELEGATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_delegates_has_a_key() {
        let delegating = [&[0xef, 0x01, 0x00][..], &[7; 20]].concat();
        assert!(is_contract(&[0x60, 0x80]));
        assert!(!is_contract(&delegating) && !is_contract(&[]));
    }
}
