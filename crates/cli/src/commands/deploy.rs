//! `levee deploy`: create a rescue, unless it already exists.

use std::path::PathBuf;

use alloy::{primitives::Address, providers::DynProvider};
use clap::Args;
use eyre::Result;
use levee::{Call, Executed, Purpose};
use levee_model::json::Account;
use schemars::JsonSchema;
use serde::Serialize;

use super::terms::all_facts;
use crate::{
    output::Output,
    plan::{Meanwhile, Step},
    signing::{Opened, SigningArgs},
    terms::TermsFile,
    transaction::{self, Transactions},
    warnings,
};

/// Arguments of `levee deploy`.
#[derive(Debug, Args)]
#[command(after_help = "\
Anyone may create a rescue; its creator gets no rights in it. Running the command again changes nothing.

Example:
  levee deploy rescue.toml --account treasury --rpc-url https://node.example")]
pub(crate) struct DeployArgs {
    /// Terms file (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    signing: SigningArgs,
}

impl DeployArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let file = TermsFile::read(&self.file)?;
        let blueprint = file.escrow()?;
        let address = blueprint.address();
        let connection = self.signing.network().connect(Some(&file)).await?;
        if blueprint.exists(&connection.provider).await? {
            return already(output, address);
        }
        let (_, now) = connection.current_block().await?;
        file.check(now)?;
        output.warn(&warnings::of_file(&file, now));
        let report = async |executed: &[Executed]| {
            blueprint.verify(&connection.provider).await?;
            // Somebody else may have been faster.
            if executed.is_empty() {
                return already(output, address);
            }
            let (text, sent) = transaction::summary(executed, None);
            let deployed = Deployed { address, created: true, sent };
            output.result(&format!("{text}the rescue is at {address}\n"), &deployed)
        };
        let opened = self.signing.signer(&connection, Some(address), Purpose::new("deploy"), output).await?;
        let signer = match opened {
            Opened::Ready(signer) => signer,
            Opened::Done(signer, executed) => {
                report(&executed).await?;
                return signer.close().await;
            }
        };
        let prepared = blueprint.prepare(&signer.provider, file.chain, signer.from).await?;
        let Some(call) = prepared else { return already(output, address) };
        signer.execute(&[step(call, &file, address)], report).await
    }
}

/// The result of `levee deploy`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deployed {
    /// Address of the rescue.
    #[serde(with = "Account")]
    address: Address,
    /// Whether this command created it; otherwise it already existed.
    created: bool,
    #[serde(flatten)]
    sent: Transactions,
}

fn already(output: Output, address: Address) -> Result<()> {
    let text = format!("the rescue already exists at {address}; nothing was sent\n");
    let (_, sent) = transaction::summary(&[], None);
    output.result(&text, &Deployed { address, created: false, sent })
}

fn step(call: Call<DynProvider>, file: &TermsFile, address: Address) -> Step {
    let headline = format!("Create the rescue of `{}` at {address}", file.path.display());
    Step::new("deploy", headline, call).facts(all_facts(&file.terms)).unless(Meanwhile::Created(address))
}
