//! `levee compact deploy`: create a compact, unless it already exists.

use std::path::PathBuf;

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{Blueprint, Executed, Purpose, text::CompactFile};
use levee_model::json::Account;
use schemars::JsonSchema;
use serde::Serialize;

use super::terms;
use crate::{
    output::Output,
    plan::Step,
    signing::{Opened, SigningArgs},
    transaction::{self, Transactions},
};

/// Arguments of `levee compact deploy`.
#[derive(Debug, Args)]
#[command(after_help = "\
Anyone may create a compact; its creator gets no rights in it. Running the command again changes nothing.

Example:
  levee compact deploy compact.toml --account treasury --rpc-url https://node.example")]
pub(crate) struct DeployArgs {
    /// File of the terms (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    signing: SigningArgs,
}

/// The result of `levee compact deploy`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CompactDeployed {
    /// Address of the compact.
    #[serde(with = "Account")]
    address: Address,
    /// Whether this command created it; otherwise it already existed.
    created: bool,
    #[serde(flatten)]
    sent: Transactions,
}

impl DeployArgs {
    /// Runs the command.
    pub(super) async fn run(self, output: Output) -> Result<()> {
        let file = CompactFile::read(&self.file)?;
        file.check()?;
        let blueprint = file.blueprint();
        let connection = self.signing.network().connect_to(file.chain, &self.file, "the terms").await?;
        if blueprint.exists(&connection.provider).await? {
            return report(&blueprint, output, &[]);
        }
        connection.current_block().await?;
        let report = async |executed: &[Executed]| {
            blueprint.verify(&connection.provider).await?;
            report(&blueprint, output, executed)
        };
        let purpose = Purpose::new("compact deploy").with("address", blueprint.address());
        let signer = match self.signing.signer(&connection, None, purpose, output).await? {
            Opened::Ready(signer) => signer,
            Opened::Done(signer, executed) => {
                report(&executed).await?;
                return signer.close().await;
            }
        };
        let creation = signer.creation(&blueprint).await?;
        let steps: Vec<Step> =
            creation.map(|step| step.facts(terms::facts(&file.terms))).into_iter().collect();
        signer.execute(&steps, report).await
    }
}

fn report(blueprint: &Blueprint, output: Output, executed: &[Executed]) -> Result<()> {
    let (address, created) = (blueprint.address(), !executed.is_empty());
    let (events, sent) = transaction::summary(executed, None);
    let text = match created {
        true => format!("{events}the compact is at {address}\n"),
        false => format!("the compact already exists at {address}; nothing was created\n"),
    };
    output.result(&text, &CompactDeployed { address, created, sent })
}
