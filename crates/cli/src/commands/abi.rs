//! `levee abi`: the interface of a contract, for programs in other languages.

use clap::{Args, ValueEnum};
use eyre::Result;
use levee::{Contract, Edition};
use serde_json::json;

use crate::output::Output;

/// Arguments of `levee abi`.
#[derive(Debug, Args)]
#[command(after_help = "\
Needs no node. The JSON is the same for every language: docs/guides/developer.md reads it with web3.py and with viem.

Example:
  levee abi escrow > PledgeEscrow.json")]
pub(crate) struct AbiArgs {
    /// The contract.
    #[arg(value_name = "CONTRACT", value_enum)]
    contract: Which,
}

/// A contract of Levee.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    Escrow,
    RecoveryPool,
    BonusPool,
    Board,
    Router,
    DebtRepayer,
    StakedEtherUnwinder,
    Compact,
}

impl AbiArgs {
    /// Runs the command.
    pub(crate) fn run(self, output: Output) -> Result<()> {
        let contract = Contract::from(self.contract);
        let abi = Edition::LATEST.abi(contract);
        let text = format!("{}\n", serde_json::to_string_pretty(abi)?);
        output.result(
            &text,
            &json!({ "contract": format!("{contract:?}"), "edition": Edition::LATEST, "abi": abi }),
        )
    }
}

impl From<Which> for Contract {
    fn from(which: Which) -> Self {
        match which {
            Which::Escrow => Self::PledgeEscrow,
            Which::RecoveryPool => Self::RecoveryPool,
            Which::BonusPool => Self::BonusPool,
            Which::Board => Self::PledgeBoard,
            Which::Router => Self::PledgeRouter,
            Which::DebtRepayer => Self::DebtRepayer,
            Which::StakedEtherUnwinder => Self::StakedEtherUnwinder,
            Which::Compact => Self::Compact,
        }
    }
}
