//! `levee safe execute`: the transaction, once enough owners have approved it.

use std::path::PathBuf;

use clap::Args;
use eyre::Result;
use levee::{Executed, Purpose};

use super::{
    files,
    show::{self, SafeShown},
};
use crate::{output::Output, plan::Step, signing::SigningArgs, transaction};

/// Arguments of `levee safe execute`.
#[derive(Debug, Args)]
#[command(after_help = "\
Anyone can send the transaction, and pays for its gas. An owner who sends it approves it by that, and need not sign before.

Example:
  levee safe execute pledge.json --account anyone
  levee safe execute by-ann.json by-ben.json --account cat")]
pub(crate) struct ExecuteArgs {
    /// File of the transaction; with several of the same one, the signatures of all count.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    signing: SigningArgs,
}

impl ExecuteArgs {
    pub(super) async fn run(self, output: Output) -> Result<()> {
        let (proposal, connection) = files::opened(&self.files, self.signing.network()).await?;
        let (safe, hash) = (proposal.safe, proposal.hash());
        let purpose = Purpose::new("safe execute").with("safe", safe).with("hash", hash);
        // First: an earlier run of the same command may have used the nonce.
        let opened = self.signing.signer(&connection, None, purpose, output).await?;
        let Some(signer) = opened.or_report(output).await? else { return Ok(()) };
        let wallet = show::open(&connection, &proposal).await?;
        let call = wallet.execution(&proposal, signer.from).await?;
        SafeShown::online(&proposal, &wallet).await?.note(output);
        let headline = format!("Execute the transaction {hash} of the Safe {safe}");
        let report = async |executed: &[Executed]| {
            let (text, json) = transaction::summary(executed, None);
            output.result(&format!("the Safe {safe} has executed its transaction {hash}\n{text}"), &json)
        };
        signer.execute(&[Step::new("execute", headline, call)], report).await
    }
}
