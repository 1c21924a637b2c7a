//! `levee safe propose`: a batch of calls as a transaction of a Safe.

use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{SafeCall, SafeProposal, SafeWallet, safe::Batch};

use super::{
    files,
    show::{self, SafeShown},
};
use crate::{address, connection::NetworkArgs, error::UserError, file, json, output::Output};

/// Arguments of `levee safe propose`.
#[derive(Debug, Args)]
#[command(
    allow_missing_positional = true,
    after_help = "\
The batch is a file of Safe's Transaction Builder, as `--safe-batch FILE` of other commands writes it. One call becomes that \
call, several become one transaction that makes all of them or none. It is simulated as the Safe before it is written.

With `--approve`, it is the approval of another Safe's transaction, for a Safe that is an owner of that one.

Example:
  levee safe propose batch.json pledge.json
  levee safe propose --approve parent.json approval.json --safe 0x…"
)]
pub(crate) struct ProposeArgs {
    /// Batch of calls.
    #[arg(value_name = "BATCH", required_unless_present = "approve", conflicts_with = "approve")]
    batch: Option<PathBuf>,

    /// File to write.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Approve this transaction of another Safe.
    #[arg(long, value_name = "FILE", requires = "safe")]
    approve: Option<PathBuf>,

    /// The Safe; default: the one that the batch was made for.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    safe: Option<Address>,

    /// Nonce of the transaction; default: the Safe's next that none of the queued has.
    #[arg(long, value_name = "N")]
    nonce: Option<u64>,

    /// Transaction of the Safe that was proposed before and is to be executed first; repeat it for several.
    #[arg(long, value_name = "FILE")]
    queued: Vec<PathBuf>,

    #[command(flatten)]
    network: NetworkArgs,
}

impl ProposeArgs {
    pub(super) async fn run(self, output: Output) -> Result<()> {
        let Source { path, chain, safe, calls } = self.source()?;
        let connection = self.network.connect_to(chain, &path, "a file").await?;
        connection.current_block().await?;
        let calls = match calls {
            Calls::These(calls) => calls,
            Calls::ApprovalOf(proposal) => {
                let parent = show::open(&connection, &proposal).await?;
                parent.check(&proposal).await?;
                vec![parent.approval_of(proposal.hash())]
            }
        };
        let wallet = SafeWallet::open(connection.provider.clone(), chain, safe).await?;
        let nonce = self.free_nonce(chain, safe, wallet.state().nonce)?;
        let proposal = wallet.propose(&calls, nonce).await?;
        wallet.simulate(&proposal.transaction).await?;
        file::create(&self.file, &json::document(&proposal)?)?;
        SafeShown::online(&proposal, &wallet).await?.report(output)
    }

    fn source(&self) -> Result<Source> {
        if let Some(path) = self.batch.clone() {
            let batch = Batch::parse(&file::text(&path)?)?;
            let none =
                || UserError::new(format!("`{}` names no chain", path.display())).hint("export it again");
            let chain = batch.chain().ok_or_else(none)?;
            let safe = self.the_safe(batch.safe(), &path)?;
            let calls = batch.calls()?;
            return Ok(Source { chain, safe, calls: Calls::These(calls), path });
        }
        let path = self.approve.clone().unwrap_or_default();
        let proposal = files::read(&path)?;
        let safe = self.the_safe(None, &path)?;
        Ok(Source { chain: proposal.chain, safe, calls: Calls::ApprovalOf(Box::new(proposal)), path })
    }

    /// The Safe that the option names, or the batch.
    fn the_safe(&self, named: Option<Address>, path: &Path) -> Result<Address, UserError> {
        let path = path.display();
        match (self.safe, named) {
            (Some(safe), Some(named)) if safe != named => Err(UserError::new(format!(
                "`{path}` was made for `{named}`, but `--safe` says `{safe}`"
            ))
            .hint("make the batch for the Safe that sends it: what it pledges is pledged for that address")),
            (Some(safe), _) | (None, Some(safe)) => Ok(safe),
            (None, None) => Err(UserError::new(format!("`{path}` does not say for which Safe it was made"))
                .hint("name it with `--safe ADDRESS`")),
        }
    }

    /// The nonce that is given, or else the first after the Safe's next and after those of what is queued.
    fn free_nonce(&self, chain: u64, safe: Address, next: u64) -> Result<u64, UserError> {
        let mut free = next;
        for path in &self.queued {
            let queued = files::read(path)?;
            let (nonce, path) = (queued.transaction.nonce, path.display());
            if (queued.chain, queued.safe) != (chain, safe) {
                return Err(UserError::new(format!(
                    "`{path}` is of another Safe, `{}` on chain {}",
                    queued.safe, queued.chain
                ))
                .hint("queue only transactions of this Safe"));
            }
            if self.nonce == Some(nonce) {
                return Err(UserError::new(format!(
                    "`{path}` has nonce {nonce}, too, and only one of the two can be executed"
                ))
                .hint("leave `--nonce` out to come after it, or `--queued` to replace it"));
            }
            free = free.max(nonce.saturating_add(1));
        }
        Ok(self.nonce.unwrap_or(free))
    }
}

/// What is to be proposed.
struct Source {
    path: PathBuf,
    chain: u64,
    safe: Address,
    calls: Calls,
}

enum Calls {
    These(Vec<SafeCall>),
    ApprovalOf(Box<SafeProposal>),
}
