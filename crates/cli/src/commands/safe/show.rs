//! `levee safe show`: what a transaction does, its hashes, and who has approved it.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use alloy::{
    primitives::{Address, B256, U256},
    providers::DynProvider,
};
use clap::Args;
use eyre::Result;
use levee::{
    SafeCall, SafeProposal, SafeState, SafeWallet,
    decode::{Decoder, Meaning},
    model::json::{Account, Hash},
    safe::Approval,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::files;
use crate::{
    commands::decode,
    connection::{Connection, NetworkArgs},
    output::Output,
    table,
};

/// Arguments of `levee safe show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Compare the three hashes with those that your hardware wallet shows: a Ledger shows the domain hash and the message hash, others the \
safeTxHash.

Without `--offline`, the node is asked for the Safe's owners, its threshold and its nonce of today, and for what the owners have approved on chain.

Example:
  levee safe show pledge.json --offline")]
pub(crate) struct ShowArgs {
    /// File of the transaction; with several of the same one, the signatures of all count.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Ask no node: show what the file says.
    #[arg(long, conflicts_with_all = ["rpc_url", "quorum", "chain"])]
    offline: bool,

    #[command(flatten)]
    network: NetworkArgs,
}

impl ShowArgs {
    pub(super) async fn run(self, output: Output) -> Result<()> {
        let proposal = files::merged(&self.files)?;
        if self.offline {
            return SafeShown::offline(&proposal).report(output);
        }
        let connection = self.network.connect_to(proposal.chain, &self.files[0], "a transaction").await?;
        let wallet = open(&connection, &proposal).await?;
        SafeShown::online(&proposal, &wallet).await?.report(output)
    }
}

/// The Safe of a transaction.
pub(super) async fn open(
    connection: &Connection,
    proposal: &SafeProposal,
) -> Result<SafeWallet<DynProvider>> {
    Ok(SafeWallet::open(connection.provider.clone(), connection.chain, proposal.safe).await?)
}

/// The result of `levee safe show`, and of `propose` and `sign`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SafeShown<'a> {
    /// The transaction, as it is written in the file.
    proposal: &'a SafeProposal,
    #[serde(with = "Hash")]
    domain_hash: B256,
    #[serde(with = "Hash")]
    message_hash: B256,
    /// The calls that the Safe makes; null if it runs foreign code as its own.
    calls: Option<Vec<SafeCall>>,
    /// What it does, in words.
    meanings: Vec<Meaning>,
    /// The owners who have approved it.
    approvals: Vec<Approved>,
    /// How many more must.
    missing: u64,
    /// What the Safe says of itself now; null if no node was asked.
    state: Option<SafeState>,
    /// What speaks against it.
    warnings: Vec<String>,
}

/// An owner who has approved.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Approved {
    #[serde(with = "Account")]
    owner: Address,
    how: How,
}

/// How an owner has approved.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum How {
    Signature,
    Message,
    Contract,
    OnChain,
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "signed",
            Self::Message => "signed as a message (eth_sign)",
            Self::Contract => "signed for the contract (EIP-1271)",
            Self::OnChain => "approved on chain",
        })
    }
}

impl From<&Approval> for How {
    fn from(approval: &Approval) -> Self {
        match approval {
            Approval::Key(_) => Self::Signature,
            Approval::Message(_) => Self::Message,
            Approval::Contract(_) => Self::Contract,
            Approval::OnChain => Self::OnChain,
        }
    }
}

impl<'a> SafeShown<'a> {
    /// By the file alone.
    pub(super) fn offline(proposal: &'a SafeProposal) -> Self {
        let mut signed = proposal.signatures().clone();
        signed.retain(|owner, _| proposal.owners.contains(owner));
        Self::of(proposal, &signed, proposal.threshold, None)
    }

    /// By what the Safe says now.
    pub(super) async fn online(proposal: &'a SafeProposal, wallet: &SafeWallet<DynProvider>) -> Result<Self> {
        let state = wallet.state();
        let approved = wallet.approved(proposal.hash()).await?;
        let approvals = wallet.approvals(proposal, &approved, None);
        let mut shown = Self::of(proposal, &approvals, state.threshold, Some(state.clone()));
        shown.warnings.extend(of_state(proposal, state));
        shown.warnings.extend(wallet.check(proposal).await.err().map(|error| error.to_string()));
        if shown.warnings.is_empty()
            && let Err(error) = wallet.simulate(&proposal.transaction).await
        {
            shown.warnings.push(format!("it would fail now: {error}"));
        }
        Ok(shown)
    }

    fn of(
        proposal: &'a SafeProposal,
        approvals: &BTreeMap<Address, Approval>,
        threshold: u64,
        state: Option<SafeState>,
    ) -> Self {
        let approvals: Vec<_> = approvals
            .iter()
            .map(|(owner, approval)| Approved { owner: *owner, how: approval.into() })
            .collect();
        // No Safe has as many owners.
        let missing = threshold.saturating_sub(approvals.len() as u64);
        Self {
            proposal,
            domain_hash: proposal.domain_hash(),
            message_hash: proposal.transaction.message_hash(),
            calls: proposal.transaction.calls().ok(),
            meanings: Decoder::on(proposal.chain).read_safe(proposal),
            approvals,
            missing,
            state,
            warnings: of_transaction(proposal),
        }
    }

    /// Writes it as the result.
    pub(super) fn report(&self, output: Output) -> Result<()> {
        output.warn(&self.warnings);
        output.result(&self.text(), self)
    }

    /// Shows it before something is done with it.
    pub(super) fn note(&self, output: Output) {
        output.warn(&self.warnings);
        output.note(&self.text());
    }

    /// It as text, without the warnings.
    fn text(&self) -> String {
        let SafeProposal { safe, version, chain, transaction, .. } = self.proposal;
        let mut facts = vec![("Safe", format!("{safe}, version {version}, on chain {chain}"))];
        facts.push(("nonce", self.nonce(transaction.nonce)));
        facts.extend(transaction.gas_fields());
        facts.push(("domain hash", self.domain_hash.to_string()));
        facts.push(("message hash", self.message_hash.to_string()));
        facts.push(("safeTxHash", self.proposal.hash().to_string()));
        facts.extend(
            self.approvals.iter().map(|Approved { owner, how }| ("approval", format!("{owner}: {how}"))),
        );
        facts.push(("missing", self.missing()));
        let mut text = format!("{}\n", table::facts(&facts));
        decode::text::lines(&self.meanings, 0, &mut text);
        text
    }

    fn nonce(&self, nonce: u64) -> String {
        match self.state.as_ref().map(|state| state.nonce) {
            None => nonce.to_string(),
            Some(next) if next == nonce => format!("{nonce}, the Safe's next"),
            Some(next) => format!("{nonce}; the Safe's next is {next}"),
        }
    }

    fn missing(&self) -> String {
        match self.missing {
            0 => "none: it can be executed".into(),
            1 => "1 approval".into(),
            more => format!("{more} approvals"),
        }
    }
}

/// What speaks against a transaction, whatever the chain says.
pub(crate) fn of_transaction(proposal: &SafeProposal) -> Vec<String> {
    let transaction = &proposal.transaction;
    let mut warnings: Vec<_> = transaction.calls().err().iter().map(ToString::to_string).collect();
    if transaction.gas_price != U256::ZERO {
        warnings.push(format!(
            "the Safe repays the gas, at a price of {} for each, in the token `{}` to `{}`",
            transaction.gas_price, transaction.gas_token, transaction.refund_receiver
        ));
    }
    if proposal.fails_for_good() && proposal.version.is_since_1_3() {
        warnings.push(
            "if its call fails, its nonce is used up all the same: safeTxGas or gasPrice is not 0".into(),
        );
    }
    warnings
}

/// What speaks against relying on the owners' approvals, and what has changed since the transaction was proposed.
fn of_state(proposal: &SafeProposal, state: &SafeState) -> Vec<String> {
    let mut warnings = Vec::new();
    if !state.modules.is_empty() {
        let modules: Vec<_> = state.modules.iter().map(Address::to_string).collect();
        warnings.push(format!(
            "modules can send what the Safe has without its owners: {}; they can pay, too, with `--as MODULE`",
            modules.join(", ")
        ));
    }
    if let Some(guard) = state.guard {
        warnings.push(format!("the guard `{guard}` can refuse what the owners have approved"));
    }
    if state.threshold != proposal.threshold {
        warnings.push(format!(
            "{} owners must approve, not {} as when it was proposed",
            state.threshold, proposal.threshold
        ));
    }
    let no_owners = proposal.signatures().keys().filter(|signer| !state.owners.contains(signer));
    warnings.extend(no_owners.map(|signer| format!("`{signer}` has signed, but is not an owner")));
    warnings
}
