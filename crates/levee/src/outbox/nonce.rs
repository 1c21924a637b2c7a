//! The account's transaction with a nonce, by its own signature: a node cannot make one up.

use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    eips::{
        BlockId,
        eip2718::{Decodable2718, Encodable2718},
    },
    primitives::{Address, U64},
    providers::Provider,
    rpc::types::{Transaction, TransactionRequest},
};

use serde_json::Value;

use super::{Outbox, journal::Journal};
use crate::signer;

impl<P: Provider + Clone, J: Journal> Outbox<P, J> {
    /// The transaction that the account has signed with a nonce, in a block or waiting for one; none if the node does not show one,
    /// which proves nothing.
    pub(super) async fn at_nonce(&self, nonce: u64) -> Option<TxEnvelope> {
        let is_own = |found: &TxEnvelope| found.nonce() == nonce && is_by(found, self.account);
        // Not every node has the method.
        let direct = self.provider.get_transaction_by_sender_nonce(self.account, nonce).await;
        if let Some(found) = direct.ok().flatten().as_ref().and_then(envelope).filter(is_own) {
            return Some(found);
        }
        self.in_block(self.block_of(nonce).await?).await?.into_iter().find(is_own)
    }

    /// The transactions of a block, but for those of types that only its chain has, such as the deposits of rollups.
    async fn in_block(&self, number: u64) -> Option<Vec<TxEnvelope>> {
        let parameters = (U64::from(number), true);
        let block: Value = self.provider.raw_request("eth_getBlockByNumber".into(), parameters).await.ok()?;
        let transactions = block["transactions"].as_array()?.iter();
        Some(transactions.filter_map(|one| envelope(&serde_json::from_value(one.clone()).ok()?)).collect())
    }

    /// The block in which the account used a nonce; none if it has not, or if the node does not have the state of that time.
    async fn block_of(&self, nonce: u64) -> Option<u64> {
        let is_used = async |block: u64| Some(self.count(BlockId::number(block)).await.ok()? > nonce);
        let mut used = self.provider.get_block_number().await.ok()?;
        if !is_used(used).await? {
            return None;
        }
        // Backwards in steps that double, because most nodes have the state of recent blocks only; then by halves.
        let mut step = 1;
        let mut free = loop {
            if used == 0 {
                return None;
            }
            let earlier = used.saturating_sub(step);
            if !is_used(earlier).await? {
                break earlier;
            }
            (used, step) = (earlier, step.saturating_mul(2));
        };
        while free.saturating_add(1) < used {
            let middle = free.midpoint(used);
            if is_used(middle).await? { used = middle } else { free = middle }
        }
        Some(used)
    }
}

/// The transaction itself, as far as it is what was signed: what the node says beside it does not count.
pub(super) fn envelope(found: &Transaction) -> Option<TxEnvelope> {
    let signed = TxEnvelope::decode_2718_exact(&found.inner.inner().encoded_2718()).ok()?;
    (signed.tx_hash() == found.inner.tx_hash()).then_some(signed)
}

/// What a transaction has other than the request: never its nonce or its fees.
pub(super) fn difference(request: &TransactionRequest, found: &TxEnvelope) -> Option<&'static str> {
    let asked_value = request.value.unwrap_or_default();
    let asked_data = request.input.input().cloned().unwrap_or_default();
    let checks = [
        ("sender", is_by(found, request.from.unwrap_or_default())),
        ("chain", found.chain_id() == request.chain_id),
        ("recipient", Some(found.kind()) == request.to),
        ("value", found.value() == asked_value),
        ("data", *found.input() == asked_data),
        // Other lists only say what is read or what it costs; this one gives the account's own code.
        ("delegation", found.authorization_list().is_none_or(<[_]>::is_empty)),
    ];
    checks.into_iter().find(|(_, is_same)| !is_same).map(|(what, _)| what)
}

fn is_by(transaction: &TxEnvelope, account: Address) -> bool {
    signer::require_own(account, transaction.signature(), transaction.signature_hash()).is_ok()
}
