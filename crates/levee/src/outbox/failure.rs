//! Whether a transaction has failed, by the receipts of its block.

use alloy::{
    consensus::proofs::calculate_receipt_root,
    eips::BlockId,
    providers::Provider,
    rpc::types::{Header, TransactionReceipt},
};
use alloy_chains::{Chain, NamedChain};

/// Whether the block with this header has the receipt, by the root of all its receipts. A node that tells a failure by mistake, or
/// lies, would have the owner do the same a second time. False also if the node does not answer now, or has no such method.
///
/// Chains whose blocks are known to have another form than Ethereum's prove nothing: of them, the node is believed.
pub(super) async fn is_proven(
    provider: &impl Provider,
    chain: u64,
    receipt: &TransactionReceipt,
    header: &Header,
) -> bool {
    has_other_blocks(chain) || is_in_block(provider, receipt, header).await == Some(true)
}

fn has_other_blocks(chain: u64) -> bool {
    let chain = Chain::from_id(chain);
    let is_local = matches!(chain.named(), Some(NamedChain::AnvilHardhat | NamedChain::Dev));
    chain.named().is_some() && !chain.is_ethereum() && !is_local
}

async fn is_in_block(
    provider: &impl Provider,
    receipt: &TransactionReceipt,
    header: &Header,
) -> Option<bool> {
    let hash = header.inner.hash_slow();
    let receipts = provider.get_block_receipts(BlockId::hash(hash)).await.ok()??;
    let has_it = receipts.contains(receipt);
    let receipts: Vec<_> =
        receipts.into_iter().map(|receipt| receipt.into_primitives_receipt().inner).collect();
    let is_whole = calculate_receipt_root(&receipts) == header.inner.receipts_root;
    Some(receipt.block_hash == Some(hash) && has_it && is_whole)
}
