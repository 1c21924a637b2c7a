//! `levee deploy`: create a rescue, unless it is there already.

use std::path::PathBuf;

use alloy::{primitives::Address, providers::DynProvider};
use clap::Args;
use eyre::Result;
use levee::{Blueprint, Call, deploy};
use schemars::JsonSchema;
use serde::Serialize;

use super::terms::all_facts;
use crate::{
    json::Account,
    output::Output,
    terms::TermsFile,
    transaction::{self, SigningArgs, Step, Transactions},
    warnings,
};

/// What to create, and who pays the gas.
#[derive(Debug, Args)]
#[command(after_help = "\
Anyone may create a rescue, and whoever does has no say in it. Run again, it changes nothing and says so.

Example:
  levee deploy rescue.toml --account treasury --rpc-url https://node.example")]
pub(crate) struct DeployArgs {
    /// File of terms (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    signing: SigningArgs,
}

impl DeployArgs {
    /// Creates it.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let file = TermsFile::read(&self.file)?;
        let address = file.address()?;
        let connection = self.signing.network().connect(Some(&file)).await?;
        let blueprint = Blueprint::escrow(&file.terms)?;
        if blueprint.exists(&connection.provider).await? {
            return already(output, address);
        }
        let (_, now) = connection.latest_block().await?;
        file.check(now)?;
        output.warn(&warnings::of(file.chain, &file.terms, now));
        let signer = self.signing.signer(&connection, output)?;
        let prepared = deploy::prepare(&signer.provider, file.chain, &file.terms, signer.from).await?;
        let Some(call) = prepared else { return already(output, address) };
        let executed = signer.execute(&[step(call, &file, address)]).await?;
        blueprint.verify(&signer.provider).await?;
        let (text, sent) = transaction::told(&executed, None);
        let deployed = Deployed { address: address.into(), created: true, sent };
        output.result(&format!("{text}the rescue is at {address}\n"), &deployed)
    }
}

/// The result.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deployed {
    /// Where the rescue is.
    address: Account,
    /// Whether it is there because of this; else it was there already.
    created: bool,
    #[serde(flatten)]
    sent: Transactions,
}

fn already(output: Output, address: Address) -> Result<()> {
    let text = format!("the rescue is at {address} already; nothing was sent\n");
    let (_, sent) = transaction::told(&[], None);
    output.result(&text, &Deployed { address: address.into(), created: false, sent })
}

fn step(call: Call<DynProvider>, file: &TermsFile, address: Address) -> Step {
    let headline = format!("Create the rescue of `{}` at {address}", file.path.display());
    Step { call, headline, facts: all_facts(&file.terms) }
}
