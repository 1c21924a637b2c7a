//! Whether a transaction has failed, by the transactions and receipts of its block.

use alloy::{
    consensus::proofs::{calculate_receipt_root, calculate_transaction_root},
    eips::{BlockId, Encodable2718 as _},
    primitives::{B256, keccak256},
    providers::Provider,
    rpc::types::{Header, TransactionReceipt},
};
use alloy_chains::{Chain, NamedChain};

/// Whether a receipt, which tells of a failure, is that of its transaction in the block with this header, by the roots of all of the
/// block's transactions and receipts: the one has the transaction at some place, the other this receipt at the same. A node that tells a failure by mistake, or
/// lies, would have the owner do the same a second time. False also if the node does not answer now, or has no such method.
///
/// Chains whose blocks are known to have another form than Ethereum's prove nothing: of them, the node is believed.
pub(super) async fn is_proven(
    provider: &impl Provider,
    chain: u64,
    receipt: &TransactionReceipt,
    header: &Header,
) -> bool {
    if has_other_blocks(chain) {
        return true;
    }
    let hash = header.inner.hash_slow();
    receipt.block_hash == Some(hash)
        && match place_of(provider, receipt.transaction_hash, hash, header).await {
            Some(place) => is_at(provider, place, receipt, header).await == Some(true),
            None => false,
        }
}

fn has_other_blocks(chain: u64) -> bool {
    let chain = Chain::from_id(chain);
    let is_local = matches!(chain.named(), Some(NamedChain::AnvilHardhat | NamedChain::Dev));
    chain.named().is_some() && !chain.is_ethereum() && !is_local
}

/// Where the block has a transaction. The hashes are computed from what the root commits to: those that a node writes beside it are
/// its word.
async fn place_of(
    provider: &impl Provider,
    transaction: B256,
    block: B256,
    header: &Header,
) -> Option<usize> {
    let found = provider.get_block(BlockId::hash(block)).full().await.ok()??;
    let transactions: Vec<_> =
        found.transactions.into_transactions().map(|transaction| transaction.into_inner()).collect();
    let is_whole = calculate_transaction_root(&transactions) == header.inner.transactions_root;
    let mut hashes = transactions.iter().map(|transaction| keccak256(transaction.encoded_2718()));
    hashes.position(|hash| hash == transaction).filter(|_| is_whole)
}

/// Whether the block has the receipt at this place, in all that the root commits to: its status and its logs.
async fn is_at(
    provider: &impl Provider,
    place: usize,
    receipt: &TransactionReceipt,
    header: &Header,
) -> Option<bool> {
    let receipts = provider.get_block_receipts(BlockId::hash(header.inner.hash_slow())).await.ok()??;
    let committed = |receipt: TransactionReceipt| receipt.into_primitives_receipt().inner;
    let receipts: Vec<_> = receipts.into_iter().map(committed).collect();
    let is_whole = calculate_receipt_root(&receipts) == header.inner.receipts_root;
    Some(is_whole && *receipts.get(place)? == committed(receipt.clone()))
}
