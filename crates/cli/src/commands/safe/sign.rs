//! `levee safe sign`: an owner's approval of a transaction.

use std::path::PathBuf;

use alloy::{primitives::Address, providers::DynProvider};
use clap::Args;
use eyre::Result;
use levee::{Error, Purpose, SafeProposal, SafeWallet};

use super::{
    files,
    show::{self, SafeShown},
};
use crate::{address, connection::Connection, file, json, output::Output, plan::Step, signing::SigningArgs};

/// Arguments of `levee safe sign`.
#[derive(Debug, Args)]
#[command(after_help = "\
The signature is added to the first file. Compare the hashes with those that your hardware wallet shows.

A device that signs no typed data, and an owner that is a contract, approve the transaction by a call instead: `--approve` makes that call; \
for a Safe that is an owner, `levee safe propose --approve` proposes it.

With `--offline`, no node is asked: what the file says of the owners is believed, and whoever executes it finds out.

Example:
  levee safe sign pledge.json --ledger
  levee safe sign pledge.json --offline --account ben
  levee safe sign pledge.json --trezor --approve")]
pub(crate) struct SignArgs {
    /// File of the transaction; with several of the same one, the signatures of all are added to the first.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Approve it on chain, by a transaction of the account, instead of signing it.
    #[arg(long)]
    approve: bool,

    /// Sign for this contract among the owners, which must accept the account's signature (EIP-1271).
    #[arg(long = "for", value_name = "ADDRESS", value_parser = address::parse, conflicts_with = "approve")]
    owner: Option<Address>,

    /// Ask no node: sign what the file says, as one of the owners in it.
    #[arg(long, conflicts_with_all = ["approve", "owner", "form", "rpc_url", "quorum", "chain"])]
    offline: bool,

    #[command(flatten)]
    signing: SigningArgs,
}

impl SignArgs {
    pub(super) async fn run(self, output: Output) -> Result<()> {
        if self.offline {
            return self.sign_offline(output).await;
        }
        let (proposal, connection) = files::opened(&self.files, self.signing.network()).await?;
        let wallet = show::open(&connection, &proposal).await?;
        wallet.check(&proposal).await?;
        if self.approve {
            return self.approve(&connection, &wallet, &proposal, output).await;
        }
        self.sign(&connection, &wallet, proposal, output).await
    }

    async fn sign_offline(&self, output: Output) -> Result<()> {
        let mut proposal = files::merged(&self.files)?;
        SafeShown::offline(&proposal).note(output);
        let hand = self.signing.hand_on(proposal.chain, output).await?;
        let (safe, account) = (proposal.safe, hand.address());
        if !proposal.owners.contains(&account) {
            return Err(Error::NotSafeOwner { safe, account }.into());
        }
        proposal.sign(&hand).await?;
        file::replace(&self.files[0], &json::document(&proposal)?)?;
        SafeShown::offline(&proposal).report(output)
    }

    async fn sign(
        &self,
        connection: &Connection,
        wallet: &SafeWallet<DynProvider>,
        mut proposal: SafeProposal,
        output: Output,
    ) -> Result<()> {
        let shown = SafeShown::online(&proposal, wallet).await?;
        if self.signing.is_handed_out() {
            return shown.report(output);
        }
        shown.note(output);
        let hand = self.signing.hand(connection, output).await?;
        let owner = self.owner.unwrap_or(hand.address());
        wallet.sign(&mut proposal, &hand, owner).await?;
        file::replace(&self.files[0], &json::document(&proposal)?)?;
        SafeShown::online(&proposal, wallet).await?.report(output)
    }

    async fn approve(
        &self,
        connection: &Connection,
        wallet: &SafeWallet<DynProvider>,
        proposal: &SafeProposal,
        output: Output,
    ) -> Result<()> {
        SafeShown::online(proposal, wallet).await?.note(output);
        let hash = proposal.hash();
        let purpose = Purpose::new("safe approve").with("safe", proposal.safe).with("hash", hash);
        let opened = self.signing.signer(connection, None, purpose, output).await?;
        let Some(signer) = opened.or_report(output).await? else { return Ok(()) };
        let headline = format!("Approve the transaction {hash} of the Safe {}", proposal.safe);
        signer.run(&[Step::new("approve", headline, wallet.approve(hash))], None).await
    }
}
