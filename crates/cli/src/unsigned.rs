//! Transactions for a signer that is offline.

use alloy::{
    consensus::SignableTransaction,
    primitives::{Address, B256, Bytes},
};
use eyre::Result;
use levee::outbox::Fees;
use levee_model::json::{Account, Hash};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    error::UserError,
    plan::{Needed, PlannedStep},
    signing::Signer,
};

/// The transactions of a plan, unsigned.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Unsigned {
    /// Who is to sign.
    #[serde(with = "Account")]
    account: Address,
    chain: u64,
    /// In the order of their nonces.
    transactions: Vec<UnsignedTransaction>,
}

/// A transaction with everything but its signature.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct UnsignedTransaction {
    #[serde(flatten)]
    step: PlannedStep,
    nonce: u64,
    #[serde(flatten)]
    fees: Fees,
    /// What is signed, in its encoding for the network: its type and the list of its fields, or for a legacy transaction the list with the
    /// chain (EIP-155).
    #[schemars(with = "String")]
    unsigned: Bytes,
    /// The hash of it, which a signer may show.
    #[serde(with = "Hash")]
    signing_hash: B256,
}

impl Unsigned {
    /// How many, in words.
    pub(crate) fn count(&self) -> String {
        match self.transactions.len() {
            1 => "1 transaction".into(),
            count => format!("{count} transactions"),
        }
    }
}

/// The transactions of a plan, each with its nonce.
pub(crate) async fn transactions(signer: &Signer, needed: &[Needed<'_>]) -> Result<Unsigned> {
    let mut nonce = signer.outbox.next_nonce().await?;
    let mut transactions = Vec::new();
    for step in needed {
        let prepared = step.shown().ok_or_else(|| {
            UserError::new(
                "the gas of the later transactions is not known, because the node cannot simulate several",
            )
            .hint("use a node that offers eth_simulateV1, or `--gas-limit` and one transaction at a time")
        })?;
        let typed = signer.outbox.unsigned(prepared, nonce)?;
        transactions.push(UnsignedTransaction {
            step: step.step.planned(),
            nonce,
            fees: *prepared.fees(),
            unsigned: typed.encoded_for_signing().into(),
            signing_hash: typed.signature_hash(),
        });
        nonce = nonce.saturating_add(1);
    }
    Ok(Unsigned { account: signer.from, chain: signer.outbox.chain(), transactions })
}
